//! `decide()` against a second, naive statement of the rules, over all combinations of a small world.
//!
//! The oracle below shares no helper with the crate: what each action is stands in its own table, and each rule is a line. Beside
//! the answers it is checked what was looked at: nothing of a home for somebody who does not belong to it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use keepsight_gate::Action::{self, *};
use keepsight_gate::{
    AccountFacts, AgentFacts, Ask, CameraFacts, CameraScope, Credential, Denied, HomeFacts, Key, Loaded,
    Look, Principal, Relation, Right, Rights, ServiceFacts, SessionFacts, State, Subject, TokenHash, Verdict,
    View, decide,
};
use keepsight_ids::{AccountId, AgentId, CameraId, HomeId, OrgId, Revision, SessionId, SlotId, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_000);
const TOKEN: TokenHash = TokenHash::from_bytes([1; 32]);
const INVITE: TokenHash = TokenHash::from_bytes([2; 32]);
const ME: AccountId = AccountId::from_bytes([1; 16]);
const HOME: HomeId = HomeId::from_bytes([1; 16]);
const OTHER: HomeId = HomeId::from_bytes([2; 16]);
const SLOT: SlotId = SlotId::from_bytes([1; 16]);
const HALL: CameraId = CameraId::from_bytes([1; 16]);
const YARD: CameraId = CameraId::from_bytes([2; 16]);
const NOWHERE: CameraId = CameraId::from_bytes([3; 16]);
const AGENT: AgentId = AgentId::from_bytes([1; 16]);
const SIBLING: AgentId = AgentId::from_bytes([2; 16]);
const CAMERAS: [CameraId; 3] = [HALL, YARD, NOWHERE];

#[derive(Clone, Copy, PartialEq)]
enum Who {
    Anyone,
    Person,
    Agent,
    Invitee,
}

/// One line per action: who, about a home or a camera, the right, stopped by lockdown, and what account and home states leave.
struct Rule {
    action: Action,
    who: Who,
    about: &'static str,
    right: Option<Right>,
    viewing: bool,
    /// Account states besides active: `s` suspended, `c` closing.
    account: &'static str,
    /// The same of the home.
    home: &'static str,
}

const fn rule(
    action: Action,
    who: Who,
    about: &'static str,
    right: Option<Right>,
    viewing: bool,
    account: &'static str,
    home: &'static str,
) -> Rule {
    Rule { action, who, about, right, viewing, account, home }
}

