//! A real server on real stores in a temporary folder, on a loopback port of its own, with its stores watched.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use keepsight_cache::Cache;
use keepsight_cloud::{Cloud, CloudConfig, Limits, Rate, RunningCloud};
use keepsight_ids::B32;
use keepsight_person::{Api, Person, SignedUp, Trust};
use keepsight_store::records::memory_cache;
use keepsight_store::{Objects, Reserve, SqliteRecords, SqliteTruth};
use keepsight_wire::people::{SignIn, SignUpPolicy, Ticket};
use keepsight_world::World;

use crate::caller::{Caller, Shown, json};
use crate::household::Household;
use crate::watched::{Book, Watched};

/// Everybody's password here.
pub const PASSWORD: &str = "gravel under the porch";

/// A running server and what is around it.
#[derive(Debug)]
pub struct Stage {
    /// Its data: `truth.db`, `records.db`, `objects/`, as the application lays them out.
    pub folder: tempfile::TempDir,
    /// Its clock and randomness.
    pub world: World,
    /// What its stores were asked.
    pub book: Arc<Book>,
    /// What it keeps of lists.
    pub lists: Cache,
    server: RunningCloud,
    api: Api,
}

/// Limits that nothing here meets.
fn no_limits() -> Limits {
    let rate = Rate::new(100_000, Duration::from_millis(1));
    Limits {
        unknown_credentials: rate,
        sign_in: rate,
        sign_up: rate,
        look_up: rate,
        agents_per_second: 100_000,
        ..Limits::default()
    }
}

impl Stage {
    /// A server on which anybody may sign up.
    ///
    /// # Panics
    /// As [`Stage::with`].
    pub async fn start() -> Self {
        Self::with(|config| config.sign_up = SignUpPolicy::Open).await
    }

    /// A server with another configuration.
    ///
    /// # Panics
    /// When it can't start: a temporary folder and a loopback port are all that it needs.
    pub async fn with(change: impl FnOnce(&mut CloudConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = CloudConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)), folder.path().to_owned());
        config.limits = no_limits();
        change(&mut config);
        let world = World::real();
        let book = Arc::new(Book::default());
        let truth = Arc::new(open_truth(folder.path(), &world));
        let lists = memory_cache(&world);
        let records =
            SqliteRecords::open(&folder.path().join("records.db"), world.clone()).expect("records open");
        let records = records.with_cache(&lists);
        let objects = open_objects(folder.path(), &world);
        let server = Cloud::start(
            config,
            world.clone(),
            Arc::new(Watched::new(truth, book.clone())),
            Arc::new(Watched::new(Arc::new(records), book.clone())),
            objects,
        );
        let server = server.await.expect("the server starts");
        let api = Api::new(&server.url(), Trust::Plain).expect("a loopback address");
        Self { folder, world, book, lists, server, api }
    }

    /// The server itself.
    pub fn cloud(&self) -> &Arc<Cloud> {
        self.server.cloud()
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// A new browser at this server.
    pub fn api(&self) -> Api {
        self.api.fresh()
    }

    /// Somebody who shows this.
    pub fn caller(&self, shown: Shown) -> Caller {
        Caller::new(&self.api, shown)
    }

    /// Somebody who shows nothing.
    pub fn nobody(&self) -> Caller {
        self.caller(Shown::Nothing)
    }

    /// A new account, signed in.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn person(&self, name: &str) -> Person {
        self.sign_up(name).await.person
    }

    /// The same, with the recovery code that they would write down. The first of a server uses the set-up link.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn sign_up(&self, name: &str) -> SignedUp {
        let first = self.api.service().await.expect("a server says what it is").setup_needed;
        let token = self.cloud().setup_token().filter(|_| first);
        let ticket = token.map(|token| Ticket::Setup(token.to_owned()));
        let signed_up = Person::sign_up(self.api(), self.world.clone(), name, PASSWORD, ticket).await;
        signed_up.expect("sign-up is open")
    }

    /// A home with an owner of this account name, an agent, one camera and one Event.
    pub async fn home(&self, account: &str, name: &str) -> Household {
        Household::found(self, account, name).await
    }

    /// Signs in once more and gives back what that browser shows.
    pub async fn sign_in(&self, name: &str, login: B32) -> Caller {
        let answer = self
            .nobody()
            .send(&Method::POST, "/api/v1/sign-in", &json(&SignIn { name: name.to_owned(), login }))
            .await;
        self.caller(Shown::Cookie(cookie_in(&answer)))
    }

    /// The same truth, as another process has it.
    pub fn truth_elsewhere(&self) -> SqliteTruth {
        open_truth(self.folder.path(), &self.world)
    }

    /// The same records, as another process has them.
    ///
    /// # Panics
    /// When the file can't be opened.
    pub fn records_elsewhere(&self) -> SqliteRecords {
        SqliteRecords::open(&self.folder.path().join("records.db"), self.world.clone()).expect("records open")
    }

    /// The same objects, as another process has them.
    pub fn objects_elsewhere(&self) -> Objects {
        open_objects(self.folder.path(), &self.world)
    }

    /// One of its database files, for damaging it.
    ///
    /// # Panics
    /// When the file can't be opened.
    pub fn database(&self, name: &str) -> rusqlite::Connection {
        let db = rusqlite::Connection::open(self.folder.path().join(name)).expect("the database is there");
        db.busy_timeout(Duration::from_secs(5)).expect("a timeout is set");
        db
    }

    /// The folder of the objects.
    pub fn objects(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    /// Stops the server gracefully.
    pub async fn stop(self) -> tempfile::TempDir {
        self.server.stop().await;
        self.folder
    }
}

fn open_truth(folder: &Path, world: &World) -> SqliteTruth {
    SqliteTruth::open(&folder.join("truth.db"), world.clone()).expect("the truth opens")
}

fn open_objects(folder: &Path, world: &World) -> Objects {
    Objects::open_folder(&folder.join("objects"), Reserve::NONE, world.clone()).expect("the folder is made")
}

/// The session that an answer sets.
///
/// # Panics
/// When it sets none.
pub fn cookie_in(answer: &keepsight_person::Answer) -> String {
    let line = answer
        .headers
        .get("set-cookie")
        .unwrap_or_else(|| panic!("no cookie: {}", crate::caller::text(answer)));
    let line = line.to_str().expect("cookies are ASCII");
    let value = line.split(';').next().and_then(|pair| pair.strip_prefix("ks_session="));
    value.expect("the session's cookie").to_owned()
}
