//! The light of a time of day: sky colours, how bright things are, whether lamps are lit.

use super::canvas::{Rgb, mix};

/// The light at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Light {
    /// The sky's colour above and at the horizon.
    pub sky: (Rgb, Rgb),
    /// 0 at night, 1 by day.
    pub day: f32,
    /// Where sun or moon stands on its way, 0 to 1 from left to right.
    pub arc: f32,
}

/// Hour, sky above, sky at the horizon, day.
const KEYS: [(f32, Rgb, Rgb, f32); 9] = [
    (0.0, [12, 18, 42], [34, 44, 78], 0.0),
    (5.0, [18, 26, 58], [62, 62, 104], 0.05),
    (6.5, [92, 120, 178], [250, 190, 150], 0.45),
    (8.5, [104, 170, 228], [214, 232, 244], 0.95),
    (13.0, [88, 162, 230], [206, 230, 246], 1.0),
    (16.5, [104, 166, 224], [236, 226, 208], 0.95),
    (18.5, [86, 98, 168], [250, 170, 120], 0.5),
    (20.0, [30, 38, 84], [104, 84, 128], 0.15),
    (24.0, [12, 18, 42], [34, 44, 78], 0.0),
];

impl Light {
    pub(super) fn at(local: &jiff::Zoned) -> Self {
        Self::of_hour(f32::from(local.hour()) + f32::from(local.minute()) / 60.0)
    }

    pub(super) fn of_hour(hour: f32) -> Self {
        let next = KEYS.iter().position(|key| key.0 > hour).unwrap_or(KEYS.len() - 1).max(1);
        let ((from, top_a, low_a, day_a), (to, top_b, low_b, day_b)) = (KEYS[next - 1], KEYS[next]);
        let share = ((hour - from) / (to - from)).clamp(0.0, 1.0);
        let day = day_a + (day_b - day_a) * share;
        let arc = if (6.0..19.0).contains(&hour) { (hour - 6.0) / 13.0 } else { (hour + 5.0) % 24.0 / 11.0 };
        Self { sky: (mix(top_a, top_b, share), mix(low_a, low_b, share)), day, arc }
    }

    /// A colour as it looks outside in this light.
    pub(super) fn outside(&self, colour: Rgb) -> Rgb {
        let dim = 0.32 + 0.68 * self.day;
        let night: [f32; 3] = [0.78, 0.88, 1.22];
        let mut out = colour;
        for (value, tint) in out.iter_mut().zip(night) {
            let tint = tint + (1.0 - tint) * self.day;
            *value = (f32::from(*value) * dim * tint).clamp(0.0, 255.0) as u8;
        }
        out
    }

    /// A colour as it looks inside, where a lamp is lit when it is dark.
    pub(super) fn inside(&self, colour: Rgb) -> Rgb {
        let lamp: [f32; 3] = [0.86, 0.74, 0.6];
        let mut out = colour;
        for (value, tint) in out.iter_mut().zip(lamp) {
            *value = (f32::from(*value) * (tint + (1.0 - tint) * self.day)) as u8;
        }
        out
    }

    pub(super) fn lamps(&self) -> bool {
        self.day < 0.5
    }
}