const RULES: [Rule; 39] = {
    use Right::{Delete, Download, Manage, Review};
    use Who::{Agent, Anyone, Invitee, Person};
    [
        rule(ReadService, Anyone, "", None, false, "sc", "sc"),
        rule(SignUp, Anyone, "", None, false, "sc", "sc"),
        rule(SignIn, Anyone, "", None, false, "sc", "sc"),
        rule(Recover, Anyone, "", None, false, "sc", "sc"),
        rule(AnswerPairing, Anyone, "", None, false, "sc", "sc"),
        rule(OpenAgentSession, Anyone, "", None, false, "sc", "sc"),
        rule(ReadAccount, Person, "", None, false, "sc", "sc"),
        rule(ChangeAccount, Person, "", None, false, "c", "sc"),
        rule(EndSessions, Person, "", None, false, "sc", "sc"),
        rule(ListHomes, Person, "", None, false, "c", "sc"),
        rule(CreateHome, Person, "", None, false, "", "sc"),
        rule(ReadHome, Person, "home", None, false, "c", "sc"),
        rule(ReadChain, Person, "home", None, false, "", "c"),
        rule(AppendChain, Person, "home", None, false, "", "c"),
        rule(ReadPeople, Person, "home", None, false, "", "c"),
        rule(ManageHome, Person, "home", Some(Manage), false, "", ""),
        rule(LeaveHome, Person, "home", None, false, "c", "sc"),
        rule(SetLockdown, Person, "home", Some(Manage), false, "", "c"),
        rule(Pair, Person, "home", Some(Manage), false, "", ""),
        rule(ReadAgents, Person, "home", None, false, "", "c"),
        rule(ReadCameras, Person, "home", Some(Review), false, "", "c"),
        rule(ManageCamera, Person, "camera", Some(Manage), false, "", "c"),
        rule(ListEvents, Person, "home", Some(Review), true, "", "c"),
        rule(ReadEvent, Person, "camera", Some(Review), true, "", "c"),
        rule(ReadSegment, Person, "camera", Some(Review), true, "", "c"),
        rule(DownloadSegment, Person, "camera", Some(Download), true, "", "c"),
        rule(KeepEvent, Person, "camera", Some(Review), false, "", "c"),
        rule(DeleteEvent, Person, "camera", Some(Delete), false, "", "c"),
        rule(MarkSeen, Person, "camera", Some(Review), true, "", "c"),
        rule(ReadEventViews, Person, "camera", Some(Review), true, "", "c"),
        rule(ReadHomeViews, Person, "home", Some(Review), true, "", "c"),
        rule(Updates, Person, "home", Some(Review), true, "", "c"),
        rule(OpenInvitation, Invitee, "home", None, false, "sc", ""),
        rule(AcceptInvitation, Invitee, "home", None, false, "", ""),
        rule(AgentReadChain, Agent, "home", None, false, "sc", "sc"),
        rule(AgentStatus, Agent, "home", None, false, "sc", "sc"),
        rule(AgentPutCamera, Agent, "camera", None, false, "sc", ""),
        rule(AgentIngest, Agent, "camera", None, false, "sc", ""),
        rule(AgentReportGap, Agent, "camera", None, false, "sc", ""),
    ]
};

/// A world of few things. It also notes which aggregates were looked at.
#[derive(Default)]
struct Small {
    service: Option<ServiceFacts>,
    session: Option<SessionFacts>,
    invitation: Option<SessionFacts>,
    account: Option<AccountFacts>,
    home: Option<HomeFacts>,
    loaded: HashMap<Key, Loaded>,
    looked: RefCell<BTreeSet<Key>>,
}

impl Small {
    fn finish(mut self) -> Self {
        let mut put = |key, facts: Option<Loaded>| {
            self.loaded.extend(facts.map(|facts| (key, facts)));
        };
        put(Key::Service, self.service.clone().map(|facts| Loaded::Service(Arc::new(facts))));
        put(Key::Session(TOKEN), self.session.clone().map(|facts| Loaded::Session(Arc::new(facts))));
        put(Key::Session(INVITE), self.invitation.clone().map(|facts| Loaded::Session(Arc::new(facts))));
        put(Key::Account(ME), self.account.clone().map(|facts| Loaded::Account(Arc::new(facts))));
        put(Key::Home(HOME), self.home.clone().map(|facts| Loaded::Home(Arc::new(facts))));
        self
    }
}

impl View for Small {
    fn look(&self, key: Key) -> Look<'_> {
        self.looked.borrow_mut().insert(key);
        self.loaded.get(&key).map_or(Look::Absent, Look::Here)
    }
}

/// What the oracle says, as far as it matters to anybody.
#[derive(Debug, PartialEq)]
struct Yes {
    principal: Principal,
    home: Option<HomeId>,
    camera: Option<CameraId>,
    covers: Vec<CameraId>,
    rights: Rights,
    lockdown: bool,
}

fn state_leaves(state: State, states: &str) -> bool {
    match state {
        State::Active => true,
        State::Suspended => states.contains('s'),
        State::Closing => states.contains('c'),
    }
}

fn oracle(world: &Small, credential: &Credential, ask: &Ask) -> Result<Yes, Denied> {
    let rule = RULES.iter().find(|rule| rule.action == ask.action).unwrap();
    match rule.who {
        Who::Anyone => Ok(Yes {
            principal: Principal::Anyone,
            home: None,
            camera: None,
            covers: vec![],
            rights: Rights::NONE,
            lockdown: false,
        }),
        Who::Person => oracle_person(world, credential, ask, rule),
        Who::Agent => oracle_agent(world, credential, ask, rule),
        Who::Invitee => oracle_invitee(world, credential, ask, rule),
    }
}

