//! What a sealed segment is: its kind and its number within an Event.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not a segment kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a segment kind: expected init, video, audio, thumbnail, preview, card or trailer")]
pub struct ParseKindError;

/// What a sealed segment holds. The number is part of the sealed format (docs/formats/sealed-media.md) and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum SegmentKind {
    /// CMAF init segment: number 0 describes video, number 1 audio.
    Init = 0,
    /// CMAF video segment, beginning at a key frame.
    Video = 1,
    /// CMAF audio segment.
    Audio = 2,
    /// One JPEG still of the activity.
    Thumbnail = 3,
    /// A strip of 8 to 10 small JPEG frames side by side.
    Preview = 4,
    /// JSON: label, motion box, duration.
    Card = 5,
    /// JSON: how many segments of each kind there are, so that a cut Event is seen.
    Trailer = 6,
}

impl SegmentKind {
    /// Every kind, in the order of its number.
    pub const ALL: [SegmentKind; 7] =
        [Self::Init, Self::Video, Self::Audio, Self::Thumbnail, Self::Preview, Self::Card, Self::Trailer];

    /// The name in paths and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Thumbnail => "thumbnail",
            Self::Preview => "preview",
            Self::Card => "card",
            Self::Trailer => "trailer",
        }
    }

    /// The kind with this number in the sealed format, if there is one.
    pub const fn from_number(number: u8) -> Option<Self> {
        if (number as usize) < Self::ALL.len() { Some(Self::ALL[number as usize]) } else { None }
    }
}

impl fmt::Display for SegmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SegmentKind {
    type Err = ParseKindError;

    fn from_str(text: &str) -> Result<Self, ParseKindError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(ParseKindError)
    }
}

/// A segment's number among those of its kind in one Event, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SegmentNo(pub u32);

impl fmt::Display for SegmentNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_number_and_its_name() {
        for (number, kind) in SegmentKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(SegmentKind::from_number(number as u8), Some(kind));
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(SegmentKind::from_number(7), None);
        assert_eq!("Video".parse::<SegmentKind>(), Err(ParseKindError));
    }
}
