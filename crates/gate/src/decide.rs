//! The decision: a pure function of what is known, who asks what, and the truth's time.
//!
//! It looks at the session, then at the account, and at the home only for somebody who belongs to it; for a stranger the home
//! is neither loaded nor looked at. Whatever is missing, unknown or not understood is a no.

use std::collections::BTreeSet;

use keepsight_ids::{AccountId, CameraId, HomeId, Revision, SessionId, SlotId, UnixMillis};

use crate::facts::{AccountFacts, HomeFacts, Relation, ServiceFacts, SessionFacts, Subject};
use crate::sabotage::{self, Wall};
use crate::{
    Action, Ask, CameraScope, Credential, Denied, Key, Loaded, Principal, PrincipalKind, Right, Rights,
    Scope, State, TokenHash,
};

/// What is known of an aggregate.
#[derive(Debug, Clone, Copy)]
pub enum Look<'a> {
    /// This.
    Here(&'a Loaded),
    /// That it does not exist, as of the reply that is being decided with.
    Absent,
    /// Nothing: it must be loaded.
    Lacking,
}

/// Aggregates as of one revision.
pub trait View {
    /// What is known of this one.
    fn look(&self, key: Key) -> Look<'_>;
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, and this is what it covers.
    Allow(Grant),
    /// No.
    Deny(Denied),
    /// This aggregate has to be loaded first.
    Lack(Key),
}

/// What a yes covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub principal: Principal,
    /// Their session.
    pub session: Option<SessionId>,
    /// Their session's device.
    pub device: String,
    /// The home.
    pub home: Option<HomeId>,
    /// The camera.
    pub camera: Option<CameraId>,
    /// The cameras covered.
    pub cameras: CameraScope,
    /// The caller's slot.
    pub slot: Option<SlotId>,
    /// The caller's rights there.
    pub rights: Rights,
    /// Viewing is stopped, everywhere or in the home.
    pub lockdown: bool,
    /// The last revision that touched account or home.
    pub touched: Revision,
    /// The chain's highest entry.
    pub chain_seq: Option<u64>,
}

/// Somebody who belongs to a home and was refused something there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedMember {
    /// Who.
    pub account: AccountId,
    /// Their sign-in.
    pub session: Option<SessionId>,
    /// What its browser called itself.
    pub device: String,
    /// The home.
    pub home: HomeId,
    /// The camera in the question.
    pub camera: Option<CameraId>,
}

enum Stop {
    Deny(Denied),
    Lack(Key),
}

type Step<T> = Result<T, Stop>;

/// Decides one question at the truth's time `now`.
pub fn decide<V: View + ?Sized>(view: &V, credential: &Credential, ask: &Ask, now: UnixMillis) -> Verdict {
    match granted(view, credential, ask, now) {
        Ok(grant) => Verdict::Allow(grant),
        Err(Stop::Lack(key)) => Verdict::Lack(key),
        Err(Stop::Deny(_)) if sabotage::is_off(Wall::Gate) => Verdict::Allow(forged(view, credential, ask)),
        Err(Stop::Deny(denied)) => Verdict::Deny(denied),
    }
}

fn granted<V: View + ?Sized>(view: &V, credential: &Credential, ask: &Ask, now: UnixMillis) -> Step<Grant> {
    match ask.action.principal() {
        PrincipalKind::Anyone => Ok(Grant::of(Principal::Anyone)),
        PrincipalKind::Person => person(view, credential, ask, now),
        PrincipalKind::Invitee => invitee(view, credential, ask, now),
        PrincipalKind::Agent => agent(view, credential, ask, now),
    }
}

fn person<V: View + ?Sized>(view: &V, credential: &Credential, ask: &Ask, now: UnixMillis) -> Step<Grant> {
    let Credential::Session(token) = credential else { return deny(Denied::NotSignedIn) };
    let service = service(view)?;
    let (session, account) = signed_in(view, service, *token, now)?;
    account_allows(account.state, ask.action)?;
    let mut grant = Grant::of(Principal::Person(account.account));
    grant.session = session.session;
    grant.device.clone_from(&session.device);
    grant.touched = account.touched;
    grant.lockdown = service.lockdown;
    match ask.action.scope() {
        Scope::Service | Scope::Account => Ok(grant),
        Scope::Home | Scope::Camera => member(view, account, grant, ask, now),
    }
}

