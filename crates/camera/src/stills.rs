//! Chooses the pictures that stand for an Event: one thumbnail, and a strip that tells the story. No IO, no clock.
//!
//! Small pictures are kept all the time, so that the strip can begin before the activity did.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::MotionBox;
use crate::decode::{Look, Wish};
use crate::picture::Picture;

/// How long after the activity began a better picture is waited for.
const CHOOSE_MS: i64 = 2_500;
/// Frames in a strip.
const STRIP_FRAMES: usize = 10;
/// Small pictures kept; every other one is dropped when there are more.
const SMALL_MAX: usize = 320;
const THUMBNAIL_QUALITY: u8 = 80;
const STRIP_QUALITY: u8 = 72;

/// The state machine.
#[derive(Debug)]
pub(crate) struct Stills {
    keep_ms: i64,
    small: VecDeque<(i64, Picture)>,
    choice: Choice,
}

#[derive(Debug)]
enum Choice {
    /// No Event is recorded.
    Idle,
    /// An Event is, and a picture is looked for.
    Open { until_ms: i64, best: Option<Best> },
    /// The thumbnail has left.
    Made,
}

#[derive(Debug)]
struct Best {
    cells: u32,
    picture: Picture,
    area: Option<MotionBox>,
}

/// A chosen picture.
#[derive(Debug)]
pub(crate) struct Thumbnail {
    pub jpeg: Bytes,
    pub area: Option<MotionBox>,
}

impl Stills {
    /// `keep_ms` is how much is kept before an Event begins.
    pub(crate) fn new(keep_ms: i64) -> Self {
        Self { keep_ms, small: VecDeque::new(), choice: Choice::Idle }
    }

    /// What is wanted of the next picture.
    pub(crate) fn wish(&self) -> Wish {
        match &self.choice {
            Choice::Idle => Wish::Watch,
            Choice::Open { best, .. } => Wish::Better(best.as_ref().map_or(0, |best| best.cells + 1)),
            Choice::Made => Wish::Follow,
        }
    }

    /// An Event began; the activity did at this time.
    pub(crate) fn begin(&mut self, active_ms: i64) {
        self.choice = Choice::Open { until_ms: active_ms + CHOOSE_MS, best: None };
    }

    /// A picture was looked at. The thumbnail comes back once it is chosen.
    pub(crate) fn look(&mut self, look: Look) -> Option<Thumbnail> {
        if let Some(small) = look.small {
            self.keep(look.at_ms, small);
        }
        let Choice::Open { until_ms, best } = &mut self.choice else { return None };
        if let Some(picture) = look.large {
            *best = Some(Best { cells: look.seen.cells, picture, area: look.seen.area });
        }
        let chosen = look.at_ms >= *until_ms && best.is_some();
        if chosen { self.choose() } else { None }
    }

    /// The Event is over: the thumbnail if it has not left yet.
    pub(crate) fn end(&mut self) -> Option<Thumbnail> {
        let last = self.choose();
        self.choice = Choice::Idle;
        last
    }

    /// The strip of an Event, and how many frames it has.
    pub(crate) fn strip(&self, from_ms: i64, to_ms: i64) -> Option<(Bytes, u8)> {
        let frames: Vec<&Picture> = (0..STRIP_FRAMES)
            .filter_map(|n| {
                let wanted = from_ms + (to_ms - from_ms) * (2 * n as i64 + 1) / (2 * STRIP_FRAMES as i64);
                self.nearest(wanted)
            })
            .collect();
        let jpeg = Picture::side_by_side(&frames)?.jpeg(STRIP_QUALITY).ok()?;
        Some((jpeg.into(), frames.len() as u8))
    }

    fn nearest(&self, wanted_ms: i64) -> Option<&Picture> {
        self.small.iter().min_by_key(|(at_ms, _)| at_ms.abs_diff(wanted_ms)).map(|(_, picture)| picture)
    }

    fn choose(&mut self) -> Option<Thumbnail> {
        let Choice::Open { best, .. } = std::mem::replace(&mut self.choice, Choice::Made) else {
            return None;
        };
        let best = best?;
        let jpeg = best.picture.jpeg(THUMBNAIL_QUALITY).ok()?.into();
        Some(Thumbnail { jpeg, area: best.area })
    }

    fn keep(&mut self, at_ms: i64, small: Picture) {
        self.small.push_back((at_ms, small));
        if matches!(self.choice, Choice::Idle) {
            while self.small.front().is_some_and(|(kept_ms, _)| at_ms - kept_ms > self.keep_ms) {
                self.small.pop_front();
            }
        }
        if self.small.len() > SMALL_MAX {
            let mut n = 0;
            self.small.retain(|_| {
                n += 1;
                n % 2 == 0
            });
        }
    }
}
