//! Truth on SQLite: one file, one writer, and two connections of the fence's own. Other processes may write the same file.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use keepsight_gate::sabotage::{self, Mutant};
use keepsight_gate::{
    Committed, FenceQuery, FenceReply, Lane, OperatorDeed, Permit, Tag, TokenHash, TruthError, Write,
    WriteError,
};
use keepsight_ids::AgentId;
use keepsight_ledger::Locked;
use keepsight_world::World;
use rusqlite::{Connection, TransactionBehavior};

use super::journal::Journal;
use super::outbox::Outbox;
use super::pruning::LogKept;
use super::rows::*;
use super::schema::SCHEMA;
use super::{Truth, commit, fence, lookup, pruning, restored, sql};
use crate::StoreError;
use crate::sqlite::{Options, Readers, Sqlite};

/// The embedded default.
pub struct SqliteTruth {
    pub(super) db: Sqlite,
    pub(super) world: World,
    lanes: [Mutex<Option<Readers>>; 2],
    pub(super) limits: HomeLimits,
    pub(super) remembered: fence::Remembered,
    pub(super) outbox: Option<Outbox>,
    log: LogKept,
}

impl SqliteTruth {
    /// Opens the database, makes it if absent, migrates it. Blocks; call it while starting.
    ///
    /// # Errors
    /// See [`Sqlite::open`].
    pub fn open(path: &Path, world: World) -> Result<Self, StoreError> {
        let db = Sqlite::open(path, &SCHEMA, Options::default())?;
        begin_log(path, Tag(world.random()))?;
        let lanes = [Mutex::new(Some(db.lane(1)?)), Mutex::new(Some(db.lane(1)?))];
        let (limits, remembered) = (HomeLimits::default(), fence::Remembered::default());
        Ok(Self { db, world, lanes, limits, remembered, outbox: None, log: LogKept::default() })
    }

    /// Keeps another stretch of the gate's log.
    #[must_use]
    pub const fn with_log(mut self, kept: LogKept) -> Self {
        self.log = kept;
        self
    }

    /// Keeps a journal of revocations in that file, which is no part of a backup: at each start
    /// ([`Truth::start_service`]) what a restored database lacks of it is revoked again, and everybody is signed out. Blocks.
    ///
    /// # Errors
    /// What the file system says.
    pub fn with_journal(mut self, path: &Path) -> Result<Self, StoreError> {
        self.outbox = Some(Outbox::new(self.db.clone(), Journal::open(path)?));
        Ok(self)
    }

    /// With other limits for homes that are made from now on.
    #[must_use]
    pub fn with_limits(mut self, limits: HomeLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Does an operator's deed; for the process that has the file. Every serving process decides with it from then on.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn operate(&self, deed: OperatorDeed) -> Result<Committed, WriteError> {
        commit::commit(self, Write::by_operator(deed, Tag(self.world.random()))).await
    }

    /// The lane's connection, opened anew if it was closed.
    fn lane(&self, lane: Lane) -> Result<Readers, StoreError> {
        let mut slot = self.lanes[lane as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let readers = match slot.take() {
            Some(readers) => readers,
            None => self.db.lane(1)?,
        };
        Ok(slot.insert(readers).clone())
    }

    /// Only the mutant remembers the head.
    pub(super) async fn note_head(&self) {
        if sabotage::active(Mutant::HeadInMemory)
            && let Ok(head) = self.db.read("note the head", |tx| Ok::<_, StoreError>(fence::head(tx)?)).await
        {
            self.remembered.note(head);
        }
    }

    /// The time that decides windows and expiry.
    pub(super) fn now(&self) -> keepsight_ids::UnixMillis {
        keepsight_ids::UnixMillis(self.world.unix_millis())
    }
}

/// Revision 0 is a real row of the log, with a tag of its own.
fn begin_log(path: &Path, tag: Tag) -> Result<(), StoreError> {
    let begin = || {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Options::default().busy_timeout)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !sql::exists(&tx, "SELECT 1 FROM gate_head", [])? {
            sql::run(&tx, "INSERT INTO gate_head VALUES (1, 0, ?1)", [tag.0])?;
            sql::run(&tx, "INSERT INTO gate_log VALUES (0, 0, x'', ?1, 0)", [tag.0])?;
        }
        tx.commit()
    };
    begin().map_err(|error| StoreError::sql("begin the log", error))
}

#[async_trait]
impl keepsight_gate::Truth for SqliteTruth {
    async fn fence(&self, lane: Lane, query: FenceQuery) -> Result<FenceReply, TruthError> {
        let readers = self.lane(lane).map_err(|error| TruthError(error.to_string()))?;
        fence::fence(self, &readers, query).await.map_err(|error| TruthError(error.to_string()))
    }

    fn close(&self, lane: Lane) {
        *self.lanes[lane as usize].lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn commit(&self, write: Write) -> Result<Committed, WriteError> {
        commit::commit(self, write).await
    }
}

#[async_trait]
impl Truth for SqliteTruth {
    async fn start_service(&self, secret: [u8; 32], setup: TokenHash) -> Result<ServiceRow, StoreError> {
        restored::settle(self).await?;
        self.db.write("start service", move |tx| lookup::start_service(tx, &secret, &setup)).await
    }

    async fn service(&self, _: &Permit) -> Result<ServiceRow, StoreError> {
        self.db.read("service", lookup::service).await
    }

    async fn sign_in_data(&self, permit: &Permit, name_key: &str) -> Result<Option<SignInRow>, StoreError> {
        lookup::allowed_to_check_logins(permit)?;
        let name_key = name_key.to_owned();
        self.db.read("sign-in data", move |tx| lookup::sign_in_data(tx, &name_key)).await
    }

