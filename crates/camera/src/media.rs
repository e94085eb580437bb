//! Frames as they come from a camera, before anything is cut.
//!
//! Times: `at_ms` is this process's monotonic time (for decisions), ticks are the camera's (for the media). The two never mix.

use std::sync::Arc;

use bytes::Bytes;

use crate::{AudioInfo, CameraError, VideoInfo};

/// Ticks of the video clock per second.
pub(crate) const VIDEO_TICKS: i64 = 90_000;
/// A frame larger than this is refused: no camera sends one, and memory is bounded by it.
pub(crate) const FRAME_BYTES_MAX: usize = 8 << 20;
/// The largest picture that is recorded: 8 megapixels.
pub(crate) const PIXELS_MAX: u64 = 4096 * 2304;

/// What a decoder must know before the first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VideoFormat {
    pub info: VideoInfo,
    pub sps: Bytes,
    pub pps: Bytes,
}

/// What an AAC decoder must know before the first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudioFormat {
    pub info: AudioInfo,
    /// AudioSpecificConfig of ISO/IEC 14496-3.
    pub config: Bytes,
    /// Samples in one frame.
    pub frame_samples: u32,
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VideoFrame {
    pub at_ms: i64,
    /// When it is shown, in 1/90,000 s from the beginning of the connection.
    pub ticks: i64,
    /// It and what follows it can be decoded without anything before it.
    pub key: bool,
    /// NAL units, each after its length in four bytes.
    pub data: Bytes,
}

/// One coded stretch of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudioFrame {
    /// In samples, from the same beginning as the video's ticks.
    pub ticks: i64,
    pub data: Bytes,
}

/// What a feed delivers.
#[derive(Debug, Clone)]
pub(crate) enum Arrival {
    /// Sent before the first frame and whenever it changes.
    Format(Arc<VideoFormat>),
    Video(VideoFrame),
    Audio(AudioFrame),
}

impl VideoFormat {
    /// A format whose picture is one that is accepted.
    pub(crate) fn new(width: u32, height: u32, sps: Bytes, pps: Bytes) -> Result<Self, CameraError> {
        if sps.len() < 4 || sps.len() > 1024 || pps.is_empty() || pps.len() > 1024 {
            return Err(CameraError::Protocol("the video parameter sets can't be read".into()));
        }
        if u64::from(width) * u64::from(height) > PIXELS_MAX || width > 8192 || height > 8192 {
            return Err(CameraError::TooLarge { width, height });
        }
        if width < 16 || height < 16 {
            return Err(CameraError::Protocol(format!("a picture of {width}x{height}")));
        }
        let codec = format!("avc1.{:02x}{:02x}{:02x}", sps[1], sps[2], sps[3]);
        Ok(Self { info: VideoInfo { codec, width, height }, sps, pps })
    }
}

/// Maps the camera's ticks to our monotonic milliseconds: the earliest arrival seen is the best guess of when a picture was
/// taken, since a network only ever delays.
#[derive(Debug, Default)]
pub(crate) struct ClockMap {
    anchor: Option<(i64, i64)>,
}

impl ClockMap {
    /// Further apart than this the clocks have drifted or jumped, and start anew.
    const APART_MS_MAX: i64 = 2000;

    /// When the picture with these ticks, arriving now, was taken.
    pub(crate) fn at_ms(&mut self, ticks: i64, now_ms: i64) -> i64 {
        let (from_ticks, from_ms) = *self.anchor.get_or_insert((ticks, now_ms));
        let guess = from_ms.saturating_add(ticks.saturating_sub(from_ticks) / (VIDEO_TICKS / 1000));
        if guess > now_ms || now_ms - guess > Self::APART_MS_MAX {
            self.anchor = Some((ticks, now_ms));
            return now_ms;
        }
        guess
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delayed_picture_keeps_its_time_and_a_jump_starts_anew() {
        let mut clock = ClockMap::default();
        assert_eq!(clock.at_ms(0, 1000), 1000);
        assert_eq!(clock.at_ms(9000, 1400), 1100);
        assert_eq!(clock.at_ms(18_000, 1150), 1150, "earlier than guessed: the guess moves");
        assert_eq!(clock.at_ms(27_000, 1300), 1250);
        assert_eq!(clock.at_ms(i64::MAX, 1400), 1400);
        assert_eq!(clock.at_ms(i64::MIN, 1500), 1500);
    }

    #[test]
    fn absurd_formats_are_refused() {
        let set = |n: usize| Bytes::from(vec![0x67; n]);
        assert!(VideoFormat::new(1920, 1080, set(20), set(4)).is_ok());
        assert!(VideoFormat::new(16_384, 16_384, set(20), set(4)).is_err());
        assert!(VideoFormat::new(0, 0, set(20), set(4)).is_err());
        assert!(VideoFormat::new(1920, 1080, set(3), set(4)).is_err());
        assert!(VideoFormat::new(1920, 1080, set(5000), set(4)).is_err());
    }
}
