//! One connection to a Redis or Valkey server as a state machine: bytes and moments in, bytes and answers out. No IO, no clock, no randomness.
//!
//! ```text
//! Fresh -> Auth -> Scripts -> Ready -> Dead
//! ```
//!
//! Commands travel in batches `{nonce, deadline}`: one MGET of all gets, then the scripts, then an ECHO of the nonce. Answers are given out only when the whole
//! batch has come and its ECHO matched. Every script echoes a nonce of its own, since nil, OK and integers can't say whose they are.
//!
//! Invariant: fail-stop. A frame that nobody asked for, of the wrong shape or in the wrong place, a passed deadline, a write unfinished at its deadline, or a
//! foreign value reported from above: the connection is dead, everything in flight failed, and nothing of it is ever read again. Nothing is sent twice.

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::{Buf, Bytes, BytesMut};

use crate::backend::Token as Lease;
use crate::key::Location;
use crate::resp::{self, Limits, RespError, Token, Tokens};
use crate::sabotage::{Mutant, active};

/// A moment, as time since any fixed origin.
pub type Moment = Duration;

/// What can be asked of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The value at a location.
    Get(Location),
    /// The value, and the lease if nobody holds it.
    Lease(Location, Lease, Duration),
    /// Stores for so long: always, or only under a lease, which then ends.
    Fill(Location, Option<Lease>, Bytes, Duration),
    /// Ends a lease.
    Release(Location, Lease),
    /// Removes the value and any lease.
    Invalidate(Location),
    /// The value; if there is none, this one is stored for so long.
    Adopt(Location, Bytes, Duration),
}

impl Command {
    /// What it is about.
    pub fn location(&self) -> Location {
        match self {
            Self::Get(at) | Self::Invalidate(at) | Self::Lease(at, ..) => *at,
            Self::Fill(at, ..) | Self::Release(at, _) | Self::Adopt(at, ..) => *at,
        }
    }

    /// How many bytes of a value it carries.
    pub fn payload(&self) -> usize {
        match self {
            Self::Fill(_, _, envelope, _) | Self::Adopt(_, envelope, _) => envelope.len(),
            _ => 0,
        }
    }
}

/// What a server answered to a [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The value of a `Get` or an `Adopt`.
    Value(Option<Bytes>),
    /// Whether the lease is held now, and the value.
    Leased(bool, Option<Bytes>),
    /// Whether a `Fill` was stored.
    Stored(bool),
    /// A `Release` or `Invalidate` was done.
    Done,
    /// The server refused the command, and did nothing.
    Refused(String),
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Death {
    /// A frame came that nobody had asked for.
    #[error("a reply that nobody asked for")]
    Unsolicited,
    /// A frame of the wrong type, or of the wrong length.
    #[error("a reply of the wrong shape")]
    Unexpected,
    /// An ECHO or a script returned another nonce.
    #[error("a reply to another question")]
    WrongNonce,
    /// The bytes are not RESP2.
    #[error("not understood: {0}")]
    Malformed(#[from] RespError),
    /// A reply did not come in time.
    #[error("no reply in time")]
    Late,
    /// A batch was not even written in time.
    #[error("not written in time")]
    ShortWrite,
    /// The peer or the network closed it.
    #[error("closed by the other side")]
    Closed,
    /// A value under another key was reported from above.
    #[error("a value that belongs to another key")]
    Foreign,
    /// The server does not let this client in, or lost its scripts.
    #[error("refused by the server")]
    NotLetIn,
}

/// What came of one command, with the ticket under which it was enqueued.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<T> {
    /// Its batch is complete.
    Answered(T, Answer),
    /// The connection died first: whether it was done is not known.
    Lost(T),
    /// The connection died of its reply: larger than the limit, or than what comes in time.
    TooLarge(T),
}

/// How a connection behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// User name and password; the name may be empty.
    pub auth: Option<(String, String)>,
    /// What the server may send at most.
    pub limits: Limits,
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was said yet.
    Fresh,
    /// AUTH was sent, and nothing else is until its answer is there.
    Auth,
    /// The scripts are being loaded.
    Scripts,
    /// Commands are welcome.
    Ready,
    /// Over.
    Dead(Death),
}

