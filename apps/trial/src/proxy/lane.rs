//! One connection through the proxy: two directions, its faults, its memory.
//!
//! A reply is handed on when it is whole, so that a fault hits exactly one. Commands are handed on as they come.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::sleep;

use super::board::Board;
use super::fault::{FaultKind, Planned};
use super::kernel;
use super::resp::{Scan, Scanner};
use super::trace::Ring;
use crate::verdict::Traced;

const HOARD_MAX: usize = 256 << 20;
// A reply that waits to change places with the next one waits no longer than this for it.
const REORDER_WAIT: Duration = Duration::from_millis(25);
// Of a command that lacks less than this the kernel may well take the rest, whether anybody reads or not.
const LARGE: usize = 2 << 20;

/// What a connection lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Everything.
    Open,
    /// Nothing for now.
    Frozen,
    /// Nothing any more, and it doesn't say so: what comes is swallowed.
    Hole,
    /// As a hole, but the next command is answered with a reset.
    Trap,
    /// It is over.
    Ended,
}

/// One connection.
#[derive(Debug)]
pub struct Lane {
    /// Its number, in the order of arrival.
    pub id: u64,
    gate: watch::Sender<Gate>,
    ring: Mutex<Ring>,
    slow_micros: AtomicU64,
    reset: std::sync::atomic::AtomicBool,
}

impl Lane {
    /// A connection that lets everything through.
    pub fn new(id: u64) -> Self {
        Self {
            id,
            gate: watch::Sender::new(Gate::Open),
            ring: Mutex::default(),
            slow_micros: AtomicU64::new(0),
            reset: false.into(),
        }
    }

    /// Opens or closes it; an ended one stays ended. Says whether that changed anything.
    pub fn turn(&self, to: Gate) -> bool {
        self.gate.send_if_modified(|gate| {
            let changes = *gate != to && *gate != Gate::Ended;
            if changes {
                *gate = to;
            }
            changes
        })
    }

    /// Ends it, with a reset or in order.
    pub fn end(&self, reset: bool) -> bool {
        self.reset.store(reset, Ordering::Relaxed);
        self.turn(Gate::Ended)
    }

    /// Whether it is not over.
    pub fn is_alive(&self) -> bool {
        *self.gate.borrow() != Gate::Ended
    }

    fn is_hole(&self) -> bool {
        matches!(*self.gate.borrow(), Gate::Hole | Gate::Trap)
    }

    /// What went over it last.
    pub fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until what is read may be handed on. An error when it is over.
    async fn passage(&self) -> Result<Gate, Over> {
        let mut gate = self.gate.subscribe();
        let now = *gate.wait_for(|gate| *gate != Gate::Frozen).await.map_err(|_| Over)?;
        if now == Gate::Ended { Err(Over) } else { Ok(now) }
    }

    async fn ended(&self) {
        drop(self.gate.subscribe().wait_for(|gate| *gate == Gate::Ended).await);
    }
}

/// The connection is over, for whatever reason; there is nothing to report.
pub(super) struct Over;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// Carries a connection until one side closes it, or a fault does.
pub(super) async fn carry(board: Arc<Board>, lane: Arc<Lane>, client: TcpStream, server: TcpStream) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let commands = Commands { board: &board, lane: &lane, frame: 0 };
    let replies =
        Replies { board: &board, lane: &lane, course: Course::default(), to: to_client, held: None };
    tokio::select! {
        _ = commands.run(from_client, to_server) => {}
        to_client = replies.run(from_server) => {
            if lane.reset.load(Ordering::Relaxed) {
                let _ = SockRef::from(to_client.as_ref()).set_linger(Some(Duration::ZERO));
                // Dropped otherwise, it would say goodbye first.
                to_client.forget();
            }
        }
    }
    lane.turn(Gate::Ended);
}

struct Commands<'a> {
    board: &'a Board,
    lane: &'a Lane,
    frame: u64,
}

