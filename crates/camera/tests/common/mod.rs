//! Collects the items of an Event and holds them to the order that is promised.

#![allow(dead_code, reason = "each test binary uses a part of this")]

pub mod testcam;

use std::collections::BTreeMap;

use bytes::Bytes;
use keepsight_camera::{CameraItem, Card, Cause, Ended, Watch};
use keepsight_ids::{SegmentKind, UnixMillis};
use keepsight_world::World;

/// An Event with all its parts.
#[derive(Debug)]
pub struct Whole {
    pub captured: UnixMillis,
    pub cause: Cause,
    pub ended: Ended,
    /// The real time of day when its beginning was told.
    pub told_ms: i64,
    parts: BTreeMap<(SegmentKind, u32), Bytes>,
}

impl Whole {
    pub fn count(&self, kind: SegmentKind) -> u32 {
        self.parts.keys().filter(|(of, _)| *of == kind).count() as u32
    }

    pub fn part(&self, kind: SegmentKind, number: u32) -> &Bytes {
        self.parts.get(&(kind, number)).unwrap_or_else(|| panic!("no {kind} {number}"))
    }

    pub fn card(&self) -> Card {
        serde_json::from_slice(self.part(SegmentKind::Card, 0)).expect("a card is JSON of its form")
    }

    /// Writes the pictures to the folder in `KEEPSIGHT_PICTURES`, if there is one: for a person's eyes.
    pub fn show(&self, name: &str) {
        let Some(folder) = std::env::var_os("KEEPSIGHT_PICTURES").map(std::path::PathBuf::from) else {
            return;
        };
        for kind in [SegmentKind::Thumbnail, SegmentKind::Preview] {
            std::fs::write(folder.join(format!("{name}-{kind}.jpg")), self.part(kind, 0))
                .expect("the folder is there");
        }
        std::fs::write(folder.join(format!("{name}.mp4")), self.file(0, SegmentKind::Video))
            .expect("the folder is there");
    }

    /// Init and segments of a track, as a file.
    pub fn file(&self, init: u32, kind: SegmentKind) -> Vec<u8> {
        let segments = (0..self.count(kind)).map(|number| self.part(kind, number));
        std::iter::once(self.part(SegmentKind::Init, init))
            .chain(segments)
            .flat_map(|part| part.to_vec())
            .collect()
    }
}

/// Waits for the next Event and takes it whole; states in between are skipped.
pub async fn next_event(items: &mut Watch) -> Whole {
    let (captured, cause) = loop {
        match items.next().await.expect("items go on") {
            CameraItem::EventStart { captured, cause } => break (captured, cause),
            CameraItem::Part { .. } | CameraItem::EventEnd { .. } => panic!("a part outside of an Event"),
            _ => {}
        }
    };
    let told_ms = World::real().unix_millis();
    let mut parts = BTreeMap::new();
    loop {
        match items.next().await.expect("items go on") {
            CameraItem::Part { kind, number, bytes } => {
                let next = parts.keys().filter(|(of, _)| *of == kind).count() as u32;
                assert_eq!(number.0, next, "{kind} is numbered without holes, and comes once");
                assert!(!bytes.is_empty());
                parts.insert((kind, number.0), bytes);
            }
            CameraItem::EventEnd { ended } => return Whole { captured, cause, ended, told_ms, parts },
            other => panic!("within an Event: {other:?}"),
        }
    }
}

/// Width and height as a baseline JPEG's frame header says.
pub fn jpeg_size(jpeg: &[u8]) -> Option<(u32, u32)> {
    let at = jpeg.windows(2).position(|marker| marker[0] == 0xff && (0xc0..=0xc2).contains(&marker[1]))?;
    let two = |from: usize| Some(u32::from(*jpeg.get(from)?) << 8 | u32::from(*jpeg.get(from + 1)?));
    Some((two(at + 7)?, two(at + 5)?))
}
