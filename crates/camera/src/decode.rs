//! Looks at coded frames: decodes as few as are needed, and turns them into what motion and stills want to know.
//!
//! A small stream is decoded whole. A large one (there is no substream) is decoded at its key frames only, and whole for a while
//! once a key frame shows a change. Once an Event is recorded and its thumbnail chosen, key frames are enough for both: they say
//! soon enough whether it still moves. The decoder is C++ and gets nothing but pictures of a size that was accepted.

use std::sync::Arc;

use openh264::OpenH264API;
use openh264::decoder::{DecodeOptions, DecodedYUV, Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;

use crate::h264;
use crate::media::{VideoFormat, VideoFrame};
use crate::motion::{Detector, Grid, Seen};
use crate::picture::{Picture, Plane, View};
use crate::{CameraError, WatchSettings};

/// Up to this many pixels every frame is decoded: 720p costs 3.4 ms a frame, 1080p 7.9 ms.
const WHOLE_PIXELS_MAX: u32 = 1280 * 720;
/// How long a large stream is decoded whole after a change was seen.
const ALERT_MS: i64 = 4_000;
/// Key frames no further apart than this say soon enough whether something still moves.
const FOLLOW_MS_MAX: i64 = 2_500;
/// How often a picture is kept for the preview strip.
const SMALL_EVERY_MS: i64 = 400;
/// The sizes of docs/formats/sealed-media.md.
const THUMBNAIL_WIDTH: u32 = 640;
pub(crate) const PREVIEW_SIZE: (usize, usize) = (160, 90);

/// What the recorder wants of the next picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing is recorded: does something move?
    Watch,
    /// An Event is recorded and its thumbnail is looked for: a large picture in which at least so many cells move.
    Better(u32),
    /// The thumbnail has been chosen: does it still move, to within a few seconds?
    Follow,
}

/// What one decoded picture shows.
#[derive(Debug)]
pub(crate) struct Look {
    pub at_ms: i64,
    pub seen: Seen,
    /// For the preview strip, now and then.
    pub small: Option<Picture>,
    /// For the thumbnail, if it beats what was asked.
    pub large: Option<Picture>,
}

/// Decoder and detector of one camera.
pub(crate) struct Analyser {
    decoder: Decoder,
    detector: Detector,
    /// Frames can't be decoded until a key frame comes.
    broken: bool,
    alert_until_ms: i64,
    /// The last key frame, and how long after the one before it came.
    key_ms: i64,
    key_every_ms: i64,
    small_ms: i64,
    /// The shape in which the recorded stream is shown; small streams often have pixels that are not square.
    shape: (u32, u32),
    /// The stream that was decoded last.
    format: Option<Arc<VideoFormat>>,
}

impl Analyser {
    pub(crate) fn new(settings: &WatchSettings) -> Result<Self, CameraError> {
        Ok(Self {
            decoder: new_decoder()?,
            detector: Detector::new(settings),
            broken: true,
            alert_until_ms: i64::MIN,
            key_ms: i64::MIN,
            key_every_ms: i64::MAX,
            small_ms: i64::MIN,
            shape: (16, 9),
            format: None,
        })
    }

    /// The shape of the recorded picture.
    pub(crate) fn set_shape(&mut self, format: &VideoFormat) {
        self.shape = (format.info.width, format.info.height);
    }

