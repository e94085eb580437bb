//! Everything that can go wrong in the agent, in words for the person at its command line.

use std::io;
use std::path::PathBuf;

use keepsight_ids::{CameraId, HomeId};
use keepsight_seal::SealError;

use crate::http::{BadAddress, Lost};
use crate::spool::SpoolError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The folder can't be used.
    #[error("the agent's folder {path} can't be used: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// How.
        source: io::Error,
    },
    /// A file in the folder is not what the agent wrote.
    #[error(
        "{file} in the agent's folder is damaged ({why}); restore it, or begin anew with `keepsight agent reset --yes`"
    )]
    Damaged {
        /// Which.
        file: &'static str,
        /// How.
        why: String,
    },
    /// Another process works in this folder and can't be spoken to.
    #[error("another process works in this folder and does not answer")]
    Busy,
    /// The running agent could not do it.
    #[error("{text}")]
    Running {
        /// The reason as a stable word: [`AgentError::code`] of what happened there.
        code: String,
        /// In words.
        text: String,
    },
    /// The agent is not running, and this needs it.
    #[error(
        "the agent is not running: start it with `keepsight agent run`, or `keepsight serve` with an [agent] section"
    )]
    NotRunning,
    /// This agent belongs to a home already.
    #[error(
        "this agent belongs to the home {0}; `keepsight agent reset --yes` makes it forget that home, its cameras and what is not uploaded yet"
    )]
    Paired(HomeId),
    /// Footage of an earlier home is still here.
    #[error("footage of another home waits in this agent's spool; `keepsight agent reset --yes` removes it")]
    OtherSpool,
    /// No home yet.
    #[error("this agent belongs to no home yet: pair it with `keepsight agent pair`")]
    NotPaired,
    /// The server does not know the code.
    #[error(
        "the server does not know this code: it may be mistyped, used already, or older than 15 minutes; ask for a new one in the browser"
    )]
    UnknownCode,
    /// The code, the offer or the chain is not right.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Not a server's address.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// The server can't be reached.
    #[error("the server can't be reached: {0}")]
    Server(#[from] Lost),
    /// The server said no.
    #[error("the server refused ({status} {code}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's code for it.
        code: String,
        /// The server's words.
        message: String,
    },
    /// No such camera here.
    #[error("this agent has no camera {0}")]
    NoCamera(CameraId),
    /// The camera is not reached, switched off, or another one: nothing is recorded from it now.
    #[error(
        "nothing can be recorded from {0} now: it is not reached, switched off, or not the camera that is expected"
    )]
    NotRecording(CameraId),
    /// A name that can't be one.
    #[error("a camera's name has 1 to 64 characters")]
    BadName,
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl AgentError {
    /// The reason as a stable word.
    pub fn code(&self) -> &str {
        match self {
            Self::Folder { .. } => "folder",
            Self::Damaged { .. } => "damaged",
            Self::Busy => "busy",
            Self::Running { code, .. } => code,
            Self::NotRunning => "not_running",
            Self::Paired(_) => "paired",
            Self::OtherSpool => "other_spool",
            Self::NotPaired => "not_paired",
            Self::UnknownCode => "unknown_code",
            Self::Seal(error) => error.code(),
            Self::Address(_) => "address",
            Self::Server(_) => "server",
            Self::Refused { .. } => "refused",
            Self::NoCamera(_) => "no_camera",
            Self::NotRecording(_) => "not_recording",
            Self::BadName => "bad_name",
            Self::Spool(_) => "spool",
        }
    }
}