fn live(world: &Small, session: Option<&SessionFacts>) -> bool {
    let since = world.service.as_ref().unwrap().sessions_since;
    session.is_some_and(|s| !s.ended && s.expires > NOW && s.since >= since)
}

fn oracle_person(world: &Small, credential: &Credential, ask: &Ask, rule: &Rule) -> Result<Yes, Denied> {
    if *credential != Credential::Session(TOKEN) {
        return Err(Denied::NotSignedIn);
    }
    let Some(service) = &world.service else { return Err(Denied::Unavailable) };
    if !live(world, world.session.as_ref()) || world.session.as_ref().unwrap().subject != Subject::Person(ME)
    {
        return Err(Denied::NotSignedIn);
    }
    let Some(account) = &world.account else { return Err(Denied::NotSignedIn) };
    if !state_leaves(account.state, rule.account) {
        return Err(Denied::Suspended);
    }
    let mut yes = Yes {
        principal: Principal::Person(ME),
        home: None,
        camera: None,
        covers: vec![],
        rights: Rights::NONE,
        lockdown: service.lockdown,
    };
    if rule.about.is_empty() {
        return Ok(yes);
    }
    let mut rows = account.relations.clone();
    rows.retain(|row| Some(row.home) == ask.home);
    rows.retain(|row| row.from <= NOW);
    rows.retain(|row| match row.until {
        None => true,
        Some(until) => until > NOW,
    });
    let found = world.home.as_ref().filter(|home| Some(home.home) == ask.home);
    let (false, Some(home)) = (rows.is_empty(), found) else { return Err(Denied::NotFound) };
    if rule.about == "camera" && ask.camera.is_none() {
        return Err(Denied::NotFound);
    }
    if let Some(camera) = ask.camera {
        rows.retain(|row| row.cameras.is_none() || row.cameras.as_ref().unwrap().contains(&camera));
        if rows.is_empty() || !home.cameras.contains_key(&camera) {
            return Err(Denied::NotFound);
        }
    }
    for right in Right::ALL {
        let whole_home_needed = right == Right::Manage && ask.camera.is_none();
        if rows.iter().any(|row| row.rights.has(right) && (row.cameras.is_none() || !whole_home_needed)) {
            yes.rights = yes.rights.with(right);
        }
    }
    if rule.right.is_some() && !yes.rights.has(rule.right.unwrap()) {
        return Err(Denied::NotAllowed);
    }
    if !state_leaves(home.state, rule.home) {
        return Err(Denied::Suspended);
    }
    yes.lockdown = service.lockdown || home.lockdown;
    if rule.viewing && yes.lockdown {
        return Err(Denied::Lockdown);
    }
    let locked = |camera: &CameraId| home.cameras.get(camera).is_some_and(|facts| facts.lockdown);
    if rule.viewing && ask.camera.as_ref().is_some_and(locked) {
        return Err(Denied::Lockdown);
    }
    rows.retain(|row| rule.right.is_none() || row.rights.has(rule.right.unwrap()));
    let some_locked = home.cameras.values().any(|facts| facts.lockdown);
    for camera in CAMERAS {
        let in_rows = rows.iter().any(|row| row.cameras.as_ref().is_none_or(|set| set.contains(&camera)));
        let asked = ask.camera.is_none_or(|asked| asked == camera);
        let shown = !rule.viewing || !some_locked || (home.cameras.contains_key(&camera) && !locked(&camera));
        if in_rows && asked && shown {
            yes.covers.push(camera);
        }
    }
    (yes.home, yes.camera) = (Some(HOME), ask.camera);
    Ok(yes)
}

