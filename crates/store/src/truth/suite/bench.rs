//! Scenes for the cases: everything goes through the real gate, with bytes in place of what is signed and sealed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use keepsight_gate::{
    Action, AgentRow, AppendChain, Ask, ChainRow, Change, ChangeError, Changed, Credential, Denied, EpochRow,
    Gate, InvitationRow, NewAccount, NewSession, OperatorDeed, PasswordRow, Permit, RecoveryRow, Rights,
    SealedRow, SealedSlotRow, SignUpTicket, SignedRow, Tag, TokenHash, Write, WriteError,
};
use keepsight_ids::{AccountId, AgentId, CameraId, EpochNo, HomeId, SessionId, SlotId};
use keepsight_ledger::{Identified, Journal, JournalError, Ledger, Locked, Record};
use keepsight_world::{Clock, Entropy, World};

use crate::truth::Truth;

/// A day, in milliseconds.
pub const DAY_MS: i64 = 24 * 3_600_000;

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct HandClock(AtomicI64);

impl HandClock {
    /// Moves it.
    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn unix_millis(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct RealEntropy(World);

impl Entropy for RealEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill_with(|| self.0.random::<1>()[0]);
    }
}

struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn append(&self, _: Vec<Record>) -> Result<(), JournalError> {
        Ok(())
    }
}

/// An empty service with a gate before it.
pub struct Bench {
    /// The backend.
    pub truth: Arc<dyn Truth>,
    /// The gate over it.
    pub gate: Arc<Gate>,
    /// Moves the truth's time.
    pub clock: Arc<HandClock>,
    /// Draws ids.
    pub world: World,
    /// The token of the set-up link.
    pub setup: TokenHash,
    ledger: Arc<Ledger>,
    open: Open,
}

/// Makes an empty database that reads the given world's clock.
pub type Open = Arc<dyn Fn(World) -> Arc<dyn Truth> + Send + Sync>;

/// Somebody with an account, signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their account.
    pub account: AccountId,
    /// Their session's public name.
    pub session: SessionId,
    /// What they show.
    pub credential: Credential,
    /// What they signed up with.
    pub row: NewAccount,
}

/// A home as its bench knows it.
#[derive(Debug, Clone)]
pub struct Home {
    /// Which.
    pub home: HomeId,
    /// Its maker's slot.
    pub slot: SlotId,
    /// The next entry's number.
    pub next: u64,
    /// The epoch in force.
    pub epoch: EpochNo,
}

