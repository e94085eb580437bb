//! `/api/v1`: what browsers say and hear. A sign-in is the cookie `ks_session`; everything else stands in path and body.
//!
//! Without a body of their own (answered 204): `POST /sign-out`, `DELETE /account/sessions/{session}`, `DELETE /account/sessions`
//! (all but this one), `DELETE /homes/{home}/people/me`, `PUT ../events/{event}/seen`, `DELETE ../events/{event}`,
//! `DELETE /homes/{home}/cameras/{camera}`. `GET /openapi.json` describes all of it.

use keepsight_ids::{
    AccountId, AgentId, B32, B64, CameraId, EventId, GapId, HomeId, SegmentKind, SegmentNo, SessionId,
    SlotId, UnixMillis,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EpochPackage, Sealed, Signed};

macro_rules! bodies {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty),* }
    )*};
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignUpPolicy {
    /// Anybody who reaches the server.
    Open,
    /// With an invitation into a home.
    Invitation,
    /// Nobody.
    Closed,
}

/// What a person may do, in a home or with a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Watch live.
    Live,
    /// Review Events.
    Review,
    /// Download Events.
    Download,
    /// Change members, agents, cameras and settings.
    Manage,
    /// Delete Events.
    Delete,
}

/// Why somebody may sign up although sign-up is not open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ticket {
    /// The one-time token of the set-up link, printed at the server's first start.
    Setup(String),
    /// An invitation into a home.
    Invitation(InvitationTicket),
}

/// The kinds of disclosure that the ledger knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewKind {
    /// Shown in a list.
    Offered,
    /// Its thumbnail, card or preview was fetched.
    Thumbnail,
    /// Its video or audio was fetched.
    Opened,
    /// Fetched to be saved.
    Downloaded,
    /// Asked for and refused.
    Refused,
}

/// What a segment is fetched for; decides the right that is needed and the record that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To look at it here.
    #[default]
    View,
    /// To save it as a file.
    Download,
}

/// How a camera is doing, by its agent's last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// Frames arrive.
    Recording,
    /// The camera does not answer, or its picture stands still.
    NotReached,
    /// Another camera answers at its address: recording stopped until an owner says so.
    Changed,
    /// Its agent has not been heard of.
    AgentAway,
    /// An owner switched it off.
    Off,
    /// An owner removed it; what it recorded stays.
    Removed,
}

/// Why nothing was recorded or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The camera was not reached.
    CameraNotReached,
    /// The spool was full and the oldest was dropped before it could be uploaded.
    SpoolFull,
    /// The agent stopped while recording.
    AgentStopped,
    /// The agent was not running.
    AgentOff,
    /// Another camera answered at this camera's address.
    CameraChanged,
}

