//! Every stranger against every route, with every id of the first home.
//!
//! The table of routes drives it: each route's own example is sent by everybody who has no right to it, then by whoever has. A
//! stranger's answer must be that for ids that don't exist, byte for byte but for the date and the request's number; the stores
//! must have been asked the same little for both, and nothing of the home.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use keepsight_cloud::example::{ExampleBody, ExampleRequest, Stage as Props};
use keepsight_cloud::routes::{RouteInfo, table};
use keepsight_gate::{Action, PrincipalKind, Scope};
use keepsight_ids::B32;
use keepsight_person::Person;
use keepsight_seal::Invitation;
use keepsight_sim::caller::{json, refusal, text, traits};
use keepsight_sim::household::{caller_of, contains, login_of};
use keepsight_sim::watched::Call;
use keepsight_sim::{Caller, Household, Shown, Stage, Traits, props};
use serde_json::Value;

/// How a route meets a stranger, where it isn't by finding nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It names nothing of anybody's: everybody has the same answer.
    Alike,
    /// It is about the caller's own account; another's ids in it find nothing.
    Own,
    /// What gives the right stands in the body, and without it nothing is found.
    Proof,
    /// What gives the right is the code's look-up part in the path.
    Code,
    /// It is about the home in the agent's own session, whatever the body names.
    OwnHome,
}

/// Routes that no home's relation guards, and why a stranger may ask at all. The test below compares this list with the table.
const OTHERWISE: [(&str, &str, Met, &str); 26] = [
    ("GET", "/api/v1/service", Met::Alike, "says what the service is, and nothing of anybody"),
    ("GET", "/api/v1/openapi.json", Met::Alike, "describes the API"),
    (
        "POST",
        "/api/v1/sign-in/parameters",
        Met::Proof,
        "needed before anybody is signed in; names that don't exist have an answer too",
    ),
    (
        "POST",
        "/api/v1/sign-up",
        Met::Alike,
        "whoever is no one yet; the ticket is probed in leak_channels, first_start",
    ),
    ("POST", "/api/v1/sign-in", Met::Proof, "whoever has the password becomes its account"),
    ("POST", "/api/v1/recovery/open", Met::Proof, "whoever has the recovery code may replace the password"),
    ("POST", "/api/v1/recovery/replace", Met::Proof, "the same"),
    ("POST", "/api/v1/sign-out", Met::Own, "ends the caller's own session"),
    ("GET", "/api/v1/account", Met::Own, "the caller's own account"),
    ("PUT", "/api/v1/account/password", Met::Own, "the caller's own password"),
    ("PUT", "/api/v1/account/recovery", Met::Own, "the caller's own recovery code"),
    (
        "PUT",
        "/api/v1/account/keys",
        Met::Own,
        "the caller's own keys; the statement is signed by the account's",
    ),
    ("GET", "/api/v1/account/sessions", Met::Own, "the caller's own sign-ins"),
    ("DELETE", "/api/v1/account/sessions", Met::Own, "the caller's own other sign-ins"),
    ("DELETE", "/api/v1/account/sessions/{session}", Met::Own, "one of the caller's own sign-ins"),
    ("GET", "/api/v1/homes", Met::Own, "the caller's own homes"),
    ("POST", "/api/v1/homes", Met::Own, "a new home of the caller's; its first entry names its owner"),
    ("POST", "/api/v1/invitations/open", Met::Proof, "whoever has the link"),
    ("POST", "/api/v1/invitations/accept", Met::Proof, "whoever has the link, signed in"),
    (
        "POST",
        "/agent/v1/pairings/{lookup}/open",
        Met::Code,
        "whoever was given the code; the offer says nothing that it doesn't",
    ),
    (
        "POST",
        "/agent/v1/pairings/{lookup}/answer",
        Met::Code,
        "the same; an answer without the code's secret is refused by the owner",
    ),
    ("POST", "/agent/v1/challenge", Met::Alike, "random bytes"),
    ("POST", "/agent/v1/session", Met::Proof, "whoever has the agent's key"),
    ("GET", "/agent/v1/chain", Met::OwnHome, "no home stands in it: it is the session's"),
    ("POST", "/agent/v1/status", Met::OwnHome, "the session's home; another's cameras in it are left out"),
    (
        "PUT",
        "/agent/v1/cameras/{camera}",
        Met::OwnHome,
        "a camera of the session's home; another home's id is a new one there",
    ),
];