/// One connection. `T` is the caller's ticket for a command.
#[derive(Debug)]
pub struct Conn<T> {
    settings: Settings,
    phase: Phase,
    generation: u64,
    tokens: Tokens,
    out: BytesMut,
    // Bytes ever enqueued and ever taken by the peer: a batch is written when the second reaches its mark.
    enqueued: u64,
    written: u64,
    // Bytes that ever came, and how many of them were left in the buffer.
    received: u64,
    unread: usize,
    batches: VecDeque<Batch<T>>,
    events: VecDeque<Event<T>>,
    #[cfg(feature = "sabotage")]
    abandoned: Option<fn(&T) -> bool>,
}

#[derive(Debug)]
struct Batch<T> {
    nonce: Nonce,
    // Without what came since it was sent.
    deadline: Moment,
    received_before: u64,
    // Where its last byte stands among all bytes enqueued.
    mark: u64,
    gets: Vec<T>,
    scripts: Vec<(Script, T)>,
    answers: Vec<Answer>,
    at: Step,
}

/// Which reply of its batch comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Auth,
    ScriptLoad(usize),
    Gets,
    Get(usize),
    Script(usize),
    InScript(usize, usize, Vec<Token>),
    Echo,
    Done,
}

/// What ends a batch: never the same twice on one connection.
pub type Nonce = [u8; 16];

// In the order of `SCRIPTS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Lease,
    Fill,
    Release,
    Invalidate,
    Adopt,
}

// Each returns its nonce first. The value is KEYS[1]; the lease, where there is one, KEYS[2].
const SCRIPTS: [&str; 5] = [
    "local v = redis.call('GET', KEYS[1]) or '' \
         if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return {ARGV[1], 1, v} end \
         return {ARGV[1], 0, v}",
    "if ARGV[2] ~= '' then \
           if redis.call('GET', KEYS[2]) ~= ARGV[2] then return {ARGV[1], 0} end \
         end \
         redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) \
         if ARGV[2] ~= '' then redis.call('DEL', KEYS[2]) end \
         return {ARGV[1], 1}",
    "if redis.call('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[2]) end return {ARGV[1], 1}",
    "redis.call('DEL', KEYS[1], KEYS[2]) return {ARGV[1], 1}",
    "local v = redis.call('GET', KEYS[1]) \
         if not v then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) v = ARGV[2] end \
         return {ARGV[1], v}",
];

/// How the server names the scripts: SHA-1, by its own choice.
static DIGESTS: LazyLock<[Vec<u8>; 5]> = LazyLock::new(|| {
    SCRIPTS.map(|text| {
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        digest.as_ref().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
    })
});

impl<T> Conn<T> {
    /// A connection that was just opened, the `generation`th of its owner.
    pub fn new(settings: Settings, generation: u64) -> Self {
        let tokens = Tokens::new(settings.limits);
        Self {
            settings,
            phase: Phase::Fresh,
            generation,
            tokens,
            out: BytesMut::new(),
            enqueued: 0,
            written: 0,
            received: 0,
            unread: 0,
            batches: VecDeque::new(),
            events: VecDeque::new(),
            #[cfg(feature = "sabotage")]
            abandoned: None,
        }
    }

    /// How the fault "an abandoned caller's place is given up" knows that a caller is gone.
    #[cfg(feature = "sabotage")]
    pub fn knows_abandoned(&mut self, abandoned: fn(&T) -> bool) {
        self.abandoned = Some(abandoned);
    }

    /// Where it is in its life.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Which connection of its owner it is.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many batches wait for their replies.
    pub fn in_flight(&self) -> usize {
        self.batches.len()
    }

    /// Says the first words: AUTH strictly alone, or, without a password, the scripts.
    pub fn start(&mut self, nonce: Nonce, deadline: Moment) {
        if self.phase != Phase::Fresh {
            return;
        }
        match self.settings.auth.clone() {
            None => self.load_scripts(nonce, deadline),
            Some((user, password)) => {
                let words: Vec<&str> =
                    ["AUTH", &user, &password].into_iter().filter(|w| !w.is_empty()).collect();
                resp::put_command(&mut self.out, words.len());
                words.iter().for_each(|word| resp::put_bulk(&mut self.out, word.as_bytes()));
                self.push_batch(nonce, deadline, Vec::new(), Vec::new(), Step::Auth);
                self.phase = Phase::Auth;
                if active(Mutant::PipelineAuth) {
                    self.load_scripts(nonce, deadline);
                }
            }
        }
    }

