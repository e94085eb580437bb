//! Parts, their numbers and the card, from frames made of nothing.

use bytes::Bytes;
use mp4_atom::{Any, DecodeMaybe};
use proptest::prelude::*;

use super::*;
use crate::AudioInfo;
use crate::motion::Seen;
use crate::picture::{Matrix, Picture};

const START_UNIX_MS: i64 = 1_800_000_000_000;

fn format() -> Arc<VideoFormat> {
    let sps = Bytes::from_static(&[0x67, 0x64, 0, 0x1f, 0xac]);
    Arc::new(VideoFormat::new(1920, 1080, sps, Bytes::from_static(&[0x68, 1])).unwrap())
}

fn sound() -> Arc<AudioFormat> {
    let info = AudioInfo { codec: "mp4a.40.2".into(), rate: 16_000, channels: 1 };
    Arc::new(AudioFormat { info, config: Bytes::from_static(&[0x14, 0x08]), frame_samples: 1024 })
}

fn recorder(audio: bool) -> Recorder {
    let mut recorder = Recorder::new(&WatchSettings::default(), audio.then(sound));
    recorder.set_unix_offset(START_UNIX_MS);
    recorder.format(format());
    recorder
}

fn look(at_ms: i64, cells: u32, wish: Wish) -> Look {
    let area = (cells > 0).then_some(MotionBox { x: 0.25, y: 0.5, w: 0.1, h: 0.2 });
    let seen = Seen { cells, moving: cells > 0, area };
    let large = matches!(wish, Wish::Better(least) if cells >= least)
        .then(|| Picture::black(640, 360, Matrix::Bt709));
    Look { at_ms, seen, small: Some(Picture::black(160, 90, Matrix::Bt709)), large }
}

/// Pictures at 10 Hz with a key frame every 20, sound in between, motion within the given tenths of a second.
fn film(
    recorder: &mut Recorder,
    tenths: std::ops::Range<i64>,
    moving: std::ops::Range<i64>,
) -> Vec<CameraItem> {
    let mut items = Vec::new();
    for n in tenths {
        let data = Bytes::from(vec![1; 100]);
        items.extend(recorder.video(VideoFrame { at_ms: n * 100, ticks: n * 9_000, key: n % 20 == 0, data }));
        // 1,600 samples are a tenth of a second; a frame has 1,024.
        for frame in (n * 1_600 + 1_023) / 1_024..((n + 1) * 1_600 + 1_023) / 1_024 {
            recorder.audio(AudioFrame { ticks: frame * 1_024, data: Bytes::from_static(&[7; 40]) });
        }
        let cells = if moving.contains(&n) { 20 + (n % 7) as u32 } else { 0 };
        let wish = recorder.wish();
        items.extend(recorder.look(look(n * 100, cells, wish)));
    }
    items
}

fn card(items: &[CameraItem]) -> Card {
    let found = items.iter().find_map(|item| match item {
        CameraItem::Part { kind: SegmentKind::Card, bytes, .. } => Some(bytes),
        _ => None,
    });
    serde_json::from_slice(found.expect("there is a card")).unwrap()
}

fn kinds(items: &[CameraItem], of: SegmentKind) -> Vec<u32> {
    let number = |item: &CameraItem| match item {
        CameraItem::Part { kind, number, .. } if *kind == of => Some(number.0),
        _ => None,
    };
    items.iter().filter_map(number).collect()
}

#[test]
fn an_event_has_every_part_once_in_order() {
    let mut recorder = recorder(true);
    let items = film(&mut recorder, 0..400, 105..150);
    let [CameraItem::EventStart { captured, cause }, ..] = &items[..] else { panic!("{:?}", items[0]) };
    assert_eq!((*captured, *cause), (UnixMillis(START_UNIX_MS + 4_000), Cause::Motion));
    assert_eq!(items.last(), Some(&CameraItem::EventEnd { ended: Ended::Quiet }));
    assert_eq!(kinds(&items, SegmentKind::Init), [0, 1]);
    // From 4 s to the first key frame 8 s after 14.9 s.
    assert_eq!(kinds(&items, SegmentKind::Video), (0..10).collect::<Vec<_>>());
    assert_eq!(kinds(&items, SegmentKind::Audio), (0..10).collect::<Vec<_>>());
    for kind in [SegmentKind::Thumbnail, SegmentKind::Preview, SegmentKind::Card] {
        assert_eq!(kinds(&items, kind), [0], "{kind}");
    }
    let thumbnail =
        items.iter().position(|item| matches!(item, CameraItem::Part { kind: SegmentKind::Thumbnail, .. }));
    assert!(thumbnail < Some(items.len() - 8), "it does not wait for the end");
}

