//! The hall: inside, towards the front door.

use super::Set;
use crate::demo::canvas::{Paint, Rgb, Shape, mix};

impl Set {
    pub(super) fn hall(&mut self) {
        let wall = self.own_colour(1, [[206, 212, 204], [224, 208, 184], [196, 208, 216], [226, 214, 206]]);
        self.inner_fade(&Shape::Box(0.0, 0.0, 1280.0, 560.0, 0.0), mix(wall, [255, 255, 255], 0.15), wall);
        self.inner(&Shape::Box(0.0, 404.0, 1280.0, 150.0, 0.0), [240, 238, 232]);
        for n in 0..10 {
            let panel = Shape::Box(n as f32 * 132.0 + 8.0, 424.0, 112.0, 104.0, 3.0);
            self.inner(&panel, [226, 223, 216]);
            self.inner(&Shape::Box(n as f32 * 132.0 + 12.0, 428.0, 108.0, 100.0, 3.0), [238, 236, 230]);
        }
        self.inner(&Shape::Box(0.0, 396.0, 1280.0, 12.0, 0.0), [248, 246, 240]);
        self.boards();
        self.entrance();
        self.pictures();
        self.table();
        self.coats();
        self.pot(1190.0, 640.0, true);
    }

    fn boards(&mut self) {
        self.inner_fade(&Shape::Box(0.0, 552.0, 1280.0, 180.0, 0.0), [188, 142, 98], [160, 114, 74]);
        for n in -9..=9 {
            let x = 640.0 + n as f32 * 84.0;
            self.shade(&Shape::Line((x, 552.0), (640.0 + (x - 640.0) * 1.9, 730.0), 2.0), 0.22, 2.0);
        }
        self.inner(&Shape::Box(0.0, 544.0, 1280.0, 14.0, 0.0), [248, 246, 240]);
        self.shade(&Shape::Box(0.0, 556.0, 1280.0, 10.0, 0.0), 0.2, 10.0);
        let colour = self.own_colour(6, [[150, 60, 56], [58, 88, 120], [82, 108, 84]]);
        let rug = |inset: f32| {
            vec![
                (400.0 + inset, 592.0 + inset * 0.3),
                (880.0 - inset, 592.0 + inset * 0.3),
                (980.0 - inset * 1.4, 690.0 - inset * 0.4),
                (300.0 + inset * 1.4, 690.0 - inset * 0.4),
            ]
        };
        self.inner(&Shape::Polygon(rug(0.0)), colour);
        self.inner(&Shape::Polygon(rug(18.0)), mix(colour, [250, 236, 210], 0.65));
        self.inner(&Shape::Polygon(rug(26.0)), mix(colour, [0, 0, 0], 0.1));
    }

    /// The front door from inside, with the sky in its glass.
    fn entrance(&mut self) {
        let (x, y, w, h) = (536.0, 120.0, 208.0, 430.0);
        self.shade(&Shape::Box(x - 26.0, y - 26.0, w + 60.0, h + 26.0, 4.0), 0.2, 18.0);
        self.inner(&Shape::Box(x - 24.0, y - 24.0, w + 48.0, h + 24.0, 2.0), [250, 248, 244]);
        let colour = self.own_colour(2, [[78, 118, 142], [168, 84, 72], [92, 134, 110], [206, 164, 92]]);
        self.inner_fade(&Shape::Box(x, y, w, h, 0.0), mix(colour, [255, 255, 255], 0.12), colour);
        let (top, low) = self.light.sky;
        for dx in [28.0, w / 2.0 + 10.0] {
            let pane = Shape::Box(x + dx, y + 30.0, w / 2.0 - 38.0, 180.0, 4.0);
            self.put(&pane, Paint::fade(mix(top, [255, 255, 255], 0.15), mix(low, [255, 255, 255], 0.2)));
            let hedge = self.light.outside([96, 140, 92]);
            self.put(
                &Shape::Box(x + dx, y + 176.0, w / 2.0 - 38.0, 34.0, 4.0),
                Paint::flat(hedge).alpha(0.85),
            );
            self.inner(&Shape::Box(x + dx, y + 116.0, w / 2.0 - 38.0, 6.0, 0.0), colour);
            let panel = Shape::Box(x + dx, y + 244.0, w / 2.0 - 38.0, 150.0, 4.0);
            self.inner(&panel, mix(colour, [0, 0, 0], 0.14));
        }
        self.inner(&Shape::Oval(x + w - 16.0, y + 240.0, 9.0, 9.0), [230, 204, 130]);
        if self.light.day > 0.3 {
            let beam = vec![(556.0, 552.0), (724.0, 552.0), (842.0, 690.0), (470.0, 690.0)];
            self.put(
                &Shape::Polygon(beam),
                Paint::flat([255, 250, 224]).alpha(0.16 * self.light.day).soft(18.0),
            );
        }
    }

