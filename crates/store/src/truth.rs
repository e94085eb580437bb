//! Truth: accounts, relations, sessions, homes and their chains. Small, and the only thing that a decision is made from.
//!
//! [`Truth`] is what a backend must do: the gate's part (fence and commit, `keepsight_gate::Truth`) and what is read after a
//! check. Every read takes the Permit and no other home, camera or account; what states a home comes back locked. [`suite`]
//! holds every backend to it. [`SqliteTruth`] is the embedded default.

mod commit;
mod fence;
mod journal;
mod lookup;
mod outbox;
mod pruning;
mod restored;
mod rows;
mod schema;
mod sql;
mod sqlite;
pub mod suite;
mod write;

use async_trait::async_trait;
use keepsight_gate::{Permit, TokenHash};
use keepsight_ids::AgentId;
use keepsight_ledger::Locked;

use crate::StoreError;

pub use pruning::LogKept;
pub use rows::*;
pub use sqlite::SqliteTruth;

/// What a database of truth must do. Writes go through [`keepsight_gate::Gate::change`] alone.
#[async_trait]
pub trait Truth: keepsight_gate::Truth {
    /// Called once at each start: revokes again what a restored backup gave back, keeps `secret` if the service has none yet, and makes `setup` the set-up link's token as long
    /// as there is no account.
    async fn start_service(&self, secret: [u8; 32], setup: TokenHash) -> Result<ServiceRow, StoreError>;

    /// What the service knows of itself. Under a Permit for anyone's deed.
    async fn service(&self, permit: &Permit) -> Result<ServiceRow, StoreError>;

    /// An account by its name's compared form, for checking a login. Under a Permit for `SignIn`, `Recover` or `SignUp`.
    async fn sign_in_data(&self, permit: &Permit, name_key: &str) -> Result<Option<SignInRow>, StoreError>;

    /// An agent's key, for checking its signature. Under a Permit for `OpenAgentSession`.
    async fn agent_key(&self, permit: &Permit, agent: AgentId) -> Result<Option<AgentKeyRow>, StoreError>;

    /// An unanswered pairing's offer by the code's look-up part. Under a Permit for `AnswerPairing`.
    async fn pairing_offer(&self, permit: &Permit, lookup: &str) -> Result<Option<OfferRow>, StoreError>;

    /// The Permit's account.
    async fn account(&self, permit: &Permit) -> Result<Locked<Option<AccountRow>>, StoreError>;

    /// The live sessions of the Permit's account, newest first.
    async fn sessions(&self, permit: &Permit) -> Result<Locked<Vec<SessionRow>>, StoreError>;

    /// Notes that the Permit's session was used, to the hour.
    async fn touch_session(&self, permit: &Permit) -> Result<(), StoreError>;

    /// The homes that the Permit's account belongs to at the Permit's time.
    async fn homes(&self, permit: &Permit) -> Result<Locked<Vec<OwnHomeRow>>, StoreError>;

    /// The Permit's home.
    async fn home(&self, permit: &Permit) -> Result<Locked<Option<HomeRow>>, StoreError>;

    /// What the Permit's home may take, to be measured against and told to nobody. Under a Permit for `AgentIngest` or `Updates`.
    async fn limits(&self, permit: &Permit) -> Result<HomeLimits, StoreError>;

    /// Entries of the home's chain above `after` (`None`: all), lowest first.
    async fn chain(
        &self,
        permit: &Permit,
        after: Option<u64>,
    ) -> Result<Locked<Vec<ChainEntryRow>>, StoreError>;

    /// Every epoch's package, lowest first, with what is sealed to the Permit's slot.
    async fn epochs(&self, permit: &Permit) -> Result<Locked<Vec<OwnEpochRow>>, StoreError>;

    /// Who belongs to the home at the Permit's time, oldest first.
    async fn members(&self, permit: &Permit) -> Result<Locked<Vec<MemberRow>>, StoreError>;

    /// The home's invitations that were neither accepted nor taken back, those that have lapsed too.
    async fn invitations(&self, permit: &Permit) -> Result<Locked<Vec<OpenInvitationRow>>, StoreError>;

    /// Names of all who belong or once belonged to the home, for "who viewed".
    async fn names(&self, permit: &Permit) -> Result<Locked<Vec<PersonNameRow>>, StoreError>;

    /// A pairing of the home, answered or not, while it is good.
    async fn pairing(&self, permit: &Permit, lookup: &str) -> Result<Locked<Option<PairingRow>>, StoreError>;

    /// The home's agents.
    async fn agents(&self, permit: &Permit) -> Result<Locked<Vec<HomeAgentRow>>, StoreError>;

    /// The cameras that the Permit covers (one, if it names one).
    async fn cameras(&self, permit: &Permit) -> Result<Locked<Vec<CameraRow>>, StoreError>;

    /// What the Permit's invitation offers. Under a Permit for `OpenInvitation` or `AcceptInvitation`.
    async fn invitation(&self, permit: &Permit) -> Result<Locked<Option<OfferedInvitationRow>>, StoreError>;

    /// Every home's rule of retention, for the sweep that deletes old Events. Discloses nothing.
    async fn retention_rules(&self) -> Result<Vec<RetentionRow>, StoreError>;

    /// Removes sessions, invitations and pairings that lapsed long ago, and of the gate's log what no replica needs any more.
    async fn sweep(&self) -> Result<u64, StoreError>;
}
