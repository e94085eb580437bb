//! The road before the house, with the houses across it.

use super::{GLOW, Set};
use crate::demo::canvas::{Paint, Rgb, Shape, mix};

impl Set {
    pub(super) fn street(&mut self) {
        self.sky(480.0);
        const FRONTS: [Rgb; 6] = [
            [204, 120, 96],
            [226, 206, 170],
            [150, 170, 184],
            [214, 168, 120],
            [180, 188, 160],
            [196, 150, 140],
        ];
        let shift = (self.own(7) * 6.0) as usize;
        for n in 0..6 {
            let x = n as f32 * 226.0 - 46.0;
            let tall = 190.0 + self.own(60 + n as u64) * 70.0;
            self.house(x, 470.0 - tall, tall, FRONTS[(n + shift) % 6], n as u64);
        }
        self.out_fade(&Shape::Box(0.0, 470.0, 1280.0, 60.0, 0.0), [188, 184, 176], [170, 166, 158]);
        self.shade(&Shape::Box(0.0, 526.0, 1280.0, 8.0, 0.0), 0.35, 6.0);
        self.out_fade(&Shape::Box(0.0, 530.0, 1280.0, 200.0, 0.0), [92, 94, 100], [72, 74, 80]);
        for n in 0..8 {
            let x = n as f32 * 190.0 - 40.0;
            let dash = vec![(x, 646.0), (x + 96.0, 646.0), (x + 92.0, 656.0), (x - 6.0, 656.0)];
            self.out(&Shape::Polygon(dash), [226, 222, 206]);
        }
        for x in [150.0, 910.0] {
            self.tree(x, 506.0, 0.84, self.own_colour(5, [[96, 146, 78], [206, 140, 60], [88, 136, 88]]));
        }
        for x in [520.0, 1190.0] {
            self.lamp_post(x);
        }
    }

    fn house(&mut self, x: f32, top: f32, tall: f32, colour: Rgb, number: u64) {
        let w = 214.0;
        self.out_fade(
            &Shape::Box(x, top, w, tall, 0.0),
            mix(colour, [255, 255, 255], 0.1),
            mix(colour, [0, 0, 0], 0.08),
        );
        let roof = vec![(x - 12.0, top + 4.0), (x + w * 0.5, top - 66.0), (x + w + 12.0, top + 4.0)];
        self.out_fade(&Shape::Polygon(roof), [132, 84, 74], [104, 66, 60]);
        self.out(&Shape::Box(x + w * 0.7, top - 64.0, 24.0, 46.0, 0.0), [150, 100, 86]);
        for (n, (dx, dy)) in [(28.0, 26.0), (130.0, 26.0), (130.0, 116.0)].into_iter().enumerate() {
            if dy + 60.0 < tall - 20.0 {
                let lit = self.own(700 + number * 8 + n as u64) > 0.45;
                self.window(x + dx, top + dy, 52.0, 54.0, lit);
            }
        }
        let door = self.own_colour(80 + number, [[52, 84, 110], [128, 52, 48], [58, 96, 72], [84, 66, 52]]);
        self.out(&Shape::Box(x + 32.0, 470.0 - 92.0, 50.0, 92.0, 2.0), [240, 236, 228]);
        self.out(&Shape::Box(x + 37.0, 470.0 - 87.0, 40.0, 87.0, 2.0), door);
    }

    fn lamp_post(&mut self, x: f32) {
        self.out(&Shape::Line((x, 520.0), (x, 272.0), 8.0), [52, 56, 62]);
        self.out(&Shape::Line((x, 272.0), (x + 46.0, 258.0), 7.0), [52, 56, 62]);
        self.out(&Shape::Box(x - 9.0, 500.0, 18.0, 24.0, 2.0), [52, 56, 62]);
        if self.light.lamps() {
            self.glow(x + 52.0, 268.0, 260.0, 0.55);
            self.put(&Shape::Oval(x + 52.0, 500.0, 120.0, 18.0), Paint::flat(GLOW).alpha(0.25).soft(50.0));
        }
        let bulb = if self.light.lamps() { [255, 240, 190] } else { [220, 224, 222] };
        self.put(&Shape::Oval(x + 52.0, 264.0, 20.0, 9.0), Paint::flat(bulb));
    }
}