    fn pictures(&mut self) {
        for (x, y, w, h, n) in [(846.0, 150.0, 120.0, 150.0, 0u64), (992.0, 172.0, 92.0, 112.0, 1)] {
            self.shade(&Shape::Box(x + 4.0, y + 6.0, w, h, 2.0), 0.25, 12.0);
            self.inner(&Shape::Box(x, y, w, h, 2.0), [92, 70, 52]);
            self.inner(&Shape::Box(x + 8.0, y + 8.0, w - 16.0, h - 16.0, 0.0), [248, 246, 240]);
            let (ix, iy, iw, ih) = (x + 20.0, y + 20.0, w - 40.0, h - 40.0);
            self.inner_fade(&Shape::Box(ix, iy, iw, ih, 0.0), [150, 190, 214], [232, 220, 190]);
            let hill = self.own_colour(90 + n, [[96, 140, 104], [70, 110, 130], [186, 120, 84]]);
            let (cx, low) = (ix + iw * 0.4, iy + ih);
            let ridge = vec![
                (ix, low),
                (ix, low - ih * 0.3),
                (cx, low - ih * 0.6),
                (ix + iw, low - ih * 0.2),
                (ix + iw, low),
            ];
            self.inner(&Shape::Polygon(ridge), hill);
        }
    }

    fn table(&mut self) {
        self.shade(&Shape::Oval(1010.0, 590.0, 180.0, 14.0), 0.3, 18.0);
        for x in [874.0, 1128.0] {
            self.inner(&Shape::Line((x, 450.0), (x, 588.0), 13.0), [112, 78, 54]);
        }
        self.inner(&Shape::Box(856.0, 430.0, 290.0, 20.0, 4.0), [138, 98, 68]);
        self.inner(&Shape::Box(870.0, 448.0, 262.0, 34.0, 2.0), [120, 84, 58]);
        self.inner(&Shape::Oval(1000.0, 465.0, 6.0, 6.0), [226, 200, 140]);
        if self.light.lamps() {
            self.glow(920.0, 350.0, 420.0, 0.42);
        }
        self.inner(&Shape::Line((920.0, 430.0), (920.0, 372.0), 9.0), [196, 160, 96]);
        self.inner(&Shape::Oval(920.0, 428.0, 26.0, 6.0), [196, 160, 96]);
        let shade = vec![(892.0, 318.0), (948.0, 318.0), (968.0, 378.0), (872.0, 378.0)];
        let cloth = if self.light.lamps() { [255, 232, 176] } else { [232, 222, 202] };
        self.put(&Shape::Polygon(shade), Paint::flat(cloth));
        self.inner(&Shape::Oval(1072.0, 424.0, 34.0, 9.0), [90, 126, 140]);
    }

    fn coats(&mut self) {
        self.inner(&Shape::Box(130.0, 176.0, 300.0, 18.0, 4.0), [138, 98, 68]);
        const COATS: [Rgb; 4] = [[176, 84, 66], [62, 84, 112], [206, 166, 92], [88, 108, 84]];
        for (n, x) in [176.0f32, 268.0, 366.0].into_iter().enumerate() {
            self.inner(&Shape::Line((x, 192.0), (x, 208.0), 7.0), [60, 52, 46]);
            let colour = COATS[(n + (self.own(8) * 4.0) as usize) % 4];
            let long = [232.0, 196.0, 150.0][n];
            let coat = vec![
                (x - 12.0, 206.0),
                (x + 12.0, 206.0),
                (x + 38.0, 244.0),
                (x + 42.0, 206.0 + long),
                (x - 42.0, 206.0 + long),
                (x - 38.0, 244.0),
            ];
            self.shade(&Shape::Box(x - 34.0, 226.0, 80.0, long - 10.0, 20.0), 0.2, 20.0);
            self.inner_fade(
                &Shape::Polygon(coat),
                mix(colour, [255, 255, 255], 0.08),
                mix(colour, [0, 0, 0], 0.16),
            );
            self.shade(&Shape::Line((x, 216.0), (x, 202.0 + long), 2.5), 0.25, 3.0);
        }
        self.inner(&Shape::Oval(190.0, 596.0, 30.0, 11.0), [70, 54, 46]);
        self.inner(&Shape::Oval(250.0, 600.0, 30.0, 11.0), [70, 54, 46]);
    }
}