    fn load_scripts(&mut self, nonce: Nonce, deadline: Moment) {
        for text in SCRIPTS {
            resp::put_command(&mut self.out, 3);
            for word in ["SCRIPT", "LOAD", text] {
                resp::put_bulk(&mut self.out, word.as_bytes());
            }
        }
        self.put_echo(&nonce);
        self.push_batch(nonce, deadline, Vec::new(), Vec::new(), Step::ScriptLoad(0));
        self.phase = Phase::Scripts;
    }

    /// Sends commands as one batch. Only in [`Phase::Ready`]: otherwise they are lost at once. Gets go first: none may be about
    /// the location of another command before it. The deadline is for small ones: what is large has the time that it
    /// takes to travel on top.
    pub fn enqueue(
        &mut self,
        commands: impl IntoIterator<Item = (Command, T)>,
        nonce: Nonce,
        deadline: Moment,
    ) {
        let (mut locations, mut gets, mut scripts) = (Vec::new(), Vec::new(), Vec::new());
        let mut others = Vec::new();
        for (command, ticket) in commands {
            if self.phase != Phase::Ready {
                self.events.push_back(Event::Lost(ticket));
            } else if let Command::Get(at) = command {
                locations.push(at);
                gets.push(ticket);
            } else {
                others.push((command, ticket));
            }
        }
        if gets.is_empty() && others.is_empty() {
            return;
        }
        self.put_gets(&locations);
        for (n, (command, ticket)) in others.into_iter().enumerate() {
            scripts.push((self.put_script(&command, &script_nonce(&nonce, n)), ticket));
        }
        self.put_echo(&nonce);
        let first = if gets.is_empty() { Step::Script(0) } else { Step::Gets };
        self.push_batch(nonce, deadline, gets, scripts, first);
    }

    fn push_batch(
        &mut self,
        nonce: Nonce,
        deadline: Moment,
        gets: Vec<T>,
        scripts: Vec<(Script, T)>,
        at: Step,
    ) {
        self.enqueued = self.written + self.out.len() as u64;
        self.batches.push_back(Batch {
            nonce,
            deadline: deadline + travel_time(self.out.len() as u64),
            received_before: self.received,
            mark: self.enqueued,
            answers: Vec::with_capacity(gets.len() + scripts.len()),
            gets,
            scripts,
            at,
        });
    }

    fn put_gets(&mut self, locations: &[Location]) {
        if locations.is_empty() {
            return;
        }
        self.out.reserve(locations.len() * 45 + 32);
        resp::put_command(&mut self.out, locations.len() + 1);
        resp::put_bulk(&mut self.out, b"MGET");
        for at in locations {
            self.out.extend_from_slice(b"$39\r\n");
            self.out.extend_from_slice(&server_key(*at, b'v'));
            self.out.extend_from_slice(b"\r\n");
        }
    }

    fn put_script(&mut self, command: &Command, nonce: &[u8]) -> Script {
        let ms = |lifetime: &Duration| (lifetime.as_millis().max(1)).to_string();
        let (script, at, arguments): (_, _, Vec<Bytes>) = match command {
            Command::Lease(at, Lease(token), lifetime) => {
                (Script::Lease, at, vec![Bytes::copy_from_slice(token), ms(lifetime).into()])
            }
            Command::Fill(at, token, envelope, lifetime) => {
                let token = token.map_or(Bytes::new(), |Lease(token)| Bytes::copy_from_slice(&token));
                let token = if active(Mutant::IgnoreLease) { Bytes::new() } else { token };
                (Script::Fill, at, vec![token, envelope.clone(), ms(lifetime).into()])
            }
            Command::Release(at, Lease(token)) => (Script::Release, at, vec![Bytes::copy_from_slice(token)]),
            Command::Adopt(at, fresh, lifetime) => {
                (Script::Adopt, at, vec![fresh.clone(), ms(lifetime).into()])
            }
            Command::Invalidate(at) | Command::Get(at) => (Script::Invalidate, at, Vec::new()),
        };
        resp::put_command(&mut self.out, 6 + arguments.len());
        resp::put_bulk(&mut self.out, b"EVALSHA");
        resp::put_bulk(&mut self.out, &DIGESTS[script as usize]);
        resp::put_bulk(&mut self.out, b"2");
        resp::put_bulk(&mut self.out, &server_key(*at, b'v'));
        resp::put_bulk(&mut self.out, &server_key(*at, b'l'));
        resp::put_bulk(&mut self.out, nonce);
        arguments.iter().for_each(|argument| resp::put_bulk(&mut self.out, argument));
        script
    }

