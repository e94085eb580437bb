//! Bringing the spool's content to the server: [`machine`] decides, this shell carries out.
//!
//! An [`Uploader`] needs no camera: a spool, an identity and a [`Host`] that wants to know what the server says. Simulated fleets
//! and load tests run it as it is, over their own network ([`crate::http::Dial`]) and disk ([`crate::disk::Disk`]).

mod depot;
pub mod machine;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use keepsight_ids::{AgentId, B32, CameraId, UnixMillis};
use keepsight_seal::SignSecret;
use keepsight_wire::Signed;
use keepsight_wire::agent::{CameraPut, SessionOpen, Status};
use keepsight_world::World;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::http::{Answer, BadAddress, Body, Client, Dial, Lost, Request, Trust};
use crate::spool::backlog::Item;
use crate::spool::{Payload, Settled, Spool, SpoolError};
pub use depot::Depot;
use machine::{Effect, Flight, Machine, Send};

/// Who speaks to which server.
#[derive(Debug, Clone)]
pub struct Account {
    /// The server's address.
    pub server: url::Url,
    /// SHA-256 of its certificate, from pairing; absent when it serves no TLS itself.
    pub tls: Option<B32>,
    /// This agent.
    pub agent: AgentId,
    /// Its key.
    pub key: SignSecret,
}

impl Account {
    /// A client that trusts the paired server only.
    ///
    /// # Errors
    /// When the address is not one of a server.
    pub fn client(&self, dial: Arc<dyn Dial>) -> Result<Client, BadAddress> {
        Client::new(&self.server, self.tls.map_or(Trust::Public, Trust::Pinned), dial)
    }
}

/// What an uploader asks and tells the agent around it.
pub trait Host: std::marker::Send + Sync {
    /// How the agent does, with this much in its spool.
    fn status(&self, spool_bytes: u64) -> Status;
    /// The sealed name of a camera that the server is to be told of; `None` while it can't be sealed.
    fn camera(&self, camera: CameraId) -> Option<CameraPut>;
    /// New entries of the home's chain. Returns the highest number that is verified now; `None` when they were refused.
    fn entries(&self, entries: Vec<Signed>) -> Option<u64>;
    /// The server knows this camera now.
    fn camera_known(&self, camera: CameraId);
    /// The server's time.
    fn server_time(&self, now: UnixMillis);
    /// The cameras that an owner switched off.
    fn switched_off(&self, cameras: HashSet<CameraId>);
    /// The server's chain ends before what was verified: at which entry that is, and at which it ends; `None` when it no longer does.
    fn rolled_back(&self, to: Option<(u64, u64)>);
    /// Whether the server lets this agent in, whenever that changes or is tried.
    fn admitted(&self, admitted: bool);
    /// Whether the last exchange with the server succeeded, whenever that changes.
    fn connected(&self, connected: bool);
}

/// What the agent tells a running uploader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// A camera that the server does not know yet, or by another name.
    NewCamera(CameraId),
    /// Something about a camera or the epoch changed: say it now.
    StatusChanged,
}

/// Brings a spool's content to a server.
pub struct Uploader {
    account: Account,
    client: Client,
    depot: Depot,
    host: Arc<dyn Host>,
    world: World,
    machine: Machine,
    words: mpsc::UnboundedReceiver<Word>,
    told_connected: Option<bool>,
}

type Landing = (Flight, Send, Landed);

enum Landed {
    Answer(Result<Answer, Lost>),
    /// Never sent: the item is not in the spool any more.
    Missing,
    /// Never sent: its bytes are not what was written.
    Damaged,
    /// Never sent: the disk failed, or what it needs is not known yet.
    NotNow,
}

impl Uploader {
    /// An uploader, and the way to speak to it while it runs. `chain_seq` is the highest entry that is verified already.
    pub fn new(
        account: Account,
        client: Client,
        depot: Depot,
        host: Arc<dyn Host>,
        chain_seq: Option<u64>,
        world: World,
    ) -> (Self, mpsc::UnboundedSender<Word>) {
        let (say, words) = mpsc::unbounded_channel();
        let machine = Machine::new(world.clone(), chain_seq);
        (Self { account, client, depot, host, world, machine, words, told_connected: None }, say)
    }

    /// Waits before its first try for a random part of `most`, or until there is a fresh Event: somebody may be waiting for that.
    #[must_use]
    pub fn spread(mut self, most: Duration) -> Self {
        self.machine.begin_within(self.world.now(), most);
        self
    }

