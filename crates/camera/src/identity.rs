//! Which camera answered, as opposed to where it was looked for.
//!
//! After a power cut a router deals addresses anew, and "Hall" may answer with the camera of the garden. An identity tells them
//! apart by the network card (when the camera is on the same network), by the stream description and by the parameter sets.

use std::fmt;

use aws_lc_rs::digest;
use keepsight_ids::B32;
use serde::{Deserialize, Serialize};

/// What distinguishes one camera from another. Kept by the agent beside the camera's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraIdentity {
    /// The network card's address, when it could be learned: lower case, `00:11:22:33:44:55`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// SHA-256 of the lasting lines of the stream description.
    pub description: B32,
    /// SHA-256 of the video parameter sets.
    pub parameter_sets: B32,
}

impl CameraIdentity {
    /// Whether both are the same camera. A known network card decides alone: the same camera with other settings is the same
    /// camera. Without it, description and parameter sets must both be equal.
    pub fn same_camera(&self, other: &Self) -> bool {
        match (&self.mac, &other.mac) {
            (Some(here), Some(there)) => here == there,
            _ => self.description == other.description && self.parameter_sets == other.parameter_sets,
        }
    }

    pub(crate) fn new(mac: Option<String>, sdp: &[u8], sps: &[u8], pps: &[u8]) -> Self {
        let description = sha256(&lasting_lines(sdp));
        let length = (sps.len() as u64).to_be_bytes();
        let parameter_sets = sha256(&[&length[..], sps, pps].concat());
        Self { mac, description, parameter_sets }
    }
}

impl fmt::Display for CameraIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mac {
            Some(mac) => f.write_str(mac),
            None => write!(f, "stream {}", &self.parameter_sets.to_string()[..8]),
        }
    }
}

fn sha256(bytes: &[u8]) -> B32 {
    let hash = digest::digest(&digest::SHA256, bytes);
    B32(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// Media, codec and tool lines last; session numbers, times and addresses change with every connection or lease.
fn lasting_lines(sdp: &[u8]) -> Vec<u8> {
    const LASTING: [&[u8]; 7] =
        [b"m=", b"s=", b"a=rtpmap:", b"a=fmtp:", b"a=tool:", b"a=framesize:", b"a=framerate:"];
    let lines = sdp.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let kept = lines.filter(|line| LASTING.iter().any(|start| line.starts_with(start)));
    kept.flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &[u8] =
        b"v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";

    #[test]
    fn a_new_lease_of_the_same_camera_is_the_same_identity() {
        let moved = String::from_utf8_lossy(SDP).replace("1 1 IN IP4 192.0.2.7", "9 1 IN IP4 192.0.2.99");
        let here = CameraIdentity::new(None, SDP, b"sps", b"pps");
        assert_eq!(here, CameraIdentity::new(None, moved.as_bytes(), b"sps", b"pps"));
    }

    #[test]
    fn another_camera_differs_and_a_known_network_card_decides_alone() {
        let here = CameraIdentity::new(None, SDP, b"sps", b"pps");
        assert!(!here.same_camera(&CameraIdentity::new(None, SDP, b"spsp", b"ps")));
        let card = |last: u8| Some(format!("00:11:22:33:44:{last:02x}"));
        let hall = CameraIdentity::new(card(1), SDP, b"sps", b"pps");
        assert!(hall.same_camera(&CameraIdentity::new(card(1), SDP, b"other", b"settings")));
        assert!(!hall.same_camera(&CameraIdentity::new(card(2), SDP, b"sps", b"pps")));
        assert!(hall.same_camera(&here), "the card could not be learned this time: the stream still matches");
    }

    #[test]
    fn text_form_round_trips_through_json() {
        let hall = CameraIdentity::new(Some("00:11:22:33:44:55".into()), SDP, b"sps", b"pps");
        let json = serde_json::to_string(&hall).unwrap();
        assert_eq!(serde_json::from_str::<CameraIdentity>(&json).unwrap(), hall);
    }
}
