//! Turns frames, looks and triggers into the items of Events. Joins cutter, muxer and stills; still no IO and no clock.
//!
//! Parts are numbered without holes within their kind; an init segment comes before the first segment of its track.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use keepsight_ids::{SegmentKind, SegmentNo, UnixMillis};

use crate::cut::{Cutter, Effect, Group};
use crate::decode::{Look, Wish};
use crate::media::{AudioFormat, AudioFrame, VIDEO_TICKS, VideoFormat, VideoFrame};
use crate::mux::{self, Timing};
use crate::stills::{Stills, Thumbnail};
use crate::{CameraItem, Card, CardAudio, CardVideo, Cause, Ended, MotionBox, WatchSettings};

/// Sound kept while nothing is recorded; far more than any pre-roll of AAC.
const AUDIO_BYTES_MAX: usize = 4 << 20;
/// Activities closer together than this are one.
const ACTIVITY_JOIN_MS: i64 = 1_000;
/// Activities remembered in a card.
const ACTIVITIES_MAX: usize = 200;

/// The state machine.
pub(crate) struct Recorder {
    cutter: Cutter,
    stills: Stills,
    format: Option<Arc<VideoFormat>>,
    audio_format: Option<Arc<AudioFormat>>,
    audio: VecDeque<AudioFrame>,
    audio_bytes: usize,
    event: Option<Event>,
    /// When something last moved or was asked for.
    active_ms: i64,
    items: Vec<CameraItem>,
    /// What to add to `at_ms` for the time of day.
    unix_offset_ms: i64,
}

/// The Event being recorded.
struct Event {
    cause: Cause,
    start_ms: i64,
    /// The beginning in the camera's ticks; known with the first segment.
    from_ticks: Option<i64>,
    end_ticks: i64,
    first_active_ms: Option<i64>,
    activity: Vec<(i64, i64)>,
    video: Option<CardVideo>,
    segments_ms: Vec<u64>,
    audio_segments: u32,
    motion: Option<MotionBox>,
    thumbnail: bool,
}

impl Recorder {
    pub(crate) fn new(settings: &WatchSettings, audio: Option<Arc<AudioFormat>>) -> Self {
        let cut = settings.into();
        let pre_roll = i64::try_from(settings.pre_roll.as_millis()).unwrap_or(0);
        Self {
            cutter: Cutter::new(cut),
            stills: Stills::new(pre_roll.saturating_add(5_000).min(120_000)),
            format: None,
            audio_format: audio,
            audio: VecDeque::new(),
            audio_bytes: 0,
            event: None,
            active_ms: i64::MIN,
            items: Vec::new(),
            unix_offset_ms: 0,
        }
    }

    /// What to add to monotonic milliseconds for the time of day, as of now.
    pub(crate) fn set_unix_offset(&mut self, ms: i64) {
        self.unix_offset_ms = ms;
    }

    /// What is wanted of the next picture.
    pub(crate) fn wish(&self) -> Wish {
        self.stills.wish()
    }

    pub(crate) fn format(&mut self, format: Arc<VideoFormat>) {
        self.format = Some(format);
    }

    /// A frame of the recorded stream.
    pub(crate) fn video(&mut self, frame: VideoFrame) -> Vec<CameraItem> {
        if let Some(format) = self.format.clone() {
            let effects = self.cutter.video(&format, frame);
            self.apply(effects);
        }
        self.trim_audio();
        std::mem::take(&mut self.items)
    }

    /// Sound of the recorded stream.
    pub(crate) fn audio(&mut self, frame: AudioFrame) {
        self.audio_bytes += frame.data.len();
        self.audio.push_back(frame);
        while self.audio_bytes > AUDIO_BYTES_MAX {
            self.drop_audio();
        }
    }

    /// A picture was looked at.
    pub(crate) fn look(&mut self, look: Look) -> Vec<CameraItem> {
        if look.seen.moving {
            self.activity(Cause::Motion, look.at_ms);
        }
        let thumbnail = self.stills.look(look);
        self.thumbnail(thumbnail);
        std::mem::take(&mut self.items)
    }