fn oracle_agent(world: &Small, credential: &Credential, ask: &Ask, rule: &Rule) -> Result<Yes, Denied> {
    if *credential != Credential::Session(TOKEN) {
        return Err(Denied::NotSignedIn);
    }
    if world.service.is_none() {
        return Err(Denied::Unavailable);
    }
    if !live(world, world.session.as_ref()) {
        return Err(Denied::NotSignedIn);
    }
    let Subject::Agent { home: own, agent } = world.session.as_ref().unwrap().subject else {
        return Err(Denied::NotSignedIn);
    };
    if ask.home.is_some() && ask.home != Some(own) {
        return Err(Denied::NotFound);
    }
    let Some(home) = world.home.as_ref().filter(|home| home.home == own) else {
        return Err(Denied::NotFound);
    };
    let Some(facts) = home.agents.get(&agent) else { return Err(Denied::NotSignedIn) };
    match facts.state {
        State::Suspended => return Err(Denied::Suspended),
        State::Closing if rule.about == "camera" => return Err(Denied::Suspended),
        _ => {}
    }
    let mut covers = vec![];
    match ask.camera {
        None if rule.about == "camera" => return Err(Denied::NotFound),
        None => covers
            .extend(CAMERAS.into_iter().filter(|id| home.cameras.get(id).is_some_and(|c| c.agent == agent))),
        Some(camera) => {
            covers.push(camera);
            match home.cameras.get(&camera) {
                None if ask.action == AgentPutCamera => {}
                None => return Err(Denied::NotFound),
                Some(facts) if facts.agent != agent => return Err(Denied::NotFound),
                Some(facts) if facts.removed => return Err(Denied::Removed),
                Some(facts) if ask.action == AgentIngest && !facts.on => return Err(Denied::SwitchedOff),
                Some(_) => {}
            }
        }
    }
    if !state_leaves(home.state, rule.home) {
        return Err(Denied::Suspended);
    }
    Ok(Yes {
        principal: Principal::Agent(agent),
        home: Some(own),
        camera: ask.camera,
        covers,
        rights: Rights::NONE,
        lockdown: false,
    })
}

fn oracle_invitee(world: &Small, credential: &Credential, ask: &Ask, rule: &Rule) -> Result<Yes, Denied> {
    let Credential::Invitation { home: claimed, slot: claimed_slot, token, session } = *credential else {
        return Err(Denied::NotFound);
    };
    if world.service.is_none() {
        return Err(Denied::Unavailable);
    }
    let mut principal = Principal::Invitee(claimed_slot);
    if ask.action == AcceptInvitation {
        let signed_in = session == Some(TOKEN) && live(world, world.session.as_ref());
        if !signed_in || world.session.as_ref().unwrap().subject != Subject::Person(ME) {
            return Err(Denied::NotSignedIn);
        }
        match &world.account {
            None => return Err(Denied::NotSignedIn),
            Some(account) if !state_leaves(account.state, rule.account) => return Err(Denied::Suspended),
            Some(_) => principal = Principal::Person(ME),
        }
    }
    let facts = if token == INVITE { &world.invitation } else { &world.session };
    let Some(facts) = facts else { return Err(Denied::NotFound) };
    if facts.subject != (Subject::Invitation { home: claimed, slot: claimed_slot }) {
        return Err(Denied::NotFound);
    }
    if facts.ended || facts.expires <= NOW || (ask.home.is_some() && ask.home != Some(claimed)) {
        return Err(Denied::NotFound);
    }
    let Some(home) = world.home.as_ref().filter(|home| home.home == claimed) else {
        return Err(Denied::NotFound);
    };
    if !state_leaves(home.state, rule.home) {
        return Err(Denied::Suspended);
    }
    Ok(Yes {
        principal,
        home: Some(claimed),
        camera: None,
        covers: vec![],
        rights: Rights::NONE,
        lockdown: false,
    })
}

