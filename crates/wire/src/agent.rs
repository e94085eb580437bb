//! `/agent/v1`: what agents say and hear. A session is `Authorization: Bearer`; which home it writes to comes from it alone.

use keepsight_ids::{AgentId, B32, B64, CameraId, EventId, SegmentKind, SegmentNo, UnixMillis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Signed;
use crate::people::{CameraState, GapReason};

/// The code of the refusal (429) of an Event's header when as many of the home arrived today as may: other headers wait as long as
/// `Retry-After` says, and what belongs to Events that were taken goes on.
pub const TOO_MANY_EVENTS: &str = "too_many_events";

macro_rules! bodies {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty),* }
    )*};
}

bodies! {
    /// `POST /pairings/{lookup}/open` (no body) -> this
    PairingOffer {
        /// The offer's bytes.
        offer: B64,
        /// HMAC under the code's secret part.
        mac: B32,
    }
    /// `POST /pairings/{lookup}/answer`
    PairingAnswer {
        /// The answer's bytes.
        answer: B64,
        /// HMAC under the code's secret part.
        mac: B32,
    }
    /// `POST /challenge` (no body) -> this
    Challenge {
        /// Good for one minute.
        challenge: B64,
    }
    /// `POST /session` -> [`AgentSession`]
    SessionOpen {
        /// Who claims to speak.
        agent: AgentId,
        /// The server's challenge.
        challenge: B64,
        /// Ed25519 over `ks/agent-session/v1`, the challenge and the certificate's hash.
        signature: B64,
    }
    /// An agent's session.
    AgentSession {
        /// For `Authorization: Bearer`.
        token: String,
        /// When it lapses.
        expires: UnixMillis,
        /// The server's time.
        now: UnixMillis,
    }
    /// `GET /chain?after=SEQ`: a page; what comes after its last entry is asked for next, until a page is empty
    AgentChain {
        /// The home's entries, lowest first.
        entries: Vec<Signed>,
    }
    /// `PUT /cameras/{camera}`: adds the camera, or names it anew
    CameraPut {
        /// The sealed name, signed by the agent.
        name: Signed,
    }
    /// `POST /status` -> [`StatusAck`], every 15 seconds
    Status {
        /// The agent's version.
        version: String,
        /// The newest chain entry that it verified.
        chain_seq: u64,
        /// The epoch that it seals new Events to.
        epoch: u32,
        /// What waits in its spool.
        spool_bytes: u64,
        /// Its cameras.
        cameras: Vec<CameraReport>,
    }
    /// How one camera does.
    CameraReport {
        /// Which.
        camera: CameraId,
        /// How it does.
        state: CameraState,
        /// Since when, by the agent's clock.
        since: UnixMillis,
    }
    /// What the agent should know.
    StatusAck {
        /// The server's time.
        now: UnixMillis,
        /// The chain's highest entry: when higher than its own, the agent reads on.
        chain_seq: u64,
        /// Cameras that an owner switched off, or removed.
        off: Vec<CameraId>,
        /// Those of them that were removed: what still waits of them is answered with *gone*.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        removed: Vec<CameraId>,
    }
    /// `PUT /cameras/{camera}/events/{event}` -> [`EventAck`]; the body is a [`Signed`] header
    EventAck {
        /// Which.
        event: EventId,
        /// SHA-256 of the header's bytes as stored.
        sha256: B32,
    }
    /// `PUT /cameras/{camera}/events/{event}/segments/{kind}/{number}` -> this; the body is the sealed bytes
    SegmentAck {
        /// Which Event.
        event: EventId,
        /// What it holds.
        kind: SegmentKind,
        /// Its number among its kind.
        number: SegmentNo,
        /// SHA-256 of the sealed bytes as stored. The spool drops its copy on equality only.
        sha256: B32,
    }
    /// `PUT /cameras/{camera}/gaps/{gap}`
    GapPut {
        /// From.
        from: UnixMillis,
        /// Until.
        until: UnixMillis,
        /// Why.
        reason: GapReason,
    }
}
