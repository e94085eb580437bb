//! What each fault of the proxy does to the bytes, before a server that answers command n with the value n.

use std::net::SocketAddr;
use std::time::Duration;

use keepsight_trial::dice::Dice;
use keepsight_trial::proxy::resp::{Scan, Scanner};
use keepsight_trial::proxy::{FaultKind, Gate, Plan, Proxy, Sockets};
use keepsight_trial::verdict::Traced;
use keepsight_world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const LOCALHOST: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// Answers every frame with its number on that connection, for ever.
async fn counting_server() -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::from(LOCALHOST)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut buffer, mut scanner, mut number) = (Vec::new(), Scanner::default(), 0);
                while stream.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
                    while let Scan::Frame(length) = scanner.scan(&buffer) {
                        buffer.drain(..length);
                        let answer = format!("value {number}");
                        let frame = format!("${}\r\n{answer}\r\n", answer.len());
                        stream.write_all(frame.as_bytes()).await.unwrap();
                        number += 1;
                    }
                }
            });
        }
    });
    address
}

async fn proxy() -> Proxy {
    let upstream = counting_server().await;
    Proxy::start(&World::real(), LOCALHOST.into(), upstream, Sockets::default()).unwrap()
}

fn plan(kind: FaultKind, seed: u64) -> Plan {
    Plan {
        kinds: vec![kind],
        dice: Dice::new(seed),
        gap: (3, 3),
        per_connection: 1,
        delay: (Duration::from_millis(60), Duration::from_millis(60)),
    }
}

/// Sends six commands at once behind a plan that hits reply 3, and gives back what comes within a while, and whether the end came.
async fn six(proxy: &Proxy) -> (String, bool) {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    for number in 0..6 {
        let command = format!("*2\r\n$3\r\nGET\r\n$1\r\n{number}\r\n");
        stream.write_all(command.as_bytes()).await.unwrap();
    }
    let mut got = Vec::new();
    let reading = async { while stream.read_buf(&mut got).await.is_ok_and(|read| read > 0) {} };
    let is_over = timeout(Duration::from_millis(300), reading).await.is_ok();
    (String::from_utf8(got).unwrap(), is_over)
}

fn values(numbers: &[u32]) -> String {
    numbers.iter().map(|number| format!("$7\r\nvalue {number}\r\n")).collect()
}

async fn six_with(kind: FaultKind) -> (String, bool, u64) {
    let proxy = proxy().await;
    proxy.arm(Some(plan(kind, 1)));
    let (got, is_over) = six(&proxy).await;
    (got, is_over, proxy.injected().planned())
}

#[tokio::test]
async fn without_a_plan_every_byte_passes() {
    let proxy = proxy().await;
    assert_eq!(six(&proxy).await, (values(&[0, 1, 2, 3, 4, 5]), false));
    assert_eq!(proxy.injected().planned(), 0);
}

#[tokio::test]
async fn a_reply_is_lost_doubled_or_changes_places() {
    assert_eq!(six_with(FaultKind::Lose).await, (values(&[0, 1, 2, 4, 5]), false, 1));
    assert_eq!(six_with(FaultKind::Duplicate).await, (values(&[0, 1, 2, 3, 3, 4, 5]), false, 1));
    assert_eq!(six_with(FaultKind::Reorder).await, (values(&[0, 1, 2, 4, 3, 5]), false, 1));
}

#[tokio::test]
async fn late_split_and_stalled_replies_come_whole() {
    for kind in [FaultKind::Late, FaultKind::Split, FaultKind::Stall] {
        assert_eq!(six_with(kind).await, (values(&[0, 1, 2, 3, 4, 5]), false, 1), "{kind:?}");
    }
}

#[tokio::test]
async fn a_cut_ends_the_connection_inside_the_reply() {
    let (got, is_over, injected) = six_with(FaultKind::Cut).await;
    let (whole, half) = (values(&[0, 1, 2]), values(&[0, 1, 2, 3]));
    assert!(got.len() > whole.len() && got.len() < half.len() && half.starts_with(&got), "{got:?}");
    assert_eq!((is_over, injected), (true, 1));
}

#[tokio::test]
async fn a_half_open_connection_says_nothing_more_and_does_not_end() {
    assert_eq!(six_with(FaultKind::HalfOpen).await, (values(&[0, 1, 2]), false, 1));
}

#[tokio::test]
async fn an_unsolicited_reply_comes_besides_all_others() {
    let (got, is_over, injected) = six_with(FaultKind::Unsolicited).await;
    let before = values(&[0, 1, 2]);
    let behind = values(&[3, 4, 5]);
    assert!(got.starts_with(&before) && got.ends_with(&behind), "{got:?}");
    assert!(got.len() > before.len() + behind.len());
    assert_eq!((is_over, injected), (false, 1));
}

#[tokio::test]
async fn a_trap_answers_the_next_command_with_a_reset() {
    let proxy = proxy().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"*1\r\n$4\r\nPING\r\n").await.unwrap();
    let mut answer = [0; 13];
    stream.read_exact(&mut answer).await.unwrap();
    proxy.turn_all(|_| Gate::Trap);
    let quiet = timeout(Duration::from_millis(50), stream.read(&mut answer)).await;
    assert!(quiet.is_err(), "nobody says that it is gone");
    stream.write_all(b"*1\r\n$4\r\nPING\r\n").await.unwrap();
    let error = stream.read(&mut answer).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(proxy.injected().swallowed, 1);
}

/// Which replies of one connection were hit by what, when 400 commands go over it one after the other.
async fn hits(seed: u64) -> Vec<(u64, String)> {
    let proxy = proxy().await;
    proxy.arm(Some(Plan {
        kinds: vec![FaultKind::Duplicate, FaultKind::Split, FaultKind::Late, FaultKind::Unsolicited],
        gap: (5, 60),
        per_connection: 10,
        delay: (Duration::from_millis(1), Duration::from_millis(2)),
        ..plan(FaultKind::Lose, seed)
    }));
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let mut got = Vec::new();
    for number in 0..400 {
        stream.write_all(b"*1\r\n$4\r\nPING\r\n").await.unwrap();
        let last = format!("value {number}\r\n");
        while !got.ends_with(last.as_bytes()) {
            stream.read_buf(&mut got).await.unwrap();
        }
        if number % 20 == 0 {
            got.clear();
        }
    }
    let (_, trace) = proxy.trace(b"value", b"PING");
    let faults = trace.into_iter().filter(|line| line.what == Traced::Fault);
    let mut hits: Vec<_> = faults.map(|line| (line.frame, line.text)).collect();
    hits.sort();
    hits.dedup();
    hits
}

#[tokio::test]
async fn the_same_seed_hits_the_same_replies_with_the_same_faults() {
    let (one, again, other) = (hits(7).await, hits(7).await, hits(8).await);
    assert!(one.len() >= 6, "{one:?}");
    assert_eq!(one, again);
    assert_ne!(one, other);
}

#[tokio::test]
async fn each_door_counts_its_own_connections() {
    let mut proxy = proxy().await;
    let second = proxy.open_door(LOCALHOST.into()).unwrap();
    let doors: Vec<SocketAddr> = proxy.doors().collect();
    for door in [doors[second], doors[0], doors[second]] {
        let mut stream = TcpStream::connect(door).await.unwrap();
        stream.write_all(b"*1\r\n$4\r\nPING\r\n").await.unwrap();
        assert!(stream.read(&mut [0; 16]).await.unwrap() > 0);
    }
    assert_eq!(proxy.opened(), [1, 2]);
}
