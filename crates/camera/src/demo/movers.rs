//! Who passes: people, a cat, a car. Drawn each time anew, in the light of the moment.

use super::DemoView;
use super::canvas::{Paint, Rgb, Shape, fill};
use super::light::Light;
use super::schedule::Passage;
use crate::picture::Picture;

const SKIN: [Rgb; 3] = [[236, 196, 164], [186, 132, 96], [112, 76, 56]];
const COATS: [Rgb; 5] = [[196, 64, 54], [38, 110, 168], [226, 168, 50], [74, 124, 82], [118, 84, 150]];
const TROUSERS: [Rgb; 3] = [[44, 52, 74], [70, 66, 62], [96, 84, 70]];
const HAIR: Rgb = [58, 42, 34];
const FURS: [Rgb; 3] = [[222, 138, 60], [58, 56, 60], [206, 200, 192]];
const CARS: [Rgb; 4] = [[196, 52, 48], [46, 96, 164], [232, 230, 224], [64, 132, 112]];

/// Draws whoever passes in this view.
pub(super) fn draw(picture: &mut Picture, view: DemoView, passage: &Passage, light: &Light) {
    // Lanterns and headlights fall on whoever passes: they are never as dark as the background.
    let outside = Light { day: 0.22 + 0.78 * light.day, ..*light };
    let look = |colour| if view == DemoView::Hall { light.inside(colour) } else { outside.outside(colour) };
    let stage = Stage { picture, passage, look: &look };
    let odd = passage.kind % 3 == 2;
    match view {
        DemoView::Hall if odd => stage.cat(640.0, 1.2),
        DemoView::Hall => stage.person(672.0, 420.0, Way::Across),
        DemoView::Door => stage.person(668.0, 400.0, Way::ThereAndBack),
        DemoView::Garden if odd => stage.person(640.0, 300.0, Way::Across),
        DemoView::Garden => stage.cat(600.0, 1.35),
        DemoView::Street if odd => stage.person(520.0, 190.0, Way::Across),
        DemoView::Street => stage.car(622.0, light.lamps()),
    }
}

/// How somebody goes.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Across,
    /// To the middle, a pause, and back.
    ThereAndBack,
}

struct Stage<'a> {
    picture: &'a mut Picture,
    passage: &'a Passage,
    look: &'a dyn Fn(Rgb) -> Rgb,
}

fn pick<const N: usize>(from: [Rgb; N], kind: u64) -> Rgb {
    from[(kind % N as u64) as usize]
}