    /// Somebody wants an Event now.
    pub(crate) fn trigger(&mut self, at_ms: i64) -> Vec<CameraItem> {
        self.activity(Cause::Manual, at_ms);
        std::mem::take(&mut self.items)
    }

    /// No more will come: whatever is being recorded is completed.
    pub(crate) fn finish(&mut self, ended: Ended) -> Vec<CameraItem> {
        let effects = self.cutter.finish(ended);
        self.apply(effects);
        self.audio.clear();
        self.audio_bytes = 0;
        std::mem::take(&mut self.items)
    }

    fn activity(&mut self, cause: Cause, at_ms: i64) {
        self.active_ms = self.active_ms.max(at_ms);
        let effects = self.cutter.activity(cause, at_ms);
        self.apply(effects);
        if let Some(event) = &mut self.event {
            event.note_activity(at_ms);
        }
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start { at_ms, cause } => self.start(at_ms, cause),
                Effect::Segment(group) => self.segment(&group),
                Effect::End(ended) => self.end(ended),
            }
        }
    }

    fn start(&mut self, at_ms: i64, cause: Cause) {
        let mut event = Event::new(cause, at_ms);
        if self.active_ms >= at_ms || cause == Cause::Manual {
            event.note_activity(self.active_ms);
        }
        self.event = Some(event);
        self.stills.begin(self.active_ms.max(at_ms));
        let captured = UnixMillis(at_ms.saturating_add(self.unix_offset_ms));
        self.items.push(CameraItem::EventStart { captured, cause });
    }

    fn segment(&mut self, group: &Group) {
        let Some(event) = &mut self.event else { return };
        let timing = mux::timing(group);
        let mut init = None;
        let from_ticks = *event.from_ticks.get_or_insert_with(|| {
            init = Some(mux::video_init(&group.format));
            timing.samples[0].0
        });
        let number = event.add_video(group, &timing);
        let bytes = mux::video_segment(number + 1, from_ticks, group, &timing);
        if let Some(init) = init {
            self.part(SegmentKind::Init, 0, init);
        }
        self.part(SegmentKind::Video, number, bytes);
        self.audio_segment(from_ticks, timing.end_ticks);
    }

    /// The sound that belongs to the segment just written.
    fn audio_segment(&mut self, from_ticks: i64, end_ticks: i64) {
        let Some(format) = self.audio_format.clone() else { return };
        let rate = i64::from(format.info.rate);
        let in_samples = |ticks: i64| (i128::from(ticks) * i128::from(rate) / i128::from(VIDEO_TICKS)) as i64;
        let (from, end) = (in_samples(from_ticks), in_samples(end_ticks));
        let mut frames = Vec::new();
        while self.audio.front().is_some_and(|frame| frame.ticks < end) {
            frames.extend(self.drop_audio().filter(|frame| frame.ticks >= from));
        }
        let Some(event) = self.event.as_mut().filter(|_| !frames.is_empty()) else { return };
        let number = event.audio_segments;
        event.audio_segments += 1;
        if number == 0 {
            // A track is announced once there is sound for it: a player waits for every track it knows of.
            self.part(SegmentKind::Init, 1, mux::audio_init(&format));
        }
        let bytes = mux::audio_segment(number + 1, from, &format, &frames);
        self.part(SegmentKind::Audio, number, bytes);
    }

    fn end(&mut self, ended: Ended) {
        let last = self.stills.end();
        self.thumbnail(last);
        if let Some(event) = self.event.take() {
            let strip = self.stills.strip(event.start_ms, event.start_ms + event.duration_ms());
            let frames = strip.as_ref().map_or(0, |(_, frames)| *frames);
            if let Some((jpeg, _)) = strip {
                self.part(SegmentKind::Preview, 0, jpeg);
            }
            let card = event.card(frames, self.audio_format.as_deref());
            self.part(SegmentKind::Card, 0, card.to_json());
        }
        self.items.push(CameraItem::EventEnd { ended });
    }

    fn thumbnail(&mut self, thumbnail: Option<Thumbnail>) {
        let (Some(thumbnail), Some(event)) = (thumbnail, &mut self.event) else { return };
        if !std::mem::replace(&mut event.thumbnail, true) {
            event.motion = thumbnail.area;
            self.part(SegmentKind::Thumbnail, 0, thumbnail.jpeg);
        }
    }

    fn part(&mut self, kind: SegmentKind, number: u32, bytes: Bytes) {
        self.items.push(CameraItem::Part { kind, number: SegmentNo(number), bytes });
    }

    /// Sound older than the oldest picture kept is of no use.
    fn trim_audio(&mut self) {
        let (Some(oldest), Some(format)) = (self.cutter.oldest_ticks(), &self.audio_format) else { return };
        let oldest = (i128::from(oldest) * i128::from(format.info.rate) / i128::from(VIDEO_TICKS)) as i64;
        if self.event.is_none() {
            while self.audio.front().is_some_and(|frame| frame.ticks < oldest) {
                self.drop_audio();
            }
        }
    }

    fn drop_audio(&mut self) -> Option<AudioFrame> {
        let frame = self.audio.pop_front()?;
        self.audio_bytes -= frame.data.len();
        Some(frame)
    }
}