    async fn agent_key(&self, permit: &Permit, agent: AgentId) -> Result<Option<AgentKeyRow>, StoreError> {
        lookup::allowed_to_check_agents(permit)?;
        self.db.read("agent key", move |tx| lookup::agent_key(tx, agent)).await
    }

    async fn pairing_offer(&self, permit: &Permit, lookup: &str) -> Result<Option<OfferRow>, StoreError> {
        lookup::allowed_to_answer_pairings(permit)?;
        let (lookup, now) = (lookup.to_owned(), permit.truth_time());
        self.db.read("pairing offer", move |tx| lookup::pairing_offer(tx, &lookup, now)).await
    }

    async fn account(&self, permit: &Permit) -> Result<Locked<Option<AccountRow>>, StoreError> {
        let account = lookup::account_of(permit)?;
        self.db.read("account", move |tx| lookup::account(tx, account)).await.map(Locked::new)
    }

    async fn sessions(&self, permit: &Permit) -> Result<Locked<Vec<SessionRow>>, StoreError> {
        let (account, now) = (lookup::account_of(permit)?, permit.truth_time());
        self.db.read("sessions", move |tx| lookup::sessions(tx, account, now)).await.map(Locked::new)
    }

    async fn touch_session(&self, permit: &Permit) -> Result<(), StoreError> {
        let (Some(session), now) = (permit.session(), permit.truth_time()) else { return Ok(()) };
        self.db.write("touch session", move |tx| lookup::touch_session(tx, session, now)).await
    }

    async fn homes(&self, permit: &Permit) -> Result<Locked<Vec<OwnHomeRow>>, StoreError> {
        let (account, now) = (lookup::account_of(permit)?, permit.truth_time());
        self.db.read("homes", move |tx| lookup::homes(tx, account, now)).await.map(Locked::new)
    }

    async fn home(&self, permit: &Permit) -> Result<Locked<Option<HomeRow>>, StoreError> {
        let home = lookup::home_of(permit)?;
        self.db.read("home", move |tx| lookup::home(tx, home)).await.map(Locked::new)
    }

    async fn limits(&self, permit: &Permit) -> Result<HomeLimits, StoreError> {
        let home = lookup::home_to_measure(permit)?;
        self.db.read("limits", move |tx| lookup::limits(tx, home)).await
    }

    async fn chain(
        &self,
        permit: &Permit,
        after: Option<u64>,
    ) -> Result<Locked<Vec<ChainEntryRow>>, StoreError> {
        let home = lookup::home_of(permit)?;
        self.db.read("chain", move |tx| lookup::chain(tx, home, after)).await.map(Locked::new)
    }

    async fn epochs(&self, permit: &Permit) -> Result<Locked<Vec<OwnEpochRow>>, StoreError> {
        let (home, slot) = (lookup::home_of(permit)?, permit.slot());
        self.db.read("epochs", move |tx| lookup::epochs(tx, home, slot)).await.map(Locked::new)
    }

    async fn members(&self, permit: &Permit) -> Result<Locked<Vec<MemberRow>>, StoreError> {
        let (home, now) = (lookup::home_of(permit)?, permit.truth_time());
        self.db.read("members", move |tx| lookup::members(tx, home, now)).await.map(Locked::new)
    }

    async fn invitations(&self, permit: &Permit) -> Result<Locked<Vec<OpenInvitationRow>>, StoreError> {
        let (home, now) = (lookup::home_of(permit)?, permit.truth_time());
        self.db.read("invitations", move |tx| lookup::invitations(tx, home, now)).await.map(Locked::new)
    }

    async fn names(&self, permit: &Permit) -> Result<Locked<Vec<PersonNameRow>>, StoreError> {
        let home = lookup::home_of(permit)?;
        self.db.read("names", move |tx| lookup::names(tx, home)).await.map(Locked::new)
    }

    async fn pairing(&self, permit: &Permit, lookup: &str) -> Result<Locked<Option<PairingRow>>, StoreError> {
        let (home, now, lookup) = (lookup::home_of(permit)?, permit.truth_time(), lookup.to_owned());
        self.db.read("pairing", move |tx| lookup::pairing(tx, home, &lookup, now)).await.map(Locked::new)
    }

    async fn agents(&self, permit: &Permit) -> Result<Locked<Vec<HomeAgentRow>>, StoreError> {
        let home = lookup::home_of(permit)?;
        self.db.read("agents", move |tx| lookup::agents(tx, home)).await.map(Locked::new)
    }

    async fn cameras(&self, permit: &Permit) -> Result<Locked<Vec<CameraRow>>, StoreError> {
        let (home, scope) = (lookup::home_of(permit)?, permit.cameras().clone());
        self.db.read("cameras", move |tx| lookup::cameras(tx, home, &scope)).await.map(Locked::new)
    }

    async fn invitation(&self, permit: &Permit) -> Result<Locked<Option<OfferedInvitationRow>>, StoreError> {
        let (home, slot) = lookup::invited_to(permit)?;
        let now = permit.truth_time();
        self.db.read("invitation", move |tx| lookup::invitation(tx, home, slot, now)).await.map(Locked::new)
    }

    async fn retention_rules(&self) -> Result<Vec<RetentionRow>, StoreError> {
        self.db.read("retention rules", lookup::retention_rules).await
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        if let Some(outbox) = &self.outbox {
            outbox.flush().await?;
        }
        let (now, kept) = (self.now(), self.log);
        self.db.write("forget old revisions", move |tx| pruning::prune(tx, kept, now)).await?;
        self.db.write("sweep truth", move |tx| lookup::sweep(tx, now)).await
    }
}
