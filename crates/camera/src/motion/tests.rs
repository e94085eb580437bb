//! Scenes made of numbers: what is motion, and above all what is not.

use proptest::prelude::*;

use super::*;

const WIDTH: usize = 640;
const HEIGHT: usize = 480;

/// A scene of 640x480 at 10 pictures a second.
struct Scene {
    detector: Detector,
    noise: u64,
    at_ms: i64,
}

impl Scene {
    fn new(settings: &WatchSettings) -> Self {
        Self { detector: Detector::new(settings), noise: 1, at_ms: 0 }
    }

    fn draw(&mut self, roughness: i32, pixel: impl Fn(usize, usize) -> i32) -> Vec<u8> {
        let mut picture = Vec::with_capacity(WIDTH * HEIGHT);
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                self.noise = self
                    .noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let noise = ((self.noise >> 33) as i32).rem_euclid(2 * roughness + 1) - roughness;
                picture.push((pixel(x, y) + noise).clamp(16, 235) as u8);
            }
        }
        picture
    }

    fn look(&mut self, roughness: i32, pixel: impl Fn(usize, usize) -> i32) -> Seen {
        let picture = self.draw(roughness, pixel);
        self.at_ms += 100;
        let plane = Plane { data: &picture, stride: WIDTH, width: WIDTH, height: HEIGHT };
        self.detector.look(self.at_ms, &Grid::of(plane).unwrap())
    }

    fn quiet(&mut self, pictures: usize, roughness: i32) -> usize {
        (0..pictures).filter(|_| self.look(roughness, wall).moving).count()
    }
}

fn wall(x: usize, y: usize) -> i32 {
    60 + (x / 8) as i32 / 2 + (y / 16) as i32
}

/// A box of this size at this place, brighter than the wall.
fn with_box(left: i64, top: i64, w: i64, h: i64) -> impl Fn(usize, usize) -> i32 {
    move |x, y| {
        let within = (left..left + w).contains(&(x as i64)) && (top..top + h).contains(&(y as i64));
        wall(x, y) + if within { 70 } else { 0 }
    }
}

#[test]
fn a_noisy_night_is_quiet() {
    for level in [1, 5, 8] {
        let settings =
            WatchSettings { sensitivity: Sensitivity::new(level).unwrap(), ..WatchSettings::default() };
        assert_eq!(Scene::new(&settings).quiet(300, 30), 0, "level {level}");
    }
}

#[test]
fn a_person_is_seen_within_half_a_second_and_where() {
    let mut scene = Scene::new(&WatchSettings::default());
    assert_eq!(scene.quiet(40, 8), 0);
    let seen: Vec<Seen> = (0..20).map(|n| scene.look(8, with_box(100 + n * 12, 150, 70, 200))).collect();
    assert!(seen[..5].iter().any(|seen| seen.moving));
    let area = seen[10].area.unwrap();
    // At 220 to 290 of 640 and 150 to 350 of 480, and where it has just been.
    assert!((0.15..0.36).contains(&area.x) && (0.3..0.33).contains(&area.y), "{area:?}");
    assert!((0.1..0.35).contains(&area.w) && (0.38..0.46).contains(&area.h), "{area:?}");
}

#[test]
fn a_small_object_is_seen() {
    let mut scene = Scene::new(&WatchSettings::default());
    scene.quiet(40, 8);
    let seen: Vec<Seen> = (0..20).map(|n| scene.look(8, with_box(100 + n * 8, 200, 24, 50))).collect();
    assert!(seen.iter().any(|seen| seen.moving), "{seen:?}");
}

#[test]
fn a_lamp_switched_on_is_no_motion_and_what_moves_then_is_seen() {
    let mut scene = Scene::new(&WatchSettings::default());
    scene.quiet(40, 8);
    // Brighter everywhere at once; then the camera's night mode: other contrasts too.
    let lit = (0..40).filter(|_| scene.look(8, |x, y| wall(x, y) + 45).moving).count();
    let night = (0..40)
        .filter(|_| scene.look(8, |x, y| 235 - wall(x, y) - ((x / 40 + y / 40) % 2) as i32 * 50).moving)
        .count();
    assert_eq!((lit, night), (0, 0));
    let seen = (0..15)
        .filter(|n| {
            scene
                .look(8, |x, y| {
                    235 - wall(x, y) - ((x / 40 + y / 40) % 2) as i32 * 50
                        + with_box(200 + n * 12, 150, 70, 200)(x, y)
                        - wall(x, y)
                })
                .moving
        })
        .count();
    assert!(seen > 3, "{seen}");
}