    fn put_echo(&mut self, nonce: &Nonce) {
        if active(Mutant::NoEcho) {
            return;
        }
        resp::put_command(&mut self.out, 2);
        resp::put_bulk(&mut self.out, b"ECHO");
        resp::put_bulk(&mut self.out, nonce);
    }

    /// What should be written now.
    pub fn outgoing(&self) -> &[u8] {
        &self.out
    }

    /// The peer took so many of the outgoing bytes.
    pub fn wrote(&mut self, bytes: usize) {
        self.out.advance(bytes);
        self.written += bytes as u64;
    }

    /// Bytes came. What is incomplete stays in the buffer.
    pub fn on_bytes(&mut self, buffer: &mut BytesMut) {
        self.received += buffer.len().saturating_sub(self.unread) as u64;
        self.read(buffer);
        self.unread = buffer.len();
    }

    fn read(&mut self, buffer: &mut BytesMut) {
        while !matches!(self.phase, Phase::Dead(_)) {
            match self.tokens.next(buffer) {
                Ok(Some(token)) => {
                    if let Err(death) = self.on_token(token) {
                        self.die(death);
                    }
                }
                Ok(None) => return,
                Err(error) => self.die(error.into()),
            }
        }
        buffer.clear();
    }

    /// Time has passed.
    pub fn on_time(&mut self, now: Moment) {
        let Some(first) = self.batches.front() else { return };
        if now < self.deadline_of(first) {
            return;
        }
        let short = self.written < first.mark;
        if short && active(Mutant::ReuseAfterShortWrite) {
            // What was not written is forgotten, and the next command begins inside of this one.
            self.out.clear();
            self.abandon_first();
        } else if !short && active(Mutant::KeepAfterTimeout) {
            self.abandon_first();
        } else {
            self.die(if short { Death::ShortWrite } else { Death::Late });
        }
    }

    fn abandon_first(&mut self) {
        if let Some(batch) = self.batches.pop_front() {
            self.lose(batch, None);
        }
    }

