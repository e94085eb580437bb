//! The homes of a simulation: signed up, founded and paired by the real protocols before the clock starts.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use keepsight_agent::disk::Forgetful;
use keepsight_ids::CameraId;
use keepsight_person::{Api, Body, Pending, Person, PersonError, Transport};
use keepsight_wire::people::Ticket;
use keepsight_world::World;

use super::book::Book;
use super::clock::Sun;
use super::home::{Habits, Home};
use super::server::{ADDRESS, Server};
use crate::{PASSWORD, PlayedAgent};

/// Before and after a simulation nobody is told to come back later.
const EVERYBODY: u64 = 100_000;

/// What is to be simulated.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Everything random follows from it.
    pub seed: u64,
    /// Homes, spread over the owners.
    pub homes: usize,
    /// Owners; each may have 32 homes.
    pub owners: usize,
    /// Agents that the cloud takes back a second.
    pub agents_per_second: u64,
    /// The cloud works on one request at a time, so that the run repeats exactly.
    pub one_by_one: bool,
    /// What every home's camera does.
    pub habits: Habits,
}

/// Homes and their cloud, not running.
pub struct Town {
    /// The homes.
    pub homes: Vec<Arc<Home>>,
    /// Their cloud.
    pub server: Arc<Server>,
    /// What happened.
    pub book: Arc<Book>,
    pub(super) plan: Plan,
    pub(super) sun: Arc<Sun>,
    pub(super) inside: Arc<Inside>,
    _folder: tempfile::TempDir,
}

impl Town {
    /// Sets everything up.
    ///
    /// # Panics
    /// When the server refuses what honest people ask.
    pub fn found(plan: Plan) -> Self {
        let folder = folder();
        let (sun, book) = (Sun::new(), Arc::new(Book::default()));
        let world = sun.world(plan.seed ^ 0xc10d);
        let server = Server::new(folder.path(), world, book.clone(), &plan);
        let inside = Arc::new(Inside::default());
        let server = Arc::new(server);
        let mut town = Self { homes: Vec::new(), server, book, plan, sun, inside, _folder: folder };
        in_real_time(async {
            let setup = town.connect().await;
            for number in 0..town.plan.owners {
                let owner = town.sign_up(number, setup.clone()).await;
                for home in (number..town.plan.homes).step_by(town.plan.owners) {
                    let home = town.move_in(&owner, home).await;
                    town.homes.push(Arc::new(home));
                }
            }
            town.inside.leave();
        });
        town
    }

    /// Opens the cloud for [`Inside`]; gives back its set-up token.
    pub(super) async fn connect(&self) -> Option<String> {
        let cloud = self.server.open(EVERYBODY).await.expect("the stores open");
        self.inside.enter(cloud.router());
        cloud.setup_token().map(str::to_owned)
    }

    async fn sign_up(&self, number: usize, setup: Option<String>) -> Arc<Person> {
        let api = Api::over(ADDRESS, self.inside.clone()).expect("an address");
        let ticket = setup.filter(|_| number == 0).map(Ticket::Setup);
        let world = self.sun.world(self.plan.seed.wrapping_mul(1000) + number as u64);
        let signed_up = Person::sign_up(api, world, account(number), PASSWORD, ticket).await;
        Arc::new(signed_up.expect("sign-up is open").person)
    }

    async fn move_in(&self, owner: &Arc<Person>, number: usize) -> Home {
        let seed = self.plan.seed.wrapping_mul(1_000_000) + number as u64;
        let world = self.sun.world(seed);
        let host = format!("{}-{number}", owner.name());
        let home = owner.create_home(&format!("{number} Elm Street"), "Europe/Berlin").await;
        let home = home.expect("a home is founded");
        let pairing = owner.start_pairing(home).await.expect("an owner pairs");
        let mut agent = PlayedAgent::pair(owner.api(), &world, &pairing.code).await;
        owner.finish_pairing(&pairing).await.expect("the agent answered");
        agent.sign_in().await;
        let camera = CameraId::from_bytes(world.random());
        agent.add_camera(camera, "Hall").await;
        Home {
            host: host.into(),
            owner: owner.clone(),
            home,
            camera,
            disk: Forgetful::new(seed),
            agent: agent.agent,
            key: agent.key.clone(),
            chain: agent.chain().await,
            origin: world.unix_millis(),
            world,
            habits: self.plan.habits.clone(),
            book: self.book.clone(),
            running: Mutex::default(),
        }
    }

    pub(super) fn lots(&self) -> World {
        self.sun.world(self.plan.seed ^ 0x1075)
    }
}

/// An owner's account name.
fn account(number: usize) -> &'static str {
    ["elm", "oak", "ash", "fir"][number]
}

/// In memory where there is such a folder: a host's crash here is not the machine's, so that syncing costs time and proves nothing.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

/// Before the simulation and after it: a runtime whose timers are the machine's.
pub(super) fn in_real_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_secs(10));
    done
}

/// Requests that go straight into the cloud, without a network.
#[derive(Default)]
pub(super) struct Inside(Mutex<Option<Router>>);

impl Inside {
    fn enter(&self, router: Router) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(router);
    }

    pub(super) fn leave(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Transport for Inside {
    fn send(&self, request: Request<Full<Bytes>>) -> Pending<'_> {
        let router = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let unreachable = |why: String| PersonError::Unreachable(why);
            let router = router.ok_or_else(|| unreachable("the simulation runs".to_owned()))?;
            let mut request = request.map(axum::body::Body::new);
            let peer = std::net::SocketAddr::from(([192, 0, 2, 1], 40_000));
            request.extensions_mut().insert(ConnectInfo(peer));
            let Ok(answer) = TowerToHyperService::new(router).call(request).await;
            let (parts, body) = answer.into_parts();
            let bytes = axum::body::to_bytes(body, usize::MAX).await;
            let bytes = bytes.map_err(|error| unreachable(error.to_string()))?;
            let body: Body = Full::new(bytes).map_err(|never| match never {}).boxed();
            Ok(Response::from_parts(parts, body))
        })
    }
}
