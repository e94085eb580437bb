//! What must hold for any bytes that a server could send. Called by the fuzz targets, and on the corpus by the tests.

#![allow(dead_code, reason = "each fuzz target calls one")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use keepsight_cache::conn::{Answer, Command, Conn, Event, Phase, Settings};
use keepsight_cache::resp::{Frame, Frames, Limits, RespError};
use keepsight_cache::{
    Backend, Cache, Cached, CanonicalKey, KeyRing, Level, Location, MasterKey, Memory, Raw,
};
use redis_protocol::resp2::types::OwnedFrame;

/// Our codec and `redis-protocol` read the same, in one piece or in many, and what we read is written back as it was. What only one of them takes is named.
pub fn resp(data: &[u8]) {
    let whole = read(data, data.len().max(1));
    assert_eq!(whole, read(data, 1), "byte by byte");
    assert_eq!(whole, read(data, 1 + data.len() / 3), "in thirds");
    let ((ours, _), mut rest) = (whole, data);
    for frame in &ours {
        // Theirs keeps errors as text.
        if !errors_are_text(frame) {
            return;
        }
        let (theirs, length) = redis_protocol::resp2::decode::decode(rest)
            .expect("what we read they can read")
            .expect("what is complete for us is complete for them");
        assert_eq!(as_theirs(frame), theirs);
        let mut written = BytesMut::new();
        frame.write(&mut written);
        let (again, _) = read(&written, written.len());
        assert_eq!(again, std::slice::from_ref(frame), "written and read again");
        rest = &rest[length..];
    }
    if let Ok(Some((theirs, length))) = redis_protocol::resp2::decode::decode(rest) {
        assert!(
            !is_for_us(&theirs, 0) || !is_exact(&theirs, &rest[..length]),
            "we should have read {theirs:?}"
        );
    }
}

/// Within our limits, which are lower than theirs. A line ends with its first CR for us, and with its first CRLF for them.
fn is_for_us(frame: &OwnedFrame, depth: usize) -> bool {
    let fits = |text: &[u8]| text.len() < LIMITS.line && !text.contains(&b'\r');
    match frame {
        OwnedFrame::Null | OwnedFrame::Integer(_) => true,
        OwnedFrame::SimpleString(text) => fits(text),
        OwnedFrame::Error(text) => fits(text.as_bytes()),
        OwnedFrame::BulkString(bytes) => bytes.len() <= LIMITS.bulk,
        OwnedFrame::Array(elements) => {
            (elements.is_empty() || depth < LIMITS.depth)
                && elements.len() <= LIMITS.elements
                && elements.iter().all(|element| is_for_us(element, depth + 1))
        }
    }
}

/// Written as it must be. They also take lengths like `+1` or `-0`, and do not look at the two bytes that end a bulk string.
fn is_exact(frame: &OwnedFrame, bytes: &[u8]) -> bool {
    ["$-1\r\n", "*-1\r\n"].iter().any(|null| {
        let mut exact = Vec::new();
        write_theirs(frame, null, &mut exact);
        exact == bytes
    })
}

fn write_theirs(frame: &OwnedFrame, null: &str, out: &mut Vec<u8>) {
    let mut put =
        |head: String, text: &[u8], end: &str| out.extend([head.as_bytes(), text, end.as_bytes()].concat());
    match frame {
        OwnedFrame::Null => put(String::new(), null.as_bytes(), ""),
        OwnedFrame::Integer(number) => put(format!(":{number}"), b"", "\r\n"),
        OwnedFrame::SimpleString(text) => put("+".to_owned(), text, "\r\n"),
        OwnedFrame::Error(text) => put("-".to_owned(), text.as_bytes(), "\r\n"),
        OwnedFrame::BulkString(bytes) => put(format!("${}\r\n", bytes.len()), bytes, "\r\n"),
        OwnedFrame::Array(elements) => {
            put(format!("*{}\r\n", elements.len()), b"", "");
            elements.iter().for_each(|element| write_theirs(element, null, out));
        }
    }
}

const LIMITS: Limits = Limits { bulk: 1 << 12, elements: 64, depth: 4, line: 256 };

fn read(data: &[u8], step: usize) -> (Vec<Frame>, Option<RespError>) {
    let mut frames = Frames::new(LIMITS);
    let (mut buffer, mut all) = (BytesMut::new(), Vec::new());
    for piece in data.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            match frames.next(&mut buffer) {
                Ok(Some(frame)) => all.push(frame),
                Ok(None) => break,
                Err(error) => return (all, Some(error)),
            }
        }
    }
    (all, None)
}

fn errors_are_text(frame: &Frame) -> bool {
    match frame {
        Frame::Error(text) => std::str::from_utf8(text).is_ok(),
        Frame::Array(Some(elements)) => elements.iter().all(errors_are_text),
        _ => true,
    }
}

