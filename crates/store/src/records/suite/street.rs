//! Two homes before a real gate over a truth in memory, each with an owner, a member, a guest, an agent and two cameras.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use keepsight_gate::memory::MemoryTruth;
use keepsight_gate::{
    AccountFacts, Action, AgentFacts, Ask, CameraFacts, Credential, Gate, HomeFacts, Key, Loaded, Permit,
    Relation, Right, Rights, SessionFacts, State, Subject, TokenHash,
};
use keepsight_ids::{
    AccountId, AgentId, CameraId, EventId, GapId, HomeId, OrgId, Revision, SegmentKind, SegmentNo, SessionId,
    SlotId, UnixMillis,
};
use keepsight_world::World;

/// The truth's time at the beginning of each case.
pub const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// Home 1 is "12 Elm Street", home 2 "7 Oak Road".
pub const fn home(n: u8) -> HomeId {
    HomeId::from_bytes([n; 16])
}

/// Home `n` has cameras `10 n` and `10 n + 1`.
pub const fn camera(n: u8) -> CameraId {
    CameraId::from_bytes([n; 16])
}

/// Home `n` has agent `n`.
pub const fn agent(n: u8) -> AgentId {
    AgentId::from_bytes([n; 16])
}

/// An Event by its number; a later number sorts later.
pub const fn event(n: u32) -> EventId {
    let mut bytes = [0; 16];
    bytes[0] = (n >> 24) as u8;
    bytes[1] = (n >> 16) as u8;
    bytes[2] = (n >> 8) as u8;
    bytes[3] = n as u8;
    EventId::from_bytes(bytes)
}

/// A gap by its number.
pub const fn gap(n: u8) -> GapId {
    GapId::from_bytes([n; 16])
}

/// A person of home `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// With all rights.
    Owner(u8),
    /// Live, review, download; all cameras.
    Member(u8),
    /// Live, review; the first camera.
    Guest(u8),
}

impl Who {
    const fn home(self) -> u8 {
        let (Self::Owner(n) | Self::Member(n) | Self::Guest(n)) = self;
        n
    }

    const fn number(self) -> u8 {
        match self {
            Self::Owner(n) => n,
            Self::Member(n) => 100 + n,
            Self::Guest(n) => 200 + n,
        }
    }

    fn rights(self) -> Rights {
        match self {
            Self::Owner(_) => Rights::OWNER,
            Self::Member(_) => Rights::MEMBER,
            Self::Guest(_) => [Right::Live, Right::Review].into_iter().collect(),
        }
    }

    fn cameras(self) -> Option<BTreeSet<CameraId>> {
        match self {
            Self::Guest(n) => Some(BTreeSet::from([camera(10 * n)])),
            _ => None,
        }
    }
}

/// Their account.
pub const fn account(who: Who) -> AccountId {
    AccountId::from_bytes([who.number(); 16])
}

/// The homes, and the gate before them.
pub struct Street {
    truth: Arc<MemoryTruth>,
    gate: Arc<Gate>,
}

impl Street {
    /// Everybody has moved in and signed in.
    pub fn new(world: &World) -> Self {
        let truth = Arc::new(MemoryTruth::new(NOW));
        for n in [1, 2] {
            for who in [Who::Owner(n), Who::Member(n), Who::Guest(n)] {
                move_in(&truth, who);
            }
            let subject = Subject::Agent { home: home(n), agent: agent(n) };
            sign_in(&truth, agents_token(n), subject, "");
            set_home(&truth, n, false, None);
        }
        Self { gate: Gate::start(truth.clone(), world.clone()), truth }
    }

    /// A person's Permit in their own home.
    pub async fn person(&self, who: Who, action: Action, camera: Option<CameraId>) -> Permit {
        let credential = Credential::Session(TokenHash::from_bytes([who.number(); 32]));
        let ask = Ask { action, home: Some(home(who.home())), camera };
        self.gate.check(&credential, ask).await.expect("the street's people ask for what they may")
    }