impl Bench {
    /// A bench over an empty database.
    pub async fn new(open: Open) -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(1_800_000_000_000)));
        let world = World::new(clock.clone(), Arc::new(RealEntropy(World::real())));
        let truth = open(world.clone());
        let setup = TokenHash::from_bytes(world.random());
        truth.start_service(world.random(), setup).await.expect("an empty database starts");
        let gate = Gate::start(truth.clone(), world.clone());
        let ledger = Ledger::start(Arc::new(NoJournal), world.clone());
        Self { truth, gate, clock, world, setup, ledger, open }
    }

    /// Another bench, over another empty database.
    pub async fn another(&self) -> Self {
        Self::new(self.open.clone()).await
    }

    /// Asks the gate.
    pub async fn check(&self, credential: &Credential, ask: Ask) -> Result<Permit, Denied> {
        self.gate.check(credential, ask).await
    }

    /// Asks the gate, and is not refused.
    pub async fn allowed(&self, credential: &Credential, ask: Ask) {
        if let Err(denied) = self.check(credential, ask).await {
            panic!("{ask:?} was refused: {denied:?}");
        }
    }

    /// Asks the gate, and is refused.
    pub async fn denied(&self, credential: &Credential, ask: Ask) -> Denied {
        self.check(credential, ask).await.expect_err("should be refused")
    }

    /// Asks for something, then does it.
    pub async fn change(
        &self,
        credential: &Credential,
        ask: Ask,
        change: Change,
    ) -> Result<Changed, ChangeError> {
        let permit = self.check(credential, ask).await?;
        self.gate.change(permit, change).await
    }

    /// Does something that everybody may try.
    pub async fn anyone(&self, change: Change) -> Result<Changed, ChangeError> {
        self.change(&Credential::None, Ask::of(change.action()), change).await
    }

    /// Does something to the caller's own account.
    pub async fn own(&self, person: &Person, change: Change) -> Result<Changed, ChangeError> {
        self.change(&person.credential, Ask::of(change.action()), change).await
    }

    /// Does something in a home.
    pub async fn at(&self, person: &Person, home: &Home, change: Change) -> Result<Changed, ChangeError> {
        self.change(&person.credential, Ask::home(change.action(), home.home), change).await
    }

    /// The operator does something.
    pub async fn operate(&self, deed: OperatorDeed) -> Result<(), WriteError> {
        self.truth.commit(Write::by_operator(deed, Tag(self.world.random()))).await.map(|_| ())
    }

    /// Opens what is no footage.
    pub fn open<T: Identified>(&self, permit: Permit, locked: Locked<T>) -> T {
        let receipt = self.ledger.internal(permit).expect("the permit is fresh");
        locked.open(&receipt).expect("what was read is what was asked for")
    }

    /// A new session's row.
    pub fn session(&self) -> NewSession {
        NewSession {
            session: SessionId::from_bytes(self.world.random()),
            token: TokenHash::from_bytes(self.world.random()),
            device: "a browser".into(),
            life_ms: 30 * DAY_MS,
        }
    }

    /// A password's way in, random.
    pub fn password(&self) -> PasswordRow {
        PasswordRow {
            salt: self.world.random::<16>().to_vec(),
            iterations: 600_000,
            login_hash: self.world.random(),
            wrapped: vec![1; 92],
        }
    }

    /// A recovery code's way in, random.
    pub fn recovery(&self) -> RecoveryRow {
        RecoveryRow { login_hash: self.world.random(), wrapped: vec![2; 92] }
    }

    /// An account's row.
    pub fn account(&self, name: &str) -> NewAccount {
        NewAccount {
            account: AccountId::from_bytes(self.world.random()),
            name: name.to_owned(),
            name_key: name.to_lowercase(),
            password: self.password(),
            recovery: self.recovery(),
            kem: self.world.random(),
            sign: self.world.random(),
        }
    }

    /// Signs up with that ticket.
    pub async fn try_sign_up(&self, name: &str, ticket: SignUpTicket) -> Result<Person, ChangeError> {
        let (row, session) = (self.account(name), self.session());
        let (id, credential) = (session.session, Credential::Session(session.token));
        self.anyone(Change::SignUp { account: row.clone(), ticket, session }).await?;
        Ok(Person { account: row.account, session: id, credential, row })
    }

    /// Somebody new.
    pub async fn person(&self, name: &str) -> Person {
        let permit = self.check(&Credential::None, Ask::of(Action::ReadService)).await.expect("anyone may");
        let service = self.truth.service(&permit).await.expect("started");
        let ticket = if service.has_accounts { SignUpTicket::Open } else { SignUpTicket::Setup(self.setup) };
        self.try_sign_up(name, ticket).await.expect("a new name and a good ticket")
    }

    /// Signs in once more.
    pub async fn sign_in(&self, person: &Person) -> Result<Person, ChangeError> {
        let session = self.session();
        let (id, credential) = (session.session, Credential::Session(session.token));
        let login_hash = person.row.password.login_hash;
        self.anyone(Change::SignIn { account: person.account, login_hash, session }).await?;
        Ok(Person { session: id, credential, ..person.clone() })
    }

    /// A new home of that person.
    pub async fn home(&self, owner: &Person) -> Home {
        let slot = SlotId::from_bytes(self.world.random());
        let home = Home { home: HomeId::from_bytes(self.world.random()), slot, next: 1, epoch: EpochNo(1) };
        let change = self.create_home(&home);
        self.own(owner, change).await.expect("a new home");
        home
    }

    /// The change that makes that home.
    pub fn create_home(&self, home: &Home) -> Change {
        let mut genesis = entry(home);
        (genesis.seq, genesis.hash, genesis.prev) = (0, hash_of(0), None);
        Change::CreateHome {
            home: home.home,
            genesis,
            slot: home.slot,
            epoch: EpochRow { epoch: EpochNo(1), sealed: vec![sealed_to(home.slot)], previous: None },
            name: signed("sealed name"),
            time_zone: "Europe/Berlin".into(),
        }
    }

    /// Appends an entry that `more` fills in, and counts it.
    pub async fn append(
        &self,
        author: &Person,
        home: &mut Home,
        more: impl FnOnce(&mut AppendChain),
    ) -> Result<Changed, ChangeError> {
        self.append_through(&self.gate, author, home, more).await
    }

    /// [`Bench::append`] through another gate over the same database.
    pub async fn append_through(
        &self,
        gate: &Gate,
        author: &Person,
        home: &mut Home,
        more: impl FnOnce(&mut AppendChain),
    ) -> Result<Changed, ChangeError> {
        let mut append = AppendChain::of(entry(home));
        more(&mut append);
        let epoch = append.entry.epoch;
        let permit = gate.check(&author.credential, Ask::home(Action::AppendChain, home.home)).await?;
        let done = gate.change(permit, Change::AppendChain(Box::new(append))).await?;
        (home.next, home.epoch) = (home.next + 1, epoch);
        Ok(done)
    }

    /// Makes an invitation; what its holder shows.
    pub async fn invite(&self, owner: &Person, home: &mut Home, rights: Rights) -> Credential {
        let invitation = self.invitation(rights);
        let (slot, token) = (invitation.slot, invitation.token);
        self.append(owner, home, |append| append.invitation = Some(invitation))
            .await
            .expect("an owner invites");
        Credential::Invitation { home: home.home, slot, token, session: None }
    }

    /// An invitation's row.
    pub fn invitation(&self, rights: Rights) -> InvitationRow {
        InvitationRow {
            slot: SlotId::from_bytes(self.world.random()),
            token: TokenHash::from_bytes(self.world.random()),
            rights,
            cameras: None,
            from: keepsight_ids::UnixMillis(0),
            until: None,
            sealed: sealed(),
            life_ms: 7 * DAY_MS,
        }
    }

    /// Accepts an invitation as that person.
    pub async fn accept(
        &self,
        person: &Person,
        home: &mut Home,
        invitation: Credential,
    ) -> Result<SlotId, ChangeError> {
        let (Credential::Invitation { home: to, slot, token, .. }, Credential::Session(session)) =
            (invitation, person.credential)
        else {
            panic!("an invitation and a session are needed");
        };
        let credential = Credential::Invitation { home: to, slot, token, session: Some(session) };
        let change = Change::AcceptInvitation { entry: entry(home), sealed: sealed() };
        self.change(&credential, Ask::of(Action::AcceptInvitation), change).await?;
        home.next += 1;
        Ok(slot)
    }

    /// A new person, invited and accepted.
    pub async fn member(
        &self,
        owner: &Person,
        home: &mut Home,
        name: &str,
        rights: Rights,
    ) -> (Person, SlotId) {
        let person = self.person(name).await;
        let invitation = self.invite(owner, home, rights).await;
        let slot = self.accept(&person, home, invitation).await.expect("a good invitation");
        (person, slot)
    }

    /// An agent of the home with an open session: who it is, and what it shows.
    pub async fn agent(&self, owner: &Person, home: &mut Home) -> (AgentId, Credential) {
        let row = AgentRow { agent: AgentId::from_bytes(self.world.random()), key: self.world.random() };
        let (agent, key) = (row.agent, row.key);
        self.append(owner, home, |append| append.agents_added.push(row))
            .await
            .expect("an owner adds an agent");
        let session = self.session();
        let credential = Credential::Session(session.token);
        self.anyone(Change::OpenAgentSession { agent, key, session }).await.expect("its own key");
        (agent, credential)
    }

    /// A camera, put by the agent that shows this.
    pub async fn camera(&self, agent: &Credential) -> CameraId {
        let camera = CameraId::from_bytes(self.world.random());
        let ask = Ask::own_camera(Action::AgentPutCamera, camera);
        self.change(agent, ask, Change::PutCamera(signed("sealed camera name")))
            .await
            .expect("room for a camera");
        camera
    }
}

