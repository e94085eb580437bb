//! A real RTSP server, from the first DESCRIBE to a whole Event; and what goes wrong with cameras.
//!
//! Every test starts a camera of its own: `cargo xtask test --only camera` installs what that takes and runs them.

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::next_event;
use common::testcam::{TestCam, content};
use keepsight_camera::{
    CameraError, CameraItem, CameraSource, Cause, Ended, Login, Password, RtspSource, Watch, WatchSettings,
    probe, watch,
};
use keepsight_ids::SegmentKind;
use keepsight_world::World;

const SECRET: &str = "correct-horse";

fn login() -> Login {
    Login { user: "elm".into(), password: Password::new(SECRET) }
}

fn mount(path: &str, items: &[(&str, &Path, &str)]) -> [String; 2] {
    let items: Vec<_> =
        items.iter().map(|(kind, file, rate)| format!("{kind}={}{rate}", file.display())).collect();
    ["--mount".into(), format!("{path}:{}", items.join(","))]
}

/// A camera with a main stream with sound, and a substream.
fn whole_camera(content: &Path, port: u16, more: &[&str]) -> TestCam {
    let main = content.join("scene_main.h264");
    let main = mount("/main", &[("h264", &main, "@10"), ("aac", &content.join("tone.aac"), "")]);
    let sub = mount("/sub", &[("h264", &content.join("scene_sub.h264"), "@10")]);
    let more = more.iter().map(|text| (*text).to_owned());
    TestCam::start(port, &main.into_iter().chain(sub).chain(more).collect::<Vec<_>>())
}

fn source(camera: &TestCam, login: Option<Login>) -> CameraSource {
    CameraSource::Rtsp(RtspSource { main: camera.url("main"), sub: Some(camera.url("sub")), login })
}

fn quick() -> WatchSettings {
    WatchSettings {
        post_roll: Duration::from_secs(3),
        stall_after: Duration::from_secs(3),
        ..WatchSettings::default()
    }
}

async fn soon(items: &mut Watch) -> CameraItem {
    let item = tokio::time::timeout(Duration::from_secs(40), items.next()).await;
    item.expect("something happens within 40 s").expect("items go on")
}