    /// Runs until `shutdown`. What is under way then is dropped, to be sent again.
    pub async fn run(mut self, shutdown: CancellationToken) {
        // Tasks of their own: they share the spool's lock with this loop, which would wait for ever for one that it does not poll.
        let mut flights: JoinSet<Landing> = JoinSet::new();
        loop {
            let (sends, spool_bytes) = {
                let spool = self.depot.lock().await;
                (self.machine.poll(self.world.now(), spool.backlog()), spool.bytes())
            };
            for (flight, send) in sends {
                self.carry_out(flight, send, spool_bytes, &mut flights);
            }
            let wake = self.machine.wake_at(self.world.now());
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(landing) = flights.join_next() => self.land(landing).await,
                () = self.depot.changed() => {}
                Some(word) = self.words.recv() => self.hear(word),
                () = tokio::time::sleep_until(wake) => self.depot.with(Spool::tidy).await,
            }
        }
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::NewCamera(camera) => self.machine.camera_is_new(camera),
            Word::StatusChanged => self.machine.say_status(self.world.now()),
        }
    }

    fn carry_out(&self, flight: Flight, send: Send, spool_bytes: u64, flights: &mut JoinSet<Landing>) {
        let (client, depot) = (self.client.clone(), self.depot.clone());
        if let Send::Item(item) = send {
            let token = self.machine.token().map(str::to_owned);
            flights.spawn(async move {
                let landed = match load(&depot, item).await {
                    Ok(request) => Landed::Answer(client.send(Request { token, ..request }).await),
                    Err(landed) => landed,
                };
                (flight, send, landed)
            });
            return;
        }
        let request = self.request(&send, spool_bytes);
        flights.spawn(async move {
            let landed = match request {
                Some(request) => Landed::Answer(client.send(request).await),
                None => Landed::NotNow,
            };
            (flight, send, landed)
        });
    }

    fn request(&self, send: &Send, spool_bytes: u64) -> Option<Request> {
        let token = self.machine.token().map(str::to_owned);
        let (method, path, body) = match send {
            Send::Challenge => (Method::POST, "/agent/v1/challenge".to_owned(), Body::Empty),
            Send::Session(challenge) => {
                let signature = self.sign(&challenge.0);
                let open = SessionOpen { agent: self.account.agent, challenge: challenge.clone(), signature };
                (Method::POST, "/agent/v1/session".to_owned(), Body::json(&open))
            }
            Send::Chain(after) => {
                let query = after.map_or_else(String::new, |seq| format!("?after={seq}"));
                (Method::GET, format!("/agent/v1/chain{query}"), Body::Empty)
            }
            Send::Status => {
                (Method::POST, "/agent/v1/status".to_owned(), Body::json(&self.host.status(spool_bytes)))
            }
            Send::Camera(camera) => {
                (Method::PUT, format!("/agent/v1/cameras/{camera}"), Body::json(&self.host.camera(*camera)?))
            }
            Send::Item(_) => return None,
        };
        Some(Request { method, path, token, body })
    }

    /// Bound to the certificate that is seen, unless somebody else speaks TLS for the server, which then doesn't know it.
    fn sign(&self, challenge: &[u8]) -> keepsight_ids::B64 {
        let tls = self.account.tls.and_then(|_| self.client.certificate());
        keepsight_seal::sign_session(&self.account.key, challenge, tls)
    }

    async fn land(&mut self, landing: Result<Landing, tokio::task::JoinError>) {
        let (flight, send, landed) =
            landing.expect("requests do not panic, and are aborted only with the uploader");
        let now = self.world.now();
        let effects = match landed {
            Landed::Answer(answer) => {
                let spool = self.depot.lock().await;
                self.machine.answer(now, flight, answer, spool.backlog())
            }
            Landed::Missing => self.abandoned(flight, Vec::new()),
            Landed::NotNow => {
                self.machine.not_now(now, flight);
                Vec::new()
            }
            Landed::Damaged => {
                let Send::Item(item) = send else { return };
                let text = format!("the {item} is damaged on the disk; it is kept in quarantine");
                self.abandoned(flight, vec![Effect::Settle(item, Settled::Refused), Effect::Alarm(text)])
            }
        };
        for effect in effects {
            self.take_effect(effect).await;
        }
        if let Some(connected) = self.machine.is_connected()
            && self.told_connected != Some(connected)
        {
            self.told_connected = Some(connected);
            self.host.connected(connected);
        }
    }

    fn abandoned(&mut self, flight: Flight, effects: Vec<Effect>) -> Vec<Effect> {
        self.machine.abandon(flight);
        effects
    }

    async fn take_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Settle(item, settled) => {
                let done = self.depot.with(move |spool| spool.settle(item, settled)).await;
                if let Err(error) = done {
                    tracing::error!(%error, "what the server has could not be taken out of the spool");
                }
            }
            Effect::HeaderLost(item) => {
                if let Some(event) = item.event() {
                    self.depot.lock().await.header_lost(event);
                }
            }
            Effect::Entries(entries) => match self.host.entries(entries) {
                Some(seq) => self.machine.chain_is_at(seq),
                None => self.machine.chain_was_refused(self.world.now()),
            },
            Effect::ServerTime(now) => self.host.server_time(now),
            Effect::Off(cameras) => self.host.switched_off(cameras),
            Effect::CameraKnown(camera) => self.host.camera_known(camera),
            Effect::Admitted => self.host.admitted(true),
            Effect::NotAdmitted => self.host.admitted(false),
            Effect::Rollback(to) => self.host.rolled_back(to),
            Effect::Alarm(text) => tracing::error!("{text}"),
        }
    }
}

/// The request of an item, without a token.
async fn load(depot: &Depot, item: Item) -> Result<Request, Landed> {
    let payload = depot.with(move |spool| spool.load(item)).await.map_err(|error| match error {
        SpoolError::NotHere(_) => Landed::Missing,
        SpoolError::Damaged(_) => Landed::Damaged,
        error => {
            tracing::warn!(%error, "the spool can't be read");
            Landed::NotNow
        }
    })?;
    let (path, body) = match (item, payload) {
        (Item::Header(event), Payload::Header(camera, signed)) => {
            (format!("/agent/v1/cameras/{camera}/events/{event}"), Body::json(&signed))
        }
        (Item::Segment(event, kind, number), Payload::Segment(camera, bytes)) => (
            format!("/agent/v1/cameras/{camera}/events/{event}/segments/{kind}/{number}"),
            Body::Sealed(Bytes::from(bytes)),
        ),
        (Item::Gap(gap), Payload::Gap(camera, put)) => {
            (format!("/agent/v1/cameras/{camera}/gaps/{gap}"), Body::json(&put))
        }
        _ => return Err(Landed::Missing),
    };
    Ok(Request { method: Method::PUT, path, token: None, body })
}
