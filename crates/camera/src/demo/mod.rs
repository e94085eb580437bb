//! Built-in cameras: pictures drawn and H.264-encoded here, for a demo without hardware.
//!
//! What is drawn is a pure function of the scene, the time of day and the time since the start; only the feed around it knows a
//! clock. The frames go the same way as those of a real camera, decoder and all.

mod canvas;
mod light;
mod movers;
mod scenery;
mod schedule;
mod text;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use keepsight_world::{Instant, World};
use openh264::OpenH264API;
use openh264::encoder::{
    Complexity, Encoder, EncoderConfig, FrameRate, IntraFramePeriod, RateControlMode, SpsPpsStrategy,
    VuiConfig,
};
use openh264::formats::YUVSlices;
use tokio::sync::mpsc;

use crate::h264::{self, AccessUnit};
use crate::identity::CameraIdentity;
use crate::media::{Arrival, ClockMap, VIDEO_TICKS, VideoFormat, VideoFrame};
use crate::picture::Picture;
use crate::{CameraError, Mask};
use canvas::{HEIGHT, WIDTH};
use schedule::Schedule;

/// Pictures per second, and between key frames.
const FPS: i64 = 10;
const KEY_EVERY: u32 = 20;
const FRAME_MS: u64 = 1000 / FPS as u64;
/// Behind by more than this, pictures are left out rather than made up for.
const LATE_MAX: Duration = Duration::from_secs(1);

/// What a built-in camera looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DemoView {
    /// Inside, towards the front door.
    Hall,
    /// The front door from outside.
    Door,
    /// Lawn, trees and a fence.
    Garden,
    /// The road before the house.
    Street,
}

impl DemoView {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hall, Self::Door, Self::Garden, Self::Street];

    /// The camera's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hall => "Hall",
            Self::Door => "Front door",
            Self::Garden => "Garden",
            Self::Street => "Street",
        }
    }
}

/// A built-in camera.
#[derive(Debug, Clone)]
pub struct DemoScene {
    address: String,
    view: DemoView,
    zone: TimeZone,
}

impl DemoScene {
    /// A camera of this view at a street address, shown in the picture ("12 Elm Street"). Its clock shows UTC.
    pub fn new(address: &str, view: DemoView) -> Self {
        let address = address.chars().filter(char::is_ascii).filter(|c| !c.is_control()).take(32).collect();
        Self { address, view, zone: TimeZone::UTC }
    }

    /// The same camera with a clock of this time zone ("Europe/Berlin"); an unknown zone changes nothing.
    #[must_use]
    pub fn in_zone(self, name: &str) -> Self {
        match TimeZone::get(name) {
            Ok(zone) => Self { zone, ..self },
            Err(_) => self,
        }
    }

    /// The text in the picture: "12 Elm Street - Hall".
    pub fn caption(&self) -> String {
        format!("{} - {}", self.address, self.view.name())
    }

    /// The running clock is no motion.
    pub(crate) fn masks(&self) -> Vec<Mask> {
        vec![text::clock_mask()]
    }

    /// Different for every address and view, and the same every time (FNV-1a).
    fn seed(&self) -> u64 {
        let bytes = self.caption().into_bytes();
        bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
    }

    fn local(&self, unix_ms: i64) -> jiff::Zoned {
        let time = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        time.to_zoned(self.zone.clone())
    }
}

/// Draws one picture after the other.
pub(crate) struct Artist {
    scene: DemoScene,
    schedule: Schedule,
    /// The scenery as of a minute, since light changes slowly.
    scenery: Option<(i64, Picture)>,
}

impl Artist {
    pub(crate) fn new(scene: DemoScene) -> Self {
        let schedule = Schedule::new(scene.seed());
        Self { scene, schedule, scenery: None }
    }

    /// The picture at this time of day, this long after the start.
    pub(crate) fn draw(&mut self, unix_ms: i64, elapsed_ms: i64) -> Picture {
        let local = self.scene.local(unix_ms);
        let light = light::Light::at(&local);
        let minute = unix_ms.div_euclid(60_000);
        if self.scenery.as_ref().is_none_or(|(drawn, _)| *drawn != minute) {
            let mut picture = scenery::draw(&self.scene, &light);
            text::caption(&mut picture, &self.scene.caption());
            self.scenery = Some((minute, picture));
        }
        let mut picture = self.scenery.as_ref().map(|(_, picture)| picture.clone()).expect("just drawn");
        if let Some(passage) = self.schedule.at(elapsed_ms) {
            movers::draw(&mut picture, self.scene.view, &passage, &light);
        }
        text::clock(&mut picture, &local.strftime("%Y-%m-%d  %H:%M:%S").to_string());
        picture
    }
}

