//! What stands still: four views of a home, drawn once a minute in the light of that minute.

mod door;
mod garden;
mod hall;
mod street;

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
}
