//! A home with its owner, agent, camera and Events, set up the way people and agents do it.

use http::Method;
use keepsight_cloud::example::ExampleBody;
use keepsight_ids::{B32, CameraId, EventId, HomeId, SegmentKind, SegmentNo};
use keepsight_person::{Person, PersonError};
use keepsight_seal::{Invitation, Slot, split_password};
use keepsight_wire::Signed;
use keepsight_wire::people::{Account, Purpose};

use crate::caller::{Caller, Shown};
use crate::played_agent::PlayedAgent;
use crate::stage::{PASSWORD, Stage};

/// An Event as its agent sealed it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its home.
    pub home: HomeId,
    /// Its camera.
    pub camera: CameraId,
    /// Which.
    pub event: EventId,
    /// Its signed header.
    pub header: Signed,
    /// Its sealed segments.
    pub segments: Vec<(SegmentKind, SegmentNo, Vec<u8>)>,
    /// What it shows.
    pub picture: String,
}

impl Recorded {
    /// Its address below the API.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/homes/{}/cameras/{}/events/{}{rest}", self.home, self.camera, self.event)
    }

    /// A segment's sealed bytes.
    ///
    /// # Panics
    /// When it has none of that kind.
    pub fn sealed(&self, wanted: SegmentKind) -> &[u8] {
        &self.segments.iter().find(|(kind, ..)| *kind == wanted).expect("every kind but sound was sealed").2
    }

    /// Whether any of its sealed segments, or its header, stands in these bytes.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        let header = serde_json::to_string(&self.header.body).expect("base64url text");
        let parts = self.segments.iter().map(|(.., sealed)| sealed.as_slice());
        parts.chain([header.trim_matches('"').as_bytes()]).any(|part| contains(bytes, part))
    }
}

/// Whether `part` stands in `bytes`.
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A home, as those who belong to it know it.
#[derive(Debug)]
pub struct Household {
    /// Its owner, signed in and unlocked.
    pub owner: Person,
    /// The `login` half of the owner's password.
    pub login: B32,
    /// The `login` half of the owner's recovery code.
    pub recovery_login: B32,
    /// The home.
    pub home: HomeId,
    /// Its name.
    pub name: String,
    /// Its agent.
    pub agent: PlayedAgent,
    /// A camera.
    pub camera: CameraId,
    /// An Event of it.
    pub event: Recorded,
}

impl Household {
    /// # Panics
    /// When the server refuses what an honest person asks.
    pub(crate) async fn found(stage: &Stage, account: &str, name: &str) -> Self {
        let world = &stage.world;
        let signed_up = stage.sign_up(account).await;
        let owner = signed_up.person;
        let home = owner.create_home(name, "Europe/Berlin").await.expect("a home is founded");
        let mut agent = pair(stage, &owner, home).await;
        agent.sign_in().await;
        let camera = CameraId::from_bytes(world.random());
        agent.add_camera(camera, "Nursery").await;
        let event = agent.record(camera, name).await;
        Self {
            login: login_of(&owner).await,
            recovery_login: signed_up.recovery.split().login,
            name: name.to_owned(),
            owner,
            home,
            agent,
            camera,
            event,
        }
    }

    /// Below the home.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/homes/{}{rest}", self.home)
    }

    /// The owner's browser, as bytes.
    pub fn caller(&self, stage: &Stage) -> Caller {
        caller_of(stage, &self.owner)
    }

    /// A new member, signed up and accepted.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn member(&self, stage: &Stage, name: &str) -> Person {
        let invitation = self.invite().await;
        let member = stage.person(name).await;
        member.accept(&invitation).await.expect("an open invitation is accepted");
        member
    }

    /// An open invitation for a member.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn invite(&self) -> Invitation {
        self.owner.invite(self.home, &Slot::member_rights()).await.expect("an owner invites")
    }

    /// Removes somebody, with a new epoch.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn remove(&self, member: &Person) {
        let slot = member.known_home(self.home).await.expect("they belonged to it").slot;
        self.owner.remove_member(self.home, slot).await.expect("an owner removes a member");
    }

    /// Pairs one more agent.
    pub async fn pair(&self, stage: &Stage) -> PlayedAgent {
        let mut agent = pair(stage, &self.owner, self.home).await;
        agent.sign_in().await;
        agent
    }

    /// The Event as `viewer` sees it after opening the seal.
    ///
    /// # Errors
    /// What the viewer's side refuses, or the server.
    pub async fn watched_by(&self, viewer: &Person) -> Result<Vec<u8>, PersonError> {
        let watched = viewer.watch(self.home, self.camera, self.event.event, Purpose::View).await?;
        Ok(watched.video())
    }
}

/// Somebody's browser, as bytes.
///
/// # Panics
/// When they are signed out.
pub fn caller_of(stage: &Stage, person: &Person) -> Caller {
    stage.caller(Shown::Cookie(person.api().cookie("ks_session").expect("they are signed in")))
}

/// The `login` half of somebody's password.
///
/// # Panics
/// When they are signed out.
pub async fn login_of(person: &Person) -> B32 {
    let account: Account = person.api().get("/account").await.expect("they are signed in");
    let parameters = account.parameters;
    split_password(PASSWORD, &parameters.salt.0, parameters.iterations).expect("its own parameters").login
}

async fn pair(stage: &Stage, owner: &Person, home: HomeId) -> PlayedAgent {
    let pairing = owner.start_pairing(home).await.expect("an owner pairs");
    let agent = PlayedAgent::pair(&stage.api(), &stage.world, &pairing.code).await;
    let added = owner.finish_pairing(&pairing).await.expect("the answer was made with the code");
    assert_eq!(added, Some(agent.agent));
    agent
}

/// A segment as `caller` gets it.
pub async fn fetch(caller: &Caller, event: &Recorded, kind: SegmentKind) -> keepsight_person::Answer {
    caller.send(&Method::GET, &event.path(&format!("/segments/{kind}/0")), &ExampleBody::Nothing).await
}
