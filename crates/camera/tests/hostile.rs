//! A camera that says anything at all: an error or a picture, never a panic, never a wait without end, no strange error texts.

use std::time::Duration;

use keepsight_camera::{CameraError, Login, Password, RtspUrl, probe};
use keepsight_world::World;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the camera answers.
#[derive(Debug, Clone)]
enum Camera {
    /// These bytes to every request.
    Bytes(Vec<u8>),
    /// This description, and after PLAY these packets of its streams.
    Talks { sdp: String, packets: Vec<(u8, Vec<u8>)> },
}

async fn serve(listener: TcpListener, camera: Camera) {
    while let Ok((mut stream, _)) = listener.accept().await {
        // Whoever hangs up early is answered with nothing.
        let _ = talk(&mut stream, &camera).await;
    }
}

async fn talk(stream: &mut TcpStream, camera: &Camera) -> std::io::Result<()> {
    while let Some(request) = request(stream).await? {
        let Camera::Talks { sdp, packets } = camera else {
            let Camera::Bytes(bytes) = camera else { return Ok(()) };
            stream.write_all(bytes).await?;
            return Ok(());
        };
        let cseq = request.lines().find_map(|line| line.strip_prefix("CSeq: ")).unwrap_or("1").to_owned();
        let (headers, body) = match request.split(' ').next() {
            Some("DESCRIBE") => ("Content-Type: application/sdp\r\n".to_owned(), sdp.as_str()),
            Some("SETUP") => (transport(&request), ""),
            _ => ("Session: 12345678\r\n".to_owned(), ""),
        };
        let length = body.len();
        let answer =
            format!("RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await?;
        if request.starts_with("PLAY") {
            return play(stream, packets).await;
        }
    }
    Ok(())
}

fn transport(request: &str) -> String {
    let line =
        request.lines().find(|line| line.starts_with("Transport: ")).unwrap_or("Transport: RTP/AVP/TCP");
    format!("{line}\r\nSession: 12345678;timeout=60\r\n")
}

async fn request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") && text.len() < 8192 {
        match stream.read_u8().await {
            Ok(byte) => text.push(byte),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

async fn play(stream: &mut TcpStream, packets: &[(u8, Vec<u8>)]) -> std::io::Result<()> {
    for (n, (payload_type, payload)) in packets.iter().enumerate() {
        let n = n as u16;
        let marker = if n % 2 == 1 { 0x80 } else { 0 };
        let mut packet = vec![0x80, marker | payload_type];
        packet.extend(n.to_be_bytes());
        packet.extend((u32::from(n / 2) * 9_000).to_be_bytes());
        packet.extend([0, 0, 0, 7]);
        packet.extend(payload);
        stream.write_all(&[b'$', 0]).await?;
        stream.write_all(&(packet.len() as u16).to_be_bytes()).await?;
        stream.write_all(&packet).await?;
    }
    Ok(())
}

fn check(camera: Camera) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, camera));
        let url: RtspUrl = format!("rtsp://{address}/main").parse().unwrap();
        let login = Login { user: "elm".into(), password: Password::new("correct-horse") };
        let world = World::real();
        let probing = probe(&url, Some(&login), &world);
        let outcome = tokio::time::timeout(Duration::from_secs(30), probing).await;
        server.abort();
        outcome
    });
    let Ok(outcome) = outcome else { return Err(TestCaseError::fail("it went on without end")) };
    if let Err(error) = outcome {
        let text = error.to_string();
        prop_assert!(text.len() < 300 && !text.chars().any(char::is_control), "{text:?}");
        let both = format!("{text} {error:?}");
        prop_assert!(!both.contains("correct-horse"));
    }
    Ok(())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let three = |chunk: &[u8]| {
        let bits = (0..3).fold(0u32, |bits, n| bits << 8 | u32::from(*chunk.get(n).unwrap_or(&0)));
        let digit = |n: usize| char::from(DIGITS[(bits >> (18 - 6 * n) & 63) as usize]);
        (0..4).map(|n| if n <= chunk.len() { digit(n) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(three).collect()
}

fn description(sps: &[u8], pps: &[u8], config: &[u8], rate: u32, junk: &str) -> String {
    let config: String = config.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns={junk}\r\nt=0 0\r\n\
         m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:stream=0\r\n\
         a=fmtp:96 packetization-mode=1;profile-level-id=42001f;sprop-parameter-sets={},{}\r\n\
         m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/{rate}/1\r\na=control:stream=1\r\n\
         a=fmtp:97 streamtype=5;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config={config}\r\n",
        base64(sps),
        base64(pps)
    )
}

/// A real parameter set, of 640x480, with some bits turned.
fn sps() -> impl Strategy<Value = Vec<u8>> {
    const REAL: [u8; 22] = [
        0x67, 0x4d, 0x40, 0x1e, 0xe8, 0x80, 0x50, 0x17, 0xfc, 0xb8, 0x08, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80,
        0x00, 0x00, 0x0a, 0x07, 0x8b,
    ];
    prop::collection::vec((0usize..22, any::<u8>()), 0..3).prop_map(|turns| {
        let mut bytes = REAL.to_vec();
        turns.into_iter().for_each(|(at, with)| bytes[at] ^= with);
        bytes
    })
}

/// RTP payloads of H.264: single units, aggregates and fragments, with lengths that may lie.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![
        Just(0x65u8),
        Just(0x41),
        Just(0x67),
        Just(0x68),
        Just(24),
        Just(28),
        Just(29),
        any::<u8>()
    ];
    (kind, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(kind, mut rest)| {
        rest.insert(0, kind);
        rest
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn answers_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400), status in any::<bool>()) {
        let head = if status { &b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 400\r\n\r\n"[..] } else { &[] };
        check(Camera::Bytes([head, &bytes].concat()))?;
    }

    #[test]
    fn descriptions_and_packets_of_any_kind(
        sps in sps(), pps in prop::collection::vec(any::<u8>(), 0..12), config in prop::collection::vec(any::<u8>(), 0..8),
        rate in prop_oneof![Just(16_000u32), any::<u32>()], junk in "[ -~]{0,20}",
        packets in prop::collection::vec((Just(96u8), payload()), 0..30)) {
        let sdp = description(&sps, &pps, &config, rate, &junk);
        check(Camera::Talks { sdp, packets })?;
    }
}

#[test]
fn a_login_that_is_asked_for_and_never_accepted() {
    let answer =
        "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n\r\n";
    check(Camera::Bytes(answer.as_bytes().to_vec())).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: RtspUrl = format!("rtsp://{}/main", listener.local_addr().unwrap()).parse().unwrap();
    let outcome = probe(&url, None, &World::real()).await;
    assert!(matches!(outcome, Err(CameraError::TooSlow(_))), "{outcome:?}");
}