fn told(verdict: Verdict) -> Result<Yes, Denied> {
    match verdict {
        Verdict::Deny(denied) => Err(denied),
        Verdict::Lack(key) => panic!("{key:?} was said to be lacking"),
        Verdict::Allow(grant) => Ok(Yes {
            principal: grant.principal,
            home: grant.home,
            camera: grant.camera,
            covers: CAMERAS.into_iter().filter(|camera| grant.cameras.covers(*camera)).collect(),
            rights: grant.rights,
            lockdown: grant.lockdown,
        }),
    }
}

/// Compares, and returns how many were decided, and how many of them with yes.
fn compare(world: Small, credentials: &[Credential], asks: &[Ask]) -> (u64, u64) {
    let world = world.finish();
    let (mut all, mut allowed) = (0, 0);
    for credential in credentials {
        for ask in asks {
            world.looked.borrow_mut().clear();
            let decided = told(decide(&world, credential, ask, NOW));
            let expected = oracle(&world, credential, ask);
            assert_eq!(
                decided, expected,
                "{credential:?} {ask:?}\nservice {:?}\nsession {:?}\ninvitation {:?}\naccount {:?}\nhome {:?}",
                world.service, world.session, world.invitation, world.account, world.home
            );
            strangers_looked_at_no_home(&world, ask);
            all += 1;
            allowed += u64::from(decided.is_ok());
        }
    }
    (all, allowed)
}

fn strangers_looked_at_no_home(world: &Small, ask: &Ask) {
    let rule = RULES.iter().find(|rule| rule.action == ask.action).unwrap();
    let looked = world.looked.borrow();
    let belongs = world.account.as_ref().is_some_and(|account| {
        account.relations.iter().any(|row| Some(row.home) == ask.home && row.in_force(NOW))
    });
    if rule.who == Who::Person && !belongs {
        assert!(!looked.iter().any(|key| matches!(key, Key::Home(_))), "{ask:?} looked at {looked:?}");
    }
}

fn asks(who: Who) -> Vec<Ask> {
    let actions = RULES.iter().filter(|rule| rule.who == who).map(|rule| rule.action);
    let mut asks = vec![];
    for action in actions {
        for home in [None, Some(HOME), Some(OTHER)] {
            asks.extend([None, Some(HALL), Some(YARD), Some(NOWHERE)].map(|camera| Ask {
                action,
                home,
                camera,
            }));
        }
    }
    asks
}

fn session(subject: Subject) -> SessionFacts {
    SessionFacts {
        subject,
        session: Some(SessionId::from_bytes([1; 16])),
        device: "a browser".into(),
        since: Revision(5),
        expires: UnixMillis(NOW.0 + 1),
        ended: false,
    }
}

/// The session live, and every way in which it is not.
fn sessions(subject: Subject) -> Vec<Option<SessionFacts>> {
    let live = session(subject);
    vec![
        Some(live.clone()),
        None,
        Some(SessionFacts { ended: true, ..live.clone() }),
        Some(SessionFacts { expires: NOW, ..live.clone() }),
        Some(SessionFacts { since: Revision(4), ..live }),
    ]
}

fn service(lockdown: bool) -> Option<ServiceFacts> {
    Some(ServiceFacts { lockdown, sessions_since: Revision(5) })
}

fn row(
    home: HomeId,
    rights: Rights,
    cameras: Option<&[CameraId]>,
    from: i64,
    until: Option<i64>,
) -> Relation {
    Relation {
        home,
        slot: SLOT,
        rights,
        cameras: cameras.map(|cameras| cameras.iter().copied().collect()),
        from: UnixMillis(from),
        until: until.map(UnixMillis),
        since: Revision(1),
    }
}

fn account(state: State, relations: Vec<Relation>) -> Option<AccountFacts> {
    Some(AccountFacts { account: ME, state, touched: Revision(3), relations })
}

const STATES: [State; 3] = [State::Active, State::Suspended, State::Closing];

