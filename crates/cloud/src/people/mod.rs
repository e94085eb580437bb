//! `/api/v1`: what browsers ask. The table of it all; each handler is in the file of its subject.

mod account;
mod cameras;
mod chain;
mod diff;
mod events;
mod homes;
mod household;
mod invitations;
mod keys;
mod names;
mod pairings;
pub(crate) mod rows;
mod service;
pub(crate) mod show;
mod updates;

use http::Method;
use keepsight_gate::Action;
use keepsight_wire::people::{
    Account, Agent, Camera, Chain, ChainHead, EventDetail, EventPage, Home, InvitationOpened, Pairing,
    PasswordParameters, People, RecoveryOpened, Service, Session, Update, ViewPage,
};

pub(crate) use chain::After;
pub(crate) use homes::{refused, verify_name};
pub(crate) use pairings::message;

use crate::edge::routes::Routes;
use crate::example as stage;

/// An entry of 64 KiB with an epoch's package, both in base64url, and names sealed anew.
const CHAIN_BODY: usize = 1024 * 1024;
/// A signed name of 64 KiB, in base64url.
const NAME_BODY: usize = 96 * 1024;
/// Keys replaced in 32 homes, each with an entry, an epoch's package and names sealed anew.
const KEYS_BODY: usize = 4 * 1024 * 1024;
/// A first entry, its epoch and a name.
const HOME_BODY: usize = 256 * 1024;

pub(crate) fn add(routes: &mut Routes) {
    service_routes(routes);
    account_routes(routes);
    home_routes(routes);
    household_routes(routes);
    camera_routes(routes);
    event_routes(routes);
}

fn service_routes(routes: &mut Routes) {
    routes
        .add(Method::GET, "/api/v1/service", Action::ReadService, service::service)
        .doc("What the service says of itself.")
        .answers::<Service>()
        .example(|stage| stage.get("/api/v1/service"));
    routes
        .add(Method::GET, "/api/v1/openapi.json", Action::ReadService, service::openapi)
        .doc("This document.")
        .answers::<serde_json::Value>()
        .example(|stage| stage.get("/api/v1/openapi.json"));
    routes
        .add(Method::POST, "/api/v1/sign-in/parameters", Action::SignIn, account::parameters)
        .doc("How a name's password is stretched; names that don't exist have an answer too.")
        .answers::<PasswordParameters>()
        .example(stage::parameters);
    routes
        .add(Method::POST, "/api/v1/sign-up", Action::SignUp, account::sign_up)
        .doc("Makes an account and signs in.")
        .answers::<Account>()
        .example(stage::sign_up);
    routes
        .add(Method::POST, "/api/v1/sign-in", Action::SignIn, account::sign_in)
        .doc("Signs in.")
        .answers::<Account>()
        .example(stage::sign_in);
    routes
        .add(Method::POST, "/api/v1/recovery/open", Action::Recover, account::recovery_open)
        .doc("Fetches the account's keys as wrapped by the recovery code.")
        .answers::<RecoveryOpened>()
        .example(stage::recovery_open);
    routes
        .add(Method::POST, "/api/v1/recovery/replace", Action::Recover, account::recovery_replace)
        .doc("Replaces password and recovery code by the recovery code; every other session ends.")
        .answers::<Account>()
        .example(stage::recovery_replace);
}

