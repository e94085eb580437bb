//! A server that keeps values like Redis, counts what it is asked, and spoils its replies as it is told: by a plan, or by dice.
//!
//! It knows the cache's scripts by what is in them. That they are right Lua is held by the tests on real servers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use keepsight_cache::resp::{Frame, Frames};
use keepsight_cache::{Dial, Dialing, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use super::Seeded;

/// What happens to one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is never sent.
    Lose,
    /// It is sent twice.
    Duplicate,
    /// It comes after the next one.
    Swap,
    /// It comes so late, and all behind it.
    Stall(Duration),
    /// Byte by byte.
    Split,
    /// Half of it, then the end of the connection.
    Cut,
    /// Another one first, that nobody asked for.
    Unsolicited,
    /// The end of the connection instead.
    Close,
    /// It is a nil.
    Nil,
    /// It is sent, and then nothing is read for so long.
    StopReading(Duration),
    /// Nothing more is read or written, for ever.
    HalfOpen,
    /// The command is not executed, and the reply is this error.
    Refuse(&'static str),
}

/// What servers refuse with.
pub const OOM: &str = "OOM command not allowed when used memory > 'maxmemory'.";
pub const READONLY: &str = "READONLY You can't write against a read only replica.";
pub const NOSCRIPT: &str = "NOSCRIPT No matching script. Please use EVAL.";
pub const LOADING: &str = "LOADING Redis is loading the dataset in memory";
pub const ERRORS: [&str; 5] = [OOM, READONLY, NOSCRIPT, LOADING, "ERR something else"];

/// The server. Clones are the same one.
#[derive(Clone)]
pub struct Scripted {
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
pub struct Inside {
    values: HashMap<Vec<u8>, (Bytes, Instant)>,
    /// What is done to the next replies, one by one.
    pub plan: VecDeque<Fault>,
    /// A reply in a thousand is spoilt so often, by these dice.
    pub dice: Option<(Arc<Seeded>, u64)>,
    /// AUTH is needed.
    pub password: Option<String>,
    /// These commands are not executed; the reply is this error.
    pub refuses: HashMap<&'static str, &'static str>,
    /// New connections are refused.
    pub unreachable: bool,
    /// So many of the next dials hang: nobody answers, and nobody refuses.
    pub dials_that_hang: usize,
    /// Nothing ever ends.
    pub never_expires: bool,
    /// Bytes that travel before the other side must wait.
    pub window: usize,
    /// Bytes that travel in a millisecond; 0 is any number.
    pub bytes_a_ms: usize,
    /// How often each command was executed.
    pub executed: HashMap<String, usize>,
    /// Something arrived before AUTH was answered.
    pub auth_was_pipelined: bool,
    /// Something that is no command arrived.
    pub garbage: bool,
    /// Connections so far.
    pub connections: usize,
    /// Faults that really happened.
    pub injected: HashMap<String, usize>,
    /// What happened, for comparing two runs.
    pub trace: Vec<String>,
    scripts: HashMap<Vec<u8>, &'static str>,
    // Connections of earlier epochs end with their next reply.
    epoch: usize,
}

impl Scripted {
    pub fn new() -> Self {
        Self { inside: Arc::new(Mutex::new(Inside { window: 1 << 20, ..Inside::default() })) }
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// These happen to the next replies.
    pub fn plays(&self, plan: impl IntoIterator<Item = Fault>) {
        self.inside().plan.extend(plan);
    }

    /// How often a command was executed.
    pub fn executed(&self, command: &str) -> usize {
        self.inside().executed.get(command).copied().unwrap_or_default()
    }

    /// Forgets everything, as a restart does.
    pub fn forget(&self) {
        self.inside().values.clear();
    }

    /// Forgets the scripts, as `SCRIPT FLUSH` does.
    pub fn forget_scripts(&self) {
        self.inside().scripts.clear();
    }

    /// Ends all connections and forgets everything.
    pub fn restart(&self) {
        self.forget();
        self.inside().epoch += 1;
    }

    fn hangs(&self) -> bool {
        let mut inside = self.inside();
        let hangs = inside.dials_that_hang > 0;
        inside.dials_that_hang -= usize::from(hangs);
        hangs
    }

    async fn travel(&self, bytes: usize) {
        let bytes_a_ms = self.inside().bytes_a_ms;
        if bytes_a_ms > 0 {
            tokio::time::sleep(Duration::from_micros(1_000 * bytes as u64 / bytes_a_ms as u64)).await;
        }
    }

    /// Exchanges what is stored under any two values' keys.
    pub fn exchange_values(&self) {
        let mut inside = self.inside();
        let mut keys: Vec<_> = inside.values.keys().filter(|key| key.ends_with(b":v")).cloned().collect();
        keys.retain(|key| !inside.values[key].0.windows(10).any(|text| text == b"generation"));
        assert_eq!(keys.len(), 2, "two values are stored");
        let (one, other) = (inside.values[&keys[0]].clone(), inside.values[&keys[1]].clone());
        inside.values.insert(keys[0].clone(), other);
        inside.values.insert(keys[1].clone(), one);
    }
}

impl Dial for Scripted {
    fn dial(&self) -> Dialing {
        let server = self.clone();
        Box::pin(async move {
            if server.hangs() {
                std::future::pending::<()>().await;
            }
            let window = {
                let mut inside = server.inside();
                if inside.unreachable {
                    return Err(std::io::ErrorKind::ConnectionRefused.into());
                }
                inside.connections += 1;
                inside.window
            };
            let (ours, theirs) = tokio::io::duplex(window);
            tokio::spawn(serve(theirs, server));
            Ok(Box::new(ours) as Box<dyn Stream>)
        })
    }
}

async fn serve(mut stream: DuplexStream, server: Scripted) {
    let (mut frames, mut read) = (Frames::default(), BytesMut::new());
    let mut kept_back: Option<BytesMut> = None;
    let epoch = server.inside().epoch;
    loop {
        match frames.next(&mut read) {
            Ok(Some(frame)) => {
                let Some(words) = words(frame) else {
                    server.inside().garbage = true;
                    return;
                };
                if words[0].eq_ignore_ascii_case(b"AUTH") {
                    let mut early = [0; 1];
                    let early = tokio::time::timeout(Duration::from_millis(3), stream.read(&mut early)).await;
                    server.inside().auth_was_pipelined |= early.is_ok() || !read.is_empty();
                }
                if server.inside().epoch != epoch {
                    return;
                }
                let (reply, fault) = server.inside().answer(&words);
                if !send(&server, &mut stream, &mut kept_back, reply, fault).await {
                    return;
                }
            }
            Ok(None) => {
                let Ok(came @ 1..) = stream.read_buf(&mut read).await else { return };
                server.travel(came).await;
            }
            Err(_) => {
                server.inside().garbage = true;
                return;
            }
        }
    }
}

/// Writes a reply as the fault has it; false ends the connection.
async fn send(
    server: &Scripted,
    stream: &mut DuplexStream,
    kept_back: &mut Option<BytesMut>,
    reply: Frame,
    fault: Fault,
) -> bool {
    let mut bytes = BytesMut::new();
    reply.write(&mut bytes);
    match fault {
        Fault::Lose => return true,
        Fault::Duplicate => bytes.extend_from_within_all(),
        Fault::Swap if kept_back.is_none() => {
            *kept_back = Some(bytes);
            return true;
        }
        Fault::Stall(pause) => tokio::time::sleep(pause).await,
        Fault::Cut => {
            let _ = stream.write_all(&bytes[..bytes.len() / 2]).await;
            return false;
        }
        Fault::Unsolicited => {
            let mut first = BytesMut::from(&b"$7\r\nnobody!\r\n"[..]);
            first.extend_from_slice(&bytes);
            bytes = first;
        }
        Fault::Close => return false,
        Fault::HalfOpen => {
            std::future::pending::<()>().await;
        }
        Fault::None | Fault::Split | Fault::Nil | Fault::Swap | Fault::StopReading(_) | Fault::Refuse(_) => {}
    }
    if let Some(earlier) = kept_back.take() {
        bytes.extend_from_slice(&earlier);
    }
    let step = if fault == Fault::Split { 1 } else { 64 << 10 };
    for part in bytes.chunks(step) {
        if stream.write_all(part).await.is_err() {
            return false;
        }
        server.travel(part.len()).await;
        if step == 1 {
            tokio::task::yield_now().await;
        }
    }
    if let Fault::StopReading(pause) = fault {
        tokio::time::sleep(pause).await;
    }
    true
}

trait Twice {
    fn extend_from_within_all(&mut self);
}

impl Twice for BytesMut {
    fn extend_from_within_all(&mut self) {
        let again = self.clone();
        self.extend_from_slice(&again);
    }
}

fn words(frame: Frame) -> Option<Vec<Bytes>> {
    let Frame::Array(Some(elements)) = frame else { return None };
    let word = |element| match element {
        Frame::Bulk(Some(word)) => Some(word),
        _ => None,
    };
    elements.into_iter().map(word).collect::<Option<Vec<_>>>().filter(|words| !words.is_empty())
}

impl Inside {
    fn answer(&mut self, words: &[Bytes]) -> (Frame, Fault) {
        let name = String::from_utf8_lossy(&words[0]).to_uppercase();
        let script = words.get(1).and_then(|digest| self.scripts.get(&digest[..]).copied());
        let name = script.filter(|_| name == "EVALSHA").map_or(name, str::to_owned);
        *self.executed.entry(name.clone()).or_default() += 1;
        let fault = self.next_fault(&name);
        let refused = self.refuses.get(name.as_str()).copied();
        let reply = match (fault, refused) {
            (Fault::Nil, _) => Frame::Bulk(None),
            (Fault::Refuse(text), _) | (_, Some(text)) => error(text),
            _ => self.execute(&name, words),
        };
        self.trace.push(format!("{name} {fault:?}"));
        if fault != Fault::None {
            let kind = format!("{fault:?}");
            let kind = kind.split('(').next().unwrap_or_default().to_owned();
            *self.injected.entry(kind).or_default() += 1;
        }
        (reply, fault)
    }

    fn execute(&mut self, name: &str, words: &[Bytes]) -> Frame {
        match name {
            "AUTH" => {
                let right =
                    self.password.as_deref().is_some_and(|password| words[1..].iter().any(|w| w == password));
                if right { Frame::Simple("OK".into()) } else { error("WRONGPASS no") }
            }
            "SCRIPT" => self.load_script(&words[2]),
            "MGET" => Frame::Array(Some(words[1..].iter().map(|key| Frame::Bulk(self.get(key))).collect())),
            "ECHO" => Frame::Bulk(Some(words[1].clone())),
            "EVALSHA" => error(NOSCRIPT),
            "lease" | "fill" | "release" | "invalidate" | "adopt" => self.run(name, &words[3..]),
            _ => {
                self.garbage = true;
                error("ERR unknown command")
            }
        }
    }

    fn next_fault(&mut self, command: &str) -> Fault {
        // Letting in is never spoilt by plan, so that a plan is about what a test asks.
        if self.dice.is_none() && matches!(command, "AUTH" | "SCRIPT") {
            return Fault::None;
        }
        if let Some(fault) = self.plan.pop_front() {
            return fault;
        }
        let Some((dice, per_mille)) = &self.dice else { return Fault::None };
        if dice.below(1_000) >= *per_mille {
            return Fault::None;
        }
        match dice.below(13) {
            0 => Fault::Lose,
            1 => Fault::Duplicate,
            2 => Fault::Swap,
            3 => Fault::Stall(Duration::from_millis(dice.below(600))),
            4 => Fault::Split,
            5 => Fault::Cut,
            6 => Fault::Unsolicited,
            7 => Fault::Close,
            8 => Fault::Nil,
            9 => Fault::StopReading(Duration::from_millis(dice.below(600))),
            10 => Fault::HalfOpen,
            11 => Fault::Refuse(ERRORS[dice.below(ERRORS.len() as u64) as usize]),
            _ => Fault::Stall(Duration::from_millis(dice.below(20))),
        }
    }

    fn load_script(&mut self, bytes: &Bytes) -> Frame {
        let text = String::from_utf8_lossy(bytes);
        let script = if text.contains("'NX'") {
            "lease"
        } else if text.contains("ARGV[4]") {
            "fill"
        } else if text.contains("redis.call('DEL', KEYS[1], KEYS[2])") {
            "invalidate"
        } else if text.contains("if not v") {
            "adopt"
        } else {
            "release"
        };
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        self.scripts.insert(digest.clone().into_bytes(), script);
        Frame::Bulk(Some(digest.into()))
    }

    fn get(&self, key: &[u8]) -> Option<Bytes> {
        let alive = |(_, until): &&(Bytes, Instant)| self.never_expires || Instant::now() < *until;
        self.values.get(key).filter(alive).map(|(value, _)| value.clone())
    }

    fn set(&mut self, key: &Bytes, value: &Bytes, ms: &Bytes) {
        let ms: u64 = String::from_utf8_lossy(ms).parse().expect("a lifetime in milliseconds");
        self.values.insert(key.to_vec(), (value.clone(), Instant::now() + Duration::from_millis(ms)));
    }

    fn run(&mut self, script: &str, words: &[Bytes]) -> Frame {
        let (value, lease, nonce) = (&words[0], &words[1], words[2].clone());
        let arguments = &words[3..];
        let mut reply = vec![Frame::Bulk(Some(nonce))];
        match script {
            "lease" => {
                let there = self.get(value).unwrap_or_default();
                let won = self.get(lease).is_none();
                if won {
                    self.set(lease, &arguments[0], &arguments[1]);
                }
                reply.extend([Frame::Integer(i64::from(won)), Frame::Bulk(Some(there))]);
            }
            "fill" => {
                let needs = !arguments[0].is_empty();
                let may = !needs || self.get(lease).as_ref() == Some(&arguments[0]);
                if may {
                    self.set(value, &arguments[1], &arguments[2]);
                }
                if may && needs {
                    self.values.remove(&lease[..]);
                }
                reply.push(Frame::Integer(i64::from(may)));
            }
            "release" => {
                if self.get(lease).as_ref() == Some(&arguments[0]) {
                    self.values.remove(&lease[..]);
                }
                reply.push(Frame::Integer(1));
            }
            "invalidate" => {
                self.values.remove(&value[..]);
                self.values.remove(&lease[..]);
                reply.push(Frame::Integer(1));
            }
            _ => {
                if self.get(value).is_none() {
                    self.set(value, &arguments[0], &arguments[1]);
                }
                reply.push(Frame::Bulk(self.get(value)));
            }
        }
        Frame::Array(Some(reply))
    }
}

fn error(text: &'static str) -> Frame {
    Frame::Error(text.into())
}
