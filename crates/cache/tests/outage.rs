//! Promise 7 through an outage: a minute without a cache server, under full traffic, in virtual time.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{BoundNotes, Scripted, Seeded, key};
use keepsight_cache::{Cache, Error, OriginLimit, Redis, RedisConfig, Typed};
use tokio::time::Instant;

const MOST: usize = 24;
const KEYS: u64 = 10_000;
/// Calls a second, most for a key of their own: the origin alone bears less than half of them.
const CALLS: u64 = 2_000;
const OUTAGE: std::ops::Range<u64> = 20..80;
const END: u64 = 110;

/// An origin that bears `BEARS` loads at once in 20 ms each, and gets slower with every one above that.
#[derive(Default)]
struct Origin {
    running: AtomicUsize,
    most: AtomicUsize,
}

const BEARS: usize = 16;

impl Origin {
    async fn load(self: Arc<Self>, name: String) -> Result<Option<String>, String> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        let slower = running.max(BEARS) as f64 / BEARS as f64;
        tokio::time::sleep(Duration::from_millis(20).mul_f64(slower)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(Some(name))
    }
}

/// What one second brought.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    good: usize,
    shed: usize,
    late: usize,
    origin_most: usize,
}

#[tokio::test(start_paused = true)]
async fn the_origin_is_spared_through_an_outage_and_goodput_comes_back() {
    let server = Scripted::new();
    let env = Seeded::new(1);
    let redis = Redis::start(RedisConfig::dialing(server.clone()).env(env.clone()));
    let bounds =
        OriginLimit { start: 8, least: 2, most: MOST, waiting: 200, patience: Duration::from_millis(200) };
    let notes: Typed<BoundNotes> =
        Cache::builder(redis.clone()).origin(bounds).env(env.clone()).build().typed();
    let origin = Arc::new(Origin::default());
    let seconds = Arc::new(std::sync::Mutex::new(vec![Second::default(); END as usize + 5]));
    let began = Instant::now();
    for second in 0..END {
        if second == OUTAGE.start {
            server.restart();
            server.inside().unreachable = true;
            // The server's end notices with its next reply; the client is not told otherwise.
            redis.wait_connected(Duration::ZERO).await;
        }
        if second == OUTAGE.end {
            server.inside().unreachable = false;
        }
        for _ in 0..CALLS / 10 {
            for _ in 0..10 {
                let n = env.below(KEYS);
                tokio::spawn(call(notes.clone(), origin.clone(), seconds.clone(), began, n.to_string()));
            }
            tokio::time::sleep(Duration::from_millis(10_000 / CALLS)).await;
        }
        let most = origin.most.swap(0, Ordering::SeqCst);
        seconds.lock().unwrap()[second as usize].origin_most = most;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let seconds = seconds.lock().unwrap().clone();
    draw(&seconds);
    judge(&seconds);
}

async fn call(
    notes: Typed<BoundNotes>,
    origin: Arc<Origin>,
    seconds: Arc<std::sync::Mutex<Vec<Second>>>,
    began: Instant,
    name: String,
) {
    let (asked, wanted) = (Instant::now(), name.clone());
    let outcome = notes.get_or_load(&key(1, &name), move || origin.load(wanted)).await;
    let second = began.elapsed().as_secs() as usize;
    let mut seconds = seconds.lock().unwrap();
    match outcome {
        Ok(value) => {
            assert_eq!(value.as_deref(), Some(&name), "the value of another key");
            let late = asked.elapsed() > Duration::from_secs(1);
            *if late { &mut seconds[second].late } else { &mut seconds[second].good } += 1;
        }
        Err(Error::Overloaded) => seconds[second].shed += 1,
        Err(error) => panic!("{error}"),
    }
}

fn judge(seconds: &[Second]) {
    for (n, second) in seconds.iter().enumerate() {
        assert!(second.origin_most <= MOST, "second {n}: {} loads at once", second.origin_most);
        assert!(second.late < CALLS as usize / 100, "second {n}: {} late answers", second.late);
    }
    let good = |of: std::ops::Range<u64>| {
        let of = &seconds[of.start as usize..of.end as usize];
        of.iter().map(|second| second.good).sum::<usize>() as f64 / of.len() as f64
    };
    let (before, during, after) = (good(10..OUTAGE.start), good(30..OUTAGE.end), good(OUTAGE.end + 15..END));
    assert!(before > 0.99 * CALLS as f64, "before: {before} answers a second");
    assert!(after > 0.99 * CALLS as f64, "after: {after} answers a second");
    // 16 loads at once in 20 ms each are 800 a second; copies of this process's own do the rest.
    assert!(during > 700.0, "during: {during} answers a second");
    assert!(seconds[40..80].iter().any(|second| second.shed > 0), "there was more than the origin bears");
}

/// The graph: `KEEPSIGHT_OUTAGE_SVG` names the file. Without it nothing is drawn.
fn draw(seconds: &[Second]) {
    let Some(file) = std::env::var_os("KEEPSIGHT_OUTAGE_SVG") else { return };
    let line = |colour: &str, scale: f64, of: &dyn Fn(&Second) -> usize| {
        let points = seconds.iter().take(END as usize).enumerate();
        let points =
            points.map(|(n, second)| format!("{},{:.1}", 50 + 6 * n, 230.0 - of(second) as f64 * scale));
        let points = points.collect::<Vec<_>>().join(" ");
        format!("<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{points}\"/>")
    };
    let (from, until) = (50 + 6 * OUTAGE.start, 50 + 6 * OUTAGE.end);
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 730 270\" font-family=\"sans-serif\" font-size=\"12\">\
         <rect width=\"730\" height=\"270\" fill=\"white\"/>\
         <rect x=\"{from}\" y=\"20\" width=\"{}\" height=\"210\" fill=\"#eee\"/>\
         <text x=\"{from}\" y=\"15\">no cache server for a minute</text>{}{}{}\
         <line x1=\"50\" x2=\"710\" y1=\"{limit}\" y2=\"{limit}\" stroke=\"#c33\" stroke-dasharray=\"4\"/>\
         <text x=\"55\" y=\"250\" fill=\"#27a\">answers within a second, of {CALLS} asked for each second</text>\
         <text x=\"380\" y=\"250\" fill=\"#c33\">most loads at once (limit {MOST}, dashed)</text>\
         <text x=\"600\" y=\"250\" fill=\"#999\">shed</text>\
         <text x=\"55\" y=\"266\">seconds 0 to {END}</text></svg>",
        until - from,
        line("#27a", 0.09, &|second| second.good),
        line("#999", 0.09, &|second| second.shed),
        line("#c33", 4.0, &|second| second.origin_most),
        limit = 230.0 - 4.0 * MOST as f64,
    );
    std::fs::write(file, svg).unwrap();
}
