//! What is read from Truth, each row stating whose it is. The identity comes from the row, never from the question.

use std::collections::BTreeSet;

use keepsight_gate::{PasswordRow, RecoveryRow, Rights, SealedRow, SignedRow, State};
use keepsight_ids::{AccountId, AgentId, CameraId, EpochNo, HomeId, OrgId, SessionId, SlotId, UnixMillis};
use keepsight_ledger::{Identified, Identity};

macro_rules! rows {
    ($($(#[$meta:meta])* $name:ident $(: $identity:ident($($of:ident),+))? {
        $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)?
    })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty),* }

        $(impl Identified for $name {
            const FOOTAGE: bool = false;

            fn identities(&self, tell: &mut dyn FnMut(Identity)) {
                tell(Identity::$identity($(self.$of),+));
            }
        })?
    )*};
}

rows! {
    /// What the service knows of itself.
    ServiceRow {
        /// Somebody has signed up: the set-up link is no longer good.
        has_accounts: bool,
        /// Made at the first start, never shown: stable fake salts come from it.
        secret: [u8; 32],
    }
    /// What checking a login needs.
    SignInRow {
        /// The account.
        account: AccountId,
        /// As the person writes it.
        name: String,
        /// Whether it is in use.
        state: State,
        /// The password's way in.
        password: PasswordRow,
        /// The recovery code's way in.
        recovery: RecoveryRow,
        /// X25519 public key.
        kem: [u8; 32],
        /// Ed25519 public key.
        sign: [u8; 32],
    }
    /// What checking an agent's signature needs.
    AgentKeyRow {
        /// Its home.
        home: HomeId,
        /// Which.
        agent: AgentId,
        /// Its Ed25519 public key.
        key: [u8; 32],
        /// Whether it is in use.
        state: State,
    }
    /// A pairing's offer.
    OfferRow {
        /// The offer's bytes.
        offer: Vec<u8>,
        /// HMAC under the code's secret part.
        mac: [u8; 32],
    }
    /// An account as its person sees it.
    AccountRow: account(account) {
        /// Which.
        account: AccountId,
        /// Its name.
        name: String,
        /// How its password is stretched, and its keys under the `wrap` half.
        password: PasswordRow,
        /// X25519 public key.
        kem: [u8; 32],
        /// Ed25519 public key.
        sign: [u8; 32],
    }
    /// One sign-in of an account.
    SessionRow: account(account) {
        /// Whose.
        account: AccountId,
        /// Which.
        session: SessionId,
        /// What the browser called itself.
        device: String,
        /// When it was made.
        created: UnixMillis,
        /// When it was last used, to the hour.
        used: UnixMillis,
        /// When it lapses.
        expires: UnixMillis,
    }
    /// A home that an account belongs to.
    OwnHomeRow: account(account) {
        /// Whose list this is.
        account: AccountId,
        /// Their slot.
        slot: SlotId,
        /// What they may do there.
        rights: Rights,
        /// The home.
        home: HomeRow,
    }
    /// A home.
    HomeRow {
        /// Which.
        home: HomeId,
        /// Who runs it.
        org: OrgId,
        /// Whether it is in use.
        state: State,
        /// The sealed name.
        name: SignedRow,
        /// An IANA time zone.
        time_zone: String,
        /// Events older than this are deleted.
        retention_days: u32,
        /// Beyond this the oldest Events are deleted.
        retention_bytes: u64,
        /// The limit of what its Events take, and of `retention_bytes`.
        bytes_max: u64,
        /// The limit of cameras.
        cameras_max: u32,
        /// The limit of members and open invitations.
        members_max: u32,
        /// The limit of Events that arrive on a day of UTC.
        events_a_day_max: u32,
        /// The limit of update streams open at one server process.
        streams_max: u32,
        /// Viewing is stopped in this home.
        lockdown: bool,
        /// A membership ended without an owner's browser.
        rotation_due: bool,
        /// When it last came back from a backup: what was given since that was made is gone.
        restored: Option<UnixMillis>,
        /// The chain's highest entry.
        chain_seq: u64,
        /// SHA-256 of its bytes.
        chain_hash: [u8; 32],
        /// The epoch in force.
        epoch: EpochNo,
        /// When it was made.
        created: UnixMillis,
    }
    /// One entry of a home's chain.
    ChainEntryRow {
        /// Whose chain.
        home: HomeId,
        /// Its number.
        seq: u64,
        /// SHA-256 of its bytes.
        hash: [u8; 32],
        /// The entry.
        entry: SignedRow,
    }
    /// One epoch's package, as one slot may see it.
    OwnEpochRow: home(home) {
        /// Of which home.
        home: HomeId,
        /// Which.
        epoch: EpochNo,
        /// The slot that asked.
        slot: Option<SlotId>,
        /// Its secret, sealed to that slot.
        sealed: Option<SealedRow>,
        /// The secret of the epoch before, sealed to this one.
        previous: Option<SealedRow>,
    }
    /// Somebody who belongs to a home.
    MemberRow: home(home) {
        /// The home.
        home: HomeId,
        /// Who.
        account: AccountId,
        /// Their account's name.
        name: String,
        /// Their slot.
        slot: SlotId,
        /// What they may do.
        rights: Rights,
        /// With which cameras; `None` is all.
        cameras: Option<BTreeSet<CameraId>>,
        /// Since when.
        since: UnixMillis,
        /// Until when.
        until: Option<UnixMillis>,
        /// When their account's keys were last replaced.
        keys_replaced: Option<UnixMillis>,
    }
    /// An open invitation, as the home's people see it.
    OpenInvitationRow: home(home) {
        /// Into which home.
        home: HomeId,
        /// The pending slot.
        slot: SlotId,
        /// What it gives.
        rights: Rights,
        /// When it was made.
        created: UnixMillis,
        /// When it lapses.
        expires: UnixMillis,
        /// That it has, at the Permit's time.
        lapsed: bool,
    }
    /// What an invitation offers to its holder.
    OfferedInvitationRow {
        /// Into which home.
        home: HomeId,
        /// The pending slot.
        slot: SlotId,
        /// What it gives.
        rights: Rights,
        /// The cameras that it is for; `None` is all.
        cameras: Option<BTreeSet<CameraId>>,
        /// When it lapses.
        expires: UnixMillis,
        /// The epoch in force.
        epoch: EpochNo,
        /// Its secret, sealed to the pending slot.
        sealed: Option<SealedRow>,
        /// The home's sealed name.
        name: SignedRow,
    }
    /// A person's name.
    PersonNameRow: home(home) {
        /// The home that they belong or belonged to.
        home: HomeId,
        /// Who.
        account: AccountId,
        /// Their account's name.
        name: String,
    }
    /// A pairing as the home's people see it.
    PairingRow: home(home) {
        /// Of which home.
        home: HomeId,
        /// The offer.
        offer: OfferRow,
        /// When it lapses.
        expires: UnixMillis,
        /// The agent's answer: its bytes and HMAC.
        answer: Option<(Vec<u8>, [u8; 32])>,
        /// Its agent is in the chain.
        used: bool,
    }
    /// An agent of a home.
    HomeAgentRow: home(home) {
        /// Of which home.
        home: HomeId,
        /// Which.
        agent: AgentId,
        /// Its Ed25519 public key.
        key: [u8; 32],
        /// Whether it is in use.
        state: State,
        /// When its key came into the chain.
        since: UnixMillis,
    }
    /// A camera of a home.
    CameraRow {
        /// Of which home.
        home: HomeId,
        /// Which.
        camera: CameraId,
        /// The agent that watches it.
        agent: AgentId,
        /// The sealed name.
        name: SignedRow,
        /// Switched on.
        on: bool,
        /// Viewing is stopped.
        lockdown: bool,
        /// Taken out of the home; its Events stay.
        removed: bool,
        /// When it was added.
        created: UnixMillis,
    }
    /// A home's rule of retention.
    RetentionRow {
        /// Of which home.
        home: HomeId,
        /// Events older than this are deleted.
        days: u32,
        /// When those that are not kept take more than this, the oldest of them are deleted.
        bytes: u64,
        /// When all take more than this, too.
        total: u64,
    }
}