/// Artist and encoder together.
pub(crate) struct Studio {
    artist: Artist,
    encoder: Encoder,
}

impl Studio {
    pub(crate) fn new(scene: DemoScene) -> Result<Self, CameraError> {
        let config = EncoderConfig::new()
            .max_frame_rate(FrameRate::from_hz(FPS as f32))
            // A drawing needs no rate control: at a constant quality it is small anyway.
            .rate_control_mode(RateControlMode::Off)
            .intra_frame_period(IntraFramePeriod::from_num_frames(KEY_EVERY))
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            .complexity(Complexity::Low)
            .skip_frames(false)
            .scene_change_detect(false)
            .num_threads(1)
            .vui(VuiConfig::bt709());
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config).map_err(codec)?;
        Ok(Self { artist: Artist::new(scene), encoder })
    }

    /// The next picture, coded.
    pub(crate) fn shoot(&mut self, unix_ms: i64, elapsed_ms: i64) -> Result<AccessUnit, CameraError> {
        let picture = self.artist.draw(unix_ms, elapsed_ms);
        let (w, h) = (picture.width, picture.height);
        let planes = YUVSlices::new((&picture.y, &picture.u, &picture.v), (w, h), (w, w / 2, w / 2));
        let time = openh264::Timestamp::from_millis(elapsed_ms.max(0) as u64);
        let coded = self.encoder.encode_at(&planes, time).map_err(codec)?;
        Ok(h264::access_unit(&coded.to_vec()))
    }
}

fn codec(error: openh264::Error) -> CameraError {
    CameraError::Codec(error.to_string())
}

/// The frames of a built-in camera, made by a task of their own.
pub(crate) struct DemoFeed {
    frames: mpsc::Receiver<VideoFrame>,
    task: tokio::task::JoinHandle<()>,
    pub format: Arc<VideoFormat>,
    pub identity: CameraIdentity,
}

impl DemoFeed {
    pub(crate) async fn start(scene: DemoScene, origin: Instant, world: World) -> Result<Self, CameraError> {
        let description = format!("s={}\n", scene.caption());
        let unix_ms = world.unix_millis();
        let (studio, first) = blocking(move || {
            let mut studio = Studio::new(scene)?;
            let first = studio.shoot(unix_ms, 0)?;
            Ok((studio, first))
        })
        .await?;
        let (Some(sps), Some(pps)) = (first.sps.clone(), first.pps.clone()) else {
            return Err(CameraError::Codec("the encoder wrote no parameter sets".into()));
        };
        let identity = CameraIdentity::new(None, description.as_bytes(), &sps, &pps);
        let format = Arc::new(VideoFormat::new(WIDTH as u32, HEIGHT as u32, sps, pps)?);
        let (out, frames) = mpsc::channel(4);
        let task = tokio::spawn(film(studio, first, origin, world, out));
        Ok(Self { frames, task, format, identity })
    }

    /// May be dropped while waiting without losing a frame.
    pub(crate) async fn next(&mut self) -> Result<Arrival, CameraError> {
        self.frames.recv().await.map(Arrival::Video).ok_or(CameraError::Closed)
    }
}

impl Drop for DemoFeed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Makes frames at their times until nobody takes them or the encoder fails.
async fn film(
    studio: Studio,
    first: AccessUnit,
    origin: Instant,
    world: World,
    out: mpsc::Sender<VideoFrame>,
) {
    let began = world.now();
    let mut clock = ClockMap::default();
    let mut studio = Some(studio);
    let mut unit = first;
    let mut elapsed = Duration::ZERO;
    loop {
        let ticks = elapsed.as_millis() as i64 * (VIDEO_TICKS / 1000);
        let now_ms = i64::try_from((world.now() - origin).as_millis()).unwrap_or(i64::MAX);
        let frame = VideoFrame {
            at_ms: clock.at_ms(ticks, now_ms),
            ticks,
            key: unit.sps.is_some(),
            data: unit.sample,
        };
        if out.send(frame).await.is_err() {
            return;
        }
        elapsed += Duration::from_millis(FRAME_MS);
        let late = began.elapsed().saturating_sub(elapsed);
        if late > LATE_MAX {
            elapsed = began.elapsed();
        }
        tokio::time::sleep_until(began + elapsed).await;
        let Some(mut lent) = studio.take() else { return };
        let (unix_ms, elapsed_ms) = (world.unix_millis(), elapsed.as_millis() as i64);
        let shot = blocking(move || lent.shoot(unix_ms, elapsed_ms).map(|unit| (lent, unit))).await;
        let Ok((back, next)) = shot else { return };
        (studio, unit) = (Some(back), next);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CameraError> + Send + 'static,
) -> Result<T, CameraError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(CameraError::Codec("the drawing stopped".into())))
}

#[cfg(test)]
mod tests;
