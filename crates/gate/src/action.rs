//! The deeds that can be asked for, and what each of them needs. Every route names one action.
//!
//! An action says everything about itself in one table: whose it is, what it is about, which right it takes, and whether a
//! lockdown stops it. Nothing else in the code may know that a deed is harmless.

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Read what the service says of itself.
    ReadService,
    /// Make an account.
    SignUp,
    /// Ask for password parameters, or sign in.
    SignIn,
    /// Use a recovery code.
    Recover,
    /// Fetch a pairing's offer, or answer it.
    AnswerPairing,
    /// Get a challenge, or open an agent's session with its key.
    OpenAgentSession,
    /// Read one's own account, sessions included.
    ReadAccount,
    /// Change one's own password or recovery code.
    ChangeAccount,
    /// End sign-ins of one's own account.
    EndSessions,
    /// List one's own homes.
    ListHomes,
    /// Make a home.
    CreateHome,
    /// Read a home's settings.
    ReadHome,
    /// Read a home's chain and the epoch secrets sealed to oneself.
    ReadChain,
    /// Append to a home's chain. Every accepted member may replace their own keys; the change itself asks for `Manage` when it does more.
    AppendChain,
    /// See who belongs to a home and who is invited.
    ReadPeople,
    /// Change a home's settings or name.
    ManageHome,
    /// End one's own membership.
    LeaveHome,
    /// Stop or allow viewing in a home.
    SetLockdown,
    /// Offer a pairing and read its answer.
    Pair,
    /// See a home's agents.
    ReadAgents,
    /// See a home's cameras. It is not viewing: what is shown of their Events needs [`Permit::lockdown`](crate::Permit::lockdown) to be false.
    ReadCameras,
    /// Switch, name, lock or remove a camera.
    ManageCamera,
    /// List Events of a home.
    ListEvents,
    /// Read one Event's header and its list of segments.
    ReadEvent,
    /// Fetch a sealed segment to look at it.
    ReadSegment,
    /// Fetch a sealed segment to save it.
    DownloadSegment,
    /// Mark an Event as kept, or no longer.
    KeepEvent,
    /// Delete an Event.
    DeleteEvent,
    /// Mark an Event as seen by oneself.
    MarkSeen,
    /// See who viewed an Event.
    ReadEventViews,
    /// See who viewed what in a home.
    ReadHomeViews,
    /// Hear of changes in a home as they come.
    Updates,
    /// See what an invitation offers.
    OpenInvitation,
    /// Accept an invitation, signed in.
    AcceptInvitation,
    /// An agent reads its home's chain.
    AgentReadChain,
    /// An agent says how it does.
    AgentStatus,
    /// An agent adds a camera, or names its own anew.
    AgentPutCamera,
    /// An agent uploads an Event's header or segment.
    AgentIngest,
    /// An agent reports a stretch without footage.
    AgentReportGap,
}

/// What an action is about: which ids its question must carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The service itself.
    Service,
    /// The caller's own account.
    Account,
    /// One home.
    Home,
    /// One camera of one home.
    Camera,
}

/// Who may ask for an action at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// Whoever reaches the server.
    Anyone,
    /// A person, signed in.
    Person,
    /// Somebody who holds an invitation; for accepting it they are signed in too.
    Invitee,
    /// An agent with an open session.
    Agent,
}

/// What a person may do in a home or with a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Right {
    /// Watch live.
    Live = 1,
    /// Review Events.
    Review = 2,
    /// Download Events.
    Download = 4,
    /// Change members, agents, cameras and settings.
    Manage = 8,
    /// Delete Events.
    Delete = 16,
}

/// A set of rights.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rights(u8);

impl Action {
    /// Every action.
    pub const ALL: [Action; 39] = {
        use Action::*;
        [
            ReadService,
            SignUp,
            SignIn,
            Recover,
            AnswerPairing,
            OpenAgentSession,
            ReadAccount,
            ChangeAccount,
            EndSessions,
            ListHomes,
            CreateHome,
            ReadHome,
            ReadChain,
            AppendChain,
            ReadPeople,
            ManageHome,
            LeaveHome,
            SetLockdown,
            Pair,
            ReadAgents,
            ReadCameras,
            ManageCamera,
            ListEvents,
            ReadEvent,
            ReadSegment,
            DownloadSegment,
            KeepEvent,
            DeleteEvent,
            MarkSeen,
            ReadEventViews,
            ReadHomeViews,
            Updates,
            OpenInvitation,
            AcceptInvitation,
            AgentReadChain,
            AgentStatus,
            AgentPutCamera,
            AgentIngest,
            AgentReportGap,
        ]
    };