fn account_routes(routes: &mut Routes) {
    routes
        .add(Method::POST, "/api/v1/sign-out", Action::EndSessions, account::sign_out)
        .doc("Ends this session.")
        .example(|stage| stage.post("/api/v1/sign-out"));
    routes
        .add(Method::GET, "/api/v1/account", Action::ReadAccount, account::read)
        .doc("The caller's account.")
        .answers::<Account>()
        .example(|stage| stage.get("/api/v1/account"));
    routes
        .add(Method::PUT, "/api/v1/account/password", Action::ChangeAccount, account::change_password)
        .doc("Replaces the password; the other sessions end.")
        .example(stage::password);
    routes
        .add(Method::PUT, "/api/v1/account/recovery", Action::ChangeAccount, account::change_recovery)
        .doc("Replaces the recovery code.")
        .example(stage::recovery);
    routes
        .add(Method::PUT, "/api/v1/account/keys", Action::ChangeAccount, keys::replace)
        .doc("Replaces the account's keys, in the account and in its homes at once; the other sessions end.")
        .limit(KEYS_BODY)
        .answers::<Account>()
        .example(stage::keys);
    routes
        .add(Method::GET, "/api/v1/account/sessions", Action::ReadAccount, account::sessions)
        .doc("Where the account is signed in.")
        .answers::<Vec<Session>>()
        .example(|stage| stage.get("/api/v1/account/sessions"));
    routes
        .add(Method::DELETE, "/api/v1/account/sessions", Action::EndSessions, account::end_sessions)
        .doc("Ends every other session of the account; with `this=true` this one too.")
        .example(|stage| stage.get("/api/v1/account/sessions"));
    routes
        .add(Method::DELETE, "/api/v1/account/sessions/{session}", Action::EndSessions, account::end_session)
        .doc("Ends one session.")
        .example(|stage| stage.get(&format!("/api/v1/account/sessions/{}", stage.session)));
}

fn home_routes(routes: &mut Routes) {
    routes
        .add(Method::GET, "/api/v1/homes", Action::ListHomes, homes::list)
        .doc("The caller's homes.")
        .answers::<Vec<Home>>()
        .example(|stage| stage.get("/api/v1/homes"));
    routes
        .add(Method::POST, "/api/v1/homes", Action::CreateHome, homes::create)
        .doc("Makes a home with the caller as its owner.")
        .limit(HOME_BODY)
        .answers::<Home>()
        .example(stage::new_home);
    routes
        .add(Method::GET, "/api/v1/homes/{home}", Action::ReadHome, homes::read)
        .doc("A home.")
        .answers::<Home>()
        .example(|stage| stage.at_home(""));
    routes
        .add(Method::PUT, "/api/v1/homes/{home}/settings", Action::ManageHome, homes::settings)
        .doc("Sets time zone and retention.")
        .example(stage::settings);
    routes
        .add(Method::PUT, "/api/v1/homes/{home}/name", Action::ManageHome, homes::name)
        .doc("Names the home anew.")
        .limit(NAME_BODY)
        .example(stage::home_name);
    routes
        .add(Method::PUT, "/api/v1/homes/{home}/lockdown", Action::SetLockdown, homes::lockdown)
        .doc("Stops viewing for everybody of the home, or allows it again.")
        .example(stage::lockdown);
    routes
        .add(Method::GET, "/api/v1/homes/{home}/chain", Action::ReadChain, chain::read)
        .doc("The home's chain, and the epoch secrets sealed to the caller.")
        .answers::<Chain>()
        .example(|stage| stage.at_home("/chain?after=0"));
    routes
        .add(Method::POST, "/api/v1/homes/{home}/chain", Action::AppendChain, chain::append)
        .doc("Appends an entry; whatever it changes happens with it, or not at all.")
        .limit(CHAIN_BODY)
        .answers::<ChainHead>()
        .example(stage::chain_append);
}

fn household_routes(routes: &mut Routes) {
    routes
        .add(Method::GET, "/api/v1/homes/{home}/people", Action::ReadPeople, household::people)
        .doc("Who belongs to the home, and who is invited.")
        .answers::<People>()
        .example(|stage| stage.at_home("/people"));
    routes
        .add(Method::DELETE, "/api/v1/homes/{home}/people/me", Action::LeaveHome, homes::leave)
        .doc("Leaves the home.")
        .example(|stage| stage.at_home("/people/me"));
    routes
        .add(Method::POST, "/api/v1/invitations/open", Action::OpenInvitation, invitations::open)
        .doc("What an invitation offers to its holder.")
        .answers::<InvitationOpened>()
        .example(stage::invitation_open);
    routes
        .add(Method::POST, "/api/v1/invitations/accept", Action::AcceptInvitation, invitations::accept)
        .doc("Accepts an invitation, signed in.")
        .limit(NAME_BODY)
        .answers::<ChainHead>()
        .example(stage::invitation_accept);
    routes
        .add(Method::POST, "/api/v1/homes/{home}/pairings", Action::Pair, pairings::offer)
        .doc("Offers a pairing to an agent that is given the code.")
        .example(stage::new_pairing);
    routes
        .add(Method::GET, "/api/v1/homes/{home}/pairings/{lookup}", Action::Pair, pairings::read)
        .doc("A pairing, with the agent's answer once it has come.")
        .answers::<Pairing>()
        .example(|stage| stage.at_home(&format!("/pairings/{}", stage.lookup)));
    routes
        .add(Method::GET, "/api/v1/homes/{home}/agents", Action::ReadAgents, household::agents)
        .doc("The home's agents, and how they do.")
        .answers::<Vec<Agent>>()
        .example(|stage| stage.at_home("/agents"));
}