impl Commands<'_> {
    async fn run(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Result<(), Over> {
        let (mut buffer, mut scanner) = (BytesMut::with_capacity(16 << 10), Scanner::default());
        let mut handed_on = 0;
        loop {
            self.lane.passage().await?;
            buffer.reserve(16 << 10);
            let read = tokio::select! {
                () = self.lane.ended() => return self.hang_until_reset().await,
                read = from.read_buf(&mut buffer) => read?,
            };
            if read == 0 {
                return Err(Over);
            }
            match self.lane.passage().await? {
                Gate::Hole => {
                    self.swallowed(&mut buffer);
                    handed_on = 0;
                    continue;
                }
                Gate::Trap => {
                    self.board.count_swallowed();
                    self.lane.ring().fault(self.board.now_ms(), self.frame, "reset instead of an answer");
                    self.lane.end(true);
                    return self.hang_until_reset().await;
                }
                _ => {}
            }
            to.write_all(&buffer[handed_on..]).await?;
            self.note(&mut buffer, &mut scanner);
            handed_on = buffer.len();
            let lacks = scanner.lacks(buffer.len());
            if lacks >= LARGE {
                self.dawdle(&from, lacks).await;
            }
        }
    }

    // The reply side, which owns the socket's other half, sets the reset and ends the lane.
    async fn hang_until_reset(&self) -> Result<(), Over> {
        std::future::pending().await
    }

    fn swallowed(&self, buffer: &mut BytesMut) {
        self.board.count_swallowed();
        self.lane.ring().frame(self.board.now_ms(), Traced::Fault, self.frame, b"command swallowed");
        buffer.clear();
    }

    /// Remembers whole commands and forgets their bytes.
    fn note(&mut self, buffer: &mut BytesMut, scanner: &mut Scanner) {
        let now = self.board.now_ms();
        loop {
            match scanner.scan(buffer) {
                Scan::Frame(length) => {
                    self.lane.ring().frame(now, Traced::Command, self.frame, &buffer[..length]);
                    self.frame += 1;
                    buffer.advance(length);
                }
                Scan::Partial => return,
                Scan::Alien => return buffer.clear(),
            }
        }
    }

    /// Stops reading inside a command that lacks so many bytes.
    async fn dawdle(&self, from: &OwnedReadHalf, lacks: usize) {
        let micros = self.lane.slow_micros.swap(0, Ordering::Relaxed);
        if micros == 0 {
            return;
        }
        let text = "slow-reader: reading stops inside this command";
        self.lane.ring().fault(self.board.now_ms(), self.frame, text);
        if kernel::holds_up(from.as_ref(), lacks, Duration::from_micros(micros)).await {
            self.board.count(FaultKind::SlowReader);
        }
    }
}

/// Where a connection is among its faults.
#[derive(Default)]
struct Course {
    epoch: u64,
    frame: u64,
    base: u64,
    faults: u64,
    last: u64,
    next: Option<Planned>,
}

impl Course {
    /// The fault for the frame that comes now, if there is one.
    fn step(&mut self, board: &Board, connection: u64) -> Option<Planned> {
        let frame = self.frame;
        self.frame += 1;
        if self.epoch != board.epoch() {
            self.epoch = board.epoch();
            (self.base, self.faults, self.last) = (frame, 0, 0);
            self.plan(board, connection);
        }
        let due = self.next.filter(|next| frame - self.base >= next.frame)?;
        self.last = due.frame;
        self.faults += 1;
        self.plan(board, connection);
        Some(due)
    }

    fn plan(&mut self, board: &Board, connection: u64) {
        self.next = board.plan().and_then(|plan| plan.next(connection, self.faults, self.last));
    }
}

struct Replies<'a> {
    board: &'a Board,
    lane: &'a Lane,
    course: Course,
    to: OwnedWriteHalf,
    held: Option<Bytes>,
}