/// A signed-in person asks about a home: first whether they belong to it, then everything else.
fn member<V: View + ?Sized>(
    view: &V,
    account: &AccountFacts,
    mut grant: Grant,
    ask: &Ask,
    now: UnixMillis,
) -> Step<Grant> {
    let id = ask.home.ok_or(Stop::Deny(Denied::NotFound))?;
    let rows: Vec<&Relation> =
        account.relations.iter().filter(|row| row.home == id && row.in_force(now)).collect();
    let Some(first) = rows.first() else { return deny(Denied::NotFound) };
    let home = home(view, id)?;
    let rows = rows_for_camera(&rows, home, ask)?;
    grant.home = Some(id);
    grant.slot = Some(first.slot);
    grant.camera = ask.camera;
    grant.rights = rights(&rows, ask.camera);
    grant.touched = account.touched.max(home.touched);
    grant.chain_seq = Some(home.chain_seq);
    grant.lockdown |= home.lockdown;
    if ask.action.right().is_some_and(|right| !grant.rights.has(right)) {
        return deny(Denied::NotAllowed);
    }
    home_allows(home.state, ask.action)?;
    grant.cameras = scope(&rows, ask);
    if ask.action.is_viewing() {
        stop_viewing(&mut grant, home, ask.camera)?;
    }
    Ok(grant)
}

/// The rows that cover the asked camera. One that is not in the home, or that the caller may not know of, is not found.
fn rows_for_camera<'a>(rows: &[&'a Relation], home: &HomeFacts, ask: &Ask) -> Step<Vec<&'a Relation>> {
    let Some(camera) = ask.camera else {
        return if ask.action.scope() == Scope::Camera { deny(Denied::NotFound) } else { Ok(rows.to_vec()) };
    };
    let covering: Vec<_> = rows.iter().copied().filter(|row| row.covers(camera)).collect();
    if covering.is_empty() || !home.cameras.contains_key(&camera) {
        return deny(Denied::NotFound);
    }
    Ok(covering)
}

/// All that the rows add up to. Without a camera in the question, managing takes a row about the whole home.
fn rights(rows: &[&Relation], camera: Option<CameraId>) -> Rights {
    rows.iter().fold(Rights::NONE, |sum, row| {
        let whole = camera.is_some() || row.cameras.is_none();
        sum.union(row.rights.iter().filter(|right| whole || *right != Right::Manage).collect())
    })
}

/// The cameras of the rows that have the action's right.
fn scope(rows: &[&Relation], ask: &Ask) -> CameraScope {
    if let Some(camera) = ask.camera {
        return CameraScope::Some(BTreeSet::from([camera]));
    }
    let mut some = BTreeSet::new();
    for row in rows.iter().filter(|row| ask.action.right().is_none_or(|right| row.rights.has(right))) {
        match &row.cameras {
            None => return CameraScope::All,
            Some(cameras) => some.extend(cameras),
        }
    }
    CameraScope::Some(some)
}

/// Lockdowns: of everything and of the home refuse; of a camera refuses that one, and takes it out of a list.
fn stop_viewing(grant: &mut Grant, home: &HomeFacts, camera: Option<CameraId>) -> Step<()> {
    let locked = |id: &CameraId| home.cameras.get(id).is_some_and(|facts| facts.lockdown);
    if grant.lockdown || camera.as_ref().is_some_and(locked) {
        return deny(Denied::Lockdown);
    }
    if home.cameras.keys().any(locked) {
        let covered = home.cameras.keys().filter(|id| grant.cameras.covers(**id) && !locked(id));
        grant.cameras = CameraScope::Some(covered.copied().collect());
    }
    Ok(())
}

fn invitee<V: View + ?Sized>(view: &V, credential: &Credential, ask: &Ask, now: UnixMillis) -> Step<Grant> {
    let Credential::Invitation { home: claimed, slot: claimed_slot, token, session } = credential else {
        return deny(Denied::NotFound);
    };
    let service = service(view)?;
    let mut grant = match ask.action {
        Action::AcceptInvitation => accepting(view, service, *session, ask.action, now)?,
        _ => Grant::of(Principal::Invitee(*claimed_slot)),
    };
    let invitation = token_facts(view, *token)?.ok_or(Stop::Deny(Denied::NotFound))?;
    let Subject::Invitation { home: id, slot } = invitation.subject else { return deny(Denied::NotFound) };
    let other_home = ask.home.is_some_and(|asked| asked != id);
    if (id, slot) != (*claimed, *claimed_slot) || other_home || invitation.ended || now >= invitation.expires
    {
        return deny(Denied::NotFound);
    }
    let home = home(view, id)?;
    home_allows(home.state, ask.action)?;
    grant.home = Some(id);
    grant.slot = Some(slot);
    grant.touched = grant.touched.max(home.touched);
    grant.chain_seq = Some(home.chain_seq);
    Ok(grant)
}

