//! One RTSP connection by retina, as a feed of frames. TCP only; H.264 and AAC.
//!
//! Everything a camera says is checked here: sizes are bounded, times are made sane, and error texts are shortened and freed of
//! the login before anybody sees them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use keepsight_world::{Instant, World};
use retina::client::{
    Credentials, Demuxed, Described, InitialTimestampPolicy, PlayOptions, Session, SessionOptions,
    SetupOptions, Stream, TeardownPolicy,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef, VideoParameters, VideoParametersCodec};

use crate::identity::CameraIdentity;
use crate::media::{Arrival, AudioFormat, AudioFrame, ClockMap, FRAME_BYTES_MAX, VideoFormat, VideoFrame};
use crate::{AudioInfo, CameraError, Login, RtspUrl};

/// Connecting, describing and setting up together.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// The first frame brings the parameter sets if the description did not; some cameras wait for the next key frame.
const FIRST_FRAME_MAX: Duration = Duration::from_secs(15);
const AUDIO_FRAME_BYTES_MAX: usize = 64 << 10;
const TEXT_MAX: usize = 160;

/// An open stream of one camera.
pub(crate) struct RtspFeed {
    demuxed: Demuxed,
    origin: Instant,
    video: usize,
    audio: Option<usize>,
    clock: ClockMap,
    format: Option<Arc<VideoFormat>>,
    pending: Option<VideoFrame>,
    scrub: Scrub,
    /// Who answered.
    pub identity: CameraIdentity,
    /// The sound, if it is wanted and can be recorded.
    pub audio_format: Option<Arc<AudioFormat>>,
}

/// A stream as the camera describes it.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub media: String,
    pub encoding: String,
    pub rate: u32,
    pub channels: Option<u16>,
    pub fps: Option<f32>,
}

/// What opening a stream is about.
pub(crate) struct Opening<'a> {
    pub url: &'a RtspUrl,
    pub login: Option<&'a Login>,
    pub audio: bool,
    /// The zero of monotonic milliseconds.
    pub origin: Instant,
}

/// Takes the login out of texts made by others.
#[derive(Clone)]
struct Scrub(Option<Login>);

impl RtspFeed {
    /// Connects and waits for the first frame with its parameter sets.
    pub(crate) async fn open(opening: &Opening<'_>) -> Result<(Self, Vec<Offered>), CameraError> {
        let scrub = Scrub(opening.login.cloned());
        let connected = tokio::time::timeout(CONNECT_MAX, connect(opening, &scrub)).await;
        let (mut feed, offered, sdp) = connected.map_err(|_| CameraError::TooSlow(CONNECT_MAX))??;
        let first = tokio::time::timeout(FIRST_FRAME_MAX, feed.first_frame()).await;
        let format = first.map_err(|_| CameraError::Stalled(FIRST_FRAME_MAX))??;
        let mac = crate::probe::network_card(opening.url.host()).await;
        feed.identity = CameraIdentity::new(mac, &sdp, &format.sps, &format.pps);
        Ok((feed, offered))
    }

    /// The next frame; the format first, and again when it changes. May be dropped while waiting without losing a frame.
    pub(crate) async fn next(&mut self, world: &World) -> Result<Arrival, CameraError> {
        if let Some(frame) = self.pending.take() {
            return Ok(Arrival::Video(frame));
        }
        loop {
            let item = self.demuxed.next().await.ok_or(CameraError::Closed)?;
            let item = item.map_err(|error| self.scrub.error(&error))?;
            let now_ms = i64::try_from((world.now() - self.origin).as_millis()).unwrap_or(i64::MAX);
            if let Some(arrival) = self.item(item, now_ms)? {
                return Ok(arrival);
            }
        }
    }

    /// The video's format; known once the feed is open.
    pub(crate) fn video_format(&self) -> Option<Arc<VideoFormat>> {
        self.format.clone()
    }

