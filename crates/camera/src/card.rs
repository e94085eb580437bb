//! The card of an Event: what the timeline wants to know without opening a video (docs/formats/sealed-media.md).

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Cause;

/// The JSON in segment (card, 0).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The version of this form: 1.
    pub v: u8,
    /// Why the Event was recorded.
    pub label: Cause,
    /// From the first to the end of the last picture, in milliseconds.
    pub duration_ms: u64,
    /// How much was recorded before the activity began, in milliseconds.
    pub pre_roll_ms: u64,
    /// How many frames stand side by side in the preview strip; 0 when there is no strip.
    pub preview_frames: u8,
    /// Where it moved in the picture of the thumbnail.
    pub motion: Option<MotionBox>,
    /// When something moved, as [from, to] in milliseconds from the Event's start.
    pub activity: Vec<[u64; 2]>,
    /// The recorded video.
    pub video: CardVideo,
    /// The recorded sound; none if no sound arrived.
    pub audio: Option<CardAudio>,
}

/// A rectangle in fractions of the picture, from its top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MotionBox {
    /// Left edge, 0 to 1.
    pub x: f32,
    /// Top edge, 0 to 1.
    pub y: f32,
    /// Width, 0 to 1.
    pub w: f32,
    /// Height, 0 to 1.
    pub h: f32,
}

/// The video of an Event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardVideo {
    /// RFC 6381.
    pub codec: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The duration of each video segment, in order, in milliseconds.
    pub segments_ms: Vec<u64>,
}

/// The sound of an Event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardAudio {
    /// RFC 6381.
    pub codec: String,
    /// Samples per second.
    pub rate: u32,
}

impl Card {
    /// The bytes of the segment.
    pub fn to_json(&self) -> Bytes {
        serde_json::to_vec(self).expect("a card has only text keys and finite numbers").into()
    }
}
