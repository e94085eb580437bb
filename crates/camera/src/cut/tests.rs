//! What every sequence of frames and activity must come to.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const SETTINGS: CutSettings =
    CutSettings { pre_roll_ms: 5_000, post_roll_ms: 8_000, event_ms_max: 60_000, bytes_max: 1 << 20 };

fn format(n: u8) -> Arc<VideoFormat> {
    let sps = Bytes::from(vec![0x67, 0x42, 0, n, 1, 1]);
    Arc::new(VideoFormat::new(640, 480, sps, Bytes::from_static(&[0x68, 1])).unwrap())
}

fn frame(n: i64, key: bool, bytes: usize) -> VideoFrame {
    VideoFrame { at_ms: n * 100, ticks: n * 9_000, key, data: vec![0; bytes].into() }
}

/// Feeds frames at 10 Hz with a key frame every 20, and activity in the given tenths of a second.
fn run(settings: CutSettings, frames: i64, active: impl Fn(i64) -> bool) -> Vec<Effect> {
    let mut cutter = Cutter::new(settings);
    let format = format(1);
    let mut effects = Vec::new();
    for n in 0..frames {
        effects.extend(cutter.video(&format, frame(n, n % 20 == 0, 100)));
        if active(n) {
            effects.extend(cutter.activity(Cause::Motion, n * 100));
        }
    }
    effects.extend(cutter.finish(Ended::Stopped));
    effects
}

/// (start, frames by their ticks, ended) of each Event.
fn events(effects: &[Effect]) -> Vec<(i64, Vec<i64>, Ended)> {
    let mut events = Vec::new();
    let mut open: Option<(i64, Vec<i64>)> = None;
    for effect in effects {
        match effect {
            Effect::Start { at_ms, .. } => {
                assert!(open.replace((*at_ms, Vec::new())).is_none(), "an Event begins within an Event");
            }
            Effect::Segment(group) => {
                let (_, ticks) = open.as_mut().expect("a segment belongs to an Event");
                assert!(group.frames[0].key && group.frames[1..].iter().all(|frame| !frame.key));
                ticks.extend(group.frames.iter().map(|frame| frame.ticks));
            }
            Effect::End(ended) => {
                let (start, ticks) = open.take().expect("an end has a beginning");
                events.push((start, ticks, *ended));
            }
        }
    }
    assert!(open.is_none(), "an Event is left open");
    events
}

fn span(frames: std::ops::Range<i64>) -> Vec<i64> {
    frames.map(|n| n * 9_000).collect()
}

#[test]
fn an_event_has_its_pre_roll_and_its_post_roll() {
    let effects = run(SETTINGS, 600, |n| (205..250).contains(&n));
    let [(start, ticks, ended)] = &events(&effects)[..] else { panic!("one Event") };
    assert_eq!((*start, *ended), (14_000, Ended::Quiet));
    // Active until 24.9 s, so 32.9 s and on to the next key frame at 34 s.
    assert_eq!(*ticks, span(140..340));
}

#[test]
fn a_long_activity_becomes_events_that_follow_on_without_a_hole() {
    let effects = run(SETTINGS, 2_000, |n| (100..1_500).contains(&n));
    let events = events(&effects);
    assert_eq!(events.len(), 3);
    assert!(events[..2].iter().all(|(.., ended)| *ended == Ended::Full));
    let all: Vec<i64> = events.iter().flat_map(|(_, ticks, _)| ticks.clone()).collect();
    assert_eq!(all, span(40..1_580));
    assert!(events.iter().all(|(_, ticks, _)| ticks.len() <= 620));
}

#[test]
fn segments_leave_while_the_event_is_recorded() {
    let mut cutter = Cutter::new(SETTINGS);
    let format = format(1);
    for n in 0..100 {
        assert!(cutter.video(&format, frame(n, n % 20 == 0, 100)).is_empty());
    }
    // 9.9 s, pre-roll from 4.9 s: the groups from 4 s and 6 s are complete, and that of 8 s is not.
    let at_once = cutter.activity(Cause::Manual, 9_900);
    assert!(matches!(
        &at_once[..],
        [Effect::Start { at_ms: 4_000, .. }, Effect::Segment(_), Effect::Segment(_)]
    ));
    let next = cutter.video(&format, frame(100, true, 100));
    let [Effect::Segment(group)] = &next[..] else { panic!("one segment: {next:?}") };
    assert_eq!((group.frames.len(), group.next_ticks), (20, Some(900_000)));
}

#[test]
fn a_trigger_before_the_first_key_frame_waits_for_it() {
    let mut cutter = Cutter::new(SETTINGS);
    assert!(cutter.activity(Cause::Manual, 0).is_empty());
    assert!(cutter.video(&format(1), frame(3, false, 10)).is_empty());
    let effects = cutter.video(&format(1), frame(200, true, 10));
    assert!(matches!(effects[..], [Effect::Start { at_ms: 20_000, cause: Cause::Manual }]));
}

#[test]
fn another_format_or_a_jumping_clock_ends_the_event_and_begins_the_next() {
    for (second, later) in [(format(2), 0), (format(1), 90_000 * 3_600), (format(1), -90_000 * 5)] {
        let mut cutter = Cutter::new(SETTINGS);
        let mut effects = Vec::new();
        for n in 0..200 {
            let format = if n < 100 { format(1) } else { second.clone() };
            let mut frame = frame(n, n % 20 == 0, 100);
            frame.ticks += if n < 100 { 0 } else { later };
            effects.extend(cutter.video(&format, frame));
            effects.extend(cutter.activity(Cause::Motion, n * 100));
        }
        effects.extend(cutter.finish(Ended::Lost));
        let events = events(&effects);
        assert_eq!(events.iter().map(|e| e.2).collect::<Vec<_>>(), [Ended::Format, Ended::Lost]);
        assert_eq!(events.iter().map(|e| e.1.len()).sum::<usize>(), 200, "every frame is in one of them");
    }
}