    async fn first_frame(&mut self) -> Result<Arc<VideoFormat>, CameraError> {
        loop {
            let item = self.demuxed.next().await.ok_or(CameraError::Closed)?;
            let item = item.map_err(|error| self.scrub.error(&error))?;
            let now_ms = i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX);
            if let Some(Arrival::Format(format)) = self.item(item, now_ms)? {
                return Ok(format);
            }
        }
    }

    fn item(&mut self, item: CodecItem, now_ms: i64) -> Result<Option<Arrival>, CameraError> {
        match item {
            CodecItem::VideoFrame(frame) if frame.stream_id() == self.video => self.video(frame, now_ms),
            CodecItem::AudioFrame(frame) if Some(frame.stream_id()) == self.audio => {
                let usable = frame.data().len() <= AUDIO_FRAME_BYTES_MAX;
                let data = Bytes::copy_from_slice(frame.data());
                let frame = AudioFrame { ticks: frame.timestamp().elapsed(), data };
                Ok(usable.then_some(Arrival::Audio(frame)))
            }
            _ => Ok(None),
        }
    }

    fn video(
        &mut self,
        frame: retina::codec::VideoFrame,
        now_ms: i64,
    ) -> Result<Option<Arrival>, CameraError> {
        if frame.data().len() > FRAME_BYTES_MAX {
            return Err(CameraError::Protocol("a frame is larger than is accepted".into()));
        }
        if frame.loss() > 0 {
            tracing::debug!(packets = frame.loss(), "packets were lost on the way from the camera");
        }
        let changed =
            if frame.has_new_parameters() || self.format.is_none() { self.new_format()? } else { None };
        let ticks = frame.timestamp().elapsed();
        let key = frame.is_random_access_point();
        let at_ms = self.clock.at_ms(ticks, now_ms);
        let frame = VideoFrame { at_ms, ticks, key, data: frame.into_data().into() };
        match changed {
            Some(format) => {
                self.pending = Some(frame);
                Ok(Some(Arrival::Format(format)))
            }
            // Without parameter sets nothing can be decoded yet.
            None => Ok(self.format.is_some().then_some(Arrival::Video(frame))),
        }
    }

    fn new_format(&mut self) -> Result<Option<Arc<VideoFormat>>, CameraError> {
        let parameters = self.demuxed.streams()[self.video].parameters();
        let Some(ParametersRef::Video(parameters)) = parameters else { return Ok(None) };
        let format = Arc::new(video_format(parameters)?);
        let changed = self.format.as_ref() != Some(&format);
        self.format = Some(format.clone());
        Ok(changed.then_some(format))
    }
}

async fn connect(
    opening: &Opening<'_>,
    scrub: &Scrub,
) -> Result<(RtspFeed, Vec<Offered>, Vec<u8>), CameraError> {
    let mut session = describe(opening, scrub).await?;
    let offered: Vec<Offered> = session.streams().iter().map(Offered::of).collect();
    let video = choose_video(&offered)?;
    let audio = opening.audio.then(|| choose_audio(session.streams())).flatten();
    for stream in std::iter::once(video).chain(audio) {
        let options = SetupOptions::default().frame_format(FrameFormat::MP4);
        session.setup(stream, options).await.map_err(|error| scrub.error(&error))?;
    }
    let audio_format = audio.and_then(|at| audio_format(&session.streams()[at]));
    let sdp = session.sdp().to_vec();
    let options = PlayOptions::default()
        .initial_timestamp(InitialTimestampPolicy::Permissive)
        .enforce_timestamps_with_max_jump_secs(NonZeroU32::new(10).expect("ten is not zero"));
    let playing = session.play(options).await.map_err(|error| scrub.error(&error))?;
    let feed = RtspFeed {
        demuxed: playing.demuxed().map_err(|error| scrub.error(&error))?,
        origin: opening.origin,
        video,
        audio: audio.filter(|_| audio_format.is_some()),
        clock: ClockMap::default(),
        format: None,
        pending: None,
        scrub: scrub.clone(),
        identity: CameraIdentity::new(None, &sdp, b"", b""),
        audio_format: audio_format.map(Arc::new),
    };
    Ok((feed, offered, sdp))
}

async fn describe(opening: &Opening<'_>, scrub: &Scrub) -> Result<Session<Described>, CameraError> {
    let login = opening.login.map(|login| Credentials {
        username: login.user.clone(),
        password: login.password.expose().to_owned(),
    });
    let options = SessionOptions::default()
        .creds(login)
        .user_agent("Keepsight".to_owned())
        .teardown(TeardownPolicy::Auto);
    let described = Session::describe(opening.url.url().clone(), options).await;
    described.map_err(|error| scrub.error(&error))
}

