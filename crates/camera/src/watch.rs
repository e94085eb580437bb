//! Keeps one camera watched: connect, look, record, notice when it is gone, come back. The thin shell around the recorder.
//!
//! Everything runs in one task per camera; dropping the [`Watch`] ends it. A consumer that is slow makes the task wait, and thereby
//! the camera: memory stays bounded.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use keepsight_ids::UnixMillis;
use keepsight_world::{Backoff, Instant, World};
use tokio::sync::mpsc;

use crate::decode::{Analyser, Look};
use crate::demo::DemoFeed;
use crate::media::{Arrival, AudioFormat, VideoFormat, VideoFrame};
use crate::recorder::Recorder;
use crate::rtsp::{Opening, RtspFeed};
use crate::{CameraError, CameraIdentity, CameraItem, CameraSource, Ended, WatchSettings};

/// Items waiting for the consumer.
const ITEMS_MAX: usize = 64;
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
const BACKOFF_MOST: Duration = Duration::from_secs(30);
/// How long after another camera answered it is looked again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// A connection that lasted this long was a success: the next failure starts with a short wait again.
const LASTING: Duration = Duration::from_secs(30);

/// What a camera yields; a stream of [`CameraItem`]. It ends after [`Handle::stop`] only. Dropping it ends the watching.
#[derive(Debug)]
pub struct Watch {
    items: mpsc::Receiver<CameraItem>,
}

/// Speaks to the task that watches a camera.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    recording_possible: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Command {
    Trigger,
    Accept(CameraIdentity),
    Stop,
}

/// Watches a camera from now on. Must be called within a tokio runtime.
pub fn watch(source: CameraSource, settings: WatchSettings, world: World) -> (Handle, Watch) {
    let (commands, inbox) = mpsc::unbounded_channel();
    let (outbox, items) = mpsc::channel(ITEMS_MAX);
    let recording_possible = Arc::new(AtomicBool::new(false));
    let settings = WatchSettings { masks: [settings.masks, source.own_masks()].concat(), ..settings };
    let watcher = Watcher {
        source,
        expected: settings.expected.clone(),
        settings,
        origin: world.now(),
        last_picture: UnixMillis(world.unix_millis()),
        told: None,
        told_changed: None,
        world,
        inbox,
        outbox,
        recording_possible: recording_possible.clone(),
    };
    tokio::spawn(watcher.run());
    (Handle { commands, recording_possible }, Watch { items })
}

impl Handle {
    /// Starts an Event now, or prolongs the one being recorded. `false` if the camera is not reached or not accepted, so that
    /// nothing will come of it.
    pub fn trigger(&self) -> bool {
        self.recording_possible.load(Ordering::Relaxed) && self.commands.send(Command::Trigger).is_ok()
    }

    /// Accepts this camera after [`CameraItem::Changed`].
    pub fn accept(&self, identity: CameraIdentity) {
        // A task that has ended needs no answer.
        let _ = self.commands.send(Command::Accept(identity));
    }

    /// Completes the Event being recorded and ends the stream of items.
    pub fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
    }
}

impl Stream for Watch {
    type Item = CameraItem;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<CameraItem>> {
        self.items.poll_recv(context)
    }
}

impl Watch {
    /// The next item; none after [`Handle::stop`]. May be dropped while waiting without losing an item.
    pub async fn next(&mut self) -> Option<CameraItem> {
        self.items.recv().await
    }
}

/// Why a connection's work is over.
enum Over {
    /// Try again after a wait.
    Failed(CameraError),
    /// Try again at once.
    Again,
    /// For good: stopped, or nobody listens any more.
    Done,
}

impl From<CameraError> for Over {
    fn from(error: CameraError) -> Self {
        Self::Failed(error)
    }
}

struct Watcher {
    source: CameraSource,
    settings: WatchSettings,
    expected: Option<CameraIdentity>,
    world: World,
    origin: Instant,
    last_picture: UnixMillis,
    /// The reason told last, while the camera is not reached.
    told: Option<CameraError>,
    /// The other camera told of last.
    told_changed: Option<CameraIdentity>,
    inbox: mpsc::UnboundedReceiver<Command>,
    outbox: mpsc::Sender<CameraItem>,
    recording_possible: Arc<AtomicBool>,
}