#[test]
fn key_frames_that_never_come_do_not_fill_the_memory() {
    let settings = CutSettings { bytes_max: 10_000, ..SETTINGS };
    for active in [false, true] {
        let mut cutter = Cutter::new(settings);
        let mut effects = Vec::new();
        for n in 0..1_000 {
            effects.extend(cutter.video(&format(1), frame(n, n == 0 || n == 900, 100)));
            assert!(cutter.bytes <= 10_000);
            if active && n < 950 {
                effects.extend(cutter.activity(Cause::Motion, n * 100));
            }
        }
        effects.extend(cutter.finish(Ended::Stopped));
        assert_eq!(events(&effects).len(), if active { 2 } else { 0 });
    }
}

#[derive(Debug, Clone)]
enum Input {
    Frame { key: bool, step: i64, bytes: usize },
    Active(Cause),
    Finish,
    Format(u8),
}

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let step = prop_oneof![20 => 1i64..5, 1 => -3i64..0, 1 => 100i64..100_000];
    let frame = (prop::bool::weighted(0.1), step, 1usize..3_000);
    let one = prop_oneof![
        40 => frame.prop_map(|(key, step, bytes)| Input::Frame { key, step, bytes }),
        3 => prop_oneof![Just(Cause::Motion), Just(Cause::Manual)].prop_map(Input::Active),
        1 => Just(Input::Finish),
        1 => (0u8..3).prop_map(Input::Format),
    ];
    prop::collection::vec(one, 0..400)
}

/// Steadier than [`inputs`], so that Events get long enough to follow on.
fn calm() -> impl Strategy<Value = (Vec<bool>, i64)> {
    (prop::collection::vec(prop::bool::weighted(0.04), 50..600), 5i64..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_comes_events_are_whole_and_no_frame_leaves_twice(inputs in inputs(), bytes_max in 1_000usize..100_000) {
        let settings = CutSettings { pre_roll_ms: 1_000, post_roll_ms: 2_000, event_ms_max: 5_000, bytes_max };
        let mut cutter = Cutter::new(settings);
        let (mut effects, mut n, mut at_ms, mut shape) = (Vec::new(), 0i64, 0i64, format(0));
        for input in inputs {
            match input {
                Input::Frame { key, step, bytes } => {
                    n += step;
                    at_ms += step.clamp(0, 50) * 100;
                    effects.extend(cutter.video(&shape, VideoFrame { at_ms, ..frame(n, key, bytes) }));
                }
                Input::Active(cause) => effects.extend(cutter.activity(cause, at_ms)),
                Input::Finish => effects.extend(cutter.finish(Ended::Lost)),
                Input::Format(number) => shape = format(number),
            }
            prop_assert!(cutter.bytes <= bytes_max);
            let held = cutter.ring.iter().chain(&cutter.open).flat_map(|group| &group.frames);
            prop_assert_eq!(held.map(|frame| frame.data.len()).sum::<usize>(), cutter.bytes);
        }
        effects.extend(cutter.finish(Ended::Stopped));
        let groups = effects.iter().filter_map(|effect| if let Effect::Segment(group) = effect { Some(group) } else { None });
        let mut left: Vec<*const u8> = groups.flat_map(|group| &group.frames).map(|frame| frame.data.as_ptr()).collect();
        let all = left.len();
        left.sort_unstable();
        left.dedup();
        prop_assert_eq!(left.len(), all, "a frame left twice");
        for (_, ticks, _) in events(&effects) {
            prop_assert!(!ticks.is_empty(), "an Event without a picture");
        }
    }

    #[test]
    fn pre_roll_and_post_roll_are_there_and_what_follows_on_has_no_hole((active, gop) in calm()) {
        let settings = CutSettings { pre_roll_ms: 1_500, post_roll_ms: 2_000, event_ms_max: 6_000, bytes_max: 1 << 20 };
        let mut cutter = Cutter::new(settings);
        let mut effects = Vec::new();
        for (n, active) in active.iter().enumerate() {
            let n = n as i64;
            effects.extend(cutter.video(&format(1), frame(n, n % gop == 0, 10)));
            if *active {
                effects.extend(cutter.activity(Cause::Motion, n * 100));
            }
        }
        effects.extend(cutter.finish(Ended::Stopped));
        let recorded: Vec<i64> = events(&effects).iter().flat_map(|(_, ticks, _)| ticks.clone()).collect();
        prop_assert!(recorded.windows(2).all(|pair| pair[0] < pair[1]), "in order, once");
        let last = active.len() as i64 - 1;
        for n in active.iter().enumerate().filter(|(_, active)| **active).map(|(n, _)| n as i64) {
            for around in (n - 15).max(0)..=(n + 19).min(last) {
                prop_assert!(recorded.contains(&(around * 9_000)), "frame {} around the activity at {} is missing", around, n);
            }
        }
        let events = events(&effects);
        for pair in events.windows(2).filter(|pair| pair[0].2 == Ended::Full) {
            prop_assert_eq!(pair[0].1.last().unwrap() + 9_000, pair[1].1[0]);
        }
    }
}