#[test]
fn the_card_tells_what_happened_when() {
    let mut recorder = recorder(true);
    let card = card(&film(&mut recorder, 0..400, 105..150));
    assert_eq!((card.v, card.label, card.duration_ms, card.pre_roll_ms), (1, Cause::Motion, 20_000, 6_500));
    assert_eq!(card.activity, [[6_500, 10_900]]);
    assert_eq!(card.motion, Some(MotionBox { x: 0.25, y: 0.5, w: 0.1, h: 0.2 }));
    assert_eq!((card.preview_frames, card.video.segments_ms), (10, vec![2_000; 10]));
    assert_eq!(card.audio, Some(CardAudio { codec: "mp4a.40.2".into(), rate: 16_000 }));
    let json = String::from_utf8(card_of_nothing().to_json().to_vec()).unwrap();
    let form = r#"{"v":1,"label":"manual","duration_ms":1,"pre_roll_ms":0,"preview_frames":0,"motion":null,"activity":[],"video":{"codec":"avc1.64001f","width":16,"height":16,"segments_ms":[1]},"audio":null}"#;
    assert_eq!(json, form);
}

fn card_of_nothing() -> Card {
    let video = CardVideo { codec: "avc1.64001f".into(), width: 16, height: 16, segments_ms: vec![1] };
    Card {
        v: 1,
        label: Cause::Manual,
        duration_ms: 1,
        pre_roll_ms: 0,
        preview_frames: 0,
        motion: None,
        activity: Vec::new(),
        video,
        audio: None,
    }
}

#[test]
fn a_track_without_sound_is_not_announced() {
    let mut silent = recorder(true);
    let mut items = Vec::new();
    for n in 0..60 {
        let data = Bytes::from_static(&[1; 10]);
        items.extend(silent.video(VideoFrame { at_ms: n * 100, ticks: n * 9_000, key: n % 20 == 0, data }));
    }
    items.extend(silent.trigger(5_900));
    items.extend(silent.finish(Ended::Stopped));
    assert_eq!((kinds(&items, SegmentKind::Init), kinds(&items, SegmentKind::Audio)), (vec![0], vec![]));
    let card = card(&items);
    assert_eq!((card.audio, card.label, card.preview_frames), (None, Cause::Manual, 0));
}

#[test]
fn sound_is_in_step_with_the_pictures_and_none_of_it_twice() {
    let mut recorder = recorder(true);
    let items = film(&mut recorder, 0..1_500, 100..1_400);
    let mut from_samples = Vec::new();
    let mut event_start = 0;
    for item in &items {
        match item {
            CameraItem::EventStart { captured, .. } => event_start = (captured.0 - START_UNIX_MS) * 16,
            CameraItem::Part { kind: SegmentKind::Audio, bytes, .. } => {
                let mut rest = &bytes[..];
                while let Some(any) = Any::decode_maybe(&mut rest).unwrap() {
                    let Any::Moof(moof) = any else { continue };
                    let decode = moof.traf[0].tfdt.as_ref().unwrap().base_media_decode_time as i64;
                    let count = moof.traf[0].trun[0].samples.len() as i64;
                    from_samples.extend((0..count).map(|n| event_start + decode + n * 1_024));
                }
            }
            _ => {}
        }
    }
    assert!(from_samples.len() > 2_000);
    // 64 ms is a frame; at the border of two Events one may be left out, since it belongs to neither wholly.
    assert!(
        from_samples.windows(2).all(|pair| (1..=2_048).contains(&(pair[1] - pair[0]))),
        "in order, without holes"
    );
}

#[test]
fn while_nothing_happens_nothing_grows() {
    let mut recorder = recorder(true);
    assert!(film(&mut recorder, 0..3_000, 0..0).is_empty());
    assert!(recorder.audio.len() < 200, "{}", recorder.audio.len());
    assert_eq!(recorder.audio_bytes, recorder.audio.len() * 40);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn whatever_happens_parts_are_numbered_and_events_closed(
        steps in prop::collection::vec((0u8..40, 1i64..30, any::<bool>()), 1..250), pace in 1i64..400_000) {
        let mut recorder = recorder(true);
        let (mut items, mut n) = (Vec::new(), 0);
        for (what, step, key) in steps {
            n += step;
            let data = Bytes::from_static(&[1; 10]);
            match what {
                0 => items.extend(recorder.trigger(n * 100)),
                1 => items.extend(recorder.finish(Ended::Lost)),
                2..=9 => recorder.audio(AudioFrame { ticks: n * 1_024 - pace, data }),
                10..=14 => {
                    let wish = recorder.wish();
                    items.extend(recorder.look(look(n * 100, u32::from(what), wish)));
                }
                _ => items.extend(recorder.video(VideoFrame { at_ms: n * 100, ticks: n * pace, key, data })),
            }
        }
        items.extend(recorder.finish(Ended::Stopped));
        let mut open: Option<Vec<(SegmentKind, u32)>> = None;
        for item in items {
            match item {
                CameraItem::EventStart { .. } => prop_assert!(open.replace(Vec::new()).is_none()),
                CameraItem::Part { kind, number, bytes } => {
                    let parts = open.as_mut().expect("within an Event");
                    let expected = parts.iter().filter(|(of, _)| *of == kind).count() as u32;
                    prop_assert_eq!(number.0, expected);
                    prop_assert!(!bytes.is_empty());
                    parts.push((kind, number.0));
                }
                CameraItem::EventEnd { .. } => {
                    let parts = open.take().expect("an Event was open");
                    prop_assert_eq!(parts.last(), Some(&(SegmentKind::Card, 0)));
                    prop_assert!(parts.contains(&(SegmentKind::Init, 0)) && parts.contains(&(SegmentKind::Video, 0)));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert!(open.is_none());
    }
}
