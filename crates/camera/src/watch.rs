//! Keeps one camera watched: connect, look, record, notice when it is gone, come back. The thin shell around the recorder.
//!
//! Everything runs in one task per camera; dropping the [`Watch`] ends it. A consumer that is slow makes the task wait, and thereby
//! the camera: memory stays bounded.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{FutureExt, Stream};
use keepsight_ids::UnixMillis;
use keepsight_world::{Backoff, Instant, World};
use tokio::sync::mpsc;

use crate::feeds::Feeds;
use crate::looking::Looking;
use crate::media::Arrival;
use crate::recorder::Recorder;
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
        in_event: false,
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
    /// An Event has been begun and not ended.
    in_event: bool,
    inbox: mpsc::UnboundedReceiver<Command>,
    outbox: mpsc::Sender<CameraItem>,
    recording_possible: Arc<AtomicBool>,
}

impl Watcher {
    async fn run(mut self) {
        let mut backoff = Backoff::new(BACKOFF_FIRST, BACKOFF_MOST);
        loop {
            let began = self.world.now();
            let over = self.caught_connection().await;
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

    /// A fault in what takes a camera's bytes apart ends that connection and not the watching.
    async fn caught_connection(&mut self) -> Result<(), Over> {
        let caught = AssertUnwindSafe(self.connection()).catch_unwind().await;
        let Err(_) = caught else { return caught.unwrap_or(Ok(())) };
        tracing::error!("taking apart what the camera sent failed: this is a fault in Keepsight");
        if std::mem::take(&mut self.in_event) {
            self.send(CameraItem::EventEnd { ended: Ended::Lost }).await?;
        }
        Err(Over::Failed(CameraError::Protocol("it could not be taken apart".into())))
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
        let opening = Feeds::open(self.source.clone(), &self.settings, self.origin, self.world.clone());
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
                    looking.main(arrival, recorder, !sub.is_open()).await?
                }
                (format, frame) = sub.next(&self.world) => looking.sub(format, frame, recorder).await?,
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

    async fn send_all(&mut self, items: Vec<CameraItem>) -> Result<(), Over> {
        for item in items {
            self.send(item).await?;
        }
        Ok(())
    }

    async fn send(&mut self, item: CameraItem) -> Result<(), Over> {
        match item {
            CameraItem::EventStart { .. } => self.in_event = true,
            CameraItem::EventEnd { .. } => self.in_event = false,
            _ => {}
        }
        self.outbox.send(item).await.map_err(|_| Over::Done)
    }

    fn now_ms(&self) -> i64 {
        i64::try_from((self.world.now() - self.origin).as_millis()).unwrap_or(i64::MAX)
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
