//! What watching a camera yields: its state, and Events part by part.

use bytes::Bytes;
use keepsight_ids::{SegmentKind, SegmentNo, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{CameraError, CameraIdentity};

/// One thing that happened at a camera.
///
/// Order: `EventStart`, any number of `Part`, `EventEnd`; Events never overlap. State items may stand between the parts of an
/// Event's life but an Event is always ended before `NotReached` or `Changed`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CameraItem {
    /// The camera answers and pictures arrive; sent once per connection.
    Reached {
        /// Who answered. To be kept and handed back as [`crate::WatchSettings::expected`].
        identity: CameraIdentity,
        /// The recorded video.
        video: VideoInfo,
        /// The recorded sound, if there is any that can be recorded.
        audio: Option<AudioInfo>,
    },
    /// The camera is not reached; sent once until it is reached again, or again when the reason changes.
    NotReached {
        /// Since when: the time of the last picture, or of the start of watching.
        since: UnixMillis,
        /// In words for the owner, without credentials.
        reason: CameraError,
    },
    /// Another camera answers at this address. Nothing is recorded until [`crate::Handle::accept`] is called with `found`.
    Changed {
        /// The identity that was expected.
        expected: CameraIdentity,
        /// The identity that answered.
        found: CameraIdentity,
    },
    /// An Event begins.
    EventStart {
        /// When its first picture was taken.
        captured: UnixMillis,
        /// Why it is recorded.
        cause: Cause,
    },
    /// A finished part of the Event that began last. A (kind, number) comes once.
    Part {
        /// What it is.
        kind: SegmentKind,
        /// Its number among those of its kind, without holes.
        number: SegmentNo,
        /// The unsealed bytes, in the form of docs/formats/sealed-media.md.
        bytes: Bytes,
    },
    /// The Event is complete; its trailer can be made from the parts seen.
    EventEnd {
        /// Why no more was recorded.
        ended: Ended,
    },
}

/// Why an Event is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Something moved.
    Motion,
    /// Somebody asked for it.
    Manual,
}

/// Why an Event ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// Nothing moved any more.
    Quiet,
    /// It had its full length; if something still moves, the next Event follows on without a hole.
    Full,
    /// The camera changed its video format; what follows needs another init segment.
    Format,
    /// The camera was lost.
    Lost,
    /// Watching was stopped.
    Stopped,
}

/// The recorded video of a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoInfo {
    /// RFC 6381, in lower case: `avc1.64001f`.
    pub codec: String,
    /// Pixels shown.
    pub width: u32,
    /// Pixels shown.
    pub height: u32,
}

/// The recorded sound of a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioInfo {
    /// RFC 6381: `mp4a.40.2`.
    pub codec: String,
    /// Samples per second.
    pub rate: u32,
    /// 1 is mono.
    pub channels: u16,
}