#[test]
fn slowly_changing_light_is_no_motion() {
    let mut scene = Scene::new(&WatchSettings::default());
    let moving = (0..600)
        .filter(|n| scene.look(6, |x, y| wall(x, y) + n / 8 * i32::from(x < WIDTH / 2) / 2).moving)
        .count();
    assert_eq!(moving, 0);
}

#[test]
fn a_car_that_has_parked_is_no_motion_any_more() {
    let mut scene = Scene::new(&WatchSettings::default());
    scene.quiet(40, 8);
    let coming = (0..20).filter(|n| scene.look(8, with_box(n * 10, 300, 200, 100)).moving).count();
    let parked: Vec<bool> = (0..100).map(|_| scene.look(8, with_box(190, 300, 200, 100)).moving).collect();
    assert!(coming > 10 && parked[40..].iter().all(|moving| !moving), "{coming} {parked:?}");
}

#[test]
fn a_mask_hides_and_hides_nothing_else() {
    let masks = vec![Mask::Rectangle { x: 0.0, y: 0.0, w: 0.5, h: 1.0 }];
    let settings = WatchSettings { masks, ..WatchSettings::default() };
    for (left, expected) in [(20, false), (400, true)] {
        let mut scene = Scene::new(&settings);
        scene.quiet(40, 8);
        let seen = (0..20).any(|n| scene.look(8, with_box(left + n * 8, 150, 70, 200)).moving);
        assert_eq!(seen, expected);
    }
    let all = WatchSettings { masks: vec![Mask::Rectangle { x: 0.0, y: 0.0, w: 1.0, h: 1.0 }], ..settings };
    let mut scene = Scene::new(&all);
    assert!((0..30).all(|n| !scene.look(8, with_box(n * 16, 150, 70, 200)).moving));
}

#[test]
fn a_clock_in_the_picture_is_soon_ignored() {
    let mut scene = Scene::new(&WatchSettings::default());
    let digit = |n: i64| move |x: usize, y: usize| with_box(500 + (n / 10 % 3) * 12, 20, 16, 24)(x, y);
    let moving: Vec<bool> = (0..900).map(|n| scene.look(6, digit(n)).moving).collect();
    assert!(moving[600..].iter().all(|moving| !moving));
}

#[test]
fn a_hand_before_the_lens_is_motion_though_everything_changes() {
    let mut scene = Scene::new(&WatchSettings::default());
    scene.quiet(40, 8);
    let seen = (0..80).any(|n| {
        scene.look(8, |x, y| if n / 18 % 2 == 0 { 200 - (x / 90 * 20) as i32 } else { wall(x, y) }).moving
    });
    assert!(seen);
}

proptest! {
    #[test]
    fn any_pictures_at_any_times_are_looked_at(
        pictures in prop::collection::vec((any::<i64>(), any::<u8>(), any::<u8>()), 1..30), level in 1u8..=10) {
        let settings = WatchSettings { sensitivity: Sensitivity::new(level).unwrap(), ..WatchSettings::default() };
        let mut detector = Detector::new(&settings);
        for (at_ms, low, high) in pictures {
            let picture: Vec<u8> = (0..80 * 45).map(|n| if n % 7 == 0 { low } else { high }).collect();
            let plane = Plane { data: &picture, stride: 80, width: 80, height: 45 };
            let seen = detector.look(at_ms / 4, &Grid::of(plane).unwrap());
            if let Some(area) = seen.area {
                prop_assert!(area.x >= 0.0 && area.x + area.w <= 1.001 && area.y >= 0.0 && area.y + area.h <= 1.001);
            }
        }
        let narrow = Plane { data: &[0; 79 * 45], stride: 79, width: 79, height: 45 };
        prop_assert!(Grid::of(narrow).is_none());
    }
}