/// The entry that follows, in the home's epoch.
pub fn entry(home: &Home) -> ChainRow {
    ChainRow {
        seq: home.next,
        hash: hash_of(home.next),
        prev: home.next.checked_sub(1).map(hash_of),
        epoch: home.epoch,
        entry: signed(&format!("entry {}", home.next)),
    }
}

/// Makes an entry begin the next epoch, sealed to these slots.
pub fn begin_epoch(append: &mut AppendChain, slots: &[SlotId]) {
    append.entry.epoch = append.entry.epoch.next();
    append.epoch = Some(EpochRow {
        epoch: append.entry.epoch,
        sealed: slots.iter().map(|slot| sealed_to(*slot)).collect(),
        previous: Some(sealed()),
    });
}

fn hash_of(seq: u64) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&seq.to_le_bytes());
    hash
}

/// Bytes that stand for something signed.
pub fn signed(body: &str) -> SignedRow {
    SignedRow { body: body.as_bytes().to_vec(), signature: vec![3; 64] }
}

/// Bytes that stand for something sealed.
pub fn sealed() -> SealedRow {
    SealedRow { enc: [4; 32], ct: vec![5; 48] }
}

fn sealed_to(slot: SlotId) -> SealedSlotRow {
    SealedSlotRow { slot, sealed: sealed() }
}