fn homes() -> Vec<HomeFacts> {
    let mut homes = vec![];
    for state in STATES {
        for bits in 0..32u8 {
            let (lockdown, locked, on, listed) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0);
            let hall = CameraFacts { agent: AGENT, on, lockdown: locked, removed: bits & 16 != 0 };
            let yard = CameraFacts { agent: SIBLING, on: true, lockdown: false, removed: false };
            homes.push(HomeFacts {
                home: HOME,
                org: OrgId::from_bytes([0; 16]),
                state,
                lockdown,
                chain_seq: 7,
                touched: Revision(4),
                cameras: if listed { BTreeMap::from([(HALL, hall), (YARD, yard)]) } else { BTreeMap::new() },
                agents: BTreeMap::from([(AGENT, AgentFacts { state: State::Active })]),
            });
        }
    }
    homes
}

/// Every set of rights over the whole home and over one camera, windows open and not, another home's, and pairs.
fn relations() -> Vec<Vec<Relation>> {
    let mut menu = vec![vec![]];
    for bits in 0..32 {
        let rights = Rights::from_bits(bits);
        menu.push(vec![row(HOME, rights, None, 0, None)]);
        menu.push(vec![row(HOME, rights, Some(&[HALL]), 0, None)]);
    }
    let owner = Rights::OWNER;
    for (from, until) in [(NOW.0, None), (NOW.0 + 1, None), (0, Some(NOW.0)), (0, Some(NOW.0 + 1))] {
        menu.push(vec![row(HOME, owner, None, from, until)]);
    }
    menu.push(vec![row(OTHER, owner, None, 0, None)]);
    menu.push(vec![row(HOME, owner, Some(&[]), 0, None)]);
    let review = Rights::NONE.with(Right::Review);
    menu.push(vec![row(HOME, review, Some(&[HALL]), 0, None), row(HOME, owner, Some(&[YARD]), 0, None)]);
    menu.push(vec![row(HOME, Rights::NONE, None, 0, None), row(HOME, review, Some(&[YARD]), 0, None)]);
    menu.push(vec![row(HOME, owner, None, NOW.0 + 1, None), row(HOME, review, Some(&[HALL]), 0, None)]);
    menu
}

#[test]
fn a_persons_decisions_are_the_oracles() {
    let (asks, token) = (asks(Who::Person), [Credential::Session(TOKEN)]);
    let (mut all, mut allowed) = (0, 0);
    // Whether a camera is on is its agent's business; that it isn't a person's is shown where agents are. That it was removed is
    // shown to change nothing for a person in an active home.
    let is_on = |home: &HomeFacts| {
        home.cameras.get(&HALL).is_none_or(|hall| hall.on && (!hall.removed || home.state == State::Active))
    };
    for home in homes().into_iter().filter(is_on) {
        for relations in relations() {
            for lockdown in [false, true] {
                let world = Small {
                    service: service(lockdown),
                    session: Some(session(Subject::Person(ME))),
                    account: account(State::Active, relations.clone()),
                    home: Some(home.clone()),
                    ..Small::default()
                };
                let counted = compare(world, &token, &asks);
                (all, allowed) = (all + counted.0, allowed + counted.1);
            }
        }
    }
    assert!(all > 500_000 && allowed > 100_000, "{allowed} of {all}: the combinations say little");
}

#[test]
fn states_and_sessions_decide_as_the_oracle_says() {
    let asks = asks(Who::Person);
    let invitation = Credential::Invitation { home: HOME, slot: SLOT, token: INVITE, session: Some(TOKEN) };
    let credentials = [Credential::None, Credential::Session(TOKEN), Credential::Session(INVITE), invitation];
    let subjects = [
        Subject::Person(ME),
        Subject::Agent { home: HOME, agent: AGENT },
        Subject::Invitation { home: HOME, slot: SLOT },
    ];
    let mut allowed = 0;
    for session in subjects.into_iter().flat_map(sessions) {
        for state in STATES {
            for relations in [vec![], vec![row(HOME, Rights::OWNER, None, 0, None)]] {
                for home in homes().into_iter().map(Some).chain([None]) {
                    let world = Small {
                        service: service(false),
                        session: session.clone(),
                        account: account(state, relations.clone()),
                        home,
                        ..Small::default()
                    };
                    allowed += compare(world, &credentials, &asks).1;
                }
            }
        }
    }
    assert!(allowed > 0);
}