    /// An agent's Permit.
    pub async fn agent(&self, n: u8, action: Action, camera: Option<CameraId>) -> Permit {
        let ask = Ask { action, home: None, camera };
        self.gate
            .check(&Credential::Session(agents_token(n)), ask)
            .await
            .expect("agents ask for what they may")
    }

    /// Sets the truth's time.
    pub fn set_time(&self, time: UnixMillis) {
        self.truth.set_time(time);
    }

    /// Stops viewing in a home.
    pub fn lock_down(&self, n: u8) {
        set_home(&self.truth, n, true, None);
    }

    /// Stops viewing of one camera of a home.
    pub fn lock_down_camera(&self, n: u8, camera: CameraId) {
        set_home(&self.truth, n, false, Some(camera));
    }
}

const fn agents_token(n: u8) -> TokenHash {
    TokenHash::from_bytes([150 + n; 32])
}

fn move_in(truth: &MemoryTruth, who: Who) {
    sign_in(truth, TokenHash::from_bytes([who.number(); 32]), Subject::Person(account(who)), "a browser");
    let relation = Relation {
        home: home(who.home()),
        slot: SlotId::from_bytes([who.number(); 16]),
        rights: who.rights(),
        cameras: who.cameras(),
        from: UnixMillis(0),
        until: None,
        since: Revision(0),
    };
    let facts = AccountFacts {
        account: account(who),
        state: State::Active,
        touched: Revision(1),
        relations: vec![relation],
    };
    truth.set(Key::Account(account(who)), Some(Loaded::Account(Arc::new(facts))));
}

fn sign_in(truth: &MemoryTruth, token: TokenHash, subject: Subject, device: &str) {
    let session = SessionFacts {
        subject,
        session: Some(SessionId::from_bytes([1; 16])),
        device: device.to_owned(),
        since: Revision(0),
        expires: UnixMillis(i64::MAX),
        ended: false,
    };
    truth.set(Key::Session(token), Some(Loaded::Session(Arc::new(session))));
}

fn set_home(truth: &MemoryTruth, n: u8, lockdown: bool, stopped: Option<CameraId>) {
    let facts = |camera| {
        let lockdown = stopped == Some(camera);
        (camera, CameraFacts { agent: agent(n), on: true, lockdown, removed: false })
    };
    let home = HomeFacts {
        home: home(n),
        org: OrgId::from_bytes([0; 16]),
        state: State::Active,
        lockdown,
        chain_seq: 0,
        touched: Revision(1),
        cameras: [camera(10 * n), camera(10 * n + 1)].map(facts).into(),
        agents: BTreeMap::from([(agent(n), AgentFacts { state: State::Active })]),
    };
    truth.set(Key::Home(home.home), Some(Loaded::Home(Arc::new(home))));
}

/// A header in the sealed format's form, with what filing reads of it.
pub fn header(n: u8, camera: CameraId, event: EventId, captured: UnixMillis, clock_known: bool) -> Vec<u8> {
    let (home, agent) = (home(n), agent(n));
    format!(
        r#"{{"v":1,"home":"{home}","camera":"{camera}","event":"{event}","epoch":1,"agent":"{agent}","captured":{captured},"clock_known":{clock_known},"commitment":"","recipients":[]}}"#
    )
    .into_bytes()
}

/// Bytes that begin as a sealed segment does.
pub fn sealed(
    n: u8,
    camera: CameraId,
    event: EventId,
    (kind, number): (SegmentKind, SegmentNo),
    filling: &[u8],
) -> Bytes {
    let mut bytes = Vec::new();
    bytes.extend(home(n).as_bytes());
    bytes.extend(camera.as_bytes());
    bytes.extend(event.as_bytes());
    bytes.push(kind as u8);
    bytes.extend(u64::from(number.0).to_be_bytes());
    bytes.extend(filling);
    bytes.extend([0xEE; 16]);
    bytes.into()
}