impl Watcher {
    async fn run(mut self) {
        let mut backoff = Backoff::new(BACKOFF_FIRST, BACKOFF_MOST);
        loop {
            let began = self.world.now();
            let over = self.connection().await;
            self.recording_possible.store(false, Ordering::Relaxed);
            let reason = match over {
                Err(Over::Failed(reason)) => reason,
                Err(Over::Again) => continue,
                Ok(()) | Err(Over::Done) => return,
            };
            self.told_changed = None;
            if began.elapsed() >= LASTING {
                backoff.reset();
            }
            let wait = backoff.next_wait(&self.world, None);
            if self.tell_not_reached(reason).await.is_err() || self.wait(wait).await.is_err() {
                return;
            }
        }
    }

    /// One connection from its beginning to its end.
    async fn connection(&mut self) -> Result<(), Over> {
        let Some(mut feeds) = self.connect().await? else { return Ok(()) };
        self.check_identity(&feeds).await?;
        let video = feeds.main.video_format().ok_or(CameraError::NoVideo)?;
        let audio = feeds.main.audio_format();
        let mut recorder = Recorder::new(&self.settings, audio.clone());
        self.told = None;
        self.send(CameraItem::Reached {
            identity: feeds.main.identity(),
            video: video.info.clone(),
            audio: audio.map(|format| format.info.clone()),
        })
        .await?;
        self.recording_possible.store(true, Ordering::Relaxed);
        let over = self.record(&mut feeds, &mut recorder).await;
        let ended = if matches!(over, Err(Over::Failed(_))) { Ended::Lost } else { Ended::Stopped };
        self.send_all(recorder.finish(ended)).await?;
        over
    }

    /// Connects, unless a stop comes first.
    async fn connect(&mut self) -> Result<Option<Feeds>, Over> {
        let opening = Feeds::open(self.source.clone(), self.settings.audio, self.origin, self.world.clone());
        tokio::pin!(opening);
        loop {
            tokio::select! {
                opened = &mut opening => return Ok(Some(opened?)),
                command = next_command(&mut self.inbox) => match command {
                    Command::Accept(identity) => self.expected = Some(identity),
                    Command::Trigger => {}
                    Command::Stop => return Ok(None),
                },
                () = self.outbox.closed() => return Ok(None),
            }
        }
    }

    /// Nothing is recorded from another camera than the expected one: waits until it is accepted.
    async fn check_identity(&mut self, feeds: &Feeds) -> Result<(), Over> {
        let found = feeds.main.identity();
        let Some(expected) = self.expected.clone() else {
            self.expected = Some(found);
            return Ok(());
        };
        if expected.same_camera(&found) {
            return Ok(());
        }
        if self.told_changed.as_ref() != Some(&found) {
            self.told_changed = Some(found.clone());
            self.send(CameraItem::Changed { expected, found }).await?;
        }
        self.wait_for_acceptance().await
    }

    /// Ends early when an identity is accepted; otherwise looks again from time to time, since addresses may be dealt back.
    async fn wait_for_acceptance(&mut self) -> Result<(), Over> {
        tokio::select! {
            () = self.world.sleep(LOOK_AGAIN) => Err(Over::Again),
            command = next_acceptance(&mut self.inbox) => {
                self.expected = Some(command.ok_or(Over::Done)?);
                Err(Over::Again)
            }
            () = self.outbox.closed() => Err(Over::Done),
        }
    }