impl Event {
    fn new(cause: Cause, start_ms: i64) -> Self {
        Self {
            cause,
            start_ms,
            from_ticks: None,
            end_ticks: 0,
            first_active_ms: None,
            activity: Vec::new(),
            video: None,
            segments_ms: Vec::new(),
            audio_segments: 0,
            motion: None,
            thumbnail: false,
        }
    }

    fn note_activity(&mut self, at_ms: i64) {
        let at_ms = at_ms.max(self.start_ms);
        self.first_active_ms.get_or_insert(at_ms);
        let full = self.activity.len() >= ACTIVITIES_MAX;
        match self.activity.last_mut() {
            Some((_, to)) if full || at_ms - *to <= ACTIVITY_JOIN_MS => {
                *to = at_ms.max(*to);
            }
            _ => self.activity.push((at_ms, at_ms)),
        }
    }

    /// Notes a segment and gives its number.
    fn add_video(&mut self, group: &Group, timing: &Timing) -> u32 {
        let info = &group.format.info;
        self.video.get_or_insert_with(|| CardVideo {
            codec: info.codec.clone(),
            width: info.width,
            height: info.height,
            segments_ms: Vec::new(),
        });
        let length = timing.end_ticks - timing.samples[0].0;
        self.segments_ms.push((length / (VIDEO_TICKS / 1000)).max(0) as u64);
        self.end_ticks = timing.end_ticks;
        self.segments_ms.len() as u32 - 1
    }

    fn duration_ms(&self) -> i64 {
        let from = self.from_ticks.unwrap_or(self.end_ticks);
        (self.end_ticks - from) / (VIDEO_TICKS / 1000)
    }

    fn card(self, preview_frames: u8, audio: Option<&AudioFormat>) -> Card {
        let duration_ms = self.duration_ms().max(0) as u64;
        let from_start = |at_ms: i64| (at_ms - self.start_ms).clamp(0, duration_ms as i64) as u64;
        let video = self.video.clone();
        let nothing = CardVideo { codec: String::new(), width: 0, height: 0, segments_ms: Vec::new() };
        Card {
            v: 1,
            label: self.cause,
            duration_ms,
            pre_roll_ms: self.first_active_ms.map_or(0, from_start),
            preview_frames,
            motion: self.motion,
            activity: self.activity.iter().map(|(from, to)| [from_start(*from), from_start(*to)]).collect(),
            video: CardVideo { segments_ms: self.segments_ms, ..video.unwrap_or(nothing) },
            audio: audio
                .filter(|_| self.audio_segments > 0)
                .map(|format| CardAudio { codec: format.info.codec.clone(), rate: format.info.rate }),
        }
    }
}

#[cfg(test)]
mod tests;
