//! Cuts a camera's frames into Events, at key frames. No IO, no clock: frames and motion in, effects out.
//!
//! Frames live in groups that begin at a key frame. While nothing happens a ring keeps as many groups as the pre-roll needs; once
//! something does, groups leave as segments as soon as they are complete.
//! Invariants: every Event begins with a key frame; no frame leaves twice; between an Event and the one that follows on, none is lost;
//! memory is bounded by `bytes_max`.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::media::{VIDEO_TICKS, VideoFormat, VideoFrame};
use crate::{Cause, Ended, WatchSettings};

/// Two frames further apart than this belong to different recordings: the camera's clock jumped.
const JUMP_TICKS: i64 = 10 * VIDEO_TICKS;

/// Frames from one key frame to the next.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub format: Arc<VideoFormat>,
    pub frames: Vec<VideoFrame>,
    /// The ticks of the key frame after it, if it came without a jump.
    pub next_ticks: Option<i64>,
    bytes: usize,
}

/// What the recorder has to do.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// An Event begins with the picture of this time.
    Start { at_ms: i64, cause: Cause },
    /// The next video segment of the Event.
    Segment(Group),
    /// The Event is over.
    End(Ended),
}

/// How Events are cut. Milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CutSettings {
    pub pre_roll_ms: i64,
    pub post_roll_ms: i64,
    pub event_ms_max: i64,
    pub bytes_max: usize,
}

impl From<&WatchSettings> for CutSettings {
    fn from(settings: &WatchSettings) -> Self {
        let ms = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        Self {
            pre_roll_ms: ms(settings.pre_roll),
            post_roll_ms: ms(settings.post_roll),
            event_ms_max: ms(settings.event_max).max(1),
            bytes_max: settings.buffer_bytes_max,
        }
    }
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct Cutter {
    settings: CutSettings,
    ring: VecDeque<Group>,
    open: Option<Group>,
    bytes: usize,
    recording: Option<Recording>,
    /// Something happened before the first key frame: the Event starts there.
    wanted: Option<(Cause, i64)>,
    /// An Event was broken off: if it is not quiet by then, the next begins at the next key frame.
    resume: Option<Recording>,
    effects: Vec<Effect>,
}

#[derive(Debug, Clone, Copy)]
struct Recording {
    cause: Cause,
    start_ms: i64,
    active_ms: i64,
}

impl Cutter {
    pub(crate) fn new(settings: CutSettings) -> Self {
        Self {
            settings,
            ring: VecDeque::new(),
            open: None,
            bytes: 0,
            recording: None,
            wanted: None,
            resume: None,
            effects: Vec::new(),
        }
    }

    /// A frame arrived, in decoding order.
    pub(crate) fn video(&mut self, format: &Arc<VideoFormat>, frame: VideoFrame) -> Vec<Effect> {
        if frame.key {
            self.begin_group(format, frame);
        } else {
            self.continue_group(frame);
        }
        self.keep_bound();
        std::mem::take(&mut self.effects)
    }

    /// Something moved, or somebody asked, at this time.
    pub(crate) fn activity(&mut self, cause: Cause, at_ms: i64) -> Vec<Effect> {
        match &mut self.recording {
            Some(recording) => recording.active_ms = recording.active_ms.max(at_ms),
            None => self.start_from_ring(cause, at_ms),
        }
        std::mem::take(&mut self.effects)
    }

    /// No more frames will come: what there is of an Event leaves, and everything is forgotten.
    pub(crate) fn finish(&mut self, ended: Ended) -> Vec<Effect> {
        self.break_off(ended);
        self.wanted = None;
        self.resume = None;
        std::mem::take(&mut self.effects)
    }

    /// The ticks before which nothing is needed any more.
    pub(crate) fn oldest_ticks(&self) -> Option<i64> {
        self.ring.front().or(self.open.as_ref()).map(Group::first_ticks)
    }

    fn begin_group(&mut self, format: &Arc<VideoFormat>, frame: VideoFrame) {
        let (at_ms, next) = (frame.at_ms, frame.ticks);
        let follows = self.open.as_ref().is_none_or(|open| open.is_followed_by(format, next));
        if follows {
            self.close_group(next);
        } else {
            self.break_off(Ended::Format);
        }
        self.bytes += frame.data.len();
        self.open = Some(Group::new(format.clone(), frame));
        self.decide(at_ms);
        self.trim_ring(at_ms);
    }

    fn close_group(&mut self, next_ticks: i64) {
        let Some(mut group) = self.open.take() else { return };
        group.next_ticks = Some(next_ticks);
        if self.recording.is_some() {
            self.bytes -= group.bytes;
            self.effects.push(Effect::Segment(group));
        } else {
            self.ring.push_back(group);
        }
    }

