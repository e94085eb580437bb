//! A built-in camera from its start to its first whole Event, in virtual time, through the public API alone.

mod common;

use std::time::Duration;

use common::{Whole, next_event};
use keepsight_camera::{CameraItem, CameraSource, Cause, DemoScene, DemoView, Ended, WatchSettings, watch};
use keepsight_ids::SegmentKind;
use keepsight_world::World;

fn demo(view: DemoView) -> CameraSource {
    CameraSource::Demo(DemoScene::new("12 Elm Street", view))
}

fn check(event: &Whole) {
    let card = event.card();
    assert_eq!(card.video.segments_ms.len() as u32, event.count(SegmentKind::Video));
    assert_eq!(card.video.segments_ms.iter().sum::<u64>(), card.duration_ms);
    assert_eq!((card.video.width, card.video.height), (1280, 720));
    assert_eq!((event.count(SegmentKind::Init), event.count(SegmentKind::Audio)), (1, 0));
    assert_eq!((event.count(SegmentKind::Thumbnail), event.count(SegmentKind::Preview)), (1, 1));
    assert!((8..=10).contains(&card.preview_frames));
    for kind in [SegmentKind::Thumbnail, SegmentKind::Preview] {
        assert!(event.part(kind, 0).starts_with(&[0xff, 0xd8]), "{kind} is a JPEG");
    }
    let size = common::jpeg_size(event.part(SegmentKind::Thumbnail, 0));
    assert_eq!(size, Some((640, 360)));
    let strip = common::jpeg_size(event.part(SegmentKind::Preview, 0));
    assert_eq!(strip, Some((160 * u32::from(card.preview_frames), 90)));
}

#[tokio::test(start_paused = true)]
async fn every_view_has_a_whole_event_within_half_a_minute() {
    for view in DemoView::ALL {
        let world = World::simulated(1_800_000_000_000, 7);
        let began = world.now();
        let (handle, mut items) = watch(demo(view), WatchSettings::default(), world.clone());
        let event = next_event(&mut items).await;
        assert!(began.elapsed() < Duration::from_secs(30), "{view:?}: {:?}", began.elapsed());
        assert_eq!((event.cause, event.ended), (Cause::Motion, Ended::Quiet));
        check(&event);
        event.show(&format!("{view:?}"));
        let card = event.card();
        assert!((2_000..=7_100).contains(&card.pre_roll_ms), "{view:?}: {}", card.pre_roll_ms);
        let area = card.motion.expect("something moved");
        assert!(area.w > 0.01 && area.w < 0.7 && area.h > 0.05, "{view:?}: {area:?}");
        let captured = event.captured.0 - 1_800_000_000_000;
        assert!((0..8_000).contains(&captured), "{view:?}: {captured}");
        handle.stop();
        while items.next().await.is_some() {}
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_recorded_while_nothing_moves() {
    let settings = WatchSettings { motion: false, ..WatchSettings::default() };
    let (handle, mut items) = watch(demo(DemoView::Garden), settings, World::simulated(1_800_000_000_000, 1));
    assert!(matches!(items.next().await, Some(CameraItem::Reached { audio: None, .. })));
    let later = tokio::time::timeout(Duration::from_secs(90), items.next()).await;
    assert!(later.is_err(), "{later:?}");
    assert!(handle.trigger());
    let event = next_event(&mut items).await;
    assert_eq!(event.cause, Cause::Manual);
    check(&event);
    assert!(event.card().pre_roll_ms >= 5_000);
}

/// The clock runs in the picture all the time; between two passages it must not start an Event.
#[tokio::test(start_paused = true)]
async fn the_running_clock_is_no_motion() {
    let (_handle, mut items) =
        watch(demo(DemoView::Hall), WatchSettings::default(), World::simulated(1_800_000_000_000, 1));
    let first = next_event(&mut items).await;
    let second = next_event(&mut items).await;
    let end = first.captured.0 + first.card().duration_ms as i64;
    assert!(second.captured.0 - end > 10_000, "{} after the first", second.captured.0 - end);
}

#[tokio::test(start_paused = true)]
async fn stopping_completes_the_event_in_progress() {
    let world = World::simulated(1_800_000_000_000, 1);
    let (handle, mut items) = watch(demo(DemoView::Street), WatchSettings::default(), world);
    while !matches!(
        items.next().await.expect("items go on"),
        CameraItem::Part { kind: SegmentKind::Thumbnail, .. }
    ) {}
    handle.stop();
    let mut last = None;
    let mut kinds = Vec::new();
    while let Some(item) = items.next().await {
        if let CameraItem::Part { kind, .. } = item {
            kinds.push(kind);
        }
        last = Some(item);
    }
    assert_eq!(last, Some(CameraItem::EventEnd { ended: Ended::Stopped }));
    assert!(kinds.ends_with(&[SegmentKind::Preview, SegmentKind::Card]), "{kinds:?}");
    assert!(!handle.trigger(), "nothing comes of it any more");
}

#[tokio::test(start_paused = true)]
async fn another_camera_is_not_recorded_until_it_is_accepted() {
    let world = World::simulated(1_800_000_000_000, 1);
    let (handle, mut items) = watch(demo(DemoView::Hall), WatchSettings::default(), world.clone());
    let Some(CameraItem::Reached { identity: hall, .. }) = items.next().await else {
        panic!("reached first")
    };
    handle.stop();
    let settings = WatchSettings { expected: Some(hall.clone()), ..WatchSettings::default() };
    let (_same, mut items) = watch(demo(DemoView::Hall), settings.clone(), world.clone());
    assert!(matches!(items.next().await, Some(CameraItem::Reached { .. })));

    let (handle, mut items) = watch(demo(DemoView::Garden), settings, world);
    let Some(CameraItem::Changed { expected, found }) = items.next().await else { panic!("changed first") };
    assert_eq!(expected, hall);
    assert!(!handle.trigger());
    let quiet = tokio::time::timeout(Duration::from_secs(300), items.next()).await;
    assert!(quiet.is_err(), "nothing is recorded, and nothing is said twice: {quiet:?}");
    handle.accept(found.clone());
    let Some(CameraItem::Reached { identity, .. }) = items.next().await else { panic!("reached") };
    assert_eq!(identity, found);
    assert_eq!(next_event(&mut items).await.cause, Cause::Motion);
}
