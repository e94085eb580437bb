//! A restored backup of the databases gives nobody back what was taken from them since, and signs everybody out.

mod support;

use std::path::Path;

use http::Method;
use keepsight_ids::B64;
use keepsight_seal::{Draft, Slot};
use keepsight_store::Reserve;
use keepsight_wire::agent::{Challenge, SessionOpen};
use keepsight_wire::people::{Camera, CameraState, EventPage, Home, InvitationOpen, Lockdown};
use support::{Household, Person, Server, Who, beside};

/// What a backup takes of the truth.
const FILES: [&str; 2] = ["truth.db", "truth.db-wal"];

fn back_up(server: &Server) -> tempfile::TempDir {
    let backup = tempfile::tempdir().unwrap();
    copy(server.folder.path(), backup.path());
    backup
}

/// Puts a backup in the database's place, and starts anew on it.
async fn restore(server: &Server, backup: &Path) -> Server {
    for name in FILES.into_iter().chain(["truth.db-shm"]) {
        let _ = std::fs::remove_file(server.folder.path().join(name));
    }
    copy(backup, server.folder.path());
    beside(server, Reserve::NONE).await
}

fn copy(from: &Path, to: &Path) {
    for name in FILES {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

async fn signed_in(server: &Server, person: &Person) -> Who {
    Who::Person(server.post(&Who::Nobody, "/api/v1/sign-in", &person.sign_in()).await.cookie())
}

async fn is_signed_in(server: &Server, who: &Who) -> bool {
    server.get(who, "/api/v1/homes").await.status == 200
}

/// The agent opens a session, if it is still let in.
async fn agent_opens(server: &Server, elm: &Household) -> u16 {
    let challenge = server.send(&Who::Nobody, Method::POST, "/agent/v1/challenge", &support::ExampleNothing);
    let challenge: B64 = challenge.await.ok::<Challenge>().challenge;
    let signature = keepsight_seal::sign_session(&elm.agent_key, &challenge.0, None);
    let body = SessionOpen { agent: elm.agent, challenge, signature };
    server.post(&Who::Nobody, "/agent/v1/session", &body).await.status.as_u16()
}

async fn lock(server: &Server, home: &Household, on: bool) {
    server.put(&home.owner.who, &home.path("/lockdown"), &Lockdown { on }).await.done();
}

#[tokio::test]
async fn who_was_removed_since_the_backup_stays_out_and_everybody_signs_in_anew() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let (oak, oaks) = elm.member(&server, "oak", &Slot::member_rights()).await;
    let (ash, _) = elm.member(&server, "ash", &Slot::member_rights()).await;
    let (events, home) = (elm.path("/events"), elm.path(""));
    let backup = back_up(&server);
    assert_eq!(server.get(&elm.owner.who, &home).await.ok::<Home>().restored, None);
    elm.remove(&server, oaks).await;
    let since = signed_in(&server, &ash).await;

    let mut again = restore(&server, backup.path()).await;
    for who in [&elm.owner.who, &oak.who, &ash.who, &since, &elm.agent_who] {
        assert!(!is_signed_in(&again, who).await);
    }
    assert_eq!(again.get(&elm.agent_who, "/agent/v1/chain").await.refusal().0, 401);
    assert_eq!(agent_opens(&again, &elm).await, 200, "an agent comes back by itself");
    let removed = signed_in(&again, &oak).await;
    assert_eq!(again.get(&removed, &events).await.refusal(), (404, "not_found".into()));
    assert!(again.get(&removed, "/api/v1/homes").await.ok::<Vec<Home>>().is_empty());
    let member = signed_in(&again, &ash).await;
    assert_eq!(again.get(&member, &events).await.ok::<EventPage>().events.len(), 1);
    let owner = signed_in(&again, &elm.owner).await;
    let row: Home = again.get(&owner, &home).await.ok();
    assert!(row.rotation_due, "an owner's browser begins a new epoch");
    assert!(row.restored.is_some_and(|at| at.0 > 0), "and owners are asked to look at who belongs here");

    // Another start finds nothing amiss, also after more was revoked in the new history.
    again.send(&member, Method::POST, "/api/v1/sign-out", &support::ExampleNothing).await.done();
    again = beside(&server, Reserve::NONE).await;
    assert!(is_signed_in(&again, &owner).await && !is_signed_in(&again, &member).await);
    // The same backup once more: all of it once more.
    again = restore(&server, backup.path()).await;
    assert!(!is_signed_in(&again, &owner).await);
    let removed = signed_in(&again, &oak).await;
    assert_eq!(again.get(&removed, &events).await.refusal().0, 404);
}

#[tokio::test]
async fn locks_agents_cameras_and_invitations_are_as_they_were_left() {
    let server = Server::start().await;
    let mut elm = server.home("elm").await;
    let oak = server.home("oak").await;
    let invitation = elm.invite(&server, &Slot::member_rights()).await;
    lock(&server, &oak, true).await;
    let backup = back_up(&server);
    lock(&server, &elm, true).await;
    lock(&server, &oak, false).await;
    server.delete(&oak.owner.who, &oak.camera_path("")).await.done();
    elm.remove(&server, invitation.slot).await;
    let agent = elm.agent;
    let remove = |draft: &mut Draft<'_>| {
        draft.remove_agent(agent);
    };
    elm.append(&server, remove, None, None, None).await.done();

    let again = restore(&server, backup.path()).await;
    let (elms, oaks) = (signed_in(&again, &elm.owner).await, signed_in(&again, &oak.owner).await);
    assert_eq!(again.get(&elms, &elm.path("/events")).await.refusal().0, 423);
    assert_eq!(again.get(&oaks, &oak.path("/events")).await.ok::<EventPage>().events.len(), 1);
    let cameras: Vec<Camera> = again.get(&oaks, &oak.path("/cameras")).await.ok();
    assert_eq!(cameras[0].state, CameraState::Removed);
    assert_eq!(agent_opens(&again, &elm).await, 401);
    assert_eq!(agent_opens(&again, &oak).await, 200);
    let open = InvitationOpen { ticket: invitation.ticket() };
    assert_eq!(again.post(&Who::Nobody, "/api/v1/invitations/open", &open).await.refusal().0, 404);
}
