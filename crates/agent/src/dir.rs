//! The agent's folder on this machine: one process works in it, others speak to that one.
//!
//! Whoever holds the lock on `agent.lock` may touch the files. A running agent answers on the socket `agent.sock`; the folder is
//! readable by its user only, and so is the socket. Without a running agent a command takes the lock and does it itself.

mod socket;

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keepsight_ids::CameraId;
use keepsight_world::World;
use tokio_util::sync::CancellationToken;

use crate::AgentError;
use crate::agent::{Agent, AgentConfig, perform};
use crate::command::{AgentStatus, Command, NewCamera, Reply, commands};
use crate::disk::{Disk, RealDisk};
use crate::http::{Dial, TcpDial};
use crate::pairing::Paired;
use crate::shared::Shared;
use crate::state::Files;

/// How long a starting agent waits for a command that works in its folder.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a command waits for an agent that is just starting or ending.
const HURRY: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// An agent's folder. Cheap to clone.
#[derive(Clone)]
pub struct AgentDir {
    path: PathBuf,
    disk: RealDisk,
    dial: Arc<dyn Dial>,
    config: AgentConfig,
    world: World,
}

impl AgentDir {
    /// The folder at `path`, made if there is none, readable by this user only.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn open(path: &Path, config: AgentConfig, world: World) -> Result<Self, AgentError> {
        let fail = |source| AgentError::Folder { path: path.to_owned(), source };
        let disk = RealDisk::open(path).map_err(fail)?;
        Ok(Self { path: path.to_owned(), disk, dial: Arc::new(TcpDial), config, world })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Watches, records and uploads until `shutdown`; Events that are being recorded are completed then. Meanwhile every command
    /// given on an [`AgentDir`] of the same folder, in this process or another, reaches this agent.
    ///
    /// # Errors
    /// [`AgentError::Busy`] when another agent runs in this folder; when the folder can't be used.
    pub async fn run(&self, shutdown: CancellationToken) -> Result<(), AgentError> {
        let _lock = self.wait_for_lock(PATIENCE).await?.ok_or(AgentError::Busy)?;
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let (agent, handle) = Agent::new(disk, self.dial.clone(), self.config.clone(), self.world.clone());
        let listening = socket::listen(&self.path, handle)?;
        let ran = agent.run(shutdown).await;
        listening.stop();
        ran
    }

    pub(crate) async fn call(&self, command: Command) -> Result<Reply, AgentError> {
        let until = self.world.now() + HURRY;
        loop {
            if let Some(lock) = self.try_lock()? {
                let done = self.alone(command).await;
                drop(lock);
                return done;
            }
            match socket::call(&self.path, &command).await {
                Some(reply) => return reply,
                None if self.world.now() >= until => return Err(AgentError::Busy),
                None => self.world.sleep(LOOK_AGAIN).await,
            }
        }
    }

    /// With the lock held and no agent running.
    async fn alone(&self, command: Command) -> Result<Reply, AgentError> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        if matches!(command, Command::Reset) {
            // Also for a folder that can't be read any more.
            return Files::new(disk).wipe().map(|()| Reply::Done);
        }
        let shared = Shared::open(&disk, self.dial.clone(), &self.config, self.world.clone())?;
        perform(&shared, command, false).await
    }

    async fn wait_for_lock(&self, patience: Duration) -> Result<Option<File>, AgentError> {
        let until = self.world.now() + patience;
        loop {
            if let Some(lock) = self.try_lock()? {
                return Ok(Some(lock));
            }
            // An agent that answers will not go away.
            let runs = socket::call(&self.path, &Command::Status).await.is_some();
            if runs || self.world.now() >= until {
                return Ok(None);
            }
            self.world.sleep(LOOK_AGAIN).await;
        }
    }

    /// The lock ends with the file, whatever ends the process.
    fn try_lock(&self) -> Result<Option<File>, AgentError> {
        let path = self.path.join("agent.lock");
        let fail = |source| AgentError::Folder { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }
}

commands!(AgentDir);
