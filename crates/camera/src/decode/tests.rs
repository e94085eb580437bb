//! Which frames are decoded, and that nothing a camera sends does harm.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::demo::{DemoScene, DemoView, Studio};

/// Frames of a built-in camera at 10 Hz with a key frame every 20, in which something passes.
fn film(frames: i64) -> (Arc<VideoFormat>, Vec<VideoFrame>) {
    let mut studio = Studio::new(DemoScene::new("12 Elm Street", DemoView::Street)).unwrap();
    let units = (0..frames).map(|n| studio.shoot(1_800_000_000_000 + n * 100, n * 100).unwrap());
    let units: Vec<_> = units.collect();
    let format =
        VideoFormat::new(1280, 720, units[0].sps.clone().unwrap(), units[0].pps.clone().unwrap()).unwrap();
    let frame = |(n, unit): (usize, crate::h264::AccessUnit)| {
        let n = n as i64;
        VideoFrame { at_ms: n * 100, ticks: n * 9_000, key: unit.sps.is_some(), data: unit.sample }
    };
    (Arc::new(format), units.into_iter().enumerate().map(frame).collect())
}

fn looks(format: &Arc<VideoFormat>, frames: &[VideoFrame], wish: Wish) -> Vec<Look> {
    let masks = DemoScene::new("12 Elm Street", DemoView::Street).masks();
    let mut analyser = Analyser::new(&WatchSettings { masks, ..WatchSettings::default() }).unwrap();
    analyser.set_shape(format);
    frames.iter().filter_map(|frame| analyser.look(format, frame, wish)).collect()
}

#[test]
fn a_small_stream_is_decoded_whole_and_a_large_one_when_something_changes() {
    let (small, frames) = film(140);
    assert_eq!(looks(&small, &frames, Wish::Watch).len(), 140);
    let followed = looks(&small, &frames, Wish::Follow);
    assert_eq!(followed.len(), 20 + 6, "whole until it is known how often key frames come");
    // The same pictures announced as larger than they are.
    let large = VideoFormat::new(1920, 1080, small.sps.clone(), small.pps.clone()).unwrap();
    let large = Arc::new(large);
    let seen = looks(&large, &frames, Wish::Watch);
    assert!((20..120).contains(&seen.len()), "{} looks", seen.len());
    assert!(seen.iter().any(|look| look.seen.moving));
    assert!(seen[..2].iter().all(|look| look.at_ms % 2_000 == 0), "key frames until something changes");
    assert_eq!(looks(&large, &frames, Wish::Follow).len(), 7, "key frames are enough to follow");
}

#[test]
fn large_pictures_come_when_they_are_wanted() {
    let (format, frames) = film(20);
    assert!(looks(&format, &frames, Wish::Watch).iter().all(|look| look.large.is_none()));
    let wanted = looks(&format, &frames[..3], Wish::Better(0));
    let large = wanted[0].large.as_ref().unwrap();
    assert_eq!((large.width, large.height), (640, 360));
    assert!(looks(&format, &frames[..3], Wish::Better(10_000)).iter().all(|look| look.large.is_none()));
}

#[test]
fn decoding_goes_on_at_the_next_key_frame_after_a_broken_one() {
    let (format, mut frames) = film(60);
    frames[25].data = Bytes::from_static(&[0, 0, 0, 6, 0x41, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let seen = looks(&format, &frames, Wish::Watch);
    assert!(seen.iter().filter(|look| look.at_ms >= 4_000).count() == 20, "all of the last group");
}

#[test]
fn the_snapshot_is_a_jpeg() {
    let (format, frames) = film(1);
    assert!(snapshot(&format, &frames[0]).unwrap().starts_with(&[0xff, 0xd8]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Bits turned over in real frames, and bytes that never were frames.
    #[test]
    fn what_is_not_video_does_no_harm(
        flips in prop::collection::vec((0usize..12, any::<usize>(), any::<u8>()), 1..40),
        garbage in prop::collection::vec(any::<u8>(), 0..300), sps in prop::collection::vec(any::<u8>(), 4..60)) {
        static FILM: std::sync::OnceLock<(Arc<VideoFormat>, Vec<VideoFrame>)> = std::sync::OnceLock::new();
        let (format, mut frames) = FILM.get_or_init(|| film(12)).clone();
        for (frame, at, with) in flips {
            let mut data = frames[frame].data.to_vec();
            let at = at % data.len();
            data[at] ^= with;
            frames[frame].data = data.into();
        }
        frames.push(VideoFrame { key: true, data: garbage.into(), ..frames[0].clone() });
        looks(&format, &frames, Wish::Better(0));
        let odd = VideoFormat::new(640, 480, sps.into(), Bytes::from_static(&[0x68, 0xce])).unwrap();
        looks(&Arc::new(odd), &frames, Wish::Watch);
    }
}