    /// What it is about.
    pub const fn scope(self) -> Scope {
        use Action::*;
        match self {
            ReadService | SignUp | SignIn | Recover | AnswerPairing | OpenAgentSession => Scope::Service,
            ReadAccount | ChangeAccount | EndSessions | ListHomes | CreateHome => Scope::Account,
            ReadHome | ReadChain | AppendChain | ReadPeople | ManageHome | LeaveHome | SetLockdown | Pair => {
                Scope::Home
            }
            ReadAgents | ReadCameras | ListEvents | ReadHomeViews | Updates => Scope::Home,
            OpenInvitation | AcceptInvitation | AgentReadChain | AgentStatus => Scope::Home,
            ManageCamera | ReadEvent | ReadSegment | DownloadSegment | KeepEvent | DeleteEvent => {
                Scope::Camera
            }
            MarkSeen | ReadEventViews | AgentPutCamera | AgentIngest | AgentReportGap => Scope::Camera,
        }
    }

    /// Who may ask for it.
    pub const fn principal(self) -> PrincipalKind {
        use Action::*;
        match self {
            ReadService | SignUp | SignIn | Recover | AnswerPairing | OpenAgentSession => {
                PrincipalKind::Anyone
            }
            OpenInvitation | AcceptInvitation => PrincipalKind::Invitee,
            AgentReadChain | AgentStatus | AgentPutCamera | AgentIngest | AgentReportGap => {
                PrincipalKind::Agent
            }
            _ => PrincipalKind::Person,
        }
    }

    /// The right that a person needs for it; `None` where being a member is enough, or where it isn't a member's deed.
    pub const fn right(self) -> Option<Right> {
        use Action::*;
        match self {
            ManageHome | SetLockdown | Pair | ManageCamera => Some(Right::Manage),
            ListEvents | ReadEvent | ReadSegment | KeepEvent | MarkSeen => Some(Right::Review),
            ReadEventViews | ReadHomeViews | Updates | ReadCameras => Some(Right::Review),
            DownloadSegment => Some(Right::Download),
            DeleteEvent => Some(Right::Delete),
            _ => None,
        }
    }

    /// Whether it shows footage or what was recorded: what a lockdown stops.
    pub const fn is_viewing(self) -> bool {
        use Action::*;
        matches!(
            self,
            ListEvents
                | ReadEvent
                | ReadSegment
                | DownloadSegment
                | MarkSeen
                | ReadEventViews
                | ReadHomeViews
                | Updates
        )
    }
}

impl Right {
    /// Every right.
    pub const ALL: [Right; 5] = [Self::Live, Self::Review, Self::Download, Self::Manage, Self::Delete];
}

impl Rights {
    /// None at all.
    pub const NONE: Rights = Rights(0);
    /// The preset of an owner.
    pub const OWNER: Rights = Rights(31);
    /// The preset of a member: live, review, download.
    pub const MEMBER: Rights = Rights(7);

    /// Whether the set holds it.
    pub const fn has(self, right: Right) -> bool {
        self.0 & right as u8 != 0
    }

    /// The set and one more.
    #[must_use]
    pub const fn with(self, right: Right) -> Self {
        Self(self.0 | right as u8)
    }

    /// All that either set holds.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// As it stands in a database.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Read from a database. An unknown bit makes the whole set empty: what isn't understood is denied.
    pub const fn from_bits(bits: u8) -> Self {
        if bits <= Self::OWNER.0 { Self(bits) } else { Self::NONE }
    }

    /// The rights in it, in the order of [`Right::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.has(*right))
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        rights.into_iter().fold(Self::NONE, Self::with)
    }
}

impl std::fmt::Debug for Rights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