// What a row holds names its home, too: a document that stands in another home's row is seen by it.

impl Identified for HomeRow {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::home(self.home));
        tell_of(&self.name, Identity::home(self.home), tell);
    }
}

impl Identified for ChainEntryRow {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::home(self.home));
        tell_of(&self.entry, Identity::home(self.home), tell);
    }
}

impl Identified for OfferedInvitationRow {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::home(self.home));
        tell_of(&self.name, Identity::home(self.home), tell);
    }
}

impl Identified for CameraRow {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        let row = Identity::camera(self.home, self.camera);
        tell(row);
        tell_of(&self.name, row, tell);
    }
}

/// What a signed document names: an entry its home, a name also its subject.
#[derive(serde::Deserialize)]
struct Names {
    home: HomeId,
    subject: Option<String>,
}

/// Compares what the document names with what its row is of. Bytes that are no such document name nobody else.
fn tell_of(document: &SignedRow, row: Identity, tell: &mut dyn FnMut(Identity)) {
    let Ok(Names { home, subject }) = serde_json::from_slice(&document.body) else { return };
    let camera = subject.and_then(|subject| subject.parse().ok());
    let states = camera.map_or(Identity::home(home), |camera| Identity::camera(home, camera));
    if states != row {
        tell(states);
        tell(Identity::CONTRADICTORY);
    }
}

/// What a home may take, and its rule of retention: given to it when it is made, and its own data from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HomeLimits {
    /// Events are deleted after so many days, unless its owner sets another number.
    pub retention_days: u32,
    /// Beyond this the oldest Events are deleted, unless its owner sets another number.
    pub retention_bytes: u64,
    /// Bytes that its Events may take, kept ones included; the limit of `retention_bytes`.
    pub bytes_max: u64,
    /// Cameras.
    pub cameras_max: u32,
    /// Members and open invitations.
    pub members_max: u32,
    /// Events that may arrive on a day of UTC.
    pub events_a_day_max: u32,
    /// Update streams open at one server process.
    pub streams_max: u32,
}

impl Default for HomeLimits {
    fn default() -> Self {
        Self {
            retention_days: 30,
            retention_bytes: 20_000_000_000,
            bytes_max: 200_000_000_000,
            cameras_max: 32,
            members_max: 48,
            events_a_day_max: 5_000,
            streams_max: 64,
        }
    }
}
