//! How a camera is watched: what counts as motion and how much is recorded around it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::CameraIdentity;

/// How one camera is watched. `Default` suits a camera at a door.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchSettings {
    /// Recorded before the activity.
    pub pre_roll: Duration,
    /// Recorded after the last activity.
    pub post_roll: Duration,
    /// The most an Event lasts (give or take a key frame interval); then the next follows on.
    pub event_max: Duration,
    /// Without a picture for this long the camera counts as not reached.
    pub stall_after: Duration,
    /// How little motion is enough.
    pub sensitivity: Sensitivity,
    /// Parts of the picture in which motion is not looked for.
    pub masks: Vec<Mask>,
    /// Whether motion starts Events. Without it only [`crate::Handle::trigger`] does.
    pub motion: bool,
    /// Whether sound is recorded.
    pub audio: bool,
    /// The camera that should answer; none accepts whichever answers first.
    pub expected: Option<CameraIdentity>,
    /// The most bytes of video kept in memory for the pre-roll and the key frame interval in progress.
    pub buffer_bytes_max: usize,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            pre_roll: Duration::from_secs(5),
            post_roll: Duration::from_secs(8),
            event_max: Duration::from_secs(60),
            stall_after: Duration::from_secs(10),
            sensitivity: Sensitivity::default(),
            masks: Vec::new(),
            motion: true,
            audio: true,
            expected: None,
            buffer_bytes_max: 48 << 20,
        }
    }
}

/// How little motion is enough, from 1 (something large and clear) to 10 (anything).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Sensitivity(u8);

impl Sensitivity {
    /// The sensitivity of this level, if it is one from 1 to 10.
    pub const fn new(level: u8) -> Option<Self> {
        if level >= 1 && level <= 10 { Some(Self(level)) } else { None }
    }

    /// From 1 to 10.
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl Default for Sensitivity {
    fn default() -> Self {
        Self(5)
    }
}

impl TryFrom<u8> for Sensitivity {
    type Error = &'static str;

    fn try_from(level: u8) -> Result<Self, Self::Error> {
        Self::new(level).ok_or("a sensitivity is a number from 1 to 10")
    }
}

impl From<Sensitivity> for u8 {
    fn from(sensitivity: Sensitivity) -> u8 {
        sensitivity.0
    }
}

/// A part of the picture in which motion is not looked for. All numbers are fractions of the picture, from its top left corner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Mask {
    /// A rectangle.
    Rectangle {
        /// Left edge.
        x: f32,
        /// Top edge.
        y: f32,
        /// Width.
        w: f32,
        /// Height.
        h: f32,
    },
    /// A polygon by its corners (x, y); with fewer than three it covers nothing.
    Polygon(Vec<(f32, f32)>),
}

impl Mask {
    /// Whether the point (in fractions of the picture) is covered.
    pub fn covers(&self, px: f32, py: f32) -> bool {
        match self {
            Self::Rectangle { x, y, w, h } => px >= *x && px < x + w && py >= *y && py < y + h,
            Self::Polygon(corners) => inside(corners, px, py),
        }
    }
}

/// Even-odd rule: a ray to the right crosses the outline an odd number of times.
fn inside(corners: &[(f32, f32)], px: f32, py: f32) -> bool {
    if corners.len() < 3 {
        return false;
    }
    let previous = corners.iter().cycle().skip(corners.len() - 1);
    let crossings = corners.iter().zip(previous).filter(|((ax, ay), (bx, by))| {
        (*ay > py) != (*by > py) && px < (bx - ax) * (py - ay) / (by - ay) + ax
    });
    crossings.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polygon_covers_its_inside_only() {
        let triangle = Mask::Polygon(vec![(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]);
        assert!(triangle.covers(0.2, 0.2));
        assert!(!triangle.covers(0.8, 0.8));
        assert!(!Mask::Polygon(vec![(0.0, 0.0), (1.0, 1.0)]).covers(0.5, 0.5));
    }

    #[test]
    fn settings_from_a_file_are_checked() {
        assert_eq!(serde_json::from_str::<Sensitivity>("10").unwrap().level(), 10);
        assert!(serde_json::from_str::<Sensitivity>("0").is_err());
        let mask: Mask = serde_json::from_str(r#"{"rectangle":{"x":0,"y":0,"w":0.5,"h":1}}"#).unwrap();
        assert!(mask.covers(0.4, 0.9) && !mask.covers(0.6, 0.9));
    }
}
