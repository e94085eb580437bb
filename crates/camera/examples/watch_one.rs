//! Watches one real camera for a while and says what that cost: what `cargo xtask bench agent` runs.
//!
//!     watch_one MAIN_URL [SUB_URL|-] SECONDS
//!
//! The parts of Events go nowhere. The last line is JSON: seconds watched, CPU seconds of this process, Events, bytes.

use std::time::Duration;

use keepsight_camera::{CameraItem, CameraSource, RtspSource, RtspUrl, WatchSettings, watch};
use keepsight_world::World;

#[derive(Default)]
struct Seen {
    events: u32,
    parts: u32,
    bytes: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (main, sub, seconds) = match &arguments[..] {
        [main, seconds] => (main, None, seconds),
        [main, sub, seconds] => (main, Some(sub).filter(|sub| *sub != "-"), seconds),
        _ => return Err("usage: watch_one MAIN_URL [SUB_URL|-] SECONDS".into()),
    };
    let (main, login) = RtspUrl::with_login(main)?;
    let sub = sub.map(|sub| RtspUrl::with_login(sub)).transpose()?.map(|(url, _)| url);
    let source = CameraSource::Rtsp(RtspSource { main, sub, login });
    let seconds = seconds.parse()?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(run(source, seconds))
}

async fn run(source: CameraSource, seconds: u64) -> Result<(), Box<dyn std::error::Error>> {
    let (_handle, mut items) = watch(source, WatchSettings::default(), World::real());
    let first = items.next().await.ok_or("nothing came of it")?;
    let CameraItem::Reached { video, .. } = first else { return Err(format!("{first:?}").into()) };
    eprintln!("watching {}x{} for {seconds} s", video.width, video.height);
    let (before, began) = (cpu_seconds()?, std::time::Instant::now());
    let mut seen = Seen::default();
    let watching = async {
        while let Some(item) = items.next().await {
            seen.note(&item);
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(seconds), watching).await;
    let (cpu, wall) = (cpu_seconds()? - before, began.elapsed().as_secs_f64());
    let line = serde_json::json!({
        "seconds": (wall * 100.0).round() / 100.0,
        "cpu_seconds": (cpu * 1000.0).round() / 1000.0,
        "core_percent": (cpu / wall * 10_000.0).round() / 100.0,
        "events": seen.events,
        "parts": seen.parts,
        "bytes": seen.bytes,
    });
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

impl Seen {
    fn note(&mut self, item: &CameraItem) {
        match item {
            CameraItem::EventStart { .. } => self.events += 1,
            CameraItem::Part { bytes, .. } => {
                self.parts += 1;
                self.bytes += bytes.len();
            }
            _ => {}
        }
    }
}

/// User and system time of this process: fields 14 and 15 of /proc/self/stat, in hundredths of a second (proc(5)).
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').ok_or("no process name in /proc/self/stat")?.1;
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}
