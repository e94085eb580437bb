//! Makes disclosures durable, many in one commit, and the same one only once.
//!
//! Two askings are the same when viewer and sign-in, home, camera, Event (or span), kind, the last revision that touched the
//! viewer's account or the home, and the minute of the truth's time are the same. The first one's commit is waited for by all;
//! only after it is acknowledged is the key remembered. Memory is bounded: forgetting a key costs one more record.

mod books;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keepsight_gate::sabotage::{self, Wall};
use keepsight_gate::{PERMIT_LIFE, Permit};
use keepsight_ids::{
    AccountId, CameraId, EventId, HomeId, Revision, SegmentKind, SegmentNo, SessionId, UnixMillis,
};
use keepsight_world::World;

use crate::{Facts, Journal, JournalError, Kind, Receipt, Record, Span};
use books::{Books, Entered, Key};

/// Why nothing may be disclosed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The Permit was kept for too long: check again.
    #[error("the permit is stale")]
    Stale,
    /// The Permit is for something else than the disclosure says.
    #[error("the permit does not suit the disclosure: {0}")]
    Unsuitable(&'static str),
    /// Too many disclosures wait for the journal.
    #[error("too many disclosures wait for the ledger")]
    Overloaded,
    /// The record could not be made durable, or not in time.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What is about to be shown under a Permit. Home and camera come from the Permit alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disclosure {
    pub(crate) kind: Kind,
    pub(crate) event: Option<EventId>,
    pub(crate) segment: Option<(SegmentKind, SegmentNo)>,
    pub(crate) span: Option<Span>,
}

impl Disclosure {
    /// A page of a list that covers a span of time.
    pub const fn page(span: Option<Span>) -> Self {
        Self { kind: Kind::Offered, event: None, segment: None, span }
    }

    /// One Event's header and list of segments.
    pub const fn event(kind: Kind, event: EventId) -> Self {
        Self { kind, event: Some(event), segment: None, span: None }
    }

    /// One segment's bytes. The receipt opens this segment and no other.
    pub const fn segment(kind: Kind, event: EventId, segment: SegmentKind, number: SegmentNo) -> Self {
        Self { kind, event: Some(event), segment: Some((segment, number)), span: None }
    }
}

/// Somebody who belongs to the home asked for something and was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who asked.
    pub viewer: AccountId,
    /// In which sign-in.
    pub session: Option<SessionId>,
    /// What its browser called itself.
    pub device: String,
    /// For what of which home.
    pub home: HomeId,
    /// Of which camera.
    pub camera: Option<CameraId>,
    /// Which Event.
    pub event: Option<EventId>,
    /// The revision at which it was refused.
    pub revision: Revision,
    /// The truth's time when it was refused.
    pub at: UnixMillis,
}

/// The only maker of receipts.
pub struct Ledger {
    journal: Arc<dyn Journal>,
    world: World,
    books: Mutex<Books>,
}

impl Ledger {
    /// A ledger whose records go to `journal`.
    pub fn start(journal: Arc<dyn Journal>, world: World) -> Arc<Self> {
        Arc::new(Self { journal, world, books: Mutex::default() })
    }

    /// Uses up a person's Permit, makes the disclosure durable, and answers with what opens the value that was read.
    ///
    /// # Errors
    /// A [`LedgerError`]; nothing may be disclosed then.
    pub async fn disclose(
        self: &Arc<Self>,
        permit: Permit,
        disclosure: Disclosure,
    ) -> Result<Receipt, LedgerError> {
        let fresh = |permit: &Permit| permit.check_fresh(&self.world).map_err(|_| LedgerError::Stale);
        fresh(&permit)?;
        let facts = facts(&permit, &disclosure)?;
        if !sabotage::is_off(Wall::Ledger) {
            self.record(facts, permit.touched()).await?;
            // The wait may have been long: what was decided too long ago is not shown, though it is on record.
            fresh(&permit)?;
        }
        Ok(Receipt::recorded(permit, &disclosure))
    }