fn as_theirs(frame: &Frame) -> OwnedFrame {
    match frame {
        Frame::Array(None) | Frame::Bulk(None) => OwnedFrame::Null,
        Frame::Array(Some(elements)) => OwnedFrame::Array(elements.iter().map(as_theirs).collect()),
        Frame::Bulk(Some(bytes)) => OwnedFrame::BulkString(bytes.to_vec()),
        Frame::Simple(text) => OwnedFrame::SimpleString(text.to_vec()),
        Frame::Error(text) => OwnedFrame::Error(String::from_utf8_lossy(text).into_owned()),
        Frame::Integer(number) => OwnedFrame::Integer(*number),
    }
}

const NONCE: [u8; 16] = *b"0123456789abcdef";

/// Whatever comes, a connection gives out nothing before its ECHO, never more than was asked, and after its death nothing at all. Returns what it gave out.
pub fn conn(data: &[u8]) -> Vec<(u8, Answer)> {
    let mut conn = ready();
    let place = |n| Location::from_bytes([n; 16]);
    let asked = [Command::Get(place(0)), Command::Get(place(1)), Command::Invalidate(place(2))];
    conn.enqueue(asked.into_iter().zip(0..), NONCE, Duration::from_secs(1));
    conn.wrote(conn.outgoing().len());
    let mut buffer = BytesMut::from(data);
    conn.on_bytes(&mut buffer);
    let echoed = data.windows(NONCE.len()).any(|window| window == NONCE);
    let (mut answered, mut lost) = (Vec::new(), 0);
    while let Some(event) = conn.next_event() {
        match event {
            Event::Answered(ticket, answer) => answered.push((ticket, answer)),
            Event::Lost(_) | Event::TooLarge(_) => lost += 1,
        }
    }
    assert!(answered.is_empty() || echoed, "answered without an ECHO");
    assert!(answered.is_empty() || answered.len() == 3, "a part of a batch");
    for (ticket, answer) in &answered {
        let fits = match answer {
            Answer::Value(_) => *ticket < 2,
            Answer::Done => *ticket == 2,
            Answer::Refused(_) => true,
            Answer::Leased(..) | Answer::Stored(_) => false,
        };
        assert!(fits, "{answer:?} for {ticket}");
    }
    if let Phase::Dead(_) = conn.phase() {
        assert_eq!(answered.len() + lost, 3, "everybody is told");
        let mut more = BytesMut::from(&b"+OK\r\n"[..]);
        conn.on_bytes(&mut more);
        assert_eq!(conn.next_event(), None, "nothing after its death");
        assert!(conn.outgoing().is_empty());
    }
    answered
}

/// A connection that was let in: the digests are taken from what it asks to load.
fn ready() -> Conn<u8> {
    let settings = Settings { auth: None, limits: LIMITS };
    let mut conn = Conn::new(settings, 1);
    conn.start([1; 16], Duration::from_secs(1));
    let mut said = BytesMut::from(conn.outgoing());
    conn.wrote(said.len());
    let (mut asked, mut replies) = (Frames::default(), BytesMut::new());
    while let Ok(Some(Frame::Array(Some(words)))) = asked.next(&mut said) {
        let Some(Frame::Bulk(Some(last))) = words.last() else { panic!("commands are bulk strings") };
        let reply = if words.len() == 3 { digest(last) } else { last.clone() };
        Frame::Bulk(Some(reply)).write(&mut replies);
    }
    conn.on_bytes(&mut replies);
    assert_eq!(conn.phase(), Phase::Ready);
    conn
}

fn digest(text: &[u8]) -> Bytes {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

macro_rules! things {
    ($name:ident) => {
        struct $name;

        impl Cached for $name {
            type Tenant = ();
            type Key = u32;
            type Value = Bytes;
            type Codec = Raw;
            const NAMESPACE: &'static str = "fuzz";
            const NAME: &'static str = stringify!($name);
            const VERSION: u32 = 1;
            const LEVEL: Level = Level::$name;
            const LIFETIME: Duration = Duration::from_secs(60);
            fn tenant(_: &u32) {}
        }
    };
}
things!(Bound);
things!(Sealed);

/// Whatever is stored at its place, a value is loaded rather than believed: nobody who does not know the generation numbers, which are random, can make one up.
pub fn envelope(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        loaded::<Bound>(data).await;
        loaded::<Sealed>(data).await;
    });
}

async fn loaded<T: Cached<Key = u32, Value = Bytes>>(data: &[u8]) {
    let memory = Memory::default();
    let ring = KeyRing::new([MasterKey::new([7; 32])]).expect("there is a key");
    let things = Cache::builder(memory.clone()).keys(ring).build().typed::<T>();
    let place = CanonicalKey::new(T::NAMESPACE, &(), &5u32, T::NAME, T::VERSION).location();
    let stored = memory.fill(place, None, Bytes::copy_from_slice(data), Duration::from_secs(60)).await;
    assert_eq!(stored, Ok(true));
    let load = || async { Ok::<_, Infallible>(Some(Bytes::from_static(b"loaded"))) };
    let value = things.get_or_load(&5, load).await.expect("the loader does not fail");
    assert_eq!(value.as_deref(), Some(&Bytes::from_static(b"loaded")));
}
