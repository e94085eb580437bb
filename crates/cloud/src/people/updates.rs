//! The update stream: what happens in a home, as it happens.
//!
//! Nothing here holds a Permit: before each item, and twice a second, the gate is asked as for a request that arrives then. A
//! revocation, a lockdown, an ended sign-in or a lost truth ends the stream within a second.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{Stream, stream};
use keepsight_gate::sabotage::{Mutant, active};
use keepsight_gate::{Action, Ask, CameraScope};
use keepsight_ids::{HomeId, Revision};
use keepsight_wire::people::Update;
use keepsight_world::Instant;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};

use crate::cloud::Cloud;
use crate::edge::answer::Answer;
use crate::edge::dispatch::Asker;
use crate::edge::fault::{Code, Fault, Outcome};
use crate::edge::limits::{Seat, Sitter};
use crate::edge::routes::Call;
use crate::feed::{Happening, What};

/// How often the gate is asked when nothing happens.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long the gate may take before the stream ends: a second, less a heartbeat.
const PATIENCE: Duration = Duration::from_millis(450);
/// How often something is sent when nothing happens, so that proxies keep the connection and a dead one is noticed.
const COMMENT: Duration = Duration::from_secs(15);

pub(super) async fn updates(call: Call) -> Outcome<Answer> {
    let cloud = call.cloud;
    let home = call.permit.home().ok_or_else(Fault::not_found)?;
    let account = call.permit.account().ok_or_else(Fault::not_found)?;
    let place = cloud.guard.streams.clone().try_acquire_owned().map_err(|_| cloud.guard.shed())?;
    let most = cloud.config.limits.streams_per_account;
    let seat = cloud.guard.seat(Sitter::Account(account), most).ok_or_else(|| Fault::too_many(5))?;
    let most = cloud.truth.limits(&call.permit).await?.streams_max;
    let seats = [seat, cloud.guard.seat(Sitter::Home(home), most as usize).ok_or_else(too_many_of_the_home)?];
    let open = Open {
        inbox: cloud.feed.listen(home),
        changes: cloud.gate.changes(),
        stopping: cloud.stopping.subscribe(),
        spoken: cloud.world.now(),
        kept: call.permit.cameras().clone(),
        asker: call.asker,
        cloud,
        home,
        greeted: false,
        over: false,
        _place: place,
        _seats: seats,
    };
    Ok(Answer::events(open.stream()))
}

fn too_many_of_the_home() -> Fault {
    let message = "As many pages of this home are open at once as may be. Close one, or try again when the Retry-After header says.";
    Fault::new(Code::TooMany, message).retry_after(5)
}

/// An open stream. It remembers whom to ask about, never an answer.
struct Open {
    cloud: Arc<Cloud>,
    asker: Asker,
    home: HomeId,
    inbox: broadcast::Receiver<Happening>,
    changes: watch::Receiver<Revision>,
    stopping: watch::Receiver<bool>,
    spoken: Instant,
    greeted: bool,
    over: bool,
    /// Used by a mutant only, which keeps its first answer.
    kept: CameraScope,
    _place: OwnedSemaphorePermit,
    /// The account's and the home's.
    _seats: [Seat; 2],
}

/// What may end a wait.
enum Woken {
    Happened(What),
    /// Too much happened to tell each: the client reads again.
    Missed,
    /// Time to ask whether the stream may go on.
    Look,
    Stop,
}

impl Open {
    fn stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        stream::unfold(self, |mut open| async move {
            if open.over {
                return None;
            }
            let said = open.next().await?;
            Some((said, open))
        })
    }

    /// The next thing to say; `None` ends the stream without a word.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let woken = if self.greeted { self.wait().await } else { Woken::Look };
            if matches!(woken, Woken::Stop) {
                return None;
            }
            let cameras = match self.look().await {
                Ok(cameras) => cameras,
                Err(fault) => return self.end(&fault),
            };
            if !std::mem::replace(&mut self.greeted, true) {
                return Some(self.say(&Update::Hello));
            }
            match woken {
                Woken::Happened(What::Event { camera, event, fresh }) if cameras.covers(camera) => {
                    return Some(self.say(&Update::Event { camera, event, fresh }));
                }
                Woken::Happened(What::Home) | Woken::Missed => return Some(self.say(&Update::Home)),
                _ if self.cloud.world.now().duration_since(self.spoken) >= COMMENT => {
                    self.spoken = self.cloud.world.now();
                    return Some(Bytes::from_static(b":\n\n"));
                }
                _ => {}
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => Woken::Stop,
            heard = self.inbox.recv() => match heard {
                // The topic is the home's; an item of another would be a fault, and isn't told.
                Ok(happening) if happening.home == self.home => Woken::Happened(happening.what),
                Ok(_) => Woken::Look,
                Err(broadcast::error::RecvError::Lagged(_)) => Woken::Missed,
                Err(broadcast::error::RecvError::Closed) => Woken::Stop,
            },
            _ = self.changes.changed() => Woken::Look,
            () = self.cloud.world.sleep(HEARTBEAT) => Woken::Look,
        }
    }

    /// Asks the gate as for a request that arrives now: the cameras that may be told of.
    async fn look(&self) -> Outcome<CameraScope> {
        if active(Mutant::StreamKeepsPermit) {
            return Ok(self.kept.clone());
        }
        let asked = self.asker.ask(&self.cloud, Ask::home(Action::Updates, self.home));
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(permit)) => Ok(permit.cameras().clone()),
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(Fault::unavailable("the truth did not answer a stream's heartbeat")),
        }
    }

    fn end(&mut self, fault: &Fault) -> Option<Bytes> {
        self.over = true;
        match fault.code {
            Code::Unavailable | Code::TooMany => None,
            Code::Lockdown => Some(self.say(&Update::Lockdown)),
            _ => Some(self.say(&Update::Ended)),
        }
    }

    fn say(&mut self, update: &Update) -> Bytes {
        self.spoken = self.cloud.world.now();
        let data = serde_json::to_string(update).expect("an update is plain JSON");
        Bytes::from(format!("event: update\ndata: {data}\n\n"))
    }
}