    /// At a key frame: does the Event go on, and does one begin?
    fn decide(&mut self, at_ms: i64) {
        if let Some((cause, wanted_ms)) = self.wanted.take() {
            self.resume = None;
            return self.start(cause, wanted_ms.max(at_ms));
        }
        let quiet = |recording: Recording| at_ms - recording.active_ms >= self.settings.post_roll_ms;
        if let Some(broken) = self.resume.take().filter(|broken| !quiet(*broken)) {
            return self.start(broken.cause, broken.active_ms);
        }
        let Some(recording) = self.recording else { return };
        if quiet(recording) {
            self.end(Ended::Quiet);
        } else if at_ms - recording.start_ms >= self.settings.event_ms_max {
            self.end(Ended::Full);
            self.start(recording.cause, recording.active_ms);
        }
    }

    fn continue_group(&mut self, frame: VideoFrame) {
        let Some(open) = &mut self.open else { return };
        if (frame.ticks.saturating_sub(open.last_ticks())).saturating_abs() > JUMP_TICKS {
            return self.break_off(Ended::Format);
        }
        self.bytes += frame.data.len();
        open.bytes += frame.data.len();
        open.frames.push(frame);
    }

    fn start_from_ring(&mut self, cause: Cause, active_ms: i64) {
        if self.open.is_none() {
            self.wanted = Some((cause, active_ms));
            return;
        }
        let wanted = active_ms.saturating_sub(self.settings.pre_roll_ms);
        self.forget_before(wanted);
        self.start(cause, active_ms);
        for group in std::mem::take(&mut self.ring) {
            self.bytes -= group.bytes;
            self.effects.push(Effect::Segment(group));
        }
    }

    /// Begins an Event with the oldest group there is.
    fn start(&mut self, cause: Cause, active_ms: i64) {
        let first = self.ring.front().or(self.open.as_ref()).expect("callers have just seen a group");
        let start_ms = first.start_ms();
        self.recording = Some(Recording { cause, start_ms, active_ms });
        self.effects.push(Effect::Start { at_ms: start_ms, cause });
    }

    fn end(&mut self, ended: Ended) {
        if self.recording.take().is_some() {
            self.effects.push(Effect::End(ended));
        }
    }

    /// The frames to come can't be joined to those before: ends the Event with what there is, and waits for a key frame.
    fn break_off(&mut self, ended: Ended) {
        let open = self.open.take();
        if let Some(recording) = self.recording {
            self.effects.extend(open.map(Effect::Segment));
            self.end(ended);
            self.resume = Some(recording);
        }
        self.ring.clear();
        self.bytes = 0;
    }

    fn trim_ring(&mut self, now_ms: i64) {
        if self.recording.is_none() {
            self.forget_before(now_ms - self.settings.pre_roll_ms);
        }
    }

    /// Drops the groups that are not needed to show the time `wanted_ms`.
    fn forget_before(&mut self, wanted_ms: i64) {
        while self.second_start_ms().is_some_and(|start| start <= wanted_ms) {
            self.drop_oldest();
        }
    }

    fn second_start_ms(&self) -> Option<i64> {
        self.ring.front()?;
        self.ring.get(1).or(self.open.as_ref()).map(Group::start_ms)
    }

    fn drop_oldest(&mut self) {
        let dropped = self.ring.pop_front().map_or(0, |group| group.bytes);
        self.bytes -= dropped;
    }

    fn keep_bound(&mut self) {
        while self.bytes > self.settings.bytes_max && !self.ring.is_empty() {
            self.drop_oldest();
        }
        if self.bytes > self.settings.bytes_max {
            tracing::warn!(bytes = self.bytes, "key frames are too far apart: waiting for the next one");
            self.break_off(Ended::Full);
        }
    }
}

impl Group {
    pub(crate) fn new(format: Arc<VideoFormat>, key: VideoFrame) -> Self {
        Self { format, bytes: key.data.len(), frames: vec![key], next_ticks: None }
    }

    pub(crate) fn start_ms(&self) -> i64 {
        self.frames[0].at_ms
    }

    /// When the first picture is shown.
    pub(crate) fn first_ticks(&self) -> i64 {
        self.frames.iter().map(|frame| frame.ticks).min().unwrap_or_default()
    }

    /// When the last picture is shown.
    pub(crate) fn last_ticks(&self) -> i64 {
        self.frames.iter().map(|frame| frame.ticks).max().unwrap_or_default()
    }

    fn is_followed_by(&self, format: &Arc<VideoFormat>, ticks: i64) -> bool {
        let step = ticks.saturating_sub(self.last_ticks());
        self.format == *format && step > 0 && step <= JUMP_TICKS
    }
}

#[cfg(test)]
mod tests;