#[test]
fn agents_decisions_are_the_oracles() {
    let asks = asks(Who::Agent);
    let credentials = [Credential::None, Credential::Session(TOKEN)];
    let subjects = [
        Subject::Agent { home: HOME, agent: AGENT },
        Subject::Agent { home: HOME, agent: SIBLING },
        Subject::Agent { home: OTHER, agent: AGENT },
        Subject::Person(ME),
    ];
    let mut allowed = 0;
    for session in subjects.into_iter().flat_map(sessions) {
        for state in STATES {
            for mut home in homes() {
                home.agents = BTreeMap::from([(AGENT, AgentFacts { state })]);
                let world = Small {
                    service: service(false),
                    session: session.clone(),
                    account: account(State::Active, vec![row(HOME, Rights::OWNER, None, 0, None)]),
                    home: Some(home),
                    ..Small::default()
                };
                allowed += compare(world, &credentials, &asks).1;
            }
        }
    }
    assert!(allowed > 0);
}

#[test]
fn invitees_decisions_are_the_oracles() {
    let asks = asks(Who::Invitee);
    let mut credentials = vec![Credential::None, Credential::Session(TOKEN), Credential::Session(INVITE)];
    for home in [HOME, OTHER] {
        for slot in [SLOT, SlotId::from_bytes([9; 16])] {
            for token in [TOKEN, INVITE] {
                credentials.extend([None, Some(TOKEN)].map(|session| Credential::Invitation {
                    home,
                    slot,
                    token,
                    session,
                }));
            }
        }
    }
    let mut allowed = 0;
    for invitation in sessions(Subject::Invitation { home: HOME, slot: SLOT }) {
        for session in sessions(Subject::Person(ME)) {
            for state in STATES {
                for home in homes() {
                    let world = Small {
                        service: service(true),
                        session: session.clone(),
                        invitation: invitation.clone(),
                        account: account(state, vec![]),
                        home: Some(home),
                        ..Small::default()
                    };
                    allowed += compare(world, &credentials, &asks).1;
                }
            }
        }
    }
    assert!(allowed > 0);
}

#[test]
fn without_the_services_row_only_what_everybody_may_is_allowed() {
    for who in [Who::Person, Who::Agent, Who::Invitee] {
        let world = Small {
            session: Some(session(Subject::Person(ME))),
            account: account(State::Active, vec![row(HOME, Rights::OWNER, None, 0, None)]),
            home: homes().pop(),
            ..Small::default()
        };
        let allowed = compare(world, &[Credential::Session(TOKEN)], &asks(who)).1;
        assert_eq!(allowed, 0);
    }
    let everybody = compare(Small::default(), &[Credential::None], &asks(Who::Anyone));
    assert_eq!(everybody.0, everybody.1);
}

#[test]
fn every_action_has_a_rule_and_lists_say_nothing_of_locked_cameras() {
    let named: BTreeSet<Action> = RULES.iter().map(|rule| rule.action).collect();
    assert_eq!(named, Action::ALL.into_iter().collect());
    assert_eq!(named.len(), RULES.len());
    let mut home = homes().into_iter().find(|home| !home.cameras.is_empty()).unwrap();
    home.cameras.get_mut(&HALL).unwrap().lockdown = true;
    let world = Small {
        service: service(false),
        session: Some(session(Subject::Person(ME))),
        account: account(State::Active, vec![row(HOME, Rights::OWNER, None, 0, None)]),
        home: Some(home),
        ..Small::default()
    };
    let verdict = decide(&world.finish(), &Credential::Session(TOKEN), &Ask::home(ListEvents, HOME), NOW);
    let Verdict::Allow(grant) = verdict else { panic!("{verdict:?}") };
    assert_eq!(grant.cameras, CameraScope::Some(BTreeSet::from([YARD])));
}