    /// When [`on_time`](Self::on_time) has to be called next.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.batches.front().map(|batch| self.deadline_of(batch))
    }

    fn deadline_of(&self, batch: &Batch<T>) -> Moment {
        batch.deadline + travel_time(self.received - batch.received_before)
    }

    /// The peer or the network closed it.
    pub fn on_closed(&mut self) {
        self.die(Death::Closed);
    }

    /// Somebody above opened an answer of this connection and found another key's value in it.
    pub fn on_foreign(&mut self) {
        self.die(Death::Foreign);
    }

    /// What came of the commands, in the order of their completion.
    pub fn next_event(&mut self) -> Option<Event<T>> {
        self.events.pop_front()
    }

    fn die(&mut self, death: Death) {
        if matches!(self.phase, Phase::Dead(_)) {
            return;
        }
        self.phase = Phase::Dead(death);
        self.out.clear();
        let of_its_size = match death {
            Death::Malformed(RespError::TooLarge) => true,
            Death::Late => self.tokens.is_within_bulk(),
            _ => false,
        };
        let mut too_large = self.batches.front().filter(|_| of_its_size).and_then(Batch::being_read);
        while let Some(batch) = self.batches.pop_front() {
            self.lose(batch, too_large.take());
        }
    }

    fn lose(&mut self, batch: Batch<T>, too_large: Option<usize>) {
        let scripts = batch.scripts.into_iter().map(|(_, ticket)| ticket);
        let tickets = batch.gets.into_iter().chain(scripts).enumerate();
        self.events.extend(tickets.map(|(n, ticket)| match too_large == Some(n) {
            true => Event::TooLarge(ticket),
            false => Event::Lost(ticket),
        }));
    }

    fn on_token(&mut self, token: Token) -> Result<(), Death> {
        let Some(batch) = self.batches.front_mut() else {
            return if active(Mutant::SwallowUnsolicited) { Ok(()) } else { Err(Death::Unsolicited) };
        };
        match std::mem::replace(&mut batch.at, Step::Echo) {
            Step::Auth => return self.on_auth(&token),
            Step::ScriptLoad(n) => self.on_script_loaded(n, token)?,
            Step::Gets => batch.on_gets(&token)?,
            Step::Get(n) => batch.on_get(n, token)?,
            Step::Script(n) => batch.on_script(n, token)?,
            Step::InScript(n, left, items) => batch.on_script_item(n, left, items, token)?,
            Step::Echo => batch.on_echo(&token)?,
            Step::Done => return Err(Death::Unsolicited),
        }
        self.complete_if_done()
    }

    fn on_auth(&mut self, token: &Token) -> Result<(), Death> {
        if !matches!(token, Token::Simple(text) if text == "OK") {
            return Err(Death::NotLetIn);
        }
        let batch = self.batches.pop_front().expect("AUTH is in flight");
        if self.phase == Phase::Auth {
            self.load_scripts(batch.nonce, batch.deadline);
        }
        Ok(())
    }

    fn on_script_loaded(&mut self, n: usize, token: Token) -> Result<(), Death> {
        match token {
            // The digest says which script it is: two of these replies exchanged would make one script run in place of another.
            Token::Bulk(Some(digest)) if digest == DIGESTS[n][..] => {}
            Token::Error(_) => return Err(Death::NotLetIn),
            _ => return Err(Death::Unexpected),
        }
        if n + 1 < SCRIPTS.len() {
            self.front().at = Step::ScriptLoad(n + 1);
        }
        Ok(())
    }

    fn front(&mut self) -> &mut Batch<T> {
        self.batches.front_mut().expect("a token was just read for it")
    }

    /// Without an ECHO there is nothing to wait for: the last reply ends the batch.
    fn complete_if_done(&mut self) -> Result<(), Death> {
        let Some(batch) = self.batches.front_mut() else { return Ok(()) };
        let done = batch.at == Step::Done || (active(Mutant::NoEcho) && batch.at == Step::Echo);
        if !done {
            return Ok(());
        }
        let batch = self.batches.pop_front().expect("it was just there");
        if self.phase == Phase::Scripts {
            self.phase = Phase::Ready;
        }
        let needs_reconnect = batch.answers.iter().any(must_reconnect);
        self.give_out(batch);
        if needs_reconnect { Err(Death::NotLetIn) } else { Ok(()) }
    }

    fn give_out(&mut self, mut batch: Batch<T>) {
        if active(Mutant::PopWrongSlot) && batch.answers.len() > 1 {
            batch.answers.rotate_left(1);
        }
        let tickets = batch.gets.into_iter().chain(batch.scripts.into_iter().map(|(_, ticket)| ticket));
        #[cfg(feature = "sabotage")]
        let tickets = tickets.filter(|ticket| {
            !(active(Mutant::AbandonPlace) && self.abandoned.is_some_and(|abandoned| abandoned(ticket)))
        });
        let events = tickets.zip(batch.answers).map(|(ticket, answer)| Event::Answered(ticket, answer));
        self.events.extend(events);
    }
}

impl<T> Batch<T> {
    /// Whose value comes next, or is coming.
    fn being_read(&self) -> Option<usize> {
        match self.at {
            Step::Get(n) => Some(n),
            Step::InScript(n, ..) => Some(self.gets.len() + n),
            _ => None,
        }
    }

    fn on_gets(&mut self, token: &Token) -> Result<(), Death> {
        match token {
            Token::Array(Some(count)) if *count == self.gets.len() => self.at = Step::Get(0),
            Token::Error(text) => {
                let refused = Answer::Refused(String::from_utf8_lossy(text).into_owned());
                self.answers.extend(std::iter::repeat_n(refused, self.gets.len()));
                self.at = self.after_script(0);
            }
            _ => return Err(Death::Unexpected),
        }
        Ok(())
    }

