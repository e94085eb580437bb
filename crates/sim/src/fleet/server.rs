//! The cloud as a host: real, over a simulated port, and mortal. Its files outlive it.
//!
//! It dies where a process may: between any two steps of any request (a poll is a step), so that an object may be written whose
//! row is not, or a row whose acknowledgement was never sent.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::serve::ListenerExt;
use keepsight_cloud::{Cloud, CloudConfig, Limits, Rate};
use keepsight_store::{Objects, Reserve, SqliteRecords, SqliteTruth};
use keepsight_wire::agent::SegmentAck;
use keepsight_wire::people::SignUpPolicy;
use keepsight_world::World;
use tokio::sync::Semaphore;

use super::book::Book;
use super::network::Port;
use super::town::Plan;

/// Where it listens.
pub(super) const ADDRESS: &str = "http://cloud:8420";
const PORT: u16 = 8420;
/// An acknowledgement is far smaller.
const ANSWER_MOST: usize = 64 * 1024;
/// So many steps never happen: it lives.
const FOR_EVER: i64 = i64::MAX;

/// The cloud, whether it runs or not.
pub struct Server {
    pub(super) folder: PathBuf,
    pub(super) world: World,
    pub(super) book: Arc<Book>,
    pub(super) agents_per_second: u64,
    /// Steps until it dies; negative when it is dead.
    fuse: AtomicI64,
    /// Requests in work at once: one, in the order of their arrival, where a run must repeat exactly.
    turns: Arc<Semaphore>,
}

impl Server {
    pub(super) fn new(folder: &Path, world: World, book: Arc<Book>, plan: &Plan) -> Self {
        let fuse = AtomicI64::new(FOR_EVER);
        let turns = Arc::new(Semaphore::new(if plan.one_by_one { 1 } else { Semaphore::MAX_PERMITS }));
        Self {
            folder: folder.to_owned(),
            world,
            book,
            agents_per_second: plan.agents_per_second,
            fuse,
            turns,
        }
    }

    /// It dies after so many steps of requests.
    pub fn die_in(&self, steps: i64) {
        self.fuse.store(steps, Ordering::Relaxed);
    }

    /// It stands still: nothing is answered until it is started again.
    pub fn is_dead(&self) -> bool {
        self.fuse.load(Ordering::Relaxed) <= 0
    }

    /// Opens the stores and puts the cloud on them, which takes back so many agents a second.
    pub(super) async fn open(&self, agents_per_second: u64) -> anyhow::Result<Arc<Cloud>> {
        let (folder, world) = (&self.folder, self.world.clone());
        let truth = SqliteTruth::open(&folder.join("truth.db"), world.clone())?;
        let records = SqliteRecords::open(&folder.join("records.db"), world.clone())?;
        let objects = Objects::open_folder(&folder.join("objects"), Reserve::NONE, world.clone())?;
        let mut config = CloudConfig::new(SocketAddr::from(([0, 0, 0, 0], PORT)), folder.clone());
        config.sign_up = SignUpPolicy::Open;
        let rate = Rate::new(100_000, Duration::from_millis(1));
        config.limits = Limits { sign_up: rate, look_up: rate, agents_per_second, ..Limits::default() };
        Ok(Cloud::prepare(config, world, Arc::new(truth), Arc::new(records), objects).await?)
    }

    /// Serves until the host dies.
    pub(super) async fn serve(self: Arc<Self>) -> turmoil::Result {
        self.fuse.store(FOR_EVER, Ordering::Relaxed);
        let cloud = self.open(self.agents_per_second).await?;
        tokio::spawn(cloud.clone().keep_house());
        let port = Port(turmoil::net::TcpListener::bind(("0.0.0.0", PORT)).await?).tap_io(|_| {});
        let router = self.watched(cloud.router());
        axum::serve(port, router.into_make_service_with_connect_info::<SocketAddr>()).await?;
        Ok(())
    }

    fn watched(self: &Arc<Self>, router: Router) -> Router {
        let server = self.clone();
        router.layer(from_fn(move |request: Request, next: Next| {
            let server = server.clone();
            async move { server.watch(request, next).await }
        }))
    }

    async fn watch(&self, request: Request, next: Next) -> Response {
        let path = request.uri().path().to_owned();
        self.note_arrival(&request, &path);
        let is_session = path == "/agent/v1/session";
        if is_session {
            self.book.notes().knocks.push(self.world.unix_millis());
        }
        let turn = self.turns.acquire().await;
        let answer = Mortal { server: self, work: Box::pin(next.run(request)) }.await;
        drop(turn);
        if is_session && answer.status().is_success() {
            self.book.notes().admitted.push(self.world.unix_millis());
        }
        if !path.contains("/segments/") || !path.starts_with("/agent/") || !answer.status().is_success() {
            return answer;
        }
        self.acknowledged(answer).await
    }

    fn note_arrival(&self, request: &Request, path: &str) {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        if let Some(ConnectInfo(peer)) = peer.filter(|_| path.starts_with("/agent/")) {
            self.book.notes().requests.push((self.world.unix_millis(), peer.ip()));
        }
    }

    /// Notes what is about to be promised.
    async fn acknowledged(&self, answer: Response) -> Response {
        let (parts, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, ANSWER_MOST).await.unwrap_or_default();
        if let Ok(ack) = serde_json::from_slice::<SegmentAck>(&bytes) {
            let part = (ack.event, ack.kind, ack.number);
            let before = self.book.notes().acked.insert(part, ack.sha256.0);
            if before.is_some_and(|before| before != ack.sha256.0) {
                self.book.violated(format!("two hashes were acknowledged for {part:?}"));
            }
        }
        Response::from_parts(parts, Body::from(bytes))
    }
}

/// A request that stands still when the server dies.
struct Mortal<'s, F> {
    server: &'s Server,
    work: Pin<Box<F>>,
}

impl<F: Future> Future for Mortal<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.server.fuse.fetch_sub(1, Ordering::Relaxed) <= 1 {
            return Poll::Pending;
        }
        self.work.as_mut().poll(cx)
    }
}