    /// Looks at a frame, if it is one that has to be looked at.
    pub(crate) fn look(&mut self, format: &Arc<VideoFormat>, frame: &VideoFrame, wish: Wish) -> Option<Look> {
        if self.format.as_ref() != Some(format) {
            // Another stream, or the same with other parameters: nothing before its key frame is of use.
            self.broken = true;
            self.format = Some(format.clone());
        }
        if !self.wants(format, frame, wish) {
            return None;
        }
        let sets = frame.key.then_some((&format.sps[..], &format.pps[..]));
        let stream = h264::annex_b(sets, &frame.data);
        // Flushing loses about half the frames of a stream with B frames, but without it a picture that stands alone may never come.
        let flush = if self.alone(format, frame, wish) { Flush::Flush } else { Flush::NoFlush };
        let options = DecodeOptions::new().flush_after_decode(flush);
        let decoded = match self.decoder.decode_with_options(&stream, options) {
            Ok(decoded) => decoded,
            Err(error) => {
                tracing::debug!(%error, "a frame could not be decoded: waiting for the next key frame");
                return self.start_over();
            }
        };
        let view = view(decoded.as_ref()?)?;
        let seen = self.detector.look(frame.at_ms, &Grid::of(view.y)?);
        if seen.cells > 0 {
            self.alert_until_ms = frame.at_ms + ALERT_MS;
        }
        let wants_small = frame.at_ms.saturating_sub(self.small_ms) >= SMALL_EVERY_MS;
        if wants_small {
            self.small_ms = frame.at_ms;
        }
        let (w, h) = PREVIEW_SIZE;
        let small = wants_small.then(|| view.cropped_to(w, h, self.shape));
        let better = matches!(wish, Wish::Better(least) if seen.cells >= least);
        let large = better.then(|| thumbnail(&view, self.shape));
        Some(Look { at_ms: frame.at_ms, seen, small, large })
    }

    fn wants(&mut self, format: &VideoFormat, frame: &VideoFrame, wish: Wish) -> bool {
        if frame.key {
            self.broken = false;
            self.key_every_ms = frame.at_ms.saturating_sub(self.key_ms);
            self.key_ms = frame.at_ms;
            return true;
        }
        let wanted = !self.broken && !self.alone(format, frame, wish);
        // Frames after a skipped one can't be decoded.
        self.broken |= !wanted;
        wanted
    }

    /// Whether the frames after this one are going to be skipped.
    fn alone(&self, format: &VideoFormat, frame: &VideoFrame, wish: Wish) -> bool {
        match wish {
            Wish::Follow => !whole(format) || self.key_every_ms <= FOLLOW_MS_MAX,
            Wish::Watch | Wish::Better(_) => !whole(format) && frame.at_ms >= self.alert_until_ms,
        }
    }

    fn start_over(&mut self) -> Option<Look> {
        self.broken = true;
        if let Ok(decoder) = new_decoder() {
            self.decoder = decoder;
        }
        None
    }
}

/// Whether every frame of such a stream is decoded.
fn whole(format: &VideoFormat) -> bool {
    format.info.width * format.info.height <= WHOLE_PIXELS_MAX
}

fn new_decoder() -> Result<Decoder, CameraError> {
    Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
        .map_err(|error| CameraError::Codec(error.to_string()))
}

fn thumbnail(view: &View<'_>, (width, height): (u32, u32)) -> Picture {
    let tall = (u64::from(THUMBNAIL_WIDTH) * u64::from(height) / u64::from(width.max(1))).clamp(90, 1280);
    view.scaled_to(THUMBNAIL_WIDTH as usize, tall as usize)
}

/// The planes of a decoded picture, if they are as large as they say.
fn view<'a>(decoded: &'a DecodedYUV<'_>) -> Option<View<'a>> {
    let ((width, height), strides) = (decoded.dimensions(), decoded.strides());
    let plane = |data: &'a [u8], stride: usize, width: usize, height: usize| {
        let whole = width > 0 && height > 0 && stride >= width && data.len() >= stride * (height - 1) + width;
        whole.then_some(Plane { data, stride, width, height })
    };
    Some(View {
        y: plane(decoded.y(), strides.0, width, height)?,
        u: plane(decoded.u(), strides.1, width / 2, height / 2)?,
        v: plane(decoded.v(), strides.2, width / 2, height / 2)?,
    })
}

/// A key frame as a JPEG, for showing what was found at an address.
pub(crate) fn snapshot(format: &VideoFormat, key: &VideoFrame) -> Option<Vec<u8>> {
    let stream = h264::annex_b(Some((&format.sps, &format.pps)), &key.data);
    let options = DecodeOptions::new().flush_after_decode(Flush::Flush);
    let mut decoder = new_decoder().ok()?;
    let decoded = decoder.decode_with_options(&stream, options).ok()??;
    thumbnail(&view(&decoded)?, (format.info.width, format.info.height)).jpeg(80).ok()
}

#[cfg(test)]
mod tests;
