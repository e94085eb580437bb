//! What is written is read back: by mp4-atom, and by ffprobe and ffmpeg where they are installed.

use std::process::Command;
use std::sync::Arc;

use mp4_atom::{Any, DecodeMaybe, TrunSamples};
use proptest::prelude::*;

use super::*;
use crate::demo::{DemoScene, DemoView, Studio};
use crate::media::VideoFrame;
use crate::{AudioInfo, VideoInfo};

fn format() -> Arc<VideoFormat> {
    let info = VideoInfo { codec: "avc1.64001f".into(), width: 1280, height: 720 };
    let sps = Bytes::from_static(&[0x67, 0x64, 0, 0x1f, 0xac, 0xd9, 0x40, 0x50]);
    Arc::new(VideoFormat { info, sps, pps: Bytes::from_static(&[0x68, 0xeb, 0xe3, 0xcb]) })
}

fn sound() -> AudioFormat {
    let info = AudioInfo { codec: "mp4a.40.2".into(), rate: 16_000, channels: 1 };
    AudioFormat { info, config: Bytes::from_static(&[0x14, 0x08]), frame_samples: 1024 }
}

fn frame(ticks: i64, key: bool, data: &[u8]) -> VideoFrame {
    VideoFrame { at_ms: 0, ticks, key, data: Bytes::copy_from_slice(data) }
}

fn group(ticks: &[i64], next_ticks: Option<i64>) -> Group {
    let mut group = Group::new(format(), frame(ticks[0], true, &[1, 2, 3]));
    group.frames.extend(ticks[1..].iter().map(|ticks| frame(*ticks, false, &[4, 5])));
    group.next_ticks = next_ticks;
    group
}

fn boxes(mut bytes: &[u8]) -> Vec<Any> {
    std::iter::from_fn(|| Any::decode_maybe(&mut bytes).expect("what was written can be read")).collect()
}

fn moof_and_data(bytes: &[u8]) -> (Moof, Vec<u8>) {
    match <[Any; 3]>::try_from(boxes(bytes)) {
        Ok([Any::Styp(_), Any::Moof(moof), Any::Mdat(mdat)]) => (moof, mdat.data),
        other => panic!("expected styp, moof, mdat: {other:?}"),
    }
}

fn entries(moof: &Moof) -> Vec<TrunEntry> {
    let TrunSamples::Explicit(entries) = &moof.traf[0].trun[0].samples else { panic!("explicit samples") };
    entries.clone()
}

#[test]
fn a_segment_is_read_back_as_it_was_written() {
    let group = group(&[9_000, 18_000, 28_000], Some(36_000));
    let timing = timing(&group);
    let bytes = video_segment(7, 9_000 - 180_000, &group, &timing);
    let (moof, data) = moof_and_data(&bytes);
    assert_eq!(data, [1, 2, 3, 4, 5, 4, 5]);
    assert_eq!(moof.mfhd.sequence_number, 7);
    let traf = &moof.traf[0];
    assert_eq!((traf.tfhd.track_id, traf.tfhd.default_base_is_moof), (1, true));
    assert_eq!(traf.tfdt.as_ref().unwrap().base_media_decode_time, 180_000);
    let durations: Vec<_> = entries(&moof).iter().map(|entry| entry.duration.unwrap()).collect();
    assert_eq!(durations, [9_000, 10_000, 8_000]);
    assert_eq!(entries(&moof)[0].flags, Some(KEY));
    let moof_at = bytes.windows(4).position(|four| four == b"moof").unwrap() - 4;
    let first = moof_at + traf.trun[0].data_offset.unwrap() as usize;
    assert_eq!(&bytes[first..first + 3], [1, 2, 3], "the offset points at the first sample");
}

#[test]
fn frames_out_of_order_get_decoding_times_and_the_time_they_are_shown() {
    let group = group(&[0, 27_000, 9_000, 18_000], Some(36_000));
    let (moof, _) = moof_and_data(&video_segment(1, 0, &group, &timing(&group)));
    let cts: Vec<_> = entries(&moof).iter().map(|entry| entry.cts.unwrap()).collect();
    assert_eq!(cts, [0, 18_000, -9_000, -9_000]);
    assert!(entries(&moof).iter().all(|entry| entry.duration == Some(9_000)));
}

#[test]
fn the_last_frame_of_all_lasts_as_long_as_the_others() {
    assert_eq!(timing(&group(&[0, 9_000, 18_000], None)).end_ticks, 27_000);
    assert_eq!(timing(&group(&[0], None)).end_ticks, 9_000);
}

