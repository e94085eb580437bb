//! A client in any language, as a child process that is spoken to in lines of JSON: docs/formats/trial-line-protocol.md.
//!
//! The child is told at once when a caller has gone, so that it can give the call up too. It is a client and not a judge: whatever it says
//! of a value is handed on. A child that breaks the protocol fails every call from then on, and so does one that
//! has ended; that one may be its client's doing, so what was seen until then counts.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Capabilities, Client, Fault, Setup};

/// How long a driver may take until it has said hello.
const HELLO_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to go.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(2);
/// How long the end of its standard error may come after the end of its output.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How many of the last lines of its standard error are kept.
const KEPT_LINES: usize = 30;

/// Starts a driver and waits for its hello.
///
/// # Errors
/// [`Fault::Broken`] if it can't be started, ends, or says something else.
pub async fn start(mut command: Command, setup: &Setup) -> Result<Box<dyn Client>, Fault> {
    let pipes =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child =
        pipes.spawn().map_err(|error| Fault::Broken(format!("the driver does not start: {error}")))?;
    let shared = Arc::new(Shared::default());
    let (lines, to_write) = mpsc::unbounded_channel();
    tokio::spawn(write(child.stdin.take().expect("piped above"), to_write));
    let stderr = tokio::spawn(keep_last_lines(child.stderr.take().expect("piped above"), shared.clone()));
    let mut answers = BufReader::new(child.stdout.take().expect("piped above"));
    let caller_patience = setup.call_timeout * 2;
    say(&lines, &greeting(setup));
    let hello = match timeout(HELLO_PATIENCE, hello(&mut answers)).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(why)) => {
            last_words(stderr).await;
            return Err(shared.with_stderr(&why));
        }
        Err(_) => return Err(shared.with_stderr("the driver said no hello in time")),
    };
    tokio::spawn(read(answers, stderr, shared.clone()));
    Ok(Box::new(Line {
        hello,
        caller_patience,
        lines,
        shared,
        next_id: AtomicU64::new(1),
        child: tokio::sync::Mutex::new(child),
    }))
}

fn greeting(setup: &Setup) -> Value {
    let address = setup.address;
    json!({
        "trial": 1, "host": address.ip().to_string(), "port": address.port(),
        "timeout_ms": setup.call_timeout.as_millis() as u64,
    })
}

/// What a driver says of its client. What it leaves out is true.
#[derive(Deserialize)]
struct Hello {
    trial: u64,
    client: String,
    version: String,
    #[serde(default = "yes")]
    leases: bool,
    #[serde(default = "yes")]
    cancellation: bool,
    #[serde(default = "yes")]
    pipelines: bool,
    #[serde(default = "yes")]
    none_means_absent: bool,
}

fn yes() -> bool {
    true
}

/// One line from the driver.
#[derive(Deserialize)]
struct Answer {
    id: u64,
    #[serde(flatten)]
    outcome: HashMap<String, Value>,
}

struct Line {
    hello: Hello,
    caller_patience: Duration,
    lines: mpsc::UnboundedSender<String>,
    shared: Arc<Shared>,
    next_id: AtomicU64,
    child: tokio::sync::Mutex<Child>,
}

/// What the tasks at the pipes and the calls share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Who waits for which answer. A caller who has gone leaves its place, since the answer still comes.
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    stderr: Vec<String>,
    /// Why there will be no more answers.
    failed: Option<Fault>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_stderr(&self, why: &str) -> Fault {
        let said = self.state().stderr.join(" | ");
        Fault::Broken(if said.is_empty() { why.to_owned() } else { format!("{why}; it wrote: {said}") })
    }

    /// The protocol is broken: nothing that this driver says can be believed.
    fn break_off(&self, why: &str) {
        self.fail(self.with_stderr(why));
    }

    /// The process has ended, as an application's would: its client may well have ended it.
    fn died(&self) {
        let state = self.state();
        let telling = |line: &&String| line.contains("rror") || line.contains("panicked");
        let last = || state.stderr.iter().rfind(|line| !line.trim().is_empty());
        let why = state.stderr.iter().rfind(telling).or_else(last).cloned().unwrap_or_default();
        drop(state);
        self.fail(Fault::Connection(format!("the process has ended: {}", why.trim())));
    }

    /// Fails everybody who waits, and whoever comes.
    fn fail(&self, fault: Fault) {
        let mut state = self.state();
        state.failed.get_or_insert(fault);
        state.waiting.clear();
    }
}

fn say(lines: &mpsc::UnboundedSender<String>, line: &Value) {
    // It fails only when the driver has closed its input; the reader then learns why.
    drop(lines.send(format!("{line}\n")));
}

async fn write(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<String>) {
    let mut ready = Vec::new();
    while lines.recv_many(&mut ready, 256).await > 0 {
        if stdin.write_all(ready.concat().as_bytes()).await.is_err() {
            return;
        }
        ready.clear();
    }
}

async fn keep_last_lines(stderr: ChildStderr, shared: Arc<Shared>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let kept = &mut shared.state().stderr;
        kept.push(line);
        let surplus = kept.len().saturating_sub(KEPT_LINES);
        kept.drain(..surplus);
    }
}

/// A driver that ends has said why on its standard error, which may come after the end of its output.
async fn last_words(stderr: JoinHandle<()>) {
    // When something else holds that pipe open, what came so far has to do.
    drop(timeout(LAST_WORDS, stderr).await);
}

