//! The connections to one camera: the stream that is recorded, and the small one that is looked at.
//!
//! A camera without its small stream is still recorded: motion is then looked for in the large one, and the small one is tried
//! again from time to time, beside the recording.

use std::sync::Arc;
use std::time::Duration;

use keepsight_world::{Instant, World};
use tokio::task::JoinSet;

use crate::demo::DemoFeed;
use crate::identity::CameraIdentity;
use crate::media::{Arrival, AudioFormat, VideoFormat, VideoFrame};
use crate::rtsp::{Opening, RtspFeed};
use crate::{CameraError, CameraSource, Login, RtspSource, RtspUrl, WatchSettings};

/// How long after the substream was lost it is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// The connections to one camera.
pub(crate) struct Feeds {
    pub main: Feed,
    pub sub: Substream,
}

/// The stream that is recorded.
pub(crate) enum Feed {
    Rtsp(Box<RtspFeed>),
    Demo(DemoFeed),
}

/// The small stream, while it is open and while it is not.
pub(crate) struct Substream {
    access: Option<Access>,
    stall_after: Duration,
    feed: Option<Box<RtspFeed>>,
    opening: JoinSet<RtspFeed>,
    until: Instant,
}

#[derive(Clone)]
struct Access {
    url: RtspUrl,
    login: Option<Login>,
    origin: Instant,
    world: World,
}

impl Feeds {
    pub(crate) async fn open(
        source: CameraSource,
        settings: &WatchSettings,
        origin: Instant,
        world: World,
    ) -> Result<Self, CameraError> {
        match source {
            CameraSource::Demo(scene) => {
                let sub = Substream::new(None, settings.stall_after, &world);
                Ok(Self { main: Feed::Demo(DemoFeed::start(scene, origin, world).await?), sub })
            }
            CameraSource::Rtsp(RtspSource { main, sub, login }) => {
                let opening = Opening { url: &main, login: login.as_ref(), audio: settings.audio, origin };
                let (main, _) = RtspFeed::open(&opening).await?;
                let access = sub.map(|url| Access { url, login, origin, world: world.clone() });
                let sub = Substream::new(access, settings.stall_after, &world);
                Ok(Self { main: Feed::Rtsp(Box::new(main)), sub })
            }
        }
    }
}

impl Substream {
    fn new(access: Option<Access>, stall_after: Duration, world: &World) -> Self {
        let mut sub = Self { access, stall_after, feed: None, opening: JoinSet::new(), until: world.now() };
        sub.reopen(Duration::ZERO);
        sub
    }

    /// Whether pictures come from here.
    pub(crate) fn is_open(&self) -> bool {
        self.feed.is_some()
    }

    /// The next picture; waits for ever if there is no substream. May be dropped while waiting without losing a picture.
    pub(crate) async fn next(&mut self, world: &World) -> (Arc<VideoFormat>, VideoFrame) {
        loop {
            let Some(feed) = &mut self.feed else {
                self.opened(world).await;
                continue;
            };
            let arrival = tokio::time::timeout_at(self.until, feed.next(world)).await;
            let stalled = CameraError::Stalled(self.stall_after);
            match arrival.unwrap_or(Err(stalled)) {
                Ok(Arrival::Video(frame)) => {
                    self.until = world.now() + self.stall_after;
                    if let Some(format) = feed.video_format() {
                        return (format, frame);
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the substream was lost: looking at the main stream");
                    self.feed = None;
                    self.reopen(TRY_AGAIN);
                }
            }
        }
    }

    async fn opened(&mut self, world: &World) {
        match self.opening.join_next().await {
            Some(Ok(feed)) => {
                self.until = world.now() + self.stall_after;
                self.feed = Some(Box::new(feed));
            }
            Some(Err(_)) => self.reopen(TRY_AGAIN),
            None => std::future::pending().await,
        }
    }

    fn reopen(&mut self, after: Duration) {
        if let Some(access) = self.access.clone() {
            self.opening.spawn(access.open(after));
        }
    }
}

impl Access {
    /// Tries until it succeeds; the first time after this long.
    async fn open(self, mut after: Duration) -> RtspFeed {
        loop {
            self.world.sleep(after).await;
            let opening =
                Opening { url: &self.url, login: self.login.as_ref(), audio: false, origin: self.origin };
            match RtspFeed::open(&opening).await {
                Ok((feed, _)) => return feed,
                Err(error) => {
                    tracing::warn!(%error, "the substream is not available: looking at the main stream")
                }
            }
            after = TRY_AGAIN;
        }
    }
}

impl Feed {
    /// The next arrival. May be dropped while waiting without losing one.
    pub(crate) async fn next(&mut self, world: &World) -> Result<Arrival, CameraError> {
        match self {
            Self::Rtsp(feed) => feed.next(world).await,
            Self::Demo(feed) => feed.next().await,
        }
    }

    pub(crate) fn identity(&self) -> CameraIdentity {
        match self {
            Self::Rtsp(feed) => feed.identity.clone(),
            Self::Demo(feed) => feed.identity.clone(),
        }
    }

    pub(crate) fn video_format(&self) -> Option<Arc<VideoFormat>> {
        match self {
            Self::Rtsp(feed) => feed.video_format(),
            Self::Demo(feed) => Some(feed.format.clone()),
        }
    }

    pub(crate) fn audio_format(&self) -> Option<Arc<AudioFormat>> {
        match self {
            Self::Rtsp(feed) => feed.audio_format.clone(),
            Self::Demo(_) => None,
        }
    }
}