impl Replies<'_> {
    /// Ends when the connection does, and gives back the half that can still be reset.
    async fn run(mut self, from: OwnedReadHalf) -> OwnedWriteHalf {
        let Over = match self.carry(from).await {
            Ok(never) => match never {},
            Err(over) => over,
        };
        self.to
    }

    async fn carry(&mut self, mut from: OwnedReadHalf) -> Result<std::convert::Infallible, Over> {
        let (mut buffer, mut scanner) = (BytesMut::with_capacity(64 << 10), Scanner::default());
        loop {
            let gate = self.lane.passage().await?;
            buffer.reserve(64 << 10);
            let read = tokio::select! {
                () = self.lane.ended() => return Err(Over),
                () = sleep(REORDER_WAIT), if self.held.is_some() => {
                    self.let_go().await?;
                    continue;
                }
                read = from.read_buf(&mut buffer) => read?,
            };
            if matches!(gate, Gate::Hole | Gate::Trap) || self.lane.is_hole() {
                // The far side may well close now; the near side must not learn of it.
                if read == 0 {
                    self.lane.ended().await;
                    return Err(Over);
                }
                buffer.clear();
                scanner = Scanner::default();
                continue;
            }
            if read == 0 {
                return Err(Over);
            }
            self.hoard(&mut from, &mut buffer).await?;
            self.hand_on(&mut buffer, &mut scanner).await?;
        }
    }

    /// While replies are to pile up, reads them all and hands on none.
    async fn hoard(&self, from: &mut OwnedReadHalf, buffer: &mut BytesMut) -> Result<(), Over> {
        let mut hoarding = self.board.hoarding();
        if !*hoarding.borrow() {
            return Ok(());
        }
        self.board.count_hoarded(buffer.len());
        while *hoarding.borrow_and_update() && buffer.len() < HOARD_MAX {
            buffer.reserve(64 << 10);
            tokio::select! {
                () = self.lane.ended() => return Err(Over),
                _ = hoarding.changed() => {}
                read = from.read_buf(buffer) => match read? {
                    0 => return Err(Over),
                    // Counted as it comes: a client that has had enough ends the connection before it gets them.
                    read => self.board.count_hoarded(read),
                },
            }
        }
        let text = format!("{} KiB of replies at once", buffer.len() >> 10);
        self.lane.ring().fault(self.board.now_ms(), self.course.frame, &text);
        Ok(())
    }

    async fn hand_on(&mut self, buffer: &mut BytesMut, scanner: &mut Scanner) -> Result<(), Over> {
        let mut clean = 0;
        loop {
            match scanner.scan(&buffer[clean..]) {
                Scan::Frame(length) => {
                    let frame = &buffer[clean..clean + length];
                    self.board.look_at(frame);
                    let now = self.board.now_ms();
                    self.lane.ring().frame(now, Traced::Reply, self.course.frame, frame);
                    let fault = self.course.step(self.board, self.lane.id);
                    if fault.is_none() && self.held.is_none() {
                        clean += length;
                        continue;
                    }
                    self.to.write_all_buf(&mut buffer.split_to(clean)).await?;
                    clean = 0;
                    let frame = buffer.split_to(length).freeze();
                    match fault {
                        Some(fault) => self.inject(fault, frame).await?,
                        None => self.swap(frame).await?,
                    }
                    if self.lane.is_hole() {
                        buffer.clear();
                        return Ok(());
                    }
                }
                Scan::Partial => break,
                Scan::Alien => clean = buffer.len(),
            }
            if clean == buffer.len() {
                break;
            }
        }
        self.to.write_all_buf(&mut buffer.split_to(clean)).await?;
        Ok(())
    }

    /// The frame goes before the one that was held back for it.
    async fn swap(&mut self, frame: Bytes) -> Result<(), Over> {
        self.to.write_all(&frame).await?;
        self.board.count(FaultKind::Reorder);
        self.let_go().await
    }

    async fn let_go(&mut self) -> Result<(), Over> {
        if let Some(held) = self.held.take() {
            self.to.write_all(&held).await?;
        }
        Ok(())
    }

    async fn inject(&mut self, fault: Planned, frame: Bytes) -> Result<(), Over> {
        self.let_go().await?;
        let at = self.course.frame - 1;
        self.lane.ring().fault(self.board.now_ms(), at, &fault.kind.name());
        tracing::debug!(connection = self.lane.id, reply = at, fault = %fault.kind.name(), "injected");
        if !matches!(fault.kind, FaultKind::Reorder | FaultKind::SlowReader) {
            self.board.count(fault.kind);
        }
        match fault.kind {
            FaultKind::Lose => Ok(()),
            FaultKind::Duplicate => {
                self.to.write_all(&frame).await?;
                self.write(&frame).await
            }
            FaultKind::Late => {
                sleep(fault.delay).await;
                self.write(&frame).await
            }
            FaultKind::Reorder => {
                self.held = Some(frame);
                Ok(())
            }
            FaultKind::Split => self.split(&frame).await,
            FaultKind::Cut => self.cut(&frame, fault.variant).await,
            FaultKind::Unsolicited => {
                self.to.write_all(&nobody_asked_for(fault.variant, &frame)).await?;
                self.write(&frame).await
            }
            FaultKind::Stall => self.stall(&frame, fault.delay).await,
            FaultKind::HalfOpen => {
                self.lane.turn(Gate::Hole);
                Ok(())
            }
            FaultKind::SlowReader => {
                let micros = u64::try_from(fault.delay.as_micros()).unwrap_or(u64::MAX);
                self.lane.slow_micros.store(micros, Ordering::Relaxed);
                self.write(&frame).await
            }
        }
    }

    async fn write(&mut self, frame: &[u8]) -> Result<(), Over> {
        Ok(self.to.write_all(frame).await?)
    }

    // A long value's inside is no more interesting than its ends, and byte by byte it would take seconds.
    async fn split(&mut self, frame: &[u8]) -> Result<(), Over> {
        let (head, tail) = frame.split_at(frame.len().min(400));
        for byte in head.chunks(1) {
            self.to.write_all(byte).await?;
            tokio::task::yield_now().await;
        }
        self.write(tail).await
    }

    async fn cut(&mut self, frame: &[u8], variant: u64) -> Result<(), Over> {
        let inside = 1 + usize::try_from(variant >> 8).unwrap_or(0) % (frame.len() - 1);
        self.to.write_all(&frame[..inside]).await?;
        // What was written must arrive before a reset would throw it away.
        sleep(Duration::from_millis(1)).await;
        self.lane.end(variant & 1 == 1);
        Err(Over)
    }

    async fn stall(&mut self, frame: &[u8], delay: Duration) -> Result<(), Over> {
        self.lane.turn(Gate::Frozen);
        tokio::select! {
            () = self.lane.ended() => return Err(Over),
            () = sleep(delay) => {}
        }
        self.lane.turn(Gate::Open);
        self.write(frame).await
    }
}

/// A reply that answers nothing, of every type that a server can say.
fn nobody_asked_for(variant: u64, frame: &[u8]) -> Bytes {
    match variant % 5 {
        0 => Bytes::from_static(b"+OK\r\n"),
        1 => Bytes::from_static(b":1\r\n"),
        2 => Bytes::from_static(b"$-1\r\n"),
        3 => Bytes::copy_from_slice(frame),
        _ => Bytes::from_static(b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"),
    }
}
