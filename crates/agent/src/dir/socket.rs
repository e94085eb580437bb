//! One line of JSON there, one line back.

use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::AgentError;
use crate::command::{AgentHandle, Command, Reply};

const SOCKET: &str = "agent.sock";
/// Socket addresses hold 108 bytes.
const LONGEST: usize = 100;
const LINE_MOST: u64 = 256 * 1024;
/// Pairing asks a server twice.
const ANSWER: Duration = Duration::from_secs(120);
const REQUEST: Duration = Duration::from_secs(10);

/// A listening agent.
pub struct Listening {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Listening {
    pub fn stop(self) {
        self.task.abort();
        std::fs::remove_file(&self.path).ok();
    }
}

/// Answers commands on the folder's socket. The caller holds the folder's lock: an old socket is nobody's.
pub fn listen(folder: &Path, handle: AgentHandle) -> Result<Listening, AgentError> {
    let path = folder.join(SOCKET);
    let fail = |source| AgentError::Folder { path: path.clone(), source };
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let (short, _open) = short_path(folder).map_err(fail)?;
    let listener = UnixListener::bind(short).map_err(fail)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
    let task = tokio::spawn(accept(listener, handle));
    Ok(Listening { path, task })
}

/// `None` when no agent answers.
pub async fn call(folder: &Path, command: &Command) -> Option<Result<Reply, AgentError>> {
    let (short, _open) = short_path(folder).ok()?;
    let mut stream = UnixStream::connect(short).await.ok()?;
    let mut line = serde_json::to_vec(command).expect("a command is plain JSON");
    line.push(b'\n');
    stream.write_all(&line).await.ok()?;
    let answer = tokio::time::timeout(ANSWER, read_line(&mut stream)).await.ok()??;
    let reply: Reply = serde_json::from_slice(&answer).ok()?;
    Some(reply.failed())
}

async fn accept(listener: UnixListener, handle: AgentHandle) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, handle.clone()))),
            Err(error) => {
                // Out of descriptors, say: not worth dying for.
                tracing::warn!(%error, "a command could not be heard");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn serve(mut stream: UnixStream, handle: AgentHandle) {
    let Ok(Some(line)) = tokio::time::timeout(REQUEST, read_line(&mut stream)).await else { return };
    let reply = match serde_json::from_slice::<Command>(&line) {
        Ok(command) => Reply::of(handle.call(command).await),
        Err(_) => Reply::Failed {
            code: "not_understood".to_owned(),
            text: "the running agent does not understand this command: is it of another version?".to_owned(),
        },
    };
    let mut line = serde_json::to_vec(&reply).expect("a reply is plain JSON");
    line.push(b'\n');
    // Whoever asked may have gone.
    stream.write_all(&line).await.ok();
}

async fn read_line(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(stream.take(LINE_MOST)).read_until(b'\n', &mut line).await.ok()?;
    line.ends_with(b"\n").then_some(line)
}

/// A path to the socket that fits into an address: through the open folder, when the folder's own path is long. The file is to
/// be held open until the path has been used.
fn short_path(folder: &Path) -> std::io::Result<(PathBuf, Option<std::fs::File>)> {
    let path = folder.join(SOCKET);
    if path.as_os_str().len() <= LONGEST {
        return Ok((path, None));
    }
    let open = std::fs::File::open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd()));
    Ok((short, Some(open)))
}