/// Accepting an invitation takes a person who is signed in.
fn accepting<V: View + ?Sized>(
    view: &V,
    service: &ServiceFacts,
    token: Option<TokenHash>,
    action: Action,
    now: UnixMillis,
) -> Step<Grant> {
    let Some(token) = token else { return deny(Denied::NotSignedIn) };
    let (session, account) = signed_in(view, service, token, now)?;
    account_allows(account.state, action)?;
    let mut grant = Grant::of(Principal::Person(account.account));
    grant.session = session.session;
    grant.device.clone_from(&session.device);
    grant.touched = account.touched;
    Ok(grant)
}

fn agent<V: View + ?Sized>(view: &V, credential: &Credential, ask: &Ask, now: UnixMillis) -> Step<Grant> {
    let Credential::Session(token) = credential else { return deny(Denied::NotSignedIn) };
    let service = service(view)?;
    let session = live_session(view, service, *token, now)?;
    let Subject::Agent { home: id, agent } = session.subject else { return deny(Denied::NotSignedIn) };
    if ask.home.is_some_and(|asked| asked != id) {
        return deny(Denied::NotFound);
    }
    let home = home(view, id)?;
    let Some(facts) = home.agents.get(&agent) else { return deny(Denied::NotSignedIn) };
    agent_allows(facts.state, ask.action)?;
    let mut grant = Grant::of(Principal::Agent(agent));
    grant.cameras = agents_cameras(home, agent, ask)?;
    home_allows(home.state, ask.action)?;
    grant.session = session.session;
    grant.home = Some(id);
    grant.camera = ask.camera;
    grant.touched = home.touched;
    grant.chain_seq = Some(home.chain_seq);
    Ok(grant)
}

/// An agent's cameras are those that it watches; a camera that the home does not have yet may be put by any of its agents. One that
/// was removed is done with: it comes back under another id.
fn agents_cameras(home: &HomeFacts, agent: keepsight_ids::AgentId, ask: &Ask) -> Step<CameraScope> {
    let Some(camera) = ask.camera else {
        let own = home.cameras.iter().filter(|(_, facts)| facts.agent == agent).map(|(id, _)| *id);
        return if ask.action.scope() == Scope::Camera {
            deny(Denied::NotFound)
        } else {
            Ok(CameraScope::Some(own.collect()))
        };
    };
    match home.cameras.get(&camera) {
        None if ask.action == Action::AgentPutCamera => {}
        Some(facts) if facts.agent != agent => return deny(Denied::NotFound),
        None => return deny(Denied::NotFound),
        Some(facts) if facts.removed => return deny(Denied::Removed),
        Some(facts) if ask.action == Action::AgentIngest && !facts.on => return deny(Denied::SwitchedOff),
        Some(_) => {}
    }
    Ok(CameraScope::Some(BTreeSet::from([camera])))
}

fn account_allows(state: State, action: Action) -> Step<()> {
    use Action::*;
    let allowed = match state {
        State::Active => true,
        State::Suspended => matches!(action, ReadAccount | EndSessions),
        State::Closing => {
            matches!(action, ReadAccount | EndSessions | ChangeAccount | ListHomes | ReadHome | LeaveHome)
        }
    };
    if allowed { Ok(()) } else { deny(Denied::Suspended) }
}

fn home_allows(state: State, action: Action) -> Step<()> {
    use Action::*;
    let begins_something = matches!(
        action,
        Pair | ManageHome | OpenInvitation | AcceptInvitation | AgentPutCamera | AgentIngest | AgentReportGap
    );
    let allowed = match state {
        State::Active => true,
        State::Suspended => matches!(action, ReadHome | LeaveHome | AgentReadChain | AgentStatus),
        State::Closing => !begins_something,
    };
    if allowed { Ok(()) } else { deny(Denied::Suspended) }
}

fn agent_allows(state: State, action: Action) -> Step<()> {
    let allowed = match state {
        State::Active => true,
        State::Suspended => false,
        State::Closing => matches!(action, Action::AgentReadChain | Action::AgentStatus),
    };
    if allowed { Ok(()) } else { deny(Denied::Suspended) }
}

/// A session that is known, has not ended or lapsed, and is newer than the end of everybody's.
fn live_session<'v, V: View + ?Sized>(
    view: &'v V,
    service: &ServiceFacts,
    token: TokenHash,
    now: UnixMillis,
) -> Step<&'v SessionFacts> {
    let session = token_facts(view, token)?.ok_or(Stop::Deny(Denied::NotSignedIn))?;
    let over = session.ended || now >= session.expires || session.since < service.sessions_since;
    if over { deny(Denied::NotSignedIn) } else { Ok(session) }
}