impl Stage<'_> {
    fn put(&mut self, shape: &Shape, colour: Rgb) {
        let paint = Paint::flat((self.look)(colour));
        fill(self.picture, shape, paint);
    }

    fn shadow(&mut self, x: f32, y: f32, wide: f32) {
        fill(
            self.picture,
            &Shape::Oval(x, y, wide, wide * 0.16),
            Paint::flat([8, 10, 14]).alpha(0.3).soft(wide * 0.14),
        );
    }

    /// Where somebody of this width is: position, whether they walk, and whether they look left.
    fn place(&self, width: f32, way: Way) -> (f32, bool, bool) {
        let (from, to) = (-width, 1280.0 + width);
        let share = self.passage.share;
        let (along, walks, back) = match way {
            Way::Across => (share, true, false),
            Way::ThereAndBack if share < 0.4 => (share / 0.4 * 0.47, true, false),
            Way::ThereAndBack if share < 0.6 => (0.47, false, false),
            Way::ThereAndBack => ((1.0 - share) / 0.4 * 0.47, true, true),
        };
        let along = if self.passage.leftwards { 1.0 - along } else { along };
        (from + (to - from) * along, walks, self.passage.leftwards != back)
    }

    fn person(mut self, ground: f32, tall: f32, way: Way) {
        let kind = self.passage.kind / 3;
        let (coat, trousers, skin) = (pick(COATS, kind), pick(TROUSERS, kind / 5), pick(SKIN, kind / 7));
        let (x, walks, left) = self.place(tall * 0.25, way);
        let unit = tall / 100.0;
        let swing = if walks { (self.passage.ms as f32 / 1000.0 * 6.2).sin() } else { 0.15 };
        let bob = (swing * swing) * unit * 1.2;
        let (hip, shoulder, head) =
            (ground - 46.0 * unit - bob, ground - 78.0 * unit - bob, ground - 92.0 * unit - bob);
        let facing = if left { -1.0 } else { 1.0 };
        self.shadow(x, ground + 2.0, 22.0 * unit);
        for side in [-1.0, 1.0] {
            let foot =
                (x + side * swing * 15.0 * unit, ground - 3.0 * unit - (side * swing).max(0.0) * 2.0 * unit);
            let knee = ((x + foot.0) / 2.0 + facing * 2.0 * unit, (hip + foot.1) / 2.0);
            self.put(&Shape::Line((x, hip), knee, 11.0 * unit), trousers);
            self.put(&Shape::Line(knee, foot, 9.0 * unit), trousers);
            self.put(
                &Shape::Line(foot, (foot.0 + facing * 5.0 * unit, foot.1 + 1.0 * unit), 6.0 * unit),
                [40, 34, 32],
            );
        }
        let darker = coat.map(|value| (f32::from(value) * 0.8) as u8);
        self.arm(x, shoulder, -swing, unit, facing, darker, skin);
        self.put(&Shape::Line((x, shoulder), (x + facing * unit, head), 6.5 * unit), skin);
        let chest = vec![
            (x - 8.0 * unit, shoulder + unit),
            (x + 8.0 * unit, shoulder + unit),
            (x + 9.5 * unit, hip + 5.0 * unit),
            (x - 9.5 * unit, hip + 5.0 * unit),
        ];
        self.put(&Shape::Polygon(chest), coat);
        let collar = shoulder + 3.0 * unit;
        self.put(&Shape::Line((x - 4.0 * unit, collar), (x + 4.0 * unit, collar), 9.0 * unit), coat);
        self.arm(x, shoulder, swing, unit, facing, coat, skin);
        if way == Way::ThereAndBack && kind.is_multiple_of(2) && self.passage.share < 0.55 {
            self.parcel(x + facing * 15.0 * unit, shoulder + 20.0 * unit, unit);
        }
        self.put(&Shape::Oval(x - facing * 1.2 * unit, head - 2.2 * unit, 7.8 * unit, 8.4 * unit), HAIR);
        self.put(&Shape::Oval(x + facing * 1.6 * unit, head + 1.2 * unit, 6.2 * unit, 7.2 * unit), skin);
        self.put(&Shape::Oval(x + facing * 7.4 * unit, head + 2.0 * unit, 1.8 * unit, 1.6 * unit), skin);
        self.put(&Shape::Oval(x + facing * 4.4 * unit, head, 0.8 * unit, 1.1 * unit), [30, 26, 24]);
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a limb is where it hangs, how it swings and what it is made of"
    )]
    fn arm(&mut self, x: f32, shoulder: f32, swing: f32, unit: f32, facing: f32, coat: Rgb, skin: Rgb) {
        let elbow = (x + swing * 8.0 * unit, shoulder + 15.0 * unit);
        let hand = (x + swing * 14.0 * unit + facing * 5.0 * unit, shoulder + 28.0 * unit);
        self.put(&Shape::Line((x, shoulder + 2.0 * unit), elbow, 8.0 * unit), coat);
        self.put(&Shape::Line(elbow, hand, 7.0 * unit), coat);
        self.put(&Shape::Oval(hand.0, hand.1, 3.6 * unit, 3.6 * unit), skin);
    }

    fn parcel(&mut self, x: f32, y: f32, unit: f32) {
        let (w, h) = (24.0 * unit, 17.0 * unit);
        self.put(&Shape::Box(x - w / 2.0, y - h / 2.0, w, h, unit), [196, 150, 98]);
        self.put(&Shape::Box(x - 2.0 * unit, y - h / 2.0, 4.0 * unit, h, 0.0), [226, 196, 150]);
    }

    fn cat(mut self, ground: f32, unit: f32) {
        let fur = pick(FURS, self.passage.kind / 3);
        let (x, _, left) = self.place(120.0 * unit, Way::Across);
        let facing = if left { -1.0 } else { 1.0 };
        let time = self.passage.ms as f32 / 1000.0;
        let back = ground - 52.0 * unit + (time * 11.0).sin() * 1.5 * unit;
        self.shadow(x, ground + 1.0, 62.0 * unit);
        for (n, at) in [-38.0f32, -26.0, 26.0, 38.0].into_iter().enumerate() {
            let swing = (time * 9.0 + n as f32 * 1.6).sin() * 11.0 * unit;
            let hip = (x + facing * at * unit, back + 10.0 * unit);
            self.put(&Shape::Line(hip, (hip.0 + swing, ground - 4.0 * unit), 11.0 * unit), fur);
        }
        let tail = (x - facing * 50.0 * unit, back);
        let bend = (tail.0 - facing * 26.0 * unit, back - 22.0 * unit);
        let tip = (bend.0 - facing * (6.0 + 8.0 * (time * 3.0).sin()) * unit, back - 52.0 * unit);
        self.put(&Shape::Line(tail, bend, 10.0 * unit), fur);
        self.put(&Shape::Line(bend, tip, 9.0 * unit), fur);
        self.put(
            &Shape::Line((x - facing * 38.0 * unit, back), (x + facing * 38.0 * unit, back), 34.0 * unit),
            fur,
        );
        let (hx, hy) = (x + facing * 60.0 * unit, back - 18.0 * unit);
        for ear in [-10.0, 8.0] {
            let base = hx + ear * unit;
            let tip = (base + 2.0 * unit, hy - 29.0 * unit);
            let corners =
                vec![(base - 8.0 * unit, hy - 10.0 * unit), tip, (base + 9.0 * unit, hy - 10.0 * unit)];
            self.put(&Shape::Polygon(corners), fur);
        }
        self.put(&Shape::Oval(hx, hy, 20.0 * unit, 17.0 * unit), fur);
        self.put(
            &Shape::Oval(hx + facing * 9.0 * unit, hy - 3.0 * unit, 2.6 * unit, 3.4 * unit),
            [24, 28, 22],
        );
        self.put(
            &Shape::Oval(hx + facing * 19.0 * unit, hy + 4.0 * unit, 2.4 * unit, 2.0 * unit),
            [200, 120, 120],
        );
    }

    fn car(mut self, ground: f32, lamps: bool) {
        let paint = pick(CARS, self.passage.kind / 3);
        let (x, _, left) = self.place(260.0, Way::Across);
        let facing = if left { -1.0 } else { 1.0 };
        let at = |dx: f32, dy: f32| (x + facing * dx, ground + dy);
        if lamps {
            let (bx, by) = at(400.0, -22.0);
            let beam = Shape::Oval(bx, by, 170.0, 20.0);
            fill(self.picture, &beam, Paint::flat([255, 240, 190]).alpha(0.42).soft(34.0));
        }
        self.shadow(x, ground + 2.0, 215.0);
        let cabin = vec![at(-130.0, -92.0), at(-92.0, -156.0), at(52.0, -156.0), at(112.0, -92.0)];
        self.put(&Shape::Polygon(cabin), paint);
        let glass = |corners: [(f32, f32); 4]| Shape::Polygon(corners.to_vec());
        self.put(
            &glass([at(-112.0, -96.0), at(-82.0, -146.0), at(-26.0, -146.0), at(-26.0, -96.0)]),
            [70, 92, 112],
        );
        self.put(
            &glass([at(-14.0, -96.0), at(-14.0, -146.0), at(46.0, -146.0), at(90.0, -96.0)]),
            [70, 92, 112],
        );
        let body = vec![
            at(-206.0, -24.0),
            at(-200.0, -84.0),
            at(-130.0, -98.0),
            at(112.0, -98.0),
            at(196.0, -76.0),
            at(208.0, -24.0),
        ];
        self.put(&Shape::Polygon(body), paint);
        let darker = paint.map(|value| (f32::from(value) * 0.72) as u8);
        self.put(&Shape::Line(at(-200.0, -34.0), at(202.0, -34.0), 8.0), darker);
        self.put(&Shape::Line(at(-20.0, -96.0), at(-20.0, -36.0), 2.5), darker);
        for wheel in [-122.0, 122.0] {
            let (wx, wy) = at(wheel, -30.0);
            self.put(&Shape::Oval(wx, wy, 38.0, 38.0), [28, 28, 32]);
            self.put(&Shape::Oval(wx, wy, 19.0, 19.0), [176, 180, 186]);
            let turn = self.passage.share * 40.0;
            let rim = (wx + turn.cos() * 14.0, wy + turn.sin() * 14.0);
            self.put(&Shape::Line((wx, wy), rim, 5.0), [90, 94, 100]);
        }
        let (fx, fy) = at(196.0, -62.0);
        fill(self.picture, &Shape::Oval(fx, fy, 10.0, 8.0), Paint::flat([255, 246, 214]));
        let (bx, by) = at(-200.0, -66.0);
        fill(self.picture, &Shape::Box(bx - 5.0, by - 9.0, 10.0, 18.0, 3.0), Paint::flat([196, 30, 34]));
    }
}
