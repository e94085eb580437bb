//! The real truth behind a line that can be cut: fences and writes then fail, or get no answer at all. Nothing else is changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keepsight_gate::{
    Committed, FenceQuery, FenceReply, Lane, Permit, TokenHash, TruthError, Write, WriteError,
};
use keepsight_ids::AgentId;
use keepsight_ledger::Locked;
use keepsight_store::truth::*;
use keepsight_store::{SqliteTruth, StoreError};
use tokio::sync::watch;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// As it should be.
    Whole,
    /// Everything fails at once.
    Failing,
    /// Nothing is answered.
    Silent,
}

/// The truth at the end of a line.
pub struct Cut {
    inner: Arc<SqliteTruth>,
    line: watch::Sender<Line>,
    /// Reads and writes of the service's own that have a line of their own.
    apart: Mutex<BTreeMap<&'static str, Line>>,
}

impl Cut {
    pub fn new(inner: Arc<SqliteTruth>) -> Self {
        Self { inner, line: watch::Sender::new(Line::Whole), apart: Mutex::default() }
    }

    /// How one function of [`Truth`] does from now on.
    pub fn set_for(&self, function: &'static str, line: Line) {
        self.apart.lock().unwrap().insert(function, line);
    }

    async fn pass_for(&self, function: &'static str) -> Result<(), StoreError> {
        let line = self.apart.lock().unwrap().get(function).copied();
        match line {
            None | Some(Line::Whole) => Ok(()),
            Some(Line::Failing) => Err(StoreError::Busy { transaction: function }),
            Some(Line::Silent) => std::future::pending().await,
        }
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Goes through, or fails; on a silent line when it is whole again.
    async fn pass(&self) -> Result<(), String> {
        let line = *self.line.subscribe().wait_for(|line| *line != Line::Silent).await.unwrap();
        if line == Line::Failing { Err("the line is cut".to_owned()) } else { Ok(()) }
    }
}

#[async_trait]
impl keepsight_gate::Truth for Cut {
    async fn fence(&self, lane: Lane, query: FenceQuery) -> Result<FenceReply, TruthError> {
        self.pass().await.map_err(TruthError)?;
        self.inner.fence(lane, query).await
    }

    fn close(&self, lane: Lane) {
        self.inner.close(lane);
    }

    async fn commit(&self, write: Write) -> Result<Committed, WriteError> {
        self.pass().await.map_err(WriteError::Unavailable)?;
        self.inner.commit(write).await
    }
}

/// Functions that are handed on as they are.
macro_rules! handed_on {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl Truth for Cut {
            $(async fn $name(&self $(, $arg: $ty)*) -> Result<$out, StoreError> {
                self.pass_for(stringify!($name)).await?;
                self.inner.$name($($arg),*).await
            })*
        }
    };
}

handed_on! {
    start_service(secret: [u8; 32], setup: TokenHash) -> ServiceRow;
    service(permit: &Permit) -> ServiceRow;
    sign_in_data(permit: &Permit, name_key: &str) -> Option<SignInRow>;
    agent_key(permit: &Permit, agent: AgentId) -> Option<AgentKeyRow>;
    pairing_offer(permit: &Permit, lookup: &str) -> Option<OfferRow>;
    account(permit: &Permit) -> Locked<Option<AccountRow>>;
    sessions(permit: &Permit) -> Locked<Vec<SessionRow>>;
    touch_session(permit: &Permit) -> ();
    homes(permit: &Permit) -> Locked<Vec<OwnHomeRow>>;
    home(permit: &Permit) -> Locked<Option<HomeRow>>;
    limits(permit: &Permit) -> HomeLimits;
    chain(permit: &Permit, after: Option<u64>) -> Locked<Vec<ChainEntryRow>>;
    epochs(permit: &Permit) -> Locked<Vec<OwnEpochRow>>;
    members(permit: &Permit) -> Locked<Vec<MemberRow>>;
    invitations(permit: &Permit) -> Locked<Vec<OpenInvitationRow>>;
    names(permit: &Permit) -> Locked<Vec<PersonNameRow>>;
    pairing(permit: &Permit, lookup: &str) -> Locked<Option<PairingRow>>;
    agents(permit: &Permit) -> Locked<Vec<HomeAgentRow>>;
    cameras(permit: &Permit) -> Locked<Vec<CameraRow>>;
    invitation(permit: &Permit) -> Locked<Option<OfferedInvitationRow>>;
    retention_rules() -> Vec<RetentionRow>;
    sweep() -> u64;
}