    /// Uses up a Permit for what is no footage: it opens nothing that is.
    ///
    /// # Errors
    /// [`LedgerError::Stale`].
    pub fn internal(&self, permit: Permit) -> Result<Receipt, LedgerError> {
        permit.check_fresh(&self.world).map_err(|_| LedgerError::Stale)?;
        Ok(Receipt::unrecorded(permit))
    }

    /// Puts a refusal on record.
    ///
    /// # Errors
    /// A [`LedgerError`] if it could not be made durable. The refusal stands.
    pub async fn refused(self: &Arc<Self>, refusal: Refusal) -> Result<(), LedgerError> {
        let facts = Facts {
            v: Record::VERSION,
            kind: Kind::Refused,
            viewer: refusal.viewer,
            session: refusal.session,
            device: refusal.device,
            home: refusal.home,
            camera: refusal.camera,
            event: refusal.event,
            span: None,
            revision: refusal.revision,
            at: refusal.at,
        };
        // A refusal is not decided anew by what touched the home meanwhile: once a minute is enough.
        self.record(facts, Revision(0)).await
    }

    /// Returns once the record, or the same one by another's asking, is durable.
    async fn record(self: &Arc<Self>, facts: Facts, touched: Revision) -> Result<(), LedgerError> {
        let key = Key::of(&facts, touched);
        let (wait, start) = match self.books().enter(key, || Record::seal(facts)) {
            Entered::Durable => return Ok(()),
            Entered::Full => return Err(LedgerError::Overloaded),
            Entered::Wait { answer, start } => (answer, start),
        };
        if start {
            tokio::spawn(self.clone().write_out());
        }
        let timely = tokio::time::timeout(PERMIT_LIFE + Duration::from_millis(1), wait).await;
        match timely {
            Ok(Ok(outcome)) => Ok(outcome?),
            Ok(Err(_)) => Err(JournalError::Unavailable("its writer stopped".to_owned()).into()),
            Err(_) => Err(JournalError::Unavailable("it took too long".to_owned()).into()),
        }
    }

    /// Commits what waits, batch by batch, until nothing does. Nobody's future: whoever asked first may leave.
    async fn write_out(self: Arc<Self>) {
        let mut round = Round { ledger: self.clone(), keys: Vec::new(), over: false };
        loop {
            let Some((keys, records)) = self.books().next_batch() else {
                // From here on another round may begin: what waits is not this one's to fail.
                round.over = true;
                return;
            };
            round.keys = keys;
            let outcome = self.journal.append(records).await;
            if let Err(failure) = &outcome {
                tracing::error!(%failure, records = round.keys.len(), "disclosures were not recorded, and not made");
            }
            self.books().settle(std::mem::take(&mut round.keys), &outcome);
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped in the middle of a round (its runtime went away), it fails those who wait and lets another round begin.
struct Round {
    ledger: Arc<Ledger>,
    keys: Vec<Key>,
    over: bool,
}

impl Drop for Round {
    fn drop(&mut self) {
        if !self.over {
            let keys = std::mem::take(&mut self.keys);
            self.ledger.books().abandon(keys);
        }
    }
}

fn facts(permit: &Permit, disclosure: &Disclosure) -> Result<Facts, LedgerError> {
    let viewer = permit.account().ok_or(LedgerError::Unsuitable("it is not a person's"))?;
    let home = permit.home().ok_or(LedgerError::Unsuitable("it names no home"))?;
    if disclosure.event.is_some() && permit.camera().is_none() {
        return Err(LedgerError::Unsuitable("it names no camera, and the disclosure an Event"));
    }
    if disclosure.event.is_none() && !matches!(disclosure.kind, Kind::Offered) {
        return Err(LedgerError::Unsuitable("only a list has no Event"));
    }
    Ok(Facts {
        v: Record::VERSION,
        kind: disclosure.kind,
        viewer,
        session: permit.session(),
        device: permit.device().to_owned(),
        home,
        camera: permit.camera(),
        event: disclosure.event,
        span: disclosure.span,
        revision: permit.revision(),
        at: permit.truth_time(),
    })
}

#[cfg(test)]
mod tests;