fn ffprobe(file: &[u8], entries: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.mp4");
    std::fs::write(&path, file).unwrap();
    let out = Command::new("ffprobe")
        .args(["-v", "warning", "-count_frames", "-of", "default=nw=1", "-show_entries", entries])
        .arg(&path)
        .output()
        .unwrap();
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[tokio::test]
#[ignore = "needs GStreamer and ffmpeg"]
async fn motion_on_the_substream_records_the_main_stream_with_sound() {
    let content = content();
    let camera = whole_camera(content, 0, &["--user", &format!("elm:{SECRET}"), "--digest"]);
    let (_handle, mut items) = watch(source(&camera, Some(login())), quick(), World::real());
    let CameraItem::Reached { video, audio: Some(audio), .. } = soon(&mut items).await else {
        panic!("reached, with sound")
    };
    assert_eq!((video.width, video.height, audio.rate, audio.channels), (1280, 720, 16_000, 1));

    let event = tokio::time::timeout(Duration::from_secs(60), next_event(&mut items)).await.unwrap();
    assert_eq!((event.cause, event.ended), (Cause::Motion, Ended::Quiet));
    event.show("rtsp");
    let card = event.card();
    // Five seconds of motion, five before and three after, all rounded up to key frames.
    assert!((11_500..=19_000).contains(&card.duration_ms), "{card:?}");
    assert!((4_500..=7_500).contains(&card.pre_roll_ms), "{card:?}");
    assert!(card.motion.is_some_and(|area| area.y > 0.3 && area.h > 0.2 && area.h < 0.5), "{card:?}");
    assert_eq!(
        common::jpeg_size(event.part(SegmentKind::Thumbnail, 0)),
        Some((640, 360)),
        "the shape of the main stream"
    );

    let frames = card.duration_ms / 100;
    let text = ffprobe(&event.file(0, SegmentKind::Video), "stream=codec_name,width,nb_read_frames");
    assert!(text.contains("codec_name=h264") && text.contains("width=1280"), "{text}");
    assert!(text.contains(&format!("nb_read_frames={frames}")), "{frames} frames: {text}");
    let text = ffprobe(&event.file(1, SegmentKind::Audio), "stream=codec_name,sample_rate,duration");
    assert!(text.contains("codec_name=aac") && text.contains("sample_rate=16000"), "{text}");
    let seconds: f64 = text.lines().find_map(|line| line.strip_prefix("duration=")).unwrap().parse().unwrap();
    assert!((seconds - card.duration_ms as f64 / 1000.0).abs() < 0.7, "{seconds} s of sound: {card:?}");
    // Told as soon as something moved, which is the pre-roll after the first picture.
    let age_ms = event.told_ms - event.captured.0;
    assert!((4_500..=11_000).contains(&age_ms), "captured at the right time: {age_ms}");
}

#[tokio::test]
#[ignore = "needs GStreamer and ffmpeg"]
async fn without_a_substream_the_main_stream_is_looked_at() {
    let content = content();
    let camera = whole_camera(content, 0, &["--user", &format!("elm:{SECRET}")]);
    // There is one in the settings, but not at the camera.
    let main_only =
        RtspSource { main: camera.url("main"), sub: Some(camera.url("nowhere")), login: Some(login()) };
    let settings = WatchSettings { audio: false, ..quick() };
    let (_handle, mut items) = watch(CameraSource::Rtsp(main_only), settings, World::real());
    assert!(matches!(soon(&mut items).await, CameraItem::Reached { audio: None, .. }));
    let event = tokio::time::timeout(Duration::from_secs(60), next_event(&mut items)).await.unwrap();
    assert_eq!((event.cause, event.count(SegmentKind::Audio)), (Cause::Motion, 0));
    assert!(event.card().audio.is_none());
}

#[tokio::test]
#[ignore = "needs GStreamer and ffmpeg"]
async fn a_trigger_records_at_once_and_a_killed_camera_ends_it() {
    let content = content();
    let camera = whole_camera(content, 0, &[]);
    let settings = WatchSettings { motion: false, ..quick() };
    let (handle, mut items) = watch(source(&camera, None), settings, World::real());
    let CameraItem::Reached { identity, .. } = soon(&mut items).await else { panic!("reached") };
    assert!(handle.trigger());
    let CameraItem::EventStart { cause: Cause::Manual, .. } = soon(&mut items).await else {
        panic!("an Event")
    };
    while !matches!(soon(&mut items).await, CameraItem::Part { kind: SegmentKind::Video, .. }) {}
    let port = camera.port;
    drop(camera);
    let ended = loop {
        match soon(&mut items).await {
            CameraItem::EventEnd { ended } => break ended,
            CameraItem::Part { .. } => {}
            other => panic!("the Event ends first: {other:?}"),
        }
    };
    assert_eq!(ended, Ended::Lost);
    let CameraItem::NotReached { .. } = soon(&mut items).await else { panic!("not reached") };
    assert!(!handle.trigger());

    let _back = whole_camera(content, port, &[]);
    let again = loop {
        match soon(&mut items).await {
            CameraItem::Reached { identity, .. } => break identity,
            CameraItem::NotReached { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(identity.same_camera(&again));
}

#[tokio::test]
#[ignore = "needs GStreamer and ffmpeg"]
async fn a_frozen_camera_is_noticed() {
    let content = content();
    let camera = whole_camera(content, 0, &[]);
    let (_handle, mut items) =
        watch(source(&camera, None), WatchSettings { motion: false, ..quick() }, World::real());
    assert!(matches!(soon(&mut items).await, CameraItem::Reached { .. }));
    camera.freeze();
    let CameraItem::NotReached { reason, .. } = soon(&mut items).await else { panic!("not reached") };
    assert_eq!(reason, CameraError::Stalled(Duration::from_secs(3)));
}

#[tokio::test]
#[ignore = "needs GStreamer and ffmpeg"]
async fn probing_says_what_is_there_and_refused_logins_say_nothing_secret() {
    let content = content();
    let world = World::real();
    for digest in [true, false] {
        let password = format!("elm:{SECRET}");
        let more: &[&str] = if digest { &["--user", &password, "--digest"] } else { &["--user", &password] };
        let camera = whole_camera(content, 0, more);
        let found = probe(&camera.url("main"), Some(&login()), &world).await.unwrap();
        let [video, audio] = &found.streams[..] else { panic!("{found:?}") };
        assert_eq!((video.codec.as_str(), video.size, video.recorded), ("H264", Some((1280, 720)), true));
        assert!(video.fps.is_some_and(|fps| (fps - 10.0).abs() < 0.5), "{video:?}");
        assert_eq!((audio.sound, audio.recorded), (Some((16_000, 1)), true));
        assert_eq!(common::jpeg_size(&found.snapshot.expect("a snapshot")), Some((640, 360)));

        let wrong = Login { user: "elm".into(), password: Password::new("another-secret") };
        for login in [None, Some(&wrong)] {
            let refused = probe(&camera.url("main"), login, &world).await.unwrap_err();
            assert_eq!(refused, CameraError::LoginRefused);
        }
        let nowhere = probe(&camera.url("nowhere"), Some(&login()), &world).await.unwrap_err();
        assert_eq!(nowhere, CameraError::NoSuchStream);
    }
    let gone: keepsight_camera::RtspUrl = "rtsp://127.0.0.1:9/main".parse().unwrap();
    assert!(matches!(probe(&gone, None, &world).await, Err(CameraError::NoAnswer(_))));
}

#[tokio::test]
#[ignore = "needs GStreamer and ffmpeg"]
async fn another_camera_at_the_same_address_is_not_recorded() {
    let content = content();
    let first = whole_camera(content, 0, &[]);
    let hall = probe(&first.url("main"), None, &World::real()).await.unwrap().identity;
    let port = first.port;
    drop(first);
    let other = mount("/main", &[("h264", &content.join("scene_sub.h264"), "@10")]);
    let garden = TestCam::start(port, &other);
    let source = RtspSource { main: garden.url("main"), sub: None, login: None };
    let settings = WatchSettings { expected: Some(hall.clone()), ..quick() };
    let (handle, mut items) = watch(CameraSource::Rtsp(source), settings, World::real());
    let CameraItem::Changed { expected, found } = soon(&mut items).await else { panic!("changed") };
    assert_eq!(expected, hall);
    assert!(!handle.trigger());
    handle.accept(found);
    assert!(matches!(soon(&mut items).await, CameraItem::Reached { .. }));
}

#[tokio::test]
#[ignore = "needs GStreamer and ffmpeg"]
async fn h265_and_g711_are_told_apart_from_what_is_recorded() {
    let content = content();
    let (hevc, tone) = (content.join("tiny.h265"), content.join("tone.ul"));
    let encode = |arguments: &[&str], out: &Path| {
        Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i"])
            .args(arguments)
            .arg(out)
            .status()
            .is_ok_and(|status| status.success())
    };
    let x265 = "bframes=0:keyint=20:aud=1:repeat-headers=1:log-level=none";
    assert!(encode(
        &["testsrc2=s=320x240:r=10:d=4", "-c:v", "libx265", "-x265-params", x265, "-f", "hevc"],
        &hevc,
    ));
    assert!(encode(&["sine=d=4", "-ac", "1", "-ar", "8000", "-f", "mulaw"], &tone));
    let main = content.join("scene_sub.h264");
    let mut mounts = mount("/g711", &[("h264", &main, "@10"), ("pcmu", &tone, "")]).to_vec();
    mounts.extend(mount("/h265", &[("h265", &hevc, "@10")]));
    let camera = TestCam::start(0, &mounts);
    let world = World::real();
    let found = probe(&camera.url("g711"), None, &world).await.unwrap();
    let audio = found.streams.iter().find(|stream| stream.media == "audio").unwrap();
    assert_eq!((audio.codec.as_str(), audio.recorded), ("PCMU", false));
    let refused = probe(&camera.url("h265"), None, &world).await.unwrap_err();
    assert_eq!(refused, CameraError::Unsupported { codec: "H265".into() });
}
