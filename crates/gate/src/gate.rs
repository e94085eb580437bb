//! The gate's handle: checks, changes, and a hint that something changed.

use std::sync::Arc;
use std::time::Duration;

use keepsight_ids::{Revision, UnixMillis};
use keepsight_world::World;
use tokio::sync::{mpsc, oneshot, watch};

use crate::decide::RefusedMember;
use crate::fence::{FenceTask, Waiting};
use crate::truth::{Committed, Truth, Write, WriteError};
use crate::{Ask, Change, Credential, Denied, Permit, Refusal, Tag};

/// Checks that may wait at a time; more are refused rather than queued.
const QUEUE: usize = 65_536;
/// How often an overtaken change is decided and tried again.
const WRITE_TRIES: u32 = 5;
/// A write without an answer by then has an unknown outcome.
const WRITE_DEADLINE: Duration = Duration::from_secs(4);

/// Decides everything. One per process; hand the `Arc` around.
pub struct Gate {
    truth: Arc<dyn Truth>,
    world: World,
    queue: mpsc::Sender<Waiting>,
    applied: watch::Sender<Revision>,
}

/// A change is durable, and every check that begins now is decided with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The head after it.
    pub revision: Revision,
    /// The truth's time.
    pub at: UnixMillis,
}

/// A no, with what the ledger wants to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub denied: Denied,
    /// Who, when it is somebody who belongs to the home.
    pub member: Option<Box<RefusedMember>>,
    /// The revision that it was decided at.
    pub revision: Revision,
    /// The truth's time then.
    pub at: UnixMillis,
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        Self { denied, member: None, revision: Revision(0), at: UnixMillis(0) }
    }
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The gate said no, at first or when asked again.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It would break an invariant, or what it needs is no longer there.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Overtaken by other changes every time: nothing was written, try again later.
    #[error("too many changes at once")]
    Contended,
    /// No answer from the truth in time. It is not known whether the change was made.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
}

impl Gate {
    /// Starts the fence task on the current tokio runtime.
    pub fn start(truth: Arc<dyn Truth>, world: World) -> Arc<Self> {
        let (queue, arriving) = mpsc::channel(QUEUE);
        let (applied, _) = watch::channel(Revision(0));
        let task = FenceTask::new(truth.clone(), world.clone(), arriving, applied.clone());
        tokio::spawn(task.run());
        Arc::new(Self { truth, world, queue, applied })
    }

    /// Decides a question with everything that was committed before this call.
    ///
    /// # Errors
    /// [`Denied`]; `Unavailable` when the truth could not be asked within its deadline.
    pub async fn check(&self, credential: &Credential, ask: Ask) -> Result<Permit, Denied> {
        self.check_told(credential, ask).await.map_err(|refused| refused.denied)
    }

    /// [`Gate::check`] that also tells who was refused, when it is somebody who belongs to the home: the ledger keeps that.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn check_told(&self, credential: &Credential, ask: Ask) -> Result<Permit, Refused> {
        let (answer, decided) = oneshot::channel();
        let waiting = Waiting { credential: *credential, ask, rounds: 0, answer };
        self.queue.try_send(waiting).map_err(|_| Denied::Unavailable)?;
        decided.await.map_err(|_| Denied::Unavailable)?
    }

    /// Makes a change that the Permit allows: validated behind the truth's lock against everything later than the Permit, decided
    /// again when overtaken. Returns after the change is durable.
    ///
    /// # Errors
    /// [`ChangeError`]; only `Unknown` leaves the outcome open.
    pub async fn change(&self, permit: Permit, change: Change) -> Result<Changed, ChangeError> {
        let change = Arc::new(change);
        let (credential, ask) = permit.question();
        let mut permit = permit;
        for _ in 0..WRITE_TRIES {
            if !change.fits(&permit) {
                return Err(Denied::NotAllowed.into());
            }
            permit.check_fresh(&self.world).map_err(|_| Denied::Unavailable)?;
            let write = Write::by_permit(permit, change.clone(), Tag(self.world.random()));
            match self.commit(write).await {
                Err(WriteError::Overtaken) => permit = self.check(&credential, ask).await?,
                Err(WriteError::Refused(refusal)) => return Err(refusal.into()),
                Err(WriteError::Unavailable(why)) => return Err(ChangeError::Unknown(why)),
                Ok(Committed { revision, at }) => {
                    self.applied
                        .send_if_modified(|seen| std::mem::replace(seen, revision.max(*seen)) < revision);
                    return Ok(Changed { revision, at });
                }
            }
        }
        Err(ChangeError::Contended)
    }

    async fn commit(&self, write: Write) -> Result<Committed, WriteError> {
        match tokio::time::timeout(WRITE_DEADLINE, self.truth.commit(write)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(WriteError::Unavailable("no answer within four seconds".into())),
        }
    }

    /// Changes whenever this node hears of a new revision. A hint only, to check again at once instead of at the next heartbeat:
    /// a change made elsewhere is heard of at this node's next check.
    pub fn changes(&self) -> watch::Receiver<Revision> {
        self.applied.subscribe()
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}