    async fn record(&mut self, feeds: &mut Feeds, recorder: &mut Recorder) -> Result<(), Over> {
        let Feeds { main, sub } = feeds;
        let mut looking = Looking::new(&self.settings)?;
        looking.format(main.video_format(), recorder);
        let mut main_until = self.world.now() + self.settings.stall_after;
        loop {
            let offset = self.world.unix_millis() - self.now_ms();
            recorder.set_unix_offset(offset);
            let items = tokio::select! {
                biased;
                command = next_command(&mut self.inbox) => match command {
                    Command::Trigger => recorder.trigger(self.now_ms()),
                    Command::Accept(identity) => { self.expected = Some(identity); Vec::new() }
                    Command::Stop => return Ok(()),
                },
                arrival = main.next(&self.world) => {
                    let arrival = arrival?;
                    if matches!(arrival, Arrival::Video(_)) {
                        main_until = self.world.now() + self.settings.stall_after;
                        self.last_picture = UnixMillis(self.world.unix_millis());
                    }
                    looking.main(arrival, recorder, sub.is_none()).await?
                }
                arrival = next_of_sub(sub, &self.world) => looking.sub(arrival, recorder).await?,
                () = tokio::time::sleep_until(main_until) => {
                    return Err(CameraError::Stalled(self.settings.stall_after).into());
                }
                () = self.outbox.closed() => return Err(Over::Done),
            };
            self.send_all(items).await?;
        }
    }

    async fn wait(&mut self, wait: Duration) -> Result<(), Over> {
        let until = self.world.now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Ok(()),
                command = next_command(&mut self.inbox) => match command {
                    Command::Accept(identity) => self.expected = Some(identity),
                    Command::Trigger => {}
                    Command::Stop => return Err(Over::Done),
                },
                () = self.outbox.closed() => return Err(Over::Done),
            }
        }
    }

    async fn tell_not_reached(&mut self, reason: CameraError) -> Result<(), Over> {
        if self.told.as_ref() == Some(&reason) {
            return Ok(());
        }
        self.told = Some(reason.clone());
        self.send(CameraItem::NotReached { since: self.last_picture, reason }).await
    }

    async fn send_all(&self, items: Vec<CameraItem>) -> Result<(), Over> {
        for item in items {
            self.send(item).await?;
        }
        Ok(())
    }

    async fn send(&self, item: CameraItem) -> Result<(), Over> {
        self.outbox.send(item).await.map_err(|_| Over::Done)
    }

    fn now_ms(&self) -> i64 {
        i64::try_from((self.world.now() - self.origin).as_millis()).unwrap_or(i64::MAX)
    }
}

/// The connections to one camera.
struct Feeds {
    main: Feed,
    sub: Option<RtspFeed>,
}

/// The stream that is recorded.
enum Feed {
    Rtsp(Box<RtspFeed>),
    Demo(DemoFeed),
}

impl Feeds {
    async fn open(
        source: CameraSource,
        audio: bool,
        origin: Instant,
        world: World,
    ) -> Result<Self, CameraError> {
        let source = match source {
            CameraSource::Demo(scene) => {
                let feed = DemoFeed::start(scene, origin, world).await?;
                return Ok(Self { main: Feed::Demo(feed), sub: None });
            }
            CameraSource::Rtsp(source) => source,
        };
        let login = source.login.as_ref();
        let (main, _) = RtspFeed::open(&Opening { url: &source.main, login, audio, origin }).await?;
        let sub = match &source.sub {
            Some(url) => Self::open_sub(&Opening { url, login, audio: false, origin }).await,
            None => None,
        };
        Ok(Self { main: Feed::Rtsp(Box::new(main)), sub })
    }

    /// A camera without its small stream is still recorded: motion is then looked for in the large one.
    async fn open_sub(opening: &Opening<'_>) -> Option<RtspFeed> {
        match RtspFeed::open(opening).await {
            Ok((feed, _)) => Some(feed),
            Err(error) => {
                tracing::warn!(%error, "the substream is not available: looking at the main stream");
                None
            }
        }
    }
}

/// The next picture of the substream; never, if there is none. Nothing, if it was just lost.
async fn next_of_sub(feed: &mut Option<RtspFeed>, world: &World) -> Option<(Arc<VideoFormat>, VideoFrame)> {
    let Some(sub) = feed else { return std::future::pending().await };
    loop {
        match sub.next(world).await {
            Ok(Arrival::Video(frame)) => return sub.video_format().map(|format| (format, frame)),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the substream was lost: looking at the main stream");
                *feed = None;
                return None;
            }
        }
    }
}

