//! What the kernel holds of a client's command: whether a write that nobody reads really waits, or has disappeared whole into buffers.
//!
//! It is read from `/proc/net/tcp`, where both ends of a connection within one machine are listed. Where there is no such file nothing is known, and nothing
//! is counted.

use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

const LOOK_EVERY: Duration = Duration::from_millis(20);
const ESTABLISHED: &str = "01";

/// Reads nothing for so long, or until it is of no use. Says whether all the while a part of the `lacking` bytes was still the client's to write, or was
/// until it gave the connection up.
pub(super) async fn holds_up(client: &TcpStream, lacking: usize, delay: Duration) -> bool {
    let (mut is_held, end) = (false, Instant::now() + delay);
    while Instant::now() < end {
        sleep(LOOK_EVERY.min(end - Instant::now())).await;
        match taken(client).await {
            Some(taken) if taken < lacking as u64 => is_held = true,
            Some(_) => return false,
            None => break,
        }
    }
    is_held
}

/// Bytes that the client has written and nobody has read; none when it has closed its end.
async fn taken(client: &TcpStream) -> Option<u64> {
    let (SocketAddr::V4(here), SocketAddr::V4(there)) = (client.local_addr().ok()?, client.peer_addr().ok()?)
    else {
        return None;
    };
    let table = tokio::fs::read_to_string("/proc/net/tcp").await.ok()?;
    Some(queues(&table, there, here)?.0 + queues(&table, here, there)?.1)
}

/// What waits to be sent and to be read at this end of a connection.
fn queues(table: &str, end: SocketAddrV4, other: SocketAddrV4) -> Option<(u64, u64)> {
    let (end, other) = (shown(end), shown(other));
    let mut rows = table.lines().map(|line| line.split_whitespace().skip(1));
    let (to_send, to_read) = rows.find_map(|mut row| {
        let is_it = row.next()? == end && row.next()? == other && row.next()? == ESTABLISHED;
        is_it.then(|| row.next()?.split_once(':')).flatten()
    })?;
    Some((u64::from_str_radix(to_send, 16).ok()?, u64::from_str_radix(to_read, 16).ok()?))
}

// As the kernel writes it: the address as one number of this machine's byte order.
fn shown(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_command_that_fits_into_the_kernel_holds_nobody_up_and_a_larger_one_does() {
        let (mut client, server) = connection().await;
        client.write_all(&[0; 10_000]).await.unwrap();
        assert_eq!(taken(&server).await, Some(10_000));
        assert!(!holds_up(&server, 10_000, Duration::from_millis(60)).await);
        assert!(holds_up(&server, 10_001, Duration::from_millis(60)).await);
    }

    #[tokio::test]
    async fn who_gives_up_before_all_is_written_was_held_up() {
        let (mut client, server) = connection().await;
        client.write_all(&[0; 10_000]).await.unwrap();
        let giving_up = async {
            sleep(LOOK_EVERY * 3).await;
            drop(client);
        };
        let began = Instant::now();
        let (is_held, ()) = tokio::join!(holds_up(&server, 20_000, Duration::from_secs(60)), giving_up);
        assert!(is_held && began.elapsed() < Duration::from_secs(30));
    }
}
