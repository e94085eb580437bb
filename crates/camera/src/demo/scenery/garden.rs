//! The garden: lawn, trees, a fence and a shed.

use super::Set;
use crate::demo::canvas::{Paint, Rgb, Shape, mix};

impl Set {
    pub(super) fn garden(&mut self) {
        self.sky(470.0);
        let hill = |x: f32, y: f32, rx: f32, ry: f32| Shape::Oval(x, y, rx, ry);
        self.out_fade(&hill(260.0, 520.0, 620.0, 190.0), [126, 160, 138], [104, 144, 112]);
        self.out_fade(&hill(1080.0, 540.0, 640.0, 220.0), [112, 152, 120], [96, 138, 96]);
        self.out_fade(&Shape::Box(0.0, 452.0, 1280.0, 280.0, 0.0), [134, 176, 92], [88, 140, 66]);
        for n in 0..5 {
            let x = n as f32 * 280.0 - 60.0;
            let top = |at: f32| 640.0 + (at - 640.0) * 0.55;
            let stripe = vec![
                (top(x), 462.0),
                (top(x + 140.0), 462.0),
                (x * 1.3 - 100.0 + 190.0, 730.0),
                (x * 1.3 - 100.0, 730.0),
            ];
            self.put(&Shape::Polygon(stripe), Paint::flat([255, 255, 210]).alpha(0.07));
        }
        self.fence(410.0, 466.0);
        self.shed();
        self.tree(300.0, 512.0, 1.12, self.own_colour(3, [[74, 134, 66], [196, 128, 54], [92, 142, 62]]));
        self.tree(820.0, 478.0, 0.72, [84, 142, 76]);
        self.flowers();
    }

    fn fence(&mut self, top: f32, ground: f32) {
        for y in [top + 14.0, top + 38.0] {
            self.out(&Shape::Box(0.0, y, 1280.0, 7.0, 0.0), [222, 218, 208]);
        }
        for n in 0..40 {
            let x = n as f32 * 33.0;
            let picket = vec![
                (x, ground),
                (x, top + 4.0),
                (x + 9.0, top - 8.0),
                (x + 18.0, top + 4.0),
                (x + 18.0, ground),
            ];
            self.out_fade(&Shape::Polygon(picket), [246, 244, 238], [224, 220, 210]);
        }
    }

    fn shed(&mut self) {
        self.shade(&Shape::Oval(1080.0, 520.0, 150.0, 16.0), 0.3, 16.0);
        let colour = self.own_colour(4, [[164, 84, 66], [96, 122, 140], [150, 116, 82]]);
        self.out_fade(&Shape::Box(970.0, 356.0, 216.0, 162.0, 0.0), colour, mix(colour, [0, 0, 0], 0.18));
        for n in 0..8 {
            self.shade(&Shape::Box(970.0 + n as f32 * 28.0, 356.0, 2.0, 162.0, 0.0), 0.2, 2.0);
        }
        self.out_fade(
            &Shape::Polygon(vec![(946.0, 362.0), (1078.0, 276.0), (1210.0, 362.0)]),
            [92, 84, 86],
            [72, 66, 70],
        );
        self.out(&Shape::Box(1086.0, 404.0, 72.0, 114.0, 2.0), mix(colour, [255, 255, 255], 0.3));
        self.out(&Shape::Oval(1146.0, 464.0, 4.0, 4.0), [60, 52, 44]);
        self.window(1000.0, 404.0, 56.0, 54.0, true);
    }

    fn flowers(&mut self) {
        self.out_fade(&Shape::Oval(170.0, 704.0, 330.0, 62.0), [104, 78, 58], [84, 62, 46]);
        const PETALS: [Rgb; 5] =
            [[236, 92, 96], [250, 206, 84], [240, 240, 236], [176, 110, 200], [246, 150, 92]];
        for n in 0..34u64 {
            let (x, y) = (self.own(400 + n) * 440.0 - 10.0, 664.0 + self.own(500 + n) * 52.0);
            self.out(&Shape::Line((x, y), (x, y + 26.0), 4.0), [66, 118, 60]);
            let petal = self.light.outside(PETALS[(n % 5) as usize]);
            for k in 0..5 {
                let turn = k as f32 * 1.257;
                self.put(
                    &Shape::Oval(x + turn.cos() * 6.5, y + turn.sin() * 6.5, 5.6, 5.6),
                    Paint::flat(petal),
                );
            }
            self.out(&Shape::Oval(x, y, 4.2, 4.2), [250, 226, 120]);
        }
    }
}
