//! The fault proxy: between any RESP client and any RESP server, it carries every byte, until it is told to hurt.
//!
//! It listens on loopback, understands where replies end and nothing else, and injects what a [`Plan`] says at the reply that the plan's
//! dice name. The same seed hits the same frames of the same connections. It never repairs: what a client makes of a fault is its own affair.

mod board;
pub mod fault;
mod kernel;
mod lane;
pub mod resp;
mod trace;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keepsight_world::World;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use self::board::Board;
pub use self::board::Injected;
pub use self::fault::{FaultKind, Plan};
pub use self::lane::Gate;
use crate::verdict::TraceLine;

/// A running proxy. Dropping it closes everything.
#[derive(Debug)]
pub struct Proxy {
    doors: Vec<Door>,
    board: Arc<Board>,
    sockets: Sockets,
}

/// Where clients come in. One that has a door of its own can be told from the others by its connections.
#[derive(Debug)]
struct Door {
    address: SocketAddr,
    opened: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// What is particular about a proxy's sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sockets {
    /// Small segments and a small receive buffer, so that a large command can't disappear whole into the kernel.
    pub narrow: bool,
}

impl Proxy {
    /// Listens at `listen` (port 0 for a free one) before the server at `upstream`.
    ///
    /// # Errors
    /// When the address can't be listened at.
    pub fn start(
        world: &World,
        listen: SocketAddr,
        upstream: SocketAddr,
        sockets: Sockets,
    ) -> io::Result<Self> {
        let board = Arc::new(Board::new(upstream, world.clone()));
        let mut proxy = Self { doors: Vec::new(), board, sockets };
        proxy.open_door(listen)?;
        Ok(proxy)
    }

    /// Listens at one more address, before the same server; the number of that door.
    ///
    /// # Errors
    /// When the address can't be listened at.
    pub fn open_door(&mut self, listen: SocketAddr) -> io::Result<usize> {
        let listener = listen_at(listen, self.sockets)?;
        let (address, opened) = (listener.local_addr()?, Arc::default());
        let task = tokio::spawn(accept(self.board.clone(), listener, Arc::clone(&opened)));
        self.doors.push(Door { address, opened, task });
        Ok(self.doors.len() - 1)
    }

    /// Where clients connect, if nobody needs a door of their own.
    pub fn address(&self) -> SocketAddr {
        self.doors[0].address
    }

    /// Each door's address, the first one's first.
    pub fn doors(&self) -> impl Iterator<Item = SocketAddr> {
        self.doors.iter().map(|door| door.address)
    }

    /// How many connections came in by each door until now.
    pub fn opened(&self) -> Vec<u64> {
        self.doors.iter().map(|door| door.opened.load(Ordering::Relaxed)).collect()
    }

    /// From now on, faults by this plan, each connection's frames counted from here. `None`: no more.
    pub fn arm(&self, plan: Option<Plan>) {
        self.board.arm(plan);
    }

    /// Ends all connections at once.
    pub fn cut_all(&self, reset: bool) {
        self.board.cut_all(reset);
    }

    /// Turns the gate of every connection there is now; new ones come open.
    pub fn turn_all(&self, gate: impl Fn(u64) -> Gate) {
        self.board.turn_all(gate);
    }

    /// New connections are accepted and reset at once, or (again) carried.
    pub fn refuse(&self, refuse: bool) {
        self.board.refuse(refuse);
    }

    /// Replies pile up here, or come all at once.
    pub fn hoard(&self, hoard: bool) {
        self.board.hoard(hoard);
    }

    /// What was injected until now.
    pub fn injected(&self) -> Injected {
        self.board.injected()
    }

    /// Milliseconds since it was started.
    pub fn now_ms(&self) -> u64 {
        self.board.now_ms()
    }

    /// The connection that most likely carried an answer with this in it, and what went over it last.
    pub fn trace(&self, answer: &[u8], question: &[u8]) -> (Option<u64>, Vec<TraceLine>) {
        let lanes = self.board.lanes();
        let holding = |word: &[u8]| {
            let found = || lanes.iter().rev().filter(|lane| lane.ring().mentions(word));
            found().find(|lane| lane.ring().faults() > 0).or_else(|| found().next())
        };
        let lane = holding(answer)
            .or_else(|| holding(question))
            .or_else(|| lanes.iter().rev().find(|lane| lane.ring().faults() > 0))
            .or_else(|| lanes.last());
        lane.map_or((None, Vec::new()), |lane| (Some(lane.id), lane.ring().lines()))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for door in &self.doors {
            door.task.abort();
        }
    }
}

fn listen_at(address: SocketAddr, sockets: Sockets) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if sockets.narrow {
        socket.set_recv_buffer_size(16 << 10)?;
        socket.set_tcp_mss(1400)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

async fn accept(board: Arc<Board>, listener: TcpListener, opened: Arc<AtomicU64>) {
    let mut carried = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        while carried.try_join_next().is_some() {}
        if board.is_refusing() {
            board.count_refused();
            let _ = SockRef::from(&client).set_linger(Some(Duration::ZERO));
            continue;
        }
        let (board, opened) = (board.clone(), opened.clone());
        carried.spawn(async move {
            // A stopped server's kernel still accepts; only a dead one's refuses, and that is quick.
            if let Ok(Ok(server)) = timeout(Duration::from_secs(5), TcpStream::connect(board.upstream)).await
            {
                opened.fetch_add(1, Ordering::Relaxed);
                let lane = board.new_lane();
                lane::carry(board, lane, client, server).await;
            }
        });
    }
}
