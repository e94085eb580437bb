//! What is at an address: streams, codecs, sizes, who it is, and a picture to recognise it by.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use keepsight_world::World;

use crate::decode;
use crate::media::{Arrival, VIDEO_TICKS, VideoFormat};
use crate::rtsp::{Offered, Opening, RtspFeed};
use crate::{CameraError, CameraIdentity, Login, RtspUrl};

/// How long pictures are watched to measure their rate, and a key frame is waited for.
const WATCH_FOR: Duration = Duration::from_secs(2);
const KEY_FRAME_MAX: Duration = Duration::from_secs(12);

/// What answers at an address.
#[derive(Debug, Clone)]
pub struct Found {
    /// Who answers.
    pub identity: CameraIdentity,
    /// Every stream that is offered.
    pub streams: Vec<FoundStream>,
    /// What it sees, as a JPEG 640 pixels wide; none if no key frame came in time or it could not be decoded.
    pub snapshot: Option<Bytes>,
}

/// One stream that is offered.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundStream {
    /// `video`, `audio` or what else the camera names.
    pub media: String,
    /// The encoding in upper case, `H264`.
    pub codec: String,
    /// Width and height in pixels, of the recorded video.
    pub size: Option<(u32, u32)>,
    /// Pictures per second as measured, of the recorded video; as described, of others.
    pub fps: Option<f32>,
    /// Samples per second and channels, of sound.
    pub sound: Option<(u32, u16)>,
    /// Whether it is one that is recorded.
    pub recorded: bool,
}

/// Connects to an address, looks for a few seconds and says what is there.
///
/// # Errors
/// Any [`CameraError`]; none of them holds the login.
pub async fn probe(url: &RtspUrl, login: Option<&Login>, world: &World) -> Result<Found, CameraError> {
    let origin = world.now();
    let (mut feed, offered) = RtspFeed::open(&Opening { url, login, audio: true, origin }).await?;
    let format = feed.video_format().ok_or(CameraError::NoVideo)?;
    let (fps, snapshot) = observe(&mut feed, world).await;
    let has_audio = feed.audio_format.is_some();
    let describe = |stream: &Offered| found(stream, &format, fps, has_audio);
    Ok(Found {
        identity: feed.identity.clone(),
        streams: offered.iter().map(describe).collect(),
        snapshot: snapshot.map(Bytes::from),
    })
}

fn found(stream: &Offered, format: &VideoFormat, fps: Option<f32>, has_audio: bool) -> FoundStream {
    let video = stream.media == "video" && stream.encoding == "h264";
    let sound = stream.media == "audio";
    FoundStream {
        media: stream.media.clone(),
        codec: stream.encoding.to_uppercase(),
        size: video.then_some((format.info.width, format.info.height)),
        fps: if video { fps.or(stream.fps) } else { stream.fps },
        sound: sound.then(|| (stream.rate, stream.channels.unwrap_or(1))),
        recorded: video || (sound && has_audio && stream.encoding == "mpeg4-generic"),
    }
}

/// The measured picture rate, and a snapshot once a key frame has come.
async fn observe(feed: &mut RtspFeed, world: &World) -> (Option<f32>, Option<Vec<u8>>) {
    let began = world.now();
    let mut ticks = Vec::new();
    let mut snapshot = None;
    loop {
        let limit = if snapshot.is_none() { KEY_FRAME_MAX } else { WATCH_FOR };
        let Some(left) = limit.checked_sub(began.elapsed()) else { break };
        let arrival = tokio::time::timeout(left, feed.next(world)).await;
        let Ok(Ok(arrival)) = arrival else { break };
        let Arrival::Video(frame) = arrival else { continue };
        ticks.push(frame.ticks);
        if frame.key && snapshot.is_none() {
            let Some(format) = feed.video_format() else { continue };
            snapshot =
                tokio::task::spawn_blocking(move || decode::snapshot(&format, &frame)).await.ok().flatten();
        }
    }
    (rate(&ticks), snapshot)
}

fn rate(ticks: &[i64]) -> Option<f32> {
    let span = ticks.iter().max()?.checked_sub(*ticks.iter().min()?)?;
    let intervals = ticks.len() as f32 - 1.0;
    (span > 0).then(|| (intervals * VIDEO_TICKS as f32 / span as f32 * 10.0).round() / 10.0)
}

/// The address of the network card at a host, if it is on this network and the kernel has just talked to it.
pub(crate) async fn network_card(host: &str) -> Option<String> {
    let mut addresses = tokio::net::lookup_host((host.trim_matches(['[', ']']), 0)).await.ok()?;
    let ip = addresses.find_map(|address| match address.ip() {
        IpAddr::V4(ip) => Some(ip.to_string()),
        IpAddr::V6(_) => None,
    })?;
    let table = tokio::fs::read_to_string("/proc/net/arp").await.ok()?;
    card_in(&table, &ip)
}

/// The fourth column of the kernel's table, in the row of this address.
fn card_in(table: &str, ip: &str) -> Option<String> {
    let mut rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.first() == Some(&ip))?;
    let mac = row.get(3)?.to_ascii_lowercase();
    let whole = mac.len() == 17 && mac != "00:00:00:00:00:00";
    whole.then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_card_is_read_from_the_kernels_table() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     192.0.2.7        0x1         0x2         00:1A:2b:3c:4d:5e     *        eth0\n\
                     192.0.2.8        0x1         0x0         00:00:00:00:00:00     *        eth0\n";
        assert_eq!(card_in(table, "192.0.2.7").as_deref(), Some("00:1a:2b:3c:4d:5e"));
        assert_eq!(card_in(table, "192.0.2.8"), None);
        assert_eq!(card_in(table, "192.0.2.9"), None);
        assert_eq!(card_in("", "192.0.2.9"), None);
    }

    #[test]
    fn the_rate_is_measured_in_any_order_of_frames() {
        assert_eq!(rate(&[0, 18_000, 9_000, 27_000]), Some(10.0));
        assert_eq!(rate(&[5]), None);
        assert_eq!(rate(&[]), None);
    }
}
