//! What the time without a running agent left out: gaps from the last heartbeat and from Events that were cut.
//!
//! A start that is itself cut short repeats this with the same gap identities, so nothing is told twice.

use keepsight_ids::{CameraId, EventId, GapId, UnixMillis};
use keepsight_wire::agent::GapPut;
use keepsight_wire::people::{CameraState, GapReason};
use serde::{Deserialize, Serialize};

use super::{Spool, SpoolError, record};

/// Shorter interruptions are not worth a line in somebody's timeline.
const SHORTEST_MS: i64 = 1000;

/// What the agent last wrote down about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// When, by the agent's clock.
    pub at: UnixMillis,
    /// Its cameras then.
    pub cameras: Vec<HeartbeatCamera>,
}

/// One camera in a [`Heartbeat`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatCamera {
    /// Which.
    pub camera: CameraId,
    /// How it did.
    pub state: CameraState,
    /// Since when.
    pub since: UnixMillis,
}

#[derive(Debug, PartialEq)]
pub(super) struct Missing {
    camera: CameraId,
    put: GapPut,
}

/// An Event without trailer that the last run left, and until when its footage goes.
pub(super) struct Cut {
    pub(super) event: EventId,
    pub(super) camera: CameraId,
    pub(super) until: UnixMillis,
}

impl Spool {
    /// Call once after opening, before anything is uploaded or recorded: records what was missed since `last`.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn recover(&mut self, last: Option<&Heartbeat>, now: UnixMillis) -> Result<(), SpoolError> {
        let cuts = self.cuts(last);
        for missing in missing(last, &cuts, now) {
            let id = gap_id(missing.camera, &missing.put);
            self.put_gap(id, missing.camera, missing.put)?;
        }
        for cut in cuts {
            let empty = self.backlog.event(cut.event).is_none_or(|waiting| waiting.parts.is_empty());
            if empty { self.forget(cut.event)? } else { self.mark_cut(cut.event)? }
        }
        Ok(())
    }

    fn cuts(&self, last: Option<&Heartbeat>) -> Vec<Cut> {
        let is_cut = |waiting: &&super::Waiting| !waiting.open && !waiting.cut && !waiting.has_trailer();
        let cut = |waiting: &super::Waiting| {
            let known = waiting.captured.plus_ms(waiting.footage_ms.into());
            // Footage that was uploaded at once has left no trace here, but the agent lived at its heartbeat.
            let lived = last.filter(|last| waiting.parts.is_empty() && last.at > known).map(|last| last.at);
            Cut { event: waiting.event, camera: waiting.camera, until: lived.unwrap_or(known) }
        };
        self.backlog.events().filter(is_cut).map(cut).collect()
    }
}

/// For a camera that was recording an Event: one gap from its last footage. For another: what ailed it until the heartbeat, and
/// the agent's absence from there.
pub(super) fn missing(last: Option<&Heartbeat>, cuts: &[Cut], now: UnixMillis) -> Vec<Missing> {
    let mut gaps: Vec<Missing> = Vec::new();
    let mut add = |camera, from: UnixMillis, until: UnixMillis, reason| {
        if until >= from.plus_ms(SHORTEST_MS) {
            gaps.push(Missing { camera, put: GapPut { from, until, reason } });
        }
    };
    for cut in cuts {
        add(cut.camera, cut.until, now, GapReason::AgentStopped);
    }
    let Some(last) = last else { return gaps };
    for seen in &last.cameras {
        match seen.state {
            CameraState::NotReached => add(seen.camera, seen.since, last.at, GapReason::CameraNotReached),
            CameraState::Changed => add(seen.camera, seen.since, last.at, GapReason::CameraChanged),
            CameraState::Recording | CameraState::AgentAway | CameraState::Off | CameraState::Removed => {}
        }
        let is_cut = cuts.iter().any(|cut| cut.camera == seen.camera);
        if seen.state != CameraState::Off && !is_cut {
            add(seen.camera, last.at, now, GapReason::AgentOff);
        }
    }
    gaps
}

/// The same gap has the same identity, however often a start is tried.
fn gap_id(camera: CameraId, put: &GapPut) -> GapId {
    let mut bytes = b"ks/gap/restart".to_vec();
    bytes.extend_from_slice(camera.as_bytes());
    bytes.extend_from_slice(&put.from.0.to_be_bytes());
    bytes.push(put.reason as u8);
    let hash = record::hash(&bytes);
    GapId::from_bytes(*hash.first_chunk().expect("32 bytes have 16"))
}
