//! What can be asked of an agent, by its command line over a socket or within one process.

use keepsight_camera::WatchSettings;
use keepsight_ids::{AgentId, B32, CameraId, EpochNo, HomeId, UnixMillis};
use keepsight_wire::people::CameraState;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::AgentError;
use crate::pairing::Paired;
use crate::state::{Camera, Source, Watching};

/// A camera to add.
#[derive(Debug, Clone)]
pub struct NewCamera {
    /// What people call it: 1 to 64 characters; sealed before it leaves this machine.
    pub name: String,
    /// Where its pictures come from.
    pub source: Source,
    /// How it is watched; `expected` is the identity that was found when looking at it.
    pub watch: WatchSettings,
}

/// How an agent does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Its version.
    pub version: String,
    /// It is running; else this is what its folder says.
    pub running: bool,
    /// Its home, once it was paired.
    pub home: Option<HomeStatus>,
    /// Its cameras.
    pub cameras: Vec<CameraStatus>,
    /// What waits to be uploaded.
    pub spool: SpoolStatus,
}

/// An agent's home, as it sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HomeStatus {
    /// The home.
    pub home: HomeId,
    /// Who this agent is there.
    pub agent: AgentId,
    /// The server.
    pub server: url::Url,
    /// SHA-256 of its certificate; absent when it serves no TLS itself.
    pub tls: Option<B32>,
    /// The owner's browser has put it into the home, and the server lets it in.
    pub admitted: bool,
    /// The last exchange with the server succeeded.
    pub connected: bool,
    /// When the server last said something, by this machine's clock.
    pub heard: Option<UnixMillis>,
    /// The highest verified entry of the home's chain.
    pub chain_seq: Option<u64>,
    /// The epoch that new Events are sealed to.
    pub epoch: Option<EpochNo>,
    /// Why what the server showed later was refused.
    pub chain_refused: Option<String>,
    /// How far this machine's clock is ahead of the server's, in milliseconds.
    pub clock_offset_ms: Option<i64>,
}

/// A camera of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CameraStatus {
    /// Which.
    pub camera: CameraId,
    /// What it was called when it was added.
    pub name: String,
    /// How it does; absent while the agent is not running or is just starting.
    pub state: Option<CameraState>,
    /// Since when.
    pub since: Option<UnixMillis>,
    /// Why it is not reached, in words.
    pub reason: Option<String>,
    /// The server has its name.
    pub known: bool,
}

/// What waits in the spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolStatus {
    /// What it takes on the disk, in bytes.
    pub bytes: u64,
    /// The most that it may take.
    pub budget: u64,
    /// Events of which something waits.
    pub events: u64,
    /// Gaps that wait to be told.
    pub gaps: u64,
    /// Things that the server refused for good.
    pub quarantined: u64,
}

/// A request to a running agent, as it travels over the socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Command {
    Pair { server: url::Url, code: String },
    AddCamera(Box<Camera>),
    RemoveCamera(CameraId),
    AcceptCamera(CameraId),
    Trigger(CameraId),
    Status,
    Reset,
}

impl Command {
    pub fn add(new: &NewCamera) -> Self {
        Self::AddCamera(Box::new(Camera {
            camera: CameraId::from_bytes([0; 16]),
            name: new.name.clone(),
            source: new.source.clone(),
            expected: new.watch.expected.clone(),
            watch: Watching::from(&new.watch),
            known: false,
            off: false,
        }))
    }
}

/// What a running agent replies.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Reply {
    Paired(Paired),
    Added(CameraId),
    Status(Box<AgentStatus>),
    Done,
    Failed { code: String, text: String },
}

impl Reply {
    pub fn of(result: Result<Self, AgentError>) -> Self {
        result.unwrap_or_else(|error| Self::Failed { code: error.code().to_owned(), text: error.to_string() })
    }

    pub fn failed(self) -> Result<Self, AgentError> {
        match self {
            Self::Failed { code, text } => Err(AgentError::Running { code, text }),
            reply => Ok(reply),
        }
    }
}

/// A command, and where its reply goes.
pub(crate) type Call = (Command, oneshot::Sender<Result<Reply, AgentError>>);

/// Speaks to an agent that runs in this process. Cheap to clone.
#[derive(Clone)]
pub struct AgentHandle {
    calls: mpsc::Sender<Call>,
}

impl AgentHandle {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Call>) {
        let (calls, inbox) = mpsc::channel(16);
        (Self { calls }, inbox)
    }

    pub(crate) async fn call(&self, command: Command) -> Result<Reply, AgentError> {
        let (reply, replied) = oneshot::channel();
        self.calls.send((command, reply)).await.map_err(|_| AgentError::NotRunning)?;
        replied.await.unwrap_or(Err(AgentError::NotRunning))
    }
}

/// The commands as functions, for whatever can pass them on.
macro_rules! commands {
    ($speaker:ty) => {
        impl $speaker {
            /// Joins a home with the code that its owner's browser shows. The owner's browser then lets the agent in.
            ///
            /// # Errors
            /// When the code is not right, the server can't be reached, or the agent belongs to a home already.
            pub async fn pair(&self, server: &url::Url, code: &str) -> Result<Paired, AgentError> {
                match self.call(Command::Pair { server: server.clone(), code: code.to_owned() }).await? {
                    Reply::Paired(paired) => Ok(paired),
                    _ => Err(AgentError::Busy),
                }
            }

            /// Adds a camera; a running agent begins to watch it at once.
            ///
            /// # Errors
            /// When its name can't be one, or the disk fails.
            pub async fn add_camera(&self, new: &NewCamera) -> Result<CameraId, AgentError> {
                match self.call(Command::add(new)).await? {
                    Reply::Added(camera) => Ok(camera),
                    _ => Err(AgentError::Busy),
                }
            }

            /// Stops watching a camera and forgets its login; what was recorded is still uploaded.
            ///
            /// # Errors
            /// [`AgentError::NoCamera`].
            pub async fn remove_camera(&self, camera: CameraId) -> Result<(), AgentError> {
                self.call(Command::RemoveCamera(camera)).await.map(drop)
            }

            /// Takes the camera that answers now for the one that is meant, after another one answered.
            ///
            /// # Errors
            /// [`AgentError::NoCamera`], [`AgentError::NotRecording`] when none answers.
            pub async fn accept_camera(&self, camera: CameraId) -> Result<(), AgentError> {
                self.call(Command::AcceptCamera(camera)).await.map(drop)
            }

            /// Records an Event now, or prolongs the one that is being recorded.
            ///
            /// # Errors
            /// [`AgentError::NoCamera`], [`AgentError::NotRecording`], [`AgentError::NotRunning`].
            pub async fn trigger(&self, camera: CameraId) -> Result<(), AgentError> {
                self.call(Command::Trigger(camera)).await.map(drop)
            }

            /// How the agent does.
            ///
            /// # Errors
            /// When it, or its folder, can't be asked.
            pub async fn status(&self) -> Result<AgentStatus, AgentError> {
                match self.call(Command::Status).await? {
                    Reply::Status(status) => Ok(*status),
                    _ => Err(AgentError::Busy),
                }
            }

            /// Forgets home, key, cameras and spool. Nothing can be brought back.
            ///
            /// # Errors
            /// When the disk fails.
            pub async fn reset(&self) -> Result<(), AgentError> {
                self.call(Command::Reset).await.map(drop)
            }
        }
    };
}

pub(crate) use commands;
commands!(AgentHandle);
