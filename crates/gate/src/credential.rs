//! What a caller shows, what they ask, and how they are refused.

use std::fmt;

use keepsight_ids::{CameraId, HomeId, SlotId};

use crate::Action;

/// SHA-256 of a secret token (a cookie, an agent's bearer, an invitation's token). The token itself never gets here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for database keys.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

/// What a caller shows to say who they are. Resolved inside the gate only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Nothing.
    None,
    /// A person's cookie or an agent's bearer token.
    Session(TokenHash),
    /// An invitation, perhaps together with a person's sign-in (accepting needs it).
    Invitation {
        /// The home that it claims to be for.
        home: HomeId,
        /// The pending slot that it claims.
        slot: SlotId,
        /// SHA-256 of its token.
        token: TokenHash,
        /// The cookie beside it.
        session: Option<TokenHash>,
    },
}

/// The question: may this be done, there?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ask {
    /// The deed.
    pub action: Action,
    /// The home in the path. An agent's home comes from its session, an invitation's from the invitation.
    pub home: Option<HomeId>,
    /// The camera in the path. On actions about a whole home it is a filter: the answer covers that camera alone.
    pub camera: Option<CameraId>,
}

impl Ask {
    /// About the service or the caller's own account; or an agent's or invitee's deed, whose home is their credential's.
    pub const fn of(action: Action) -> Self {
        Self { action, home: None, camera: None }
    }

    /// About a home.
    pub const fn home(action: Action, home: HomeId) -> Self {
        Self { action, home: Some(home), camera: None }
    }

    /// About a camera of a home.
    pub const fn camera(action: Action, home: HomeId, camera: CameraId) -> Self {
        Self { action, home: Some(home), camera: Some(camera) }
    }

    /// About a camera of the asking agent's own home.
    pub const fn own_camera(action: Action, camera: CameraId) -> Self {
        Self { action, home: None, camera: Some(camera) }
    }
}

/// Why the answer is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// No credential, or one that is unknown, ended, lapsed, or of another kind of principal.
    #[error("sign in first")]
    NotSignedIn,
    /// There is no such thing for this caller. Somebody else's is the same as none.
    #[error("not found")]
    NotFound,
    /// The caller belongs to the home, but may not do this.
    #[error("you may not do this here")]
    NotAllowed,
    /// Viewing is stopped.
    #[error("viewing is stopped")]
    Lockdown,
    /// The account, home or agent is suspended, or closing.
    #[error("suspended")]
    Suspended,
    /// The camera is switched off; nothing is taken from its agent.
    #[error("the camera is switched off")]
    SwitchedOff,
    /// The camera was taken out of the home; nothing more is taken from its agent.
    #[error("the camera was removed")]
    Removed,
    /// The truth could not be asked in time. Nothing is disclosed without it.
    #[error("the truth can't be reached")]
    Unavailable,
}
