//! A truth whose answers a test holds back, spoils or overtakes, and a small home in it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use keepsight_gate::memory::MemoryTruth;
use keepsight_gate::{
    AccountFacts, Action, Ask, CameraFacts, Committed, Credential, FenceQuery, FenceReply, Gate, HomeFacts,
    Key, Lane, Loaded, Relation, Rights, SessionFacts, State, Subject, TokenHash, Truth, TruthError, Write,
    WriteError,
};
use keepsight_ids::{AccountId, AgentId, CameraId, HomeId, OrgId, Revision, SessionId, SlotId, UnixMillis};
use keepsight_world::World;
use tokio::sync::Notify;

pub const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
pub const ME: AccountId = AccountId::from_bytes([1; 16]);
pub const HOME: HomeId = HomeId::from_bytes([1; 16]);
pub const HALL: CameraId = CameraId::from_bytes([1; 16]);
pub const COOKIE: Credential = Credential::Session(TOKEN);
pub const LIST: Ask = Ask::home(Action::ListEvents, HOME);
const TOKEN: TokenHash = TokenHash::from_bytes([1; 32]);

/// What happens to one fence. Its snapshot is taken first, in every case.
pub enum Act {
    /// It is answered.
    Answer,
    /// The answer waits for this.
    Hold(Arc<Notify>),
    /// The answer comes so late.
    Late(Duration),
    /// It never comes.
    Never,
    /// The connection breaks.
    Break,
    /// Something changes the answer on its way.
    Spoil(fn(&mut FenceReply)),
    /// Something happens after the snapshot and before the answer.
    Meanwhile(Box<dyn FnOnce(&MemoryTruth) + Send>),
    /// A standby answers, from what it has.
    Standby(Arc<MemoryTruth>),
}

type AfterLoad = (Key, fn(&MemoryTruth));

/// A truth that plays a script, one act for each fence, then simply answers.
pub struct Stage {
    pub truth: Mutex<Arc<MemoryTruth>>,
    script: Mutex<VecDeque<Act>>,
    after_load: Mutex<Option<AfterLoad>>,
    /// Fences asked.
    pub asked: Mutex<Vec<(Lane, FenceQuery)>>,
    /// Lanes closed.
    pub closed: Mutex<Vec<Lane>>,
}

impl Stage {
    /// With a home whose member signs in with [`COOKIE`].
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            truth: Mutex::new(Arc::new(small_home())),
            script: Mutex::default(),
            after_load: Mutex::default(),
            asked: Mutex::default(),
            closed: Mutex::default(),
        })
    }

    /// And a gate over it.
    pub fn with_gate() -> (Arc<Self>, Arc<Gate>) {
        let stage = Self::new();
        let gate = Gate::start(stage.clone(), World::simulated(NOW.0, 1));
        (stage, gate)
    }

    /// What the next fences meet.
    pub fn plays(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.lock().unwrap().extend(acts);
    }

    /// After the next snapshot that loads this, something happens, before its answer arrives.
    pub fn after_loading(&self, key: Key, act: fn(&MemoryTruth)) {
        *self.after_load.lock().unwrap() = Some((key, act));
    }

    pub fn truth(&self) -> Arc<MemoryTruth> {
        self.truth.lock().unwrap().clone()
    }

    pub fn fences(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub fn lanes_closed(&self) -> Vec<Lane> {
        self.closed.lock().unwrap().clone()
    }
}

#[async_trait]
impl Truth for Stage {
    async fn fence(&self, lane: Lane, query: FenceQuery) -> Result<FenceReply, TruthError> {
        self.asked.lock().unwrap().push((lane, query.clone()));
        let act = self.script.lock().unwrap().pop_front().unwrap_or(Act::Answer);
        let truth = self.truth();
        let mut reply = truth.fence(lane, query.clone()).await?;
        let loads = |(key, _): &mut AfterLoad| query.wanted.contains(key);
        if let Some((_, act)) = self.after_load.lock().unwrap().take_if(loads) {
            act(&truth);
        }
        match act {
            Act::Answer => {}
            Act::Hold(until) => until.notified().await,
            Act::Late(by) => tokio::time::sleep(by).await,
            Act::Never => std::future::pending().await,
            Act::Break => return Err(TruthError("the connection broke".into())),
            Act::Spoil(spoil) => spoil(&mut reply),
            Act::Meanwhile(act) => act(&truth),
            Act::Standby(standby) => {
                reply = standby.fence(lane, query).await?;
                reply.in_recovery = true;
            }
        }
        Ok(reply)
    }

    fn close(&self, lane: Lane) {
        self.closed.lock().unwrap().push(lane);
    }

    async fn commit(&self, write: Write) -> Result<Committed, WriteError> {
        self.truth().commit(write).await
    }
}

/// A home with one camera and one member, by the truth's time [`NOW`].
pub fn small_home() -> MemoryTruth {
    let truth = MemoryTruth::new(NOW);
    let session = SessionFacts {
        subject: Subject::Person(ME),
        session: Some(SessionId::from_bytes([1; 16])),
        device: "a browser".into(),
        since: Revision(0),
        expires: NOW.plus_ms(86_400_000),
        ended: false,
    };
    let home = HomeFacts {
        home: HOME,
        org: OrgId::from_bytes([0; 16]),
        state: State::Active,
        lockdown: false,
        chain_seq: 0,
        touched: Revision(0),
        cameras: BTreeMap::from([(
            HALL,
            CameraFacts { agent: AgentId::from_bytes([1; 16]), on: true, lockdown: false, removed: false },
        )]),
        agents: BTreeMap::new(),
    };
    truth.set(Key::Session(TOKEN), Some(Loaded::Session(Arc::new(session))));
    truth.set(Key::Home(HOME), Some(Loaded::Home(Arc::new(home))));
    grant_until(&truth, None);
    truth
}

/// Makes the member a member, until then.
pub fn grant_until(truth: &MemoryTruth, until: Option<UnixMillis>) {
    let relation = Relation {
        home: HOME,
        slot: SlotId::from_bytes([1; 16]),
        rights: Rights::MEMBER,
        cameras: None,
        from: UnixMillis(0),
        until,
        since: Revision(1),
    };
    put_account(truth, vec![relation]);
}

/// Ends the membership.
pub fn revoke(truth: &MemoryTruth) {
    put_account(truth, vec![]);
}

fn put_account(truth: &MemoryTruth, relations: Vec<Relation>) {
    let facts = AccountFacts { account: ME, state: State::Active, touched: Revision(1), relations };
    truth.set(Key::Account(ME), Some(Loaded::Account(Arc::new(facts))));
}

/// Lets everything that is ready run, in no time.
pub async fn others_run() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Lets everything run, and time pass for a fence to be sent.
pub async fn settle() {
    others_run().await;
    tokio::time::sleep(Duration::from_millis(3)).await;
}
