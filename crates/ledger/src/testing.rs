//! Permits for this crate's tests: a real gate over a truth in memory, with two homes and one person in each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keepsight_gate::memory::MemoryTruth;
use keepsight_gate::{
    AccountFacts, Action, Ask, CameraFacts, Credential, Gate, HomeFacts, Key, Loaded, Permit, Relation,
    Rights, SessionFacts, State, Subject, TokenHash,
};
use keepsight_ids::{
    AccountId, AgentId, CameraId, EventId, HomeId, OrgId, Revision, SessionId, SlotId, UnixMillis,
};
use keepsight_world::World;

/// 2023-11-14T22:13:20Z, the 20th second of a minute.
pub(crate) const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

pub(crate) const fn home(n: u8) -> HomeId {
    HomeId::from_bytes([n; 16])
}

pub(crate) const fn camera(n: u8) -> CameraId {
    CameraId::from_bytes([n; 16])
}

pub(crate) const fn event(n: u8) -> EventId {
    EventId::from_bytes([n; 16])
}

pub(crate) const fn account(n: u8) -> AccountId {
    AccountId::from_bytes([n; 16])
}

/// Home `n` has cameras `10n` and `10n + 1`, and account `n` as its owner.
pub(crate) struct Street {
    pub(crate) truth: Arc<MemoryTruth>,
    pub(crate) gate: Arc<Gate>,
}

impl Street {
    pub(crate) fn new(world: &World) -> Self {
        let truth = Arc::new(MemoryTruth::new(NOW));
        for n in [1, 2] {
            move_in(&truth, n, None);
        }
        Self { gate: Gate::start(truth.clone(), world.clone()), truth }
    }

    /// Restricts account `n` to one camera.
    pub(crate) fn only(&self, n: u8, camera: CameraId) {
        move_in(&self.truth, n, Some(BTreeSet::from([camera])));
    }

    pub(crate) async fn permit(&self, n: u8, action: Action, camera: Option<CameraId>) -> Permit {
        let credential = Credential::Session(TokenHash::from_bytes([n; 32]));
        let ask = Ask { action, home: Some(home(n)), camera };
        self.gate.check(&credential, ask).await.expect("owners may")
    }
}

fn move_in(truth: &MemoryTruth, n: u8, cameras: Option<BTreeSet<CameraId>>) {
    let session = SessionFacts {
        subject: Subject::Person(account(n)),
        session: Some(SessionId::from_bytes([n; 16])),
        device: "a browser".to_owned(),
        since: Revision(0),
        expires: NOW.plus_ms(1_000_000_000),
        ended: false,
    };
    truth.set(Key::Session(TokenHash::from_bytes([n; 32])), Some(Loaded::Session(Arc::new(session))));
    let relation = Relation {
        home: home(n),
        slot: SlotId::from_bytes([n; 16]),
        rights: Rights::OWNER,
        cameras,
        from: UnixMillis(0),
        until: None,
        since: Revision(0),
    };
    let person = AccountFacts {
        account: account(n),
        state: State::Active,
        touched: Revision(1),
        relations: vec![relation],
    };
    truth.set(Key::Account(account(n)), Some(Loaded::Account(Arc::new(person))));
    set_home(truth, n, Revision(1));
}

/// Writes home `n` as touched by that revision.
pub(crate) fn set_home(truth: &MemoryTruth, n: u8, touched: Revision) {
    let facts =
        CameraFacts { agent: AgentId::from_bytes([n; 16]), on: true, lockdown: false, removed: false };
    let home = HomeFacts {
        home: home(n),
        org: OrgId::from_bytes([0; 16]),
        state: State::Active,
        lockdown: false,
        chain_seq: 0,
        touched,
        cameras: BTreeMap::from([(camera(10 * n), facts), (camera(10 * n + 1), facts)]),
        agents: BTreeMap::new(),
    };
    truth.set(Key::Home(self::home(n)), Some(Loaded::Home(Arc::new(home))));
}
