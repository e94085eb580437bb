//! One camera: what it yields is sealed and spooled, part by part.
//!
//! A content key lives here, in memory, from an Event's beginning to its end. A sealed segment that the disk does not take is
//! offered to it again as it is, and given up after a few tries: its number is never sealed a second time.

use std::sync::Arc;
use std::time::Duration;

use keepsight_camera::{CameraItem, CameraSource, Handle, Watch, watch};
use keepsight_ids::{CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use keepsight_seal::EventSealer;
use keepsight_wire::people::{CameraState, GapReason};
use tokio_util::sync::CancellationToken;

use crate::shared::{Health, Seat, Shared};
use crate::spool::backlog::Span;
use crate::spool::{NewEvent, SpoolError};
use crate::state::Camera;

/// How often a segment is offered to a disk that fails.
const TRIES: u32 = 3;
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// How long a camera may take to complete its Event when the agent stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Watches a camera until `stop`, then completes the Event that is being recorded.
pub(crate) async fn record(shared: Arc<Shared>, camera: Camera, stop: CancellationToken) {
    let (handle, items) =
        watch(CameraSource::from(&camera.source), camera.watch_settings(), shared.world.clone());
    shared.set_handle(camera.camera, Some(handle.clone()));
    let mut recorder = Recorder { shared: shared.clone(), camera: camera.camera, event: None };
    recorder.run(handle, items, &stop).await;
    shared.set_handle(camera.camera, None);
}

struct Recorder {
    shared: Arc<Shared>,
    camera: CameraId,
    event: Option<Recording>,
}

struct Recording {
    event: EventId,
    captured: UnixMillis,
    /// Where the newest footage ends, from `captured`.
    until_ms: u32,
    /// Absent when it can't be kept (any more): the rest of it is let go.
    sealer: Option<EventSealer>,
    /// It found no room: all of it belongs to a gap.
    dropped: bool,
}

impl Recorder {
    async fn run(&mut self, handle: Handle, mut items: Watch, stop: &CancellationToken) {
        loop {
            tokio::select! {
                item = items.next() => match item {
                    Some(item) => self.take(item).await,
                    None => break,
                },
                () = stop.cancelled() => {
                    handle.stop();
                    let rest = async { while let Some(item) = items.next().await { self.take(item).await } };
                    if tokio::time::timeout(LAST_WORDS, rest).await.is_err() {
                        tracing::warn!(camera = %self.camera, "the camera did not stop in time");
                    }
                    break;
                }
            }
        }
        self.end().await;
    }

    async fn take(&mut self, item: CameraItem) {
        match item {
            CameraItem::Reached { identity, .. } => {
                self.shared.met(self.camera, &identity);
                self.turn(CameraState::Recording, self.shared.now(), None).await;
            }
            CameraItem::NotReached { since, reason } => {
                self.turn(CameraState::NotReached, since, Some(reason.to_string())).await;
            }
            CameraItem::Changed { expected, found } => {
                self.shared.met(self.camera, &found);
                let reason = format!("{found} answers where {expected} is expected");
                tracing::error!(camera = %self.camera, "another camera answers, nothing is recorded: {reason}");
                self.turn(CameraState::Changed, self.shared.now(), Some(reason)).await;
            }
            CameraItem::EventStart { captured, .. } => {
                self.end().await;
                self.event = Some(self.begin(captured).await);
            }
            CameraItem::Part { kind, number, bytes } => self.part(kind, number, &bytes).await,
            CameraItem::EventEnd { .. } => self.end().await,
            other => tracing::warn!(?other, "the camera yields something unknown"),
        }
    }

    /// A state that ends leaves a gap if nothing was recorded in it.
    async fn turn(&self, state: CameraState, since: UnixMillis, reason: Option<String>) {
        let Some(before) = self.shared.set_health(self.camera, Health { state, since, reason }) else {
            return;
        };
        let until = if state == CameraState::Recording { self.shared.now() } else { since };
        let why = match before.state {
            CameraState::NotReached => GapReason::CameraNotReached,
            CameraState::Changed => GapReason::CameraChanged,
            _ => return,
        };
        self.gap(before.since, until, why).await;
    }

    async fn gap(&self, from: UnixMillis, until: UnixMillis, reason: GapReason) {
        let camera = self.camera;
        if let Err(error) = self.shared.depot.add(move |spool| spool.gap(camera, from, until, reason)).await {
            tracing::warn!(%camera, %error, "a gap could not be written yet");
        }
    }

    async fn begin(&self, captured: UnixMillis) -> Recording {
        let event = EventId::from_bytes(self.shared.world.random());
        let mut recording = Recording { event, captured, until_ms: 0, sealer: None, dropped: false };
        let Some(seat) = self.shared.seat() else {
            tracing::warn!(camera = %self.camera, "nothing is kept before the home is known");
            return recording;
        };
        let (header, sealer) = match self.seal(&seat, event, captured) {
            Ok(begun) => begun,
            Err(error) => {
                tracing::error!(camera = %self.camera, code = error.code(), "nothing can be recorded: {error}");
                return recording;
            }
        };
        let new = NewEvent { camera: self.camera, event, captured, header };
        match self.shared.depot.add(move |spool| spool.begin(&new)).await {
            Ok(()) => recording.sealer = Some(sealer),
            Err(error) => recording.give_up(&error),
        }
        recording
    }

    fn seal(
        &self,
        seat: &Seat,
        event: EventId,
        captured: UnixMillis,
    ) -> Result<(keepsight_wire::Signed, EventSealer), keepsight_seal::SealError> {
        let (agent, key) = (seat.pairing.agent, seat.pairing.key.key());
        let rng = &mut self.shared.world.rng();
        EventSealer::begin(&seat.chain, agent, &key, self.camera, event, captured, seat.clock_known, rng)
    }

    async fn part(&mut self, kind: SegmentKind, number: SegmentNo, bytes: &[u8]) {
        let now = self.shared.now();
        let Some(recording) = &mut self.event else { return };
        let span = recording.advance(kind, now);
        let Some(sealer) = &mut recording.sealer else { return };
        match sealer.seal(kind, number, bytes) {
            Ok(sealed) => self.store(kind, number, span, sealed).await,
            Err(error) => tracing::error!(camera = %self.camera, %error, "a part of an Event was left out"),
        }
    }

    async fn store(&mut self, kind: SegmentKind, number: SegmentNo, span: Span, sealed: Vec<u8>) {
        let Some(recording) = &mut self.event else { return };
        let (event, sealed) = (recording.event, Arc::new(sealed));
        for left in (0..TRIES).rev() {
            let bytes = sealed.clone();
            let stored =
                self.shared.depot.add(move |spool| spool.append(event, kind, number, span, &bytes)).await;
            match stored {
                Ok(_) => return,
                Err(error @ SpoolError::Disk { .. }) if left > 0 => {
                    tracing::warn!(%error, "the disk did not take a segment; again");
                    self.shared.world.sleep(TRY_AGAIN).await;
                }
                Err(error @ SpoolError::Disk { .. }) => {
                    tracing::error!(%error, "a segment is lost: its Event will be shown as damaged");
                }
                Err(error) => return recording.give_up(&error),
            }
        }
    }

    async fn end(&mut self) {
        let Some(mut sealer) = self.event.as_mut().and_then(|recording| recording.sealer.take()) else {
            return self.closed().await;
        };
        match sealer.seal_trailer() {
            Ok(sealed) => self.store(SegmentKind::Trailer, SegmentNo(0), Span::default(), sealed).await,
            Err(error) => tracing::error!(camera = %self.camera, %error, "an Event is left without its end"),
        }
        self.closed().await;
    }

    async fn closed(&mut self) {
        let Some(recording) = self.event.take() else { return };
        let event = recording.event;
        if let Err(error) = self.shared.depot.add(move |spool| spool.close(event)).await {
            tracing::warn!(%event, %error, "that an Event ended could not be written down");
        }
        if recording.dropped {
            let until = recording.captured.plus_ms(recording.until_ms.into());
            self.gap(recording.captured, until, GapReason::SpoolFull).await;
        }
    }
}

impl Recording {
    /// Video comes when it has been recorded: its end is now, its beginning the end of the one before.
    fn advance(&mut self, kind: SegmentKind, now: UnixMillis) -> Span {
        if kind != SegmentKind::Video {
            return Span::default();
        }
        let from_ms = self.until_ms;
        let until_ms = u32::try_from(now.0.saturating_sub(self.captured.0).max(0)).unwrap_or(u32::MAX);
        self.until_ms = until_ms.max(from_ms.saturating_add(1));
        Span { from_ms, until_ms: self.until_ms }
    }

    fn give_up(&mut self, error: &SpoolError) {
        self.sealer = None;
        self.dropped = !matches!(error, SpoolError::Gone(_));
        match error {
            SpoolError::Gone(_) => {
                tracing::info!(event = %self.event, "the Event was deleted while it was recorded")
            }
            error => tracing::error!(event = %self.event, %error, "the rest of the Event is not kept"),
        }
    }
}