/// The next command; never, once all handles are gone: a camera is watched as long as somebody takes the items.
async fn next_command(inbox: &mut mpsc::UnboundedReceiver<Command>) -> Command {
    match inbox.recv().await {
        Some(command) => command,
        None => std::future::pending().await,
    }
}

/// The next identity that is accepted; none if watching is to stop.
async fn next_acceptance(inbox: &mut mpsc::UnboundedReceiver<Command>) -> Option<CameraIdentity> {
    loop {
        match next_command(inbox).await {
            Command::Accept(identity) => return Some(identity),
            Command::Trigger => {}
            Command::Stop => return None,
        }
    }
}

impl Feed {
    async fn next(&mut self, world: &World) -> Result<Arrival, CameraError> {
        match self {
            Self::Rtsp(feed) => feed.next(world).await,
            Self::Demo(feed) => feed.next().await,
        }
    }

    fn identity(&self) -> CameraIdentity {
        match self {
            Self::Rtsp(feed) => feed.identity.clone(),
            Self::Demo(feed) => feed.identity.clone(),
        }
    }

    fn video_format(&self) -> Option<Arc<VideoFormat>> {
        match self {
            Self::Rtsp(feed) => feed.video_format(),
            Self::Demo(feed) => Some(feed.format.clone()),
        }
    }

    fn audio_format(&self) -> Option<Arc<AudioFormat>> {
        match self {
            Self::Rtsp(feed) => feed.audio_format.clone(),
            Self::Demo(_) => None,
        }
    }
}

/// The analyser, lent to a blocking thread while it decodes.
struct Looking {
    analyser: Option<Box<Analyser>>,
    motion: bool,
    format: Option<Arc<VideoFormat>>,
}

impl Looking {
    fn new(settings: &WatchSettings) -> Result<Self, CameraError> {
        let analyser = Some(Box::new(Analyser::new(settings)?));
        Ok(Self { analyser, motion: settings.motion, format: None })
    }

    /// Something of the recorded stream; looked at only if there is no other.
    async fn main(
        &mut self,
        arrival: Arrival,
        recorder: &mut Recorder,
        look: bool,
    ) -> Result<Vec<CameraItem>, CameraError> {
        match arrival {
            Arrival::Format(format) => {
                self.format(Some(format), recorder);
                Ok(Vec::new())
            }
            Arrival::Audio(frame) => {
                recorder.audio(frame);
                Ok(Vec::new())
            }
            Arrival::Video(frame) => {
                let copy = frame.clone();
                let mut items = recorder.video(frame);
                if let Some(format) = self.format.clone().filter(|_| look) {
                    items.extend(self.look(format, copy, recorder).await?);
                }
                Ok(items)
            }
        }
    }

    fn format(&mut self, format: Option<Arc<VideoFormat>>, recorder: &mut Recorder) {
        let Some(format) = format else { return };
        if let Some(analyser) = &mut self.analyser {
            analyser.set_shape(&format);
        }
        self.format = Some(format.clone());
        recorder.format(format);
    }

    async fn sub(
        &mut self,
        arrival: Option<(Arc<VideoFormat>, VideoFrame)>,
        recorder: &mut Recorder,
    ) -> Result<Vec<CameraItem>, CameraError> {
        match arrival {
            Some((format, frame)) => self.look(format, frame, recorder).await,
            None => Ok(Vec::new()),
        }
    }

    async fn look(
        &mut self,
        format: Arc<VideoFormat>,
        frame: VideoFrame,
        recorder: &mut Recorder,
    ) -> Result<Vec<CameraItem>, CameraError> {
        let lost = || CameraError::Codec("the decoder is gone".into());
        let mut analyser = self.analyser.take().ok_or_else(lost)?;
        let wish = recorder.wish();
        let looked = tokio::task::spawn_blocking(move || {
            let look = analyser.look(&format, &frame, wish);
            (analyser, look)
        });
        let (analyser, look) = looked.await.map_err(|_| lost())?;
        self.analyser = Some(analyser);
        Ok(look.map(|look| recorder.look(self.without_motion(look))).unwrap_or_default())
    }

    fn without_motion(&self, mut look: Look) -> Look {
        look.seen.moving &= self.motion;
        look
    }
}