fn name(route: &RouteInfo) -> String {
    format!("{} {}", route.method, route.path)
}

fn otherwise(route: &RouteInfo) -> Option<Met> {
    OTHERWISE.iter().find(|row| (row.0, row.1) == (route.method.as_str(), route.path)).map(|row| row.2)
}

#[test]
fn what_no_relation_guards_is_listed_with_its_reason_and_nothing_else_is() {
    let table = table();
    let listed: BTreeSet<String> = OTHERWISE.iter().map(|row| format!("{} {}", row.0, row.1)).collect();
    assert_eq!(listed.len(), OTHERWISE.len(), "each once");
    for row in OTHERWISE {
        let route = table.iter().find(|route| name(route) == format!("{} {}", row.0, row.1));
        let route = route.unwrap_or_else(|| panic!("there is no {} {}", row.0, row.1));
        assert!(row.3.len() > 5, "{} has no reason", name(route));
        let right = match row.2 {
            Met::Alike | Met::Code => route.principal == PrincipalKind::Anyone,
            Met::Own => (route.principal, route.action.scope()) == (PrincipalKind::Person, Scope::Account),
            Met::Proof => matches!(route.principal, PrincipalKind::Anyone | PrincipalKind::Invitee),
            Met::OwnHome => route.principal == PrincipalKind::Agent && !route.path.contains("events"),
        };
        assert!(right, "{} is not what the list says", name(route));
    }
    for route in table.iter().filter(|route| !listed.contains(&name(route))) {
        assert!(
            matches!(route.principal, PrincipalKind::Person | PrincipalKind::Agent)
                && matches!(route.action.scope(), Scope::Home | Scope::Camera),
            "{} is guarded by no relation to a home, and is not listed",
            name(route)
        );
    }
}

/// Which kind of session a stranger has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    None,
    Person,
    Agent,
}

struct Stranger {
    who: &'static str,
    caller: Caller,
    session: Session,
    /// To sign in anew where an example ends the session.
    again: Option<(String, B32)>,
}

impl Stranger {
    fn new(who: &'static str, caller: Caller, session: Session) -> Self {
        Self { who, caller, session, again: None }
    }

    async fn person(stage: &Stage, who: &'static str, person: &Person) -> Self {
        let again = Some((person.name().to_owned(), login_of(person).await));
        Self { again, ..Self::new(who, caller_of(stage, person), Session::Person) }
    }

    fn signed_in_for(&self, route: &RouteInfo) -> bool {
        match route.principal {
            PrincipalKind::Person => self.session == Session::Person,
            PrincipalKind::Agent => self.session == Session::Agent,
            PrincipalKind::Anyone | PrincipalKind::Invitee => true,
        }
    }
}

/// Everybody who is on the stage.
struct Cast {
    stage: Stage,
    elm: Household,
    oak: Household,
    /// Belongs to elm's home, for the example of leaving.
    member: Person,
    /// For the examples of invitations.
    invitation: Invitation,
    invitee: Person,
    strangers: Vec<Stranger>,
}

impl Cast {
    async fn gather() -> Self {
        let stage = Stage::start().await;
        let mut elm = stage.home("elm", "12 Elm Street").await;
        let oak = stage.home("oak", "3 Oak Lane").await;
        let member = elm.member(&stage, "birch").await;
        let former = elm.member(&stage, "ash").await;
        elm.remove(&former).await;
        let pending = elm.invite().await;
        let invited = stage.person("beech").await;
        let (invitation, invitee) = (elm.invite().await, stage.person("cedar").await);
        let fired = elm.pair(&stage).await;
        elm.owner.remove_agent(elm.home, fired.agent).await.unwrap();
        // Sealed to the epoch in force.
        elm.event = elm.agent.record(elm.camera, "12 Elm Street").await;

        let token = |caller: &Caller| match caller.shown() {
            Shown::Cookie(token) | Shown::Bearer(token) => token.clone(),
            Shown::Nothing => unreachable!("everybody here has one"),
        };
        let signed_out = stage.sign_in("elm", elm.login).await;
        signed_out.send(&Method::POST, "/api/v1/sign-out", &ExampleBody::Nothing).await;
        let invitation_token = data_encoding::BASE64URL_NOPAD.encode(&pending.token().0);
        let strangers = vec![
            Stranger::person(&stage, "another home's owner", &oak.owner).await,
            Stranger::person(&stage, "an ex-member", &former).await,
            Stranger::person(&stage, "an invitee who has not accepted", &invited).await,
            Stranger::new(
                "an invitation's token as a cookie",
                stage.caller(Shown::Cookie(invitation_token.clone())),
                Session::None,
            ),
            Stranger::new(
                "an invitation's token as a bearer",
                stage.caller(Shown::Bearer(invitation_token)),
                Session::None,
            ),
            Stranger::new("another home's agent", oak.agent.caller().clone(), Session::Agent),
            Stranger::new(
                "another home's agent, as a cookie",
                stage.caller(Shown::Cookie(token(oak.agent.caller()))),
                Session::None,
            ),
            Stranger::new(
                "the home's own agent, as a cookie",
                stage.caller(Shown::Cookie(token(elm.agent.caller()))),
                Session::None,
            ),
            Stranger::new(
                "the home's own owner, as a bearer",
                stage.caller(Shown::Bearer(token(&elm.caller(&stage)))),
                Session::None,
            ),
            Stranger::new("an agent that was taken out", fired.caller().clone(), Session::None),
            Stranger::new("a signed-out browser", signed_out, Session::None),
            Stranger::new("nobody", stage.nobody(), Session::None),
        ];
        Self { stage, elm, oak, member, invitation, invitee, strangers }
    }

