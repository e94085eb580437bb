//! The command line: what it lists, how it refuses, and the proxy alone before a server of anybody's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

fn kit(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepsight-trial"));
    command.args(arguments).env_remove("KEEPSIGHT_REDIS_SERVER").env_remove("RUST_LOG");
    command
}

fn said(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = kit(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn it_lists_clients_and_events_one_line_each() {
    let (code, events, _) = said(&["events"]);
    assert_eq!((code, events.lines().count()), (Some(0), keepsight_trial::events::ALL.len()));
    assert!(events.contains("half-open") && events.contains("idle-cut"));
    let (code, clients, _) = said(&["clients"]);
    assert_eq!(code, Some(0));
    for name in ["keepsight-cache ", "redis-rs ", "redis-py-4.5.1", "driver:COMMAND"] {
        assert!(clients.contains(name), "{name} in {clients}");
    }
}

#[test]
fn what_it_does_not_know_is_wrong_usage_and_says_what_to_do() {
    let (code, _, error) = said(&["run", "--client", "nobody"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("nobody") && error.contains("keepsight-trial clients"), "{error}");
    let (code, _, error) = said(&["run", "--client", "redis-rs", "--events", "picnic"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("keepsight-trial events"), "{error}");
    let (code, _, error) = said(&["run", "--client", "redis-rs", "--server", "/nowhere"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("/nowhere"), "{error}");
    assert_eq!(said(&["run"]).0, Some(2));
}

#[test]
fn help_teaches() {
    let (code, help, _) = said(&["--help"]);
    assert_eq!(code, Some(0));
    for word in ["Exit codes", "Begin with", "driver:", "proxy"] {
        assert!(help.contains(word), "{word}");
    }
}

/// A server that answers each PING it is sent, on one connection.
fn ponging() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut ping = [0; 14];
        while stream.read_exact(&mut ping).is_ok() {
            stream.write_all(b"+PONG\r\n").unwrap();
        }
    });
    address
}

#[test]
fn the_proxy_alone_says_where_it_is_and_what_it_did() {
    let upstream = ponging().to_string();
    let mut proxy = kit(&[
        "proxy",
        "--upstream",
        &upstream,
        "--faults",
        "duplicate",
        "--gap",
        "3",
        "--per-connection",
        "2",
        "--seconds",
        "2",
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(proxy.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.strip_prefix("listening at ").unwrap().split(',').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    for _ in 0..10 {
        stream.write_all(b"*1\r\n$4\r\nPING\r\n").unwrap();
    }
    let mut got = [0; 12 * 7];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got.to_vec(), b"+PONG\r\n".repeat(12));
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(rest.iter().any(|line| line.starts_with("duplicate") && line.ends_with(" 2")), "{rest:?}");
    assert_eq!(proxy.wait().unwrap().code(), Some(0));
}

#[test]
fn a_proxy_that_never_hurt_says_so_by_its_exit_code() {
    let upstream = ponging().to_string();
    let (code, _, _) = said(&["proxy", "--upstream", &upstream, "--faults", "lose", "--seconds", "1"]);
    assert_eq!(code, Some(3));
}

#[test]
fn a_reader_who_has_enough_is_no_fault() {
    for list in ["clients", "events", "template"] {
        let mut child = kit(&[list]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stderr).unwrap()),
            (Some(0), String::new())
        );
    }
}

#[test]
fn a_client_that_was_named_and_is_not_here_is_not_passed() {
    let output = kit(&["run", "--client", "redis-py", "--events", "calm"])
        .env("KEEPSIGHT_TRIAL_LIBS", "/nowhere")
        .env("KEEPSIGHT_REDIS_SERVER", "/bin/true")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}