fn choose_video(offered: &[Offered]) -> Result<usize, CameraError> {
    let is_video = |stream: &&Offered| stream.media == "video";
    if let Some(h264) = offered.iter().position(|stream| is_video(&stream) && stream.encoding == "h264") {
        return Ok(h264);
    }
    let other = offered.iter().find(is_video).ok_or(CameraError::NoVideo)?;
    let codec: String = other.encoding.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    Err(CameraError::Unsupported { codec: codec.to_uppercase() })
}

/// The first AAC stream whose configuration is known.
fn choose_audio(streams: &[Stream]) -> Option<usize> {
    streams.iter().position(|stream| stream.media() == "audio" && audio_format(stream).is_some())
}

fn audio_format(stream: &Stream) -> Option<AudioFormat> {
    let Some(ParametersRef::Audio(parameters)) = stream.parameters() else { return None };
    let codec = parameters.rfc6381_codec().filter(|codec| codec.starts_with("mp4a.40."))?;
    let config = parameters.extra_data();
    let rate = parameters.clock_rate();
    let sane = (2..=64).contains(&config.len()) && (8_000..=96_000).contains(&rate);
    sane.then(|| AudioFormat {
        info: AudioInfo { codec: codec.to_owned(), rate, channels: parameters.channels().get() },
        config: Bytes::copy_from_slice(config),
        frame_samples: parameters.frame_length().map_or(1024, NonZeroU32::get),
    })
}

fn video_format(parameters: &VideoParameters) -> Result<VideoFormat, CameraError> {
    let (width, height) = parameters.pixel_dimensions();
    match parameters.codec_params() {
        VideoParametersCodec::H264 { sps, pps } => VideoFormat::new(width, height, sps.clone(), pps.clone()),
        _ => Err(CameraError::Unsupported { codec: "ANOTHER KIND OF".into() }),
    }
}

impl Offered {
    fn of(stream: &Stream) -> Self {
        Self {
            media: stream.media().chars().take(32).collect(),
            encoding: stream.encoding_name().chars().take(32).collect(),
            rate: stream.clock_rate_hz(),
            channels: stream.channels().map(std::num::NonZeroU16::get),
            fps: stream.framerate().filter(|fps| fps.is_finite() && (0.1..=240.0).contains(fps)),
        }
    }
}

impl Scrub {
    fn error(&self, error: &retina::Error) -> CameraError {
        match error.status_code() {
            Some(401 | 403) => return CameraError::LoginRefused,
            Some(404) => return CameraError::NoSuchStream,
            _ => {}
        }
        let text = self.text(&error.to_string());
        if text.starts_with("Unable to connect") {
            let why = text.split_once(": ").map_or("", |(_, why)| why);
            return CameraError::NoAnswer(why.to_owned());
        }
        if text.contains("authentication") || text.contains("credentials") {
            return CameraError::LoginRefused;
        }
        CameraError::Protocol(text)
    }

    /// The first line, shortened, without control characters and without the login.
    fn text(&self, text: &str) -> String {
        let line = text.lines().next().unwrap_or_default();
        let mut line: String = line.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect();
        if let Some(login) = &self.0 {
            for secret in [login.password.expose(), &login.user] {
                if !secret.is_empty() {
                    line = line.replace(secret, "***");
                }
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Password;

    #[test]
    fn what_others_say_is_shortened_and_holds_no_login() {
        let login = Login { user: "elm".into(), password: Password::new("hunter2") };
        let scrub = Scrub(Some(login));
        let text = scrub.text(&format!("bad url rtsp://elm:hunter2@host\u{7}/{}\nsecond", "x".repeat(500)));
        assert!(!text.contains("hunter2") && !text.contains("elm") && text.len() < 200, "{text}");
        assert!(!text.contains("second") && !text.contains('\u{7}'));
    }

    #[test]
    fn video_that_is_not_h264_is_named() {
        let stream = |media: &str, encoding: &str| Offered {
            media: media.into(),
            encoding: encoding.into(),
            rate: 90_000,
            channels: None,
            fps: None,
        };
        let unsupported = choose_video(&[stream("audio", "pcmu"), stream("video", "h265")]).unwrap_err();
        assert_eq!(unsupported, CameraError::Unsupported { codec: "H265".into() });
        assert_eq!(choose_video(&[stream("audio", "pcmu")]), Err(CameraError::NoVideo));
        assert_eq!(choose_video(&[stream("video", "h265"), stream("video", "h264")]), Ok(1));
    }
}
