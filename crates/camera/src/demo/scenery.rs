//! What stands still: four views of a home, drawn once a minute in the light of that minute.

use super::canvas::{HEIGHT, Paint, Rgb, Shape, WIDTH, fill, mix};
use super::light::Light;
use super::{DemoScene, DemoView, canvas};
use crate::picture::{Matrix, Picture};

const GLOW: Rgb = [255, 214, 140];

/// The scenery of a view.
pub(super) fn draw(scene: &DemoScene, light: &Light) -> Picture {
    let picture = Picture::black(WIDTH, HEIGHT, Matrix::of_height(HEIGHT));
    let mut set = Set { picture, light: *light, seed: scene.seed() };
    match scene.view {
        DemoView::Hall => set.hall(),
        DemoView::Door => set.door(),
        DemoView::Garden => set.garden(),
        DemoView::Street => set.street(),
    }
    set.vignette();
    set.picture
}

struct Set {
    picture: Picture,
    light: Light,
    seed: u64,
}

impl Set {
    fn put(&mut self, shape: &Shape, paint: Paint) {
        fill(&mut self.picture, shape, paint);
    }

    /// Something outside.
    fn out(&mut self, shape: &Shape, colour: Rgb) {
        self.put(shape, Paint::flat(self.light.outside(colour)));
    }

    fn out_fade(&mut self, shape: &Shape, top: Rgb, bottom: Rgb) {
        self.put(shape, Paint::fade(self.light.outside(top), self.light.outside(bottom)));
    }

    /// Something inside.
    fn inner(&mut self, shape: &Shape, colour: Rgb) {
        self.put(shape, Paint::flat(self.light.inside(colour)));
    }

    fn inner_fade(&mut self, shape: &Shape, top: Rgb, bottom: Rgb) {
        self.put(shape, Paint::fade(self.light.inside(top), self.light.inside(bottom)));
    }

    fn shade(&mut self, shape: &Shape, alpha: f32, soft: f32) {
        self.put(shape, Paint::flat([10, 12, 18]).alpha(alpha).soft(soft));
    }

    fn glow(&mut self, x: f32, y: f32, radius: f32, alpha: f32) {
        self.put(&Shape::Oval(x, y, radius * 0.5, radius * 0.5), Paint::flat(GLOW).alpha(alpha).soft(radius));
    }