    fn on_get(&mut self, n: usize, token: Token) -> Result<(), Death> {
        let Token::Bulk(value) = token else { return Err(Death::Unexpected) };
        self.answers.push(Answer::Value(value));
        self.at = if n + 1 < self.gets.len() { Step::Get(n + 1) } else { self.after_script(0) };
        Ok(())
    }

    fn on_script(&mut self, n: usize, token: Token) -> Result<(), Death> {
        match token {
            Token::Array(Some(count @ 2..=3)) => {
                self.at = Step::InScript(n, count, Vec::with_capacity(count))
            }
            Token::Error(text) => {
                self.answers.push(Answer::Refused(String::from_utf8_lossy(&text).into_owned()));
                self.at = self.after_script(n + 1);
            }
            _ => return Err(Death::Unexpected),
        }
        Ok(())
    }

    fn on_script_item(
        &mut self,
        n: usize,
        count: usize,
        mut items: Vec<Token>,
        token: Token,
    ) -> Result<(), Death> {
        items.push(token);
        if items.len() < count {
            self.at = Step::InScript(n, count, items);
            return Ok(());
        }
        let Token::Bulk(Some(nonce)) = &items[0] else { return Err(Death::Unexpected) };
        if *nonce != script_nonce(&self.nonce, n)[..] && !active(Mutant::NoScriptNonce) {
            return Err(Death::WrongNonce);
        }
        self.answers.push(script_answer(self.scripts[n].0, &items[1..]).ok_or(Death::Unexpected)?);
        self.at = self.after_script(n + 1);
        Ok(())
    }

    fn on_echo(&mut self, token: &Token) -> Result<(), Death> {
        match token {
            Token::Bulk(Some(nonce)) if *nonce == self.nonce[..] => self.at = Step::Done,
            Token::Bulk(Some(_)) => return Err(Death::WrongNonce),
            _ => return Err(Death::Unexpected),
        }
        Ok(())
    }

    fn after_script(&self, n: usize) -> Step {
        if n < self.scripts.len() { Step::Script(n) } else { Step::Echo }
    }
}

fn script_answer(script: Script, items: &[Token]) -> Option<Answer> {
    match (script, items) {
        (Script::Lease, [Token::Integer(won @ 0..=1), Token::Bulk(Some(value))]) => {
            let value = (!value.is_empty()).then(|| value.clone());
            Some(Answer::Leased(*won == 1, value))
        }
        (Script::Fill, [Token::Integer(stored @ 0..=1)]) => Some(Answer::Stored(*stored == 1)),
        (Script::Release | Script::Invalidate, [Token::Integer(1)]) => Some(Answer::Done),
        (Script::Adopt, [Token::Bulk(Some(value))]) => Some(Answer::Value(Some(value.clone()))),
        _ => None,
    }
}

/// Whether only another connection can help: the scripts are gone, or this server is not the primary any more.
fn must_reconnect(answer: &Answer) -> bool {
    let Answer::Refused(text) = answer else { return false };
    ["NOSCRIPT", "READONLY", "NOAUTH", "MASTERDOWN"].iter().any(|code| text.starts_with(code))
}

/// What so many bytes may take beyond a small command's time: a millisecond for 8 KiB, which is a link of 67 Mbit/s.
fn travel_time(bytes: u64) -> Duration {
    Duration::from_millis(bytes >> 13)
}

fn script_nonce(nonce: &Nonce, n: usize) -> [u8; 20] {
    let mut own = [0; 20];
    own[..16].copy_from_slice(nonce);
    own[16..].copy_from_slice(&(n as u32).to_be_bytes());
    own
}

/// `ks:{hash}:v` for the value, `:l` for the lease: one slot of a cluster, and no byte of the user's.
fn server_key(at: Location, what: u8) -> [u8; 39] {
    let mut key = *b"ks:{00000000000000000000000000000000}:v";
    key[4..36].copy_from_slice(&at.hex());
    key[38] = what;
    key
}
