//! The front door from outside, with its lantern.

use super::Set;
use crate::demo::canvas::{Paint, Shape, mix};

impl Set {
    pub(super) fn door(&mut self) {
        let wall = self.own_colour(1, [[214, 204, 188], [188, 204, 210], [222, 196, 172], [196, 206, 184]]);
        self.out_fade(&Shape::Box(0.0, 0.0, 1280.0, 600.0, 0.0), mix(wall, [255, 255, 255], 0.12), wall);
        for n in 0..15 {
            let y = n as f32 * 40.0 + 38.0;
            self.shade(&Shape::Box(0.0, y, 1280.0, 3.0, 0.0), 0.13, 3.0);
        }
        self.window(120.0, 170.0, 240.0, 230.0, true);
        self.window(1010.0, 170.0, 170.0, 230.0, self.own(9) > 0.4);
        self.porch();
        self.leaf(566.0, 176.0, 196.0, 414.0);
        self.lantern(480.0, 250.0);
        self.pot(452.0, 612.0, false);
        self.pot(880.0, 612.0, false);
    }

    fn porch(&mut self) {
        self.out_fade(&Shape::Box(0.0, 588.0, 1280.0, 140.0, 0.0), [178, 172, 162], [150, 144, 136]);
        for n in 0..12 {
            let x = -200.0 + n as f32 * 150.0;
            let seam =
                Shape::Line((640.0 + (x - 640.0) * 0.8, 590.0), (640.0 + (x - 640.0) * 1.25, 730.0), 2.5);
            self.shade(&seam, 0.14, 2.5);
        }
        self.shade(&Shape::Box(0.0, 640.0, 1280.0, 2.5, 0.0), 0.14, 2.5);
        self.shade(&Shape::Box(0.0, 582.0, 1280.0, 16.0, 0.0), 0.25, 12.0);
        self.out(&Shape::Box(520.0, 588.0, 288.0, 20.0, 2.0), [196, 190, 180]);
        let mat = vec![(560.0, 618.0), (768.0, 618.0), (790.0, 656.0), (538.0, 656.0)];
        self.out(&Shape::Polygon(mat), [120, 88, 60]);
        self.shade(&Shape::Line((572.0, 637.0), (756.0, 637.0), 10.0), 0.18, 6.0);
    }

    /// The door itself.
    fn leaf(&mut self, x: f32, y: f32, w: f32, h: f32) {
        let colour = self.own_colour(2, [[38, 84, 112], [150, 52, 48], [44, 96, 76], [214, 160, 58]]);
        self.shade(&Shape::Box(x - 24.0, y - 20.0, w + 60.0, h + 20.0, 6.0), 0.25, 22.0);
        self.out(&Shape::Box(x - 20.0, y - 20.0, w + 40.0, h + 20.0, 3.0), [246, 244, 238]);
        self.out_fade(
            &Shape::Box(x, y, w, h, 2.0),
            mix(colour, [255, 255, 255], 0.1),
            mix(colour, [0, 0, 0], 0.12),
        );
        let warm = self.light.lamps();
        let pane = if warm { ([255, 216, 140], [246, 184, 104]) } else { ([120, 148, 170], [156, 178, 190]) };
        self.put(&Shape::Box(x + 36.0, y + 30.0, w - 72.0, 84.0, 42.0), Paint::fade(pane.0, pane.1));
        self.out(&Shape::Box(x + w / 2.0 - 3.0, y + 30.0, 6.0, 84.0, 0.0), colour);
        for (dy, tall) in [(146.0, 108.0), (276.0, 110.0)] {
            for dx in [24.0, w / 2.0 + 8.0] {
                let panel = Shape::Box(x + dx, y + dy, w / 2.0 - 32.0, tall, 4.0);
                self.out(&panel, mix(colour, [0, 0, 0], 0.22));
                self.out(&Shape::Box(x + dx + 5.0, y + dy + 5.0, w / 2.0 - 42.0, tall - 10.0, 3.0), colour);
            }
        }
        self.out(&Shape::Oval(x + w - 18.0, y + 232.0, 9.0, 9.0), [226, 196, 112]);
        self.out(&Shape::Box(x + w / 2.0 - 30.0, y + 262.0, 60.0, 8.0, 3.0), [226, 196, 112]);
    }

    fn lantern(&mut self, x: f32, y: f32) {
        if self.light.lamps() {
            self.glow(x, y + 30.0, 330.0, 0.5);
        }
        self.out(&Shape::Line((x, y - 10.0), (x, y - 34.0), 6.0), [40, 42, 46]);
        let glass = if self.light.lamps() { [255, 236, 178] } else { [206, 212, 210] };
        self.put(&Shape::Box(x - 20.0, y, 40.0, 62.0, 5.0), Paint::flat(glass));
        for dx in [-20.0, 0.0, 20.0] {
            self.out(&Shape::Line((x + dx, y), (x + dx * 0.9, y + 60.0), 4.0), [40, 42, 46]);
        }
        self.out(&Shape::Polygon(vec![(x - 28.0, y), (x, y - 24.0), (x + 28.0, y)]), [40, 42, 46]);
        self.out(&Shape::Box(x - 22.0, y + 58.0, 44.0, 9.0, 2.0), [40, 42, 46]);
    }
}