bodies! {
    /// `GET /service`
    Service {
        /// The server's version.
        version: String,
        /// Who may sign up.
        sign_up: SignUpPolicy,
        /// True until the first account exists: only the set-up link works.
        setup_needed: bool,
        /// A demo: its links sign in by themselves, because nothing in it is anybody's.
        #[serde(default)]
        demo: bool,
        /// SHA-256 of the server's certificate, when it serves TLS itself.
        tls: Option<B32>,
        /// The server's time.
        now: UnixMillis,
    }
    /// How a password becomes `login` and `wrap`. `POST /sign-in/parameters` answers it, for unknown names too.
    PasswordParameters {
        /// 16 bytes.
        salt: B64,
        /// PBKDF2 rounds, at least 600,000.
        iterations: u32,
    }
    /// `POST /sign-in/parameters`
    NameQuery {
        /// The account's name.
        name: String,
    }
    /// A way into an account: what the server checks and the keys wrapped under the other half.
    Credentials {
        /// How the password was stretched.
        parameters: PasswordParameters,
        /// The `login` half.
        login: B32,
        /// 92 bytes: the account's keys under the `wrap` half.
        wrapped: B64,
    }
    /// The recovery code's way into an account.
    RecoveryCredentials {
        /// The `login` half.
        login: B32,
        /// 92 bytes: the account's keys under the `wrap` half.
        wrapped: B64,
    }
    /// An invitation's proof, for signing up.
    InvitationTicket {
        /// The home.
        home: HomeId,
        /// The pending slot.
        slot: SlotId,
        /// Derived from the link's secret.
        token: B32,
    }
    /// `POST /sign-up` -> [`Account`] and the cookie
    SignUp {
        /// Made by the client.
        account: AccountId,
        /// 1 to 64 characters, unique without regard to case.
        name: String,
        /// The password's way in.
        password: Credentials,
        /// The recovery code's way in.
        recovery: RecoveryCredentials,
        /// X25519 public key.
        kem: B32,
        /// Ed25519 public key.
        sign: B32,
        /// Needed unless sign-up is open.
        ticket: Option<Ticket>,
    }
    /// `POST /sign-in` -> [`Account`] and the cookie
    SignIn {
        /// The account's name.
        name: String,
        /// The password's `login` half.
        login: B32,
    }
    /// `POST /recovery/open` -> [`RecoveryOpened`]
    RecoveryOpen {
        /// The account's name.
        name: String,
        /// The recovery code's `login` half.
        login: B32,
    }
    /// What a right recovery code opens.
    RecoveryOpened {
        /// The account.
        account: AccountId,
        /// Its keys under the recovery code's `wrap` half.
        wrapped: B64,
    }
    /// `POST /recovery/replace` -> [`Account`] and the cookie; ends every other session
    RecoveryReplace {
        /// The account's name.
        name: String,
        /// The used code's `login` half.
        login: B32,
        /// The new password's way in.
        password: Credentials,
        /// The new recovery code's way in.
        recovery: RecoveryCredentials,
    }
    /// `GET /account`; also the answer to signing up and in
    Account {
        /// The account.
        account: AccountId,
        /// Its name.
        name: String,
        /// This sign-in.
        session: SessionId,
        /// How its password is stretched.
        parameters: PasswordParameters,
        /// Its keys under the password's `wrap` half.
        wrapped: B64,
        /// X25519 public key.
        kem: B32,
        /// Ed25519 public key.
        sign: B32,
    }
    /// `PUT /account/password`: the other sessions end
    PasswordChange {
        /// The old password's `login` half.
        login: B32,
        /// The new password's way in.
        password: Credentials,
    }
    /// `PUT /account/recovery`
    RecoveryChange {
        /// The password's `login` half.
        login: B32,
        /// The new recovery code's way in.
        recovery: RecoveryCredentials,
    }
    /// `PUT /account/keys` -> [`Account`]: other keys, in the account and in its homes, all at once; the other sessions end
    KeysReplace {
        /// The hand-over, signed by the account's key as it is until now (docs/formats/home-chain.md, "Replacing one's keys").
        statement: Signed,
        /// The new password's way in, to the new keys.
        password: Credentials,
        /// The new recovery code's way in, to the new keys.
        recovery: RecoveryCredentials,
        /// The homes in which the new keys take the old ones' place.
        homes: Vec<HomeHandOver>,
    }
    /// What one home gets when a member's keys are replaced.
    HomeHandOver {
        /// Which home.
        home: HomeId,
        /// The entry that puts the new keys into the caller's slot, signed by the old one, and what goes with it.
        change: ChainAppend,
    }
    /// One sign-in of an account. `GET /account/sessions` -> a list of them
    Session {
        /// Which.
        session: SessionId,
        /// What the browser called itself.
        device: String,
        /// When it signed in.
        since: UnixMillis,
        /// When it was last used, to the hour.
        used: UnixMillis,
        /// True for the sign-in that asks.
        this: bool,
    }
    /// `POST /homes` -> [`Home`]
    NewHome {
        /// Made by the client.
        home: HomeId,
        /// The first entry of its chain.
        genesis: Signed,
        /// The first epoch.
        epoch: EpochPackage,
        /// The sealed name.
        name: Signed,
        /// An IANA time zone: `Europe/Berlin`.
        time_zone: String,
    }
    /// A home as its people see it. `GET /homes` -> a list of them; `GET /homes/{home}`
    Home {
        /// Which.
        home: HomeId,
        /// The caller's slot in its chain.
        slot: SlotId,
        /// What the caller may do there.
        rights: Vec<Right>,
        /// The sealed name.
        name: Signed,
        /// Days begin and end in this zone.
        time_zone: String,
        /// Events older than this are deleted, kept ones excepted.
        retention_days: u32,
        /// Beyond this the oldest Events are deleted, kept ones excepted.
        retention_bytes: u64,
        /// What the Events take now, of the cameras that the caller may see.
        used_bytes: u64,
        /// What all of its Events may take, kept ones included. Where kept ones fill it, nothing more is taken.
        bytes_max: u64,
        /// How many Events of those cameras arrived since midnight UTC, deleted ones included.
        events_today: u64,
        /// How many of the home may arrive on one day; the others wait at home.
        events_a_day_max: u32,
        /// The chain's highest entry.
        chain_seq: u64,
        /// Viewing is stopped.
        lockdown: bool,
        /// A membership ended without its owner's browser: the next owner's browser begins a new epoch.
        rotation_due: bool,
        /// When the service last came back from a backup with this home in it: whoever joined or changed since the backup was made is
        /// missing, and owners should look at who belongs here.
        restored: Option<UnixMillis>,
    }
    /// `PUT /homes/{home}/settings`
    HomeSettings {
        /// An IANA time zone.
        time_zone: String,
        /// 1 to 3650.
        retention_days: u32,
        /// At least 100 MB, at most the home's limit.
        retention_bytes: u64,
    }
    /// `PUT /homes/{home}/name`, `PUT /homes/{home}/cameras/{camera}/name`
    NewName {
        /// The sealed name.
        name: Signed,
    }
    /// `GET /homes/{home}/chain?after=SEQ` (without `after`: all)
    Chain {
        /// The entries, lowest first.
        entries: Vec<Signed>,
        /// Every epoch's package, lowest first, with what is sealed to the caller's slot.
        epochs: Vec<EpochPackage>,
    }
    /// `POST /homes/{home}/chain` -> [`ChainHead`]: whatever the entry changes (members, agents, epoch) happens with it, or not at all
    ChainAppend {
        /// The next entry.
        entry: Signed,
        /// With an entry that begins an epoch.
        epoch: Option<EpochPackage>,
        /// With an entry that adds a pending slot.
        invitation: Option<NewInvitation>,
        /// With an entry that adds an agent: the pairing's look-up part.
        pairing: Option<String>,
        /// Names sealed anew, with an entry that begins an epoch.
        names: Vec<Signed>,
        /// With an entry that replaces its author's own keys and begins no epoch: the current epoch's secret, sealed to the new one.
        resealed: Option<Sealed>,
    }
    /// An invitation's server side.
    NewInvitation {
        /// The pending slot.
        slot: SlotId,
        /// SHA-256 of the token.
        token_hash: B32,
        /// The current epoch's secret, sealed to the pending slot.
        sealed: Sealed,
    }
    /// The chain's highest entry.
    ChainHead {
        /// Its number.
        seq: u64,
        /// SHA-256 of its bytes.
        hash: B32,
    }
    /// `GET /homes/{home}/people`
    People {
        /// Who belongs to the home.
        members: Vec<Member>,
        /// Who has been invited.
        invitations: Vec<Invitation>,
    }
    /// One person of a home. `DELETE /homes/{home}/people/me` leaves it.
    Member {
        /// Who.
        account: AccountId,
        /// Their account's name.
        name: String,
        /// Their slot in the chain.
        slot: SlotId,
        /// What they may do.
        rights: Vec<Right>,
        /// Since when.
        since: UnixMillis,
        /// When their account's keys were last replaced by others, if ever. That they were, the chain says.
        keys_replaced: Option<UnixMillis>,
    }
    /// An open invitation. Revoked by an entry without its slot.
    Invitation {
        /// The pending slot.
        slot: SlotId,
        /// What it gives.
        rights: Vec<Right>,
        /// When it was made.
        created: UnixMillis,
        /// When it lapses.
        expires: UnixMillis,
        /// That it has: nobody can accept it, and the next new epoch leaves its place out.
        lapsed: bool,
    }
    /// `POST /invitations/open` -> [`InvitationOpened`]
    InvitationOpen {
        /// The invitation's proof.
        ticket: InvitationTicket,
    }
    /// What an invitation's link lets its holder see.
    InvitationOpened {
        /// The home's chain.
        entries: Vec<Signed>,
        /// The current epoch.
        epoch: u32,
        /// Its secret, sealed to the pending slot.
        sealed: Sealed,
        /// The home's sealed name.
        name: Signed,
        /// When the invitation lapses.
        expires: UnixMillis,
    }
    /// `POST /invitations/accept` -> [`ChainHead`], signed in
    InvitationAccept {
        /// The invitation's proof.
        ticket: InvitationTicket,
        /// The entry that puts in the invitee's keys and account.
        entry: Signed,
        /// The current epoch's secret, sealed to the invitee's own key.
        sealed: Sealed,
    }
    /// `POST /homes/{home}/pairings`
    NewPairing {
        /// The code's look-up part: 8 characters.
        lookup: String,
        /// The offer's bytes.
        offer: B64,
        /// HMAC under the code's secret part.
        mac: B32,
    }
    /// `GET /homes/{home}/pairings/{lookup}`
    Pairing {
        /// When it lapses.
        expires: UnixMillis,
        /// The agent's answer, once it has come.
        answer: Option<MacedAnswer>,
    }
    /// An agent's answer to an offer.
    MacedAnswer {
        /// The answer's bytes.
        answer: B64,
        /// HMAC under the code's secret part.
        mac: B32,
    }
    /// An agent as its home's people see it. `GET /homes/{home}/agents` -> a list of them
    Agent {
        /// Which.
        agent: AgentId,
        /// When its key came into the chain.
        since: UnixMillis,
        /// When it last said something.
        heard: Option<UnixMillis>,
        /// The newest epoch that it seals to.
        epoch: Option<u32>,
        /// Its version.
        version: Option<String>,
        /// What waits in its spool.
        spool_bytes: Option<u64>,
    }
    /// A camera as its home's people see it. `GET /homes/{home}/cameras` -> a list of them
    Camera {
        /// Which.
        camera: CameraId,
        /// Its agent.
        agent: AgentId,
        /// The sealed name.
        name: Signed,
        /// How it does.
        state: CameraState,
        /// Since when.
        since: Option<UnixMillis>,
        /// The newest Event, whose thumbnail is its picture.
        last: Option<Event>,
        /// Events of today in the home's time zone.
        today: u32,
    }
    /// `PUT /homes/{home}/cameras/{camera}/switch`
    CameraSwitch {
        /// Off: its agent stops recording, and what it sends is refused.
        on: bool,
    }
    /// `GET /homes/{home}/events?day=YYYY-MM-DD&camera=&unseen=true&before=CURSOR&limit=` (at most 100; all optional)
    EventPage {
        /// Newest first.
        events: Vec<Event>,
        /// The gaps that touch this page's span of time.
        gaps: Vec<Gap>,
        /// For `before`, when there is more.
        next: Option<String>,
    }
    /// An Event in a list. All that says what is in it is sealed.
    Event {
        /// Whose it is. The client compares it with what it asked for.
        home: HomeId,
        /// Its camera.
        camera: CameraId,
        /// Which.
        event: EventId,
        /// The signed header: who can open it.
        header: Signed,
        /// Where it is filed in time.
        filed: UnixMillis,
        /// When the header reached the server.
        received: UnixMillis,
        /// Filed by when it came, for its agent's clock was not known.
        clock_unknown: bool,
        /// The trailer has come: nothing more will.
        complete: bool,
        /// Not deleted by retention.
        kept: bool,
        /// The caller has opened it.
        seen: bool,
        /// The sealed size in bytes.
        bytes: u64,
    }
    /// `GET /homes/{home}/cameras/{camera}/events/{event}`
    EventDetail {
        /// The Event.
        event: Event,
        /// What can be fetched: `../segments/{kind}/{number}?purpose=view|download`, answered as `application/octet-stream`.
        segments: Vec<Segment>,
        /// The next later one that the caller may see.
        newer: Option<EventRef>,
        /// The next earlier one that the caller may see.
        older: Option<EventRef>,
    }
    /// Where an Event is.
    EventRef {
        /// Its camera.
        camera: CameraId,
        /// Which.
        event: EventId,
    }
    /// One sealed segment.
    Segment {
        /// What it holds.
        kind: SegmentKind,
        /// Its number among its kind.
        number: SegmentNo,
        /// The sealed size in bytes.
        bytes: u64,
        /// SHA-256 of the sealed bytes.
        sha256: B32,
    }
    /// `PUT ../events/{event}/kept`
    Keep {
        /// Not deleted by retention.
        kept: bool,
    }
    /// A stretch without footage, and why.
    Gap {
        /// Which.
        gap: GapId,
        /// Its camera.
        camera: CameraId,
        /// From.
        from: UnixMillis,
        /// Until.
        until: UnixMillis,
        /// Why.
        reason: GapReason,
    }
    /// `GET /homes/{home}/views?day=&before=&limit=` and `GET ../events/{event}/views`
    ViewPage {
        /// Newest first.
        views: Vec<View>,
        /// For `before`, when there is more.
        next: Option<String>,
    }
    /// Who saw what: one record of the ledger.
    View {
        /// Who.
        account: AccountId,
        /// Their account's name.
        name: String,
        /// On which device.
        device: String,
        /// When, by the server of record.
        at: UnixMillis,
        /// What happened.
        kind: ViewKind,
        /// Of which camera; absent when a list of several was shown.
        camera: Option<CameraId>,
        /// Which Event; absent for lists.
        event: Option<EventId>,
    }
    /// `PUT /homes/{home}/lockdown`
    Lockdown {
        /// Stop viewing, for everybody of this home.
        on: bool,
    }
}

/// One message of `GET /homes/{home}/updates` (server-sent events; the name of the SSE event is `update`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Update {
    /// The stream is open.
    Hello,
    /// An Event began, grew complete, or was kept or deleted.
    Event {
        /// Its camera.
        camera: CameraId,
        /// Which.
        event: EventId,
        /// It is of now, not late: worth telling.
        fresh: bool,
    },
    /// Cameras, members, agents or settings changed: read them again.
    Home,
    /// The caller may not see this home any longer; the stream ends.
    Ended,
    /// Viewing is stopped; the stream ends.
    Lockdown,
}