    async fn props(&self, route: &RouteInfo) -> Props {
        props::real(&self.stage, &self.elm, &self.invitation, &self.invitee, route.action).await
    }

    /// Sends a request, and says what the stores were asked for it.
    async fn probe(&self, caller: &Caller, method: &Method, request: &ExampleRequest) -> (Traits, Vec<Call>) {
        // What is known of the caller is in memory then, whatever was asked before.
        caller.get("/api/v1/homes").await;
        caller.get("/agent/v1/chain").await;
        self.stage.book.take();
        let answer = caller.play(method, request).await;
        let calls = self.stage.book.take();
        (traits(&answer), calls)
    }

    /// That nothing of elm's home was asked of a store.
    fn nothing_of_the_home(&self, calls: &[Call], what: &str) {
        for call in calls {
            assert!(!call.homes.contains(&self.elm.home), "{what}: {call:?}");
        }
    }

    /// That no text of elm's home stands in an answer.
    fn says_nothing(&self, answer: &Traits, asked: &ExampleRequest, what: &str) {
        let event = &self.elm.event;
        let own = [
            self.elm.home.to_string(),
            event.camera.to_string(),
            event.event.to_string(),
            self.elm.agent.agent.to_string(),
        ];
        for id in own.iter().filter(|id| !says(&asked.body, id)) {
            assert!(!answer.body.contains(id.as_str()), "{what}: {id} stands in {}", answer.body);
        }
        assert!(!event.is_in(answer.body.as_bytes()), "{what} has footage in its answer to {}", asked.path);
    }
}