fn camera_routes(routes: &mut Routes) {
    routes
        .add(Method::GET, "/api/v1/homes/{home}/cameras", Action::ReadCameras, cameras::list)
        .doc("The cameras that the caller may see, and how they do.")
        .answers::<Vec<Camera>>()
        .example(|stage| stage.at_home("/cameras"));
    routes
        .add(Method::PUT, "/api/v1/homes/{home}/cameras/{camera}/name", Action::ManageCamera, cameras::name)
        .doc("Names the camera anew.")
        .limit(NAME_BODY)
        .example(stage::camera_name);
    routes
        .add(
            Method::PUT,
            "/api/v1/homes/{home}/cameras/{camera}/switch",
            Action::ManageCamera,
            cameras::switch,
        )
        .doc("Switches the camera on or off.")
        .example(stage::camera_switch);
    routes
        .add(Method::DELETE, "/api/v1/homes/{home}/cameras/{camera}", Action::ManageCamera, cameras::remove)
        .doc("Takes the camera out of the home.")
        .example(|stage| stage.at_camera(""));
}

fn event_routes(routes: &mut Routes) {
    const EVENT: &str = "/api/v1/homes/{home}/cameras/{camera}/events/{event}";
    routes
        .add(Method::GET, "/api/v1/homes/{home}/events", Action::ListEvents, events::list)
        .doc("A page of Events, newest first, with the gaps between them. One record of the ledger.")
        .answers::<EventPage>()
        .example(|stage| stage.at_home("/events?limit=10"));
    routes
        .add(Method::GET, EVENT, Action::ReadEvent, events::read)
        .doc("An Event, what can be fetched of it, and its neighbours.")
        .answers::<EventDetail>()
        .example(|stage| stage.at_event(""));
    routes
        .add(
            Method::GET,
            "/api/v1/homes/{home}/cameras/{camera}/events/{event}/segments/{kind}/{number}",
            Action::ReadSegment,
            events::segment,
        )
        .doc("A sealed segment. Its disclosure is on record before its first byte leaves.")
        .answers_sealed()
        .example(stage::segment);
    routes
        .add(
            Method::PUT,
            "/api/v1/homes/{home}/cameras/{camera}/events/{event}/seen",
            Action::MarkSeen,
            events::seen,
        )
        .doc("Marks the Event as opened by the caller.")
        .example(|stage| stage.at_event("/seen"));
    routes
        .add(
            Method::PUT,
            "/api/v1/homes/{home}/cameras/{camera}/events/{event}/kept",
            Action::KeepEvent,
            events::keep,
        )
        .doc("Takes the Event out of retention's reach, or, with the right to delete it, puts it back.")
        .example(stage::keep);
    routes
        .add(Method::DELETE, EVENT, Action::DeleteEvent, events::delete)
        .doc("Deletes the Event.")
        .example(|stage| stage.at_event(""));
    routes
        .add(
            Method::GET,
            "/api/v1/homes/{home}/cameras/{camera}/events/{event}/views",
            Action::ReadEventViews,
            events::event_views,
        )
        .doc("Who saw the Event.")
        .answers::<ViewPage>()
        .example(|stage| stage.at_event("/views"));
    routes
        .add(Method::GET, "/api/v1/homes/{home}/views", Action::ReadHomeViews, events::home_views)
        .doc("Who saw what in the home, or of one of its cameras.")
        .answers::<ViewPage>()
        .example(|stage| stage.at_home("/views?limit=10"));
    routes
        .add(Method::GET, "/api/v1/homes/{home}/updates", Action::Updates, updates::updates)
        .doc("What happens in the home, as it happens.")
        .answers_events::<Update>()
        .example(|stage| stage.at_home("/updates"));
}