#[test]
fn init_segments_say_what_the_tracks_are() {
    let video = boxes(&video_init(&format()));
    let [Any::Ftyp(_), Any::Moov(moov)] = &video[..] else { panic!("expected ftyp, moov: {video:?}") };
    let trak = &moov.trak[0];
    assert_eq!((trak.tkhd.track_id, trak.mdia.mdhd.timescale, trak.edts.is_none()), (1, 90_000, true));
    let Codec::Avc1(avc1) = &trak.mdia.minf.stbl.stsd.codecs[0] else { panic!("avc1") };
    assert_eq!((avc1.visual.width, avc1.avcc.length_size), (1280, 4));
    assert_eq!(avc1.avcc.sequence_parameter_sets[0], format().sps);

    let audio = boxes(&audio_init(&sound()));
    let [Any::Ftyp(_), Any::Moov(moov)] = &audio[..] else { panic!("expected ftyp, moov: {audio:?}") };
    let trak = &moov.trak[0];
    assert_eq!((trak.tkhd.track_id, trak.mdia.mdhd.timescale), (2, 16_000));
    let Codec::Mp4a(mp4a) = &trak.mdia.minf.stbl.stsd.codecs[0] else { panic!("mp4a") };
    assert_eq!(mp4a.esds.es_desc.dec_config.dec_specific.as_ref().unwrap().raw, [0x14, 0x08]);
}

proptest! {
    #[test]
    fn any_times_make_a_segment_that_is_read_back(
        ticks in prop::collection::vec(-1_000_000i64..1_000_000, 1..40), next in prop::option::of(-1_000_000i64..2_000_000)) {
        let group = group(&ticks, next);
        let timing = timing(&group);
        let from = timing.samples[0].0;
        let (moof, data) = moof_and_data(&video_segment(1, from, &group, &timing));
        prop_assert_eq!(data.len(), 3 + 2 * (ticks.len() - 1));
        let mut decode = from;
        for (entry, ticks) in entries(&moof).iter().zip(&ticks) {
            prop_assert_eq!(decode + entry.cts.unwrap(), *ticks, "shown when the camera said");
            prop_assert!(entry.duration.unwrap() > 0);
            decode += i64::from(entry.duration.unwrap());
        }
        prop_assert_eq!(decode, timing.end_ticks);
    }

    #[test]
    fn sound_counts_from_the_events_beginning(first in 0i64..1_000_000, from in 0i64..1_000_000, frames in 1usize..60) {
        let frames: Vec<_> = (0..frames).map(|n| AudioFrame { ticks: first + n as i64 * 1024, data: vec![n as u8; n + 1].into() }).collect();
        let (moof, data) = moof_and_data(&audio_segment(3, from, &sound(), &frames));
        prop_assert_eq!(moof.traf[0].tfhd.track_id, 2);
        prop_assert_eq!(moof.traf[0].tfdt.as_ref().unwrap().base_media_decode_time, (first - from).max(0) as u64);
        prop_assert_eq!(data.len(), frames.iter().map(|frame| frame.data.len()).sum::<usize>());
    }
}

/// Pictures of a built-in camera, written and read by an independent reader.
#[test]
#[ignore = "needs ffmpeg"]
fn ffprobe_and_ffmpeg_read_every_frame() {
    let mut studio = Studio::new(DemoScene::new("12 Elm Street", DemoView::Hall)).unwrap();
    let units: Vec<_> =
        (0..40).map(|n| studio.shoot(1_700_000_000_000 + n * 100, n * 100).unwrap()).collect();
    let (sps, pps) = (units[0].sps.clone().unwrap(), units[0].pps.clone().unwrap());
    let format = Arc::new(VideoFormat::new(1280, 720, sps, pps).unwrap());
    let mut file = video_init(&format).to_vec();
    for (number, units) in units.chunks(20).enumerate() {
        let ticks = |n: usize| (number * 20 + n) as i64 * 9_000;
        let frames =
            units.iter().enumerate().map(|(n, unit)| frame(ticks(n), unit.sps.is_some(), &unit.sample));
        let frames: Vec<_> = frames.collect();
        assert!(frames[0].key && frames[1..].iter().all(|frame| !frame.key));
        let mut group = Group::new(format.clone(), frames[0].clone());
        group.frames.extend_from_slice(&frames[1..]);
        group.next_ticks = Some(ticks(20));
        file.extend(video_segment(number as u32 + 1, 0, &group, &timing(&group)));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("event.mp4");
    std::fs::write(&path, file).unwrap();
    let probe = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-show_entries",
            "stream=codec_name,width,height,nb_read_frames,duration",
        ])
        .args(["-of", "default=nw=1"])
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&probe.stdout).into_owned();
    assert!(probe.stderr.is_empty(), "{}", String::from_utf8_lossy(&probe.stderr));
    for line in ["codec_name=h264", "width=1280", "height=720", "nb_read_frames=40", "duration=4.000000"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    let decode = Command::new("ffmpeg")
        .args(["-v", "warning", "-i"])
        .arg(&path)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    assert!(
        decode.status.success() && decode.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&decode.stderr)
    );
}