fn signed_in<'v, V: View + ?Sized>(
    view: &'v V,
    service: &ServiceFacts,
    token: TokenHash,
    now: UnixMillis,
) -> Step<(&'v SessionFacts, &'v AccountFacts)> {
    let session = live_session(view, service, token, now)?;
    let Subject::Person(id) = session.subject else { return deny(Denied::NotSignedIn) };
    let key = Key::Account(id);
    match view.look(key) {
        Look::Here(Loaded::Account(account)) if account.account == id => Ok((session, account)),
        Look::Lacking => Err(Stop::Lack(key)),
        Look::Here(_) | Look::Absent => deny(Denied::NotSignedIn),
    }
}

fn token_facts<V: View + ?Sized>(view: &V, token: TokenHash) -> Step<Option<&SessionFacts>> {
    let key = Key::Session(token);
    match view.look(key) {
        Look::Here(Loaded::Session(session)) => Ok(Some(session)),
        Look::Lacking => Err(Stop::Lack(key)),
        Look::Here(_) | Look::Absent => Ok(None),
    }
}

fn home<V: View + ?Sized>(view: &V, id: HomeId) -> Step<&HomeFacts> {
    let key = Key::Home(id);
    match view.look(key) {
        Look::Here(Loaded::Home(home)) if home.home == id => Ok(home),
        Look::Lacking => Err(Stop::Lack(key)),
        Look::Here(_) | Look::Absent => deny(Denied::NotFound),
    }
}

/// Without the service's row nobody knows whether viewing is stopped: the answer is no.
fn service<V: View + ?Sized>(view: &V) -> Step<&ServiceFacts> {
    match view.look(Key::Service) {
        Look::Here(Loaded::Service(service)) => Ok(service),
        Look::Lacking => Err(Stop::Lack(Key::Service)),
        Look::Here(_) | Look::Absent => deny(Denied::Unavailable),
    }
}

/// Who asked, for the record of a refusal: of somebody who belongs to the home, and of nobody else.
pub(crate) fn refused_member<V: View + ?Sized>(
    view: &V,
    credential: &Credential,
    ask: &Ask,
    denied: Denied,
) -> Option<RefusedMember> {
    let (Credential::Session(token), Some(home)) = (credential, ask.home) else { return None };
    if !matches!(denied, Denied::NotAllowed | Denied::Lockdown) {
        return None;
    }
    let session = token_facts(view, *token).ok().flatten()?;
    let Subject::Person(account) = session.subject else { return None };
    Some(RefusedMember {
        account,
        session: session.session,
        device: session.device.clone(),
        home,
        camera: ask.camera,
    })
}

const fn deny<T>(denied: Denied) -> Step<T> {
    Err(Stop::Deny(denied))
}

impl Grant {
    /// Nothing but who it is.
    pub(crate) const fn of(principal: Principal) -> Self {
        Self {
            principal,
            session: None,
            device: String::new(),
            home: None,
            camera: None,
            cameras: CameraScope::Some(BTreeSet::new()),
            slot: None,
            rights: Rights::NONE,
            lockdown: false,
            touched: Revision(0),
            chain_seq: None,
        }
    }
}

/// The gate taken out: yes to everything, for what was asked. Reachable in sabotage builds only.
fn forged<V: View + ?Sized>(view: &V, credential: &Credential, ask: &Ask) -> Grant {
    let (token, invited) = match credential {
        Credential::None => (None, None),
        Credential::Session(token) => (Some(*token), None),
        Credential::Invitation { home, slot, session, .. } => (*session, Some((*home, *slot))),
    };
    let session = token.and_then(|token| token_facts(view, token).ok().flatten());
    let principal = match session.map(|session| session.subject) {
        Some(Subject::Person(account)) => Principal::Person(account),
        Some(Subject::Agent { agent, .. }) => Principal::Agent(agent),
        _ => Principal::Person(AccountId::from_bytes([0; 16])),
    };
    let own_home = session.and_then(|session| match session.subject {
        Subject::Agent { home, .. } => Some(home),
        _ => None,
    });
    let mut grant = Grant::of(principal);
    grant.session = session.and_then(|session| session.session);
    grant.home = ask.home.or(invited.map(|(home, _)| home)).or(own_home);
    grant.camera = ask.camera;
    grant.cameras = ask.camera.map_or(CameraScope::All, |camera| CameraScope::Some(BTreeSet::from([camera])));
    grant.slot = Some(invited.map_or(SlotId::from_bytes([0; 16]), |(_, slot)| slot));
    grant.rights = Rights::OWNER;
    grant.chain_seq = Some(0);
    grant
}