/// Whether the caller itself said this id, in a document that it sent.
fn says(body: &ExampleBody, id: &str) -> bool {
    let ExampleBody::Json(body) = body else { return false };
    let mut values = vec![body];
    while let Some(value) = values.pop() {
        match value {
            Value::Object(fields) => values.extend(fields.values()),
            Value::Array(items) => values.extend(items),
            Value::String(text) => {
                let document = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default();
                if contains(&document, id.as_bytes()) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// What the example of a route is worth, from those that change nothing to those after which little is left.
fn rank(route: &RouteInfo) -> u32 {
    if route.path == "/api/v1/account/keys" {
        // Nothing that the owner's old keys sign is worth anything after it.
        return 6;
    }
    match (route.action, &route.method) {
        (Action::ChangeAccount | Action::Recover, _) => 1,
        (Action::AcceptInvitation | Action::LeaveHome, _) => 2,
        (Action::DeleteEvent, _) => 3,
        (Action::ManageCamera, &Method::DELETE) => 4,
        (Action::EndSessions, _) => 5,
        _ => 0,
    }
}

/// Answers of the caller's own have times in them, and a made-up salt is another for each name.
fn blanked(mut answer: Traits) -> Traits {
    if let Ok(serde_json::Value::Object(mut body)) = serde_json::from_str(&answer.body) {
        for field in ["now", "salt", "challenge"] {
            if let Some(value) = body.get_mut(field) {
                let length = value.to_string().len();
                *value = length.into();
            }
        }
        answer.body = serde_json::Value::Object(body).to_string();
    }
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stranger_at_every_route() {
    let mut cast = Cast::gather().await;
    let mut routes = table();
    routes.sort_by_key(rank);
    for route in &routes {
        let Some(make) = route.example else {
            panic!("{} has no example: nothing can probe it", name(route))
        };
        let real = cast.props(route).await;
        let request = make(&real);
        for at in 0..cast.strangers.len() {
            meet(&mut cast, at, route, &real, &request).await;
        }
        works_for_its_own(&mut cast, route, &request).await;
    }
    let alarms = cast.stage.cloud().alarms();
    assert_eq!((alarms.misfiled(), alarms.conflicting(), alarms.bugs()), (0, 0, 0));
}

/// One stranger at one route.
async fn meet(cast: &mut Cast, at: usize, route: &RouteInfo, real: &Props, request: &ExampleRequest) {
    let stranger = &cast.strangers[at];
    let what = format!("{} at {}", stranger.who, name(route));
    match otherwise(route) {
        None if stranger.signed_in_for(route) => {
            finds_nothing(cast, stranger, route, real, request, &what).await
        }
        Some(Met::Own | Met::OwnHome) if stranger.signed_in_for(route) => {
            own_instead(cast, stranger, route, real, request, &what).await
        }
        None | Some(Met::Own | Met::OwnHome) => {
            must_sign_in(cast, stranger, route, real, request, &what).await
        }
        // Whoever asks, it is the same route: one who is signed in and one who is not stand for all.
        Some(Met::Proof) if at == 0 || at == cast.strangers.len() - 1 => {
            let without = props::without_secrets(real, request);
            let named = route.path.ends_with("/parameters");
            assert_eq!(&without == request, named, "{what}: the example has no proof in it");
            proves_nothing(cast, stranger, route, real, &without, &what).await;
        }
        Some(Met::Code) => {
            let without = props::without_secrets(real, request);
            let (answer, calls) = cast.probe(&stranger.caller, &route.method, &without).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}: {}", answer.body);
            cast.nothing_of_the_home(&calls, &what);
        }
        Some(Met::Proof | Met::Alike) => {}
    }
    let stranger = &cast.strangers[at];
    if let Some((name, login)) = stranger.again.clone().filter(|_| route.action == Action::EndSessions) {
        cast.strangers[at].caller = cast.stage.sign_in(&name, login).await;
    }
}

/// Signed in, with every right id: the answer and the work are those for ids that don't exist.
async fn finds_nothing(
    cast: &Cast,
    stranger: &Stranger,
    route: &RouteInfo,
    real: &Props,
    request: &ExampleRequest,
    what: &str,
) {
    let (answer, calls) = cast.probe(&stranger.caller, &route.method, request).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}: {}", answer.body);
    cast.says_nothing(&answer, request, what);
    cast.nothing_of_the_home(&calls, what);
    let asked: Vec<&str> = calls.iter().map(|call| call.name).filter(|name| *name != "fence").collect();
    assert!(asked.is_empty(), "{what}: {asked:?}");
    let variants = props::nowhere(real, request);
    assert!(!variants.is_empty(), "{what}: the example names nothing");
    for (ids, other) in variants {
        let (unreal, unreal_calls) = cast.probe(&stranger.caller, &route.method, &other).await;
        assert_eq!(answer, unreal, "{what}: told apart from the answer without {ids}");
        assert_eq!(work(&calls), work(&unreal_calls), "{what}: other work than without {ids}");
    }
}

/// What the stores were asked, without whose it was.
fn work(calls: &[Call]) -> Vec<(&'static str, [usize; 4])> {
    calls.iter().map(|call| (call.name, call.wanted)).collect()
}

/// Not signed in for this at all.
async fn must_sign_in(
    cast: &Cast,
    stranger: &Stranger,
    route: &RouteInfo,
    real: &Props,
    request: &ExampleRequest,
    what: &str,
) {
    let (answer, calls) = cast.probe(&stranger.caller, &route.method, request).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {}", answer.body);
    cast.nothing_of_the_home(&calls, what);
    assert!(calls.iter().all(|call| call.name == "fence"), "{what}: {calls:?}");
    for (ids, other) in props::nowhere(real, request) {
        let (unreal, unreal_calls) = cast.probe(&stranger.caller, &route.method, &other).await;
        assert_eq!(answer, unreal, "{what}: told apart from the answer without {ids}");
        assert_eq!(work(&calls), work(&unreal_calls), "{what}: other work than without {ids}");
    }
}

/// A route about the caller's own things: elm's ids in it change nothing, and nothing of elm's is told.
async fn own_instead(
    cast: &Cast,
    stranger: &Stranger,
    route: &RouteInfo,
    real: &Props,
    request: &ExampleRequest,
    what: &str,
) {
    let (answer, calls) = cast.probe(&stranger.caller, &route.method, request).await;
    cast.says_nothing(&answer, request, what);
    cast.nothing_of_the_home(&calls, what);
    for (ids, other) in props::nowhere(real, request) {
        let (unreal, unreal_calls) = cast.probe(&stranger.caller, &route.method, &other).await;
        assert_eq!(
            blanked(answer.clone()),
            blanked(unreal),
            "{what}: told apart from the answer without {ids}"
        );
        assert_eq!(work(&calls), work(&unreal_calls), "{what}: other work than without {ids}");
    }
}

/// With every right id and no proof.
async fn proves_nothing(
    cast: &Cast,
    stranger: &Stranger,
    route: &RouteInfo,
    real: &Props,
    without: &ExampleRequest,
    what: &str,
) {
    let (answer, calls) = cast.probe(&stranger.caller, &route.method, without).await;
    assert_eq!(answer.status.is_success(), route.path.ends_with("/parameters"), "{what}: {}", answer.body);
    cast.says_nothing(&answer, without, what);
    cast.nothing_of_the_home(&calls, what);
    for (ids, other) in props::nowhere(real, without) {
        let (unreal, unreal_calls) = cast.probe(&stranger.caller, &route.method, &other).await;
        assert_eq!(
            blanked(answer.clone()),
            blanked(unreal),
            "{what}: told apart from the answer without {ids}"
        );
        assert_eq!(work(&calls), work(&unreal_calls), "{what}: other work than without {ids}");
    }
}

/// The very same request, by whoever has the right: it works, after all that strangers did with it.
async fn works_for_its_own(cast: &mut Cast, route: &RouteInfo, request: &ExampleRequest) {
    let (stage, elm) = (&cast.stage, &cast.elm);
    if route.action == Action::Updates {
        let mut updates = elm.owner.updates(elm.home).await.unwrap();
        assert_eq!(updates.next().await.unwrap(), Some(keepsight_wire::people::Update::Hello));
        return;
    }
    let caller = match route.principal {
        PrincipalKind::Person if route.action == Action::LeaveHome => caller_of(stage, &cast.member),
        PrincipalKind::Person if route.action == Action::EndSessions => stage.sign_in("elm", elm.login).await,
        PrincipalKind::Person => elm.caller(stage),
        PrincipalKind::Agent => elm.agent.caller().clone(),
        PrincipalKind::Invitee => caller_of(stage, &cast.invitee),
        PrincipalKind::Anyone => stage.nobody(),
    };
    let answer = caller.play(&route.method, request).await;
    assert!(answer.status.is_success(), "{}: {} {}", name(route), answer.status, text(&answer));
    if let Action::ChangeAccount | Action::Recover | Action::EndSessions = route.action {
        let again = stage.sign_in("elm", elm.login).await;
        let Shown::Cookie(token) = again.shown() else { unreachable!("a browser") };
        elm.owner.api().set_cookie("ks_session", token);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_told_no_and_a_strangers_no_is_another() {
    // The control: if everybody had the same answer, the comparison above would prove nothing.
    let cast = Cast::gather().await;
    let member = caller_of(&cast.stage, &cast.member);
    let path = cast.elm.path("/lockdown");
    let body = json(&serde_json::json!({ "on": true }));
    let refused = member.send(&Method::PUT, &path, &body).await;
    assert_eq!(refusal(&refused), (403, "not_allowed".to_owned()));
    let stranger = cast.strangers[0].caller.send(&Method::PUT, &path, &body).await;
    assert_eq!(refusal(&stranger), (404, "not_found".to_owned()));
    // And the watch on the stores sees what it should.
    cast.stage.book.take();
    let seen = member.get(&cast.elm.path("/events")).await;
    let calls = cast.stage.book.take();
    assert!(contains(&seen.body, cast.elm.event.event.to_string().as_bytes()));
    let of_elm: Vec<&str> =
        calls.iter().filter(|call| call.homes.contains(&cast.elm.home)).map(|call| call.name).collect();
    assert!(of_elm.contains(&"event_page") && of_elm.contains(&"append"), "{of_elm:?}");
    assert_ne!(cast.oak.home, cast.elm.home);
}
