//! The JSON inside sealed segments: the card, which describes an Event, and the trailer, which counts its parts.
//!
//! Both come from inside an opened segment, so an agent of the home wrote them; they are still read strictly.

use keepsight_ids::SegmentKind;
use serde::{Deserialize, Serialize};

use crate::SealError;
use crate::json::{self, V1};

const LIMIT: usize = 64 * 1024;

/// What an Event shows, in words and numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The format.
    pub v: V1,
    /// Why it was recorded.
    pub label: Label,
    /// How long it is, in milliseconds.
    pub duration_ms: u32,
    /// How much of it came before what was notable, in milliseconds.
    pub pre_roll_ms: u32,
    /// How many pictures the preview strip has.
    pub preview_frames: u8,
    /// Where something moved.
    pub motion: Option<Area>,
    /// When something moved: from and until, in milliseconds from the Event's start.
    pub activity: Vec<(u32, u32)>,
    /// Its video.
    pub video: Video,
    /// Its sound, if it has any.
    pub audio: Option<Audio>,
}

/// Why an Event was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Something moved.
    Motion,
    /// Somebody asked for it.
    Manual,
}

/// A part of the picture, in fractions of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Its width.
    pub w: f64,
    /// Its height.
    pub h: f64,
}

/// An Event's video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Video {
    /// As `video/mp4; codecs=` wants it.
    pub codec: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// How long each segment is, in milliseconds.
    pub segments_ms: Vec<u32>,
}

/// An Event's sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audio {
    /// As `audio/mp4; codecs=` wants it.
    pub codec: String,
    /// Samples a second.
    pub rate: u32,
}

impl Card {
    /// The bytes to seal.
    pub fn to_bytes(&self) -> Vec<u8> {
        json::write(self)
    }

    /// Reads a card.
    ///
    /// # Errors
    /// [`SealError::TooLarge`], [`SealError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        json::parse("Event card", LIMIT, bytes)
    }
}

/// How many segments of each kind an Event has. One without a trailer was cut short; one with fewer parts is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// The format.
    pub v: V1,
    /// The numbers.
    pub counts: Counts,
}

/// How many segments of each kind there are, the trailer itself not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Init segments.
    pub init: u32,
    /// Video segments.
    pub video: u32,
    /// Audio segments.
    pub audio: u32,
    /// Thumbnails.
    pub thumbnail: u32,
    /// Preview strips.
    pub preview: u32,
    /// Cards.
    pub card: u32,
}

impl Counts {
    /// How many of this kind; a trailer counts as none.
    pub const fn of(&self, kind: SegmentKind) -> u32 {
        match kind {
            SegmentKind::Init => self.init,
            SegmentKind::Video => self.video,
            SegmentKind::Audio => self.audio,
            SegmentKind::Thumbnail => self.thumbnail,
            SegmentKind::Preview => self.preview,
            SegmentKind::Card => self.card,
            SegmentKind::Trailer => 0,
        }
    }

    /// One more of this kind.
    pub const fn add(&mut self, kind: SegmentKind) {
        let count = match kind {
            SegmentKind::Init => &mut self.init,
            SegmentKind::Video => &mut self.video,
            SegmentKind::Audio => &mut self.audio,
            SegmentKind::Thumbnail => &mut self.thumbnail,
            SegmentKind::Preview => &mut self.preview,
            SegmentKind::Card => &mut self.card,
            SegmentKind::Trailer => return,
        };
        *count = count.saturating_add(1);
    }
}

impl Trailer {
    /// A trailer of these counts.
    pub const fn new(counts: Counts) -> Self {
        Self { v: V1, counts }
    }

    /// The bytes to seal.
    pub fn to_bytes(&self) -> Vec<u8> {
        json::write(self)
    }

    /// Reads a trailer.
    ///
    /// # Errors
    /// [`SealError::TooLarge`], [`SealError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        json::parse("Event trailer", LIMIT, bytes)
    }

    /// The kinds of which fewer are there than the trailer counts: the Event is damaged if there are any.
    pub fn missing(&self, there: &Counts) -> Vec<SegmentKind> {
        SegmentKind::ALL.into_iter().filter(|kind| there.of(*kind) < self.counts.of(*kind)).collect()
    }
}