    /// A number from 0 to 1 that is this home's own.
    fn own(&self, what: u64) -> f32 {
        let mut z = self.seed ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z >> 40) & 0xffff) as f32 / 65_535.0
    }

    fn own_colour<const N: usize>(&self, what: u64, from: [Rgb; N]) -> Rgb {
        from[((self.own(what) * N as f32) as usize).min(N - 1)]
    }

    fn vignette(&mut self) {
        let shade = |x: f32, y: f32| {
            let (dx, dy) = (x / WIDTH as f32 - 0.5, y / HEIGHT as f32 - 0.5);
            ((dx * dx + dy * dy) * 1.5 - 0.32).clamp(0.0, 0.26)
        };
        let area = (0.0, 0.0, WIDTH as f32, HEIGHT as f32);
        canvas::blend(&mut self.picture, area, shade, canvas::flat([6, 8, 12]));
    }

    fn sky(&mut self, bottom: f32) {
        let (top, low) = self.light.sky;
        self.put(&Shape::Box(0.0, 0.0, 1280.0, bottom, 0.0), Paint::fade(top, low));
        let (x, y) = (1280.0 * self.light.arc, 330.0 - 250.0 * (self.light.arc * std::f32::consts::PI).sin());
        if self.light.day < 0.3 {
            self.stars(bottom);
            self.put(&Shape::Oval(x, y, 34.0, 34.0), Paint::flat([236, 236, 222]));
            self.put(
                &Shape::Oval(x + 15.0, y - 8.0, 30.0, 30.0),
                Paint::flat(mix(top, low, (y - 8.0) / bottom)),
            );
        } else {
            self.put(&Shape::Oval(x, y, 70.0, 70.0), Paint::flat([255, 244, 200]).alpha(0.5).soft(120.0));
            self.put(&Shape::Oval(x, y, 40.0, 40.0), Paint::flat([255, 248, 216]));
        }
        for n in 0..4 {
            let (cx, cy) = (self.own(20 + n) * 1400.0 - 60.0, 70.0 + self.own(30 + n) * 140.0);
            self.cloud(cx, cy, 0.7 + self.own(40 + n) * 0.7);
        }
    }

    fn stars(&mut self, bottom: f32) {
        for n in 0..60 {
            let (x, y) = (self.own(100 + n) * 1280.0, self.own(200 + n) * bottom * 0.8);
            let size = 0.8 + self.own(300 + n) * 1.2;
            self.put(&Shape::Oval(x, y, size, size), Paint::flat([230, 234, 250]).alpha(0.8));
        }
    }

    fn cloud(&mut self, x: f32, y: f32, size: f32) {
        let alpha = 0.16 + 0.5 * self.light.day;
        let white = mix(self.light.sky.1, [255, 255, 255], 0.75);
        for (dx, dy, r) in [(-58.0, 8.0, 30.0), (-20.0, -8.0, 42.0), (26.0, -2.0, 36.0), (62.0, 10.0, 26.0)] {
            let puff = Shape::Oval(x + dx * size, y + dy * size, r * 1.5 * size, r * 0.72 * size);
            self.put(&puff, Paint::flat(white).alpha(alpha * 0.6).soft(18.0));
        }
    }

    fn tree(&mut self, x: f32, ground: f32, size: f32, leaf: Rgb) {
        self.shade(&Shape::Oval(x, ground, 92.0 * size, 13.0 * size), 0.22, 14.0);
        let trunk = vec![
            (x - 11.0 * size, ground),
            (x - 7.0 * size, ground - 150.0 * size),
            (x + 7.0 * size, ground - 150.0 * size),
            (x + 12.0 * size, ground),
        ];
        self.out_fade(&Shape::Polygon(trunk), [96, 70, 52], [74, 54, 42]);
        let crown = [
            (-52.0, 150.0, 56.0),
            (50.0, 146.0, 54.0),
            (0.0, 206.0, 70.0),
            (-30.0, 190.0, 60.0),
            (34.0, 188.0, 60.0),
        ];
        for (dx, up, r) in crown {
            let (cx, cy, r) = (x + dx * size, ground - up * size, r * size);
            self.out_fade(
                &Shape::Oval(cx, cy, r, r * 0.92),
                mix(leaf, [236, 240, 160], 0.14),
                mix(leaf, [10, 40, 30], 0.28),
            );
        }
        for (dx, up, r) in
            [(-24.0, 214.0, 26.0), (22.0, 226.0, 22.0), (-56.0, 160.0, 20.0), (48.0, 164.0, 20.0)]
        {
            let light = self.light.outside(mix(leaf, [240, 244, 170], 0.3));
            let spot = Shape::Oval(x + dx * size, ground - up * size, r * size, r * 0.8 * size);
            self.put(&spot, Paint::flat(light).alpha(0.5).soft(12.0));
        }
    }

    fn pot(&mut self, x: f32, ground: f32, indoors: bool) {
        let look = |light: &Light, colour| if indoors { light.inside(colour) } else { light.outside(colour) };
        self.shade(&Shape::Oval(x, ground, 46.0, 8.0), 0.3, 10.0);
        for (lean, long) in [
            (-0.9, 80.0),
            (-0.5, 112.0),
            (0.0, 128.0),
            (0.5, 112.0),
            (0.95, 84.0),
            (-0.25, 96.0),
            (0.3, 92.0),
        ] {
            let tip = (x + lean * long * 0.75, ground - 68.0 - long * (1.0 - lean * lean * 0.35));
            let green = look(&self.light, mix([52, 116, 66], [104, 158, 84], (lean + 1.0) / 2.0));
            self.put(&Shape::Line((x + lean * 10.0, ground - 62.0), tip, 15.0), Paint::flat(green));
        }
        let body = vec![
            (x - 40.0, ground - 70.0),
            (x + 40.0, ground - 70.0),
            (x + 28.0, ground),
            (x - 28.0, ground),
        ];
        let (top, low) = (look(&self.light, [206, 118, 84]), look(&self.light, [168, 88, 62]));
        self.put(&Shape::Polygon(body), Paint::fade(top, low));
        self.put(
            &Shape::Box(x - 45.0, ground - 80.0, 90.0, 16.0, 4.0),
            Paint::flat(look(&self.light, [218, 130, 94])),
        );
    }

    /// A window from outside.
    fn window(&mut self, x: f32, y: f32, w: f32, h: f32, lit: bool) {
        self.out(&Shape::Box(x - 10.0, y - 10.0, w + 20.0, h + 20.0, 4.0), [244, 242, 236]);
        let glass = if lit && self.light.lamps() {
            Paint::fade([255, 220, 150], [248, 190, 112])
        } else {
            Paint::fade(mix(self.light.sky.0, [40, 56, 76], 0.45), mix(self.light.sky.1, [60, 76, 92], 0.5))
        };
        self.put(&Shape::Box(x, y, w, h, 2.0), glass);
        let slant = vec![(x + w * 0.1, y + h), (x + w * 0.42, y), (x + w * 0.62, y), (x + w * 0.3, y + h)];
        self.put(&Shape::Polygon(slant), Paint::flat([255, 255, 255]).alpha(0.1));
        self.out(&Shape::Box(x + w / 2.0 - 3.0, y, 6.0, h, 0.0), [244, 242, 236]);
        self.out(&Shape::Box(x, y + h * 0.45, w, 6.0, 0.0), [244, 242, 236]);
        self.out(&Shape::Box(x - 18.0, y + h + 8.0, w + 36.0, 12.0, 3.0), [214, 210, 202]);
    }

    fn door(&mut self) {
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

    fn garden(&mut self) {
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

    fn street(&mut self) {
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

    fn hall(&mut self) {
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