async fn hello(answers: &mut BufReader<ChildStdout>) -> Result<Hello, String> {
    let mut line = String::new();
    answers.read_line(&mut line).await.map_err(|error| error.to_string())?;
    if line.is_empty() {
        return Err("the driver ended before its hello".into());
    }
    let hello: Hello = serde_json::from_str(&line).map_err(|error| format!("not a hello: {error}"))?;
    if hello.trial != 1 {
        return Err(format!("the driver speaks version {} of the line protocol, not 1", hello.trial));
    }
    Ok(hello)
}

async fn read(answers: BufReader<ChildStdout>, stderr: JoinHandle<()>, shared: Arc<Shared>) {
    let mut lines = answers.lines();
    let why = loop {
        let line = match lines.next_line().await {
            Ok(Some(line)) => line,
            Ok(None) => {
                last_words(stderr).await;
                return shared.died();
            }
            Err(error) => break format!("the driver's output can't be read: {error}"),
        };
        let answer: Answer = match serde_json::from_str(&line) {
            Ok(answer) => answer,
            Err(error) => break format!("not an answer: {error}"),
        };
        let Some(caller) = shared.state().waiting.remove(&answer.id) else {
            break format!("an answer to nothing that was asked, or a second one: id {}", answer.id);
        };
        // A caller who has gone takes no answer.
        drop(caller.send(answer));
    };
    shared.break_off(&why);
}

/// Tells the driver that the caller has gone, unless the answer came first.
struct Given<'a> {
    line: &'a Line,
    id: Option<u64>,
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            say(&self.line.lines, &json!({"op": "cancel", "id": id}));
        }
    }
}

impl Line {
    async fn ask(&self, mut request: Value) -> Result<HashMap<String, Value>, Fault> {
        let id = self.next_id.fetch_add(1, Relaxed);
        request["id"] = id.into();
        request["timeout_ms"] = (self.caller_patience.as_millis() as u64).into();
        let (sender, answer) = oneshot::channel();
        {
            let mut state = self.shared.state();
            if let Some(fault) = &state.failed {
                return Err(fault.clone());
            }
            state.waiting.insert(id, sender);
        }
        say(&self.lines, &request);
        let mut given = Given { line: self, id: Some(id) };
        let answer = answer.await;
        given.id = None;
        match answer {
            Ok(answer) => outcome(answer.outcome),
            Err(_) => Err(self.shared.state().failed.clone().expect("senders are dropped after it was set")),
        }
    }

    async fn ask_whether(&self, request: Value) -> Result<bool, Fault> {
        let answer = self.ask(request).await?;
        answer.get("ok").and_then(Value::as_bool).ok_or_else(|| self.broke("an answer without `ok`"))
    }

    fn broke(&self, why: &str) -> Fault {
        self.shared.break_off(why);
        Fault::Broken(why.to_owned())
    }
}

/// The answer's fields, or the error that it is.
fn outcome(answer: HashMap<String, Value>) -> Result<HashMap<String, Value>, Fault> {
    let Some(error) = answer.get("error").and_then(Value::as_str) else { return Ok(answer) };
    let detail = answer.get("detail").and_then(Value::as_str).unwrap_or(error).to_owned();
    Err(match error {
        "timeout" => Fault::TimedOut,
        "refused" => Fault::Refused(detail),
        _ => Fault::Other(detail),
    })
}

#[async_trait]
impl Client for Line {
    fn version(&self) -> String {
        self.hello.version.clone()
    }

    fn capabilities(&self) -> Capabilities {
        let Hello { leases, cancellation, pipelines, none_means_absent, .. } = self.hello;
        Capabilities { leases, cancellation, pipelines, none_means_absent, ..Capabilities::STORE }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        let mut answer = self.ask(json!({"op": "get", "key": key})).await?;
        match answer.remove("value") {
            Some(Value::String(text)) => Ok(Some(Bytes::from(text))),
            Some(Value::Null) => Ok(None),
            _ => Err(self.broke("an answer to get without `value`")),
        }
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Fault> {
        let value = std::str::from_utf8(&value).map_err(|_| Fault::Other("the value is not text".into()))?;
        let request = json!({"op": "set", "key": key, "value": value, "ttl_ms": ttl.as_millis() as u64});
        acknowledged(self.ask_whether(request).await?)
    }

    async fn invalidate(&self, key: &str) -> Result<(), Fault> {
        acknowledged(self.ask_whether(json!({"op": "invalidate", "key": key})).await?)
    }

    async fn lease(&self, key: &str, holder: &str, ttl: Duration) -> Result<bool, Fault> {
        let ttl_ms = ttl.as_millis() as u64;
        self.ask_whether(json!({"op": "lease", "key": key, "holder": holder, "ttl_ms": ttl_ms})).await
    }

    async fn release(&self, key: &str, holder: &str) -> Result<(), Fault> {
        self.ask_whether(json!({"op": "release", "key": key, "holder": holder})).await.map(drop)
    }

    fn broken(&self) -> Option<Fault> {
        self.shared.state().failed.clone().filter(|fault| matches!(fault, Fault::Broken(_)))
    }

    async fn close(&self) {
        say(&self.lines, &json!({"op": "quit"}));
        let mut child = self.child.lock().await;
        if timeout(GOODBYE_PATIENCE, child.wait()).await.is_err() {
            tracing::warn!(client = self.hello.client, "the driver did not end by itself and is killed");
            // It fails only when the child has ended meanwhile.
            drop(child.kill().await);
        }
    }
}

/// `false` says that the client knows that nothing was done.
fn acknowledged(ok: bool) -> Result<(), Fault> {
    if ok { Ok(()) } else { Err(Fault::Other("the client says no".into())) }
}
