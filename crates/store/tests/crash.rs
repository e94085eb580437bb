//! What was acknowledged is there after the process was killed: a real child, killed at a random moment, many times.
//!
//! The child is this same test binary, running the ignored test below. It writes a line after each acknowledgement; the parent
//! believes whole lines only, and looks in the reopened store for what each of them says.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keepsight_gate::Action;
use keepsight_ids::{Revision, SegmentKind, SegmentNo};
use keepsight_ledger::{Disclosure, Facts, Kind, Record};
use keepsight_store::objects::sha256;
use keepsight_store::records::suite::{Bench, Make, NOW, Who, account, camera, event, home, sealed};
use keepsight_store::{Objects, Records, Reserve, SqliteRecords, StoreError, ViewQuery, upload_segment};
use keepsight_world::World;

const FOLDER: &str = "KEEPSIGHT_CRASH_FOLDER";
const BASE: &str = "KEEPSIGHT_CRASH_BASE";
const ROUNDS: u32 = 10;
/// Events are numbered apart: rounds by this, the child's tasks by a hundredth of it.
const STRIDE: u32 = 100_000;
const TASKS: u32 = 8;

/// One acknowledgement, as a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ack {
    Header(u32),
    Segment(u32, u32),
    View(u32),
    Deleted(u32),
}

impl Ack {
    fn line(self) -> String {
        match self {
            Self::Header(event) => format!("ack header {event}\n"),
            Self::Segment(event, number) => format!("ack segment {event} {number}\n"),
            Self::View(event) => format!("ack view {event}\n"),
            Self::Deleted(event) => format!("ack deleted {event}\n"),
        }
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.strip_suffix('\n')?.strip_prefix("ack ")?.split(' ');
        let kind = words.next()?;
        let mut number = || words.next()?.parse().ok();
        match kind {
            "header" => Some(Self::Header(number()?)),
            "segment" => Some(Self::Segment(number()?, number()?)),
            "view" => Some(Self::View(number()?)),
            "deleted" => Some(Self::Deleted(number()?)),
            _ => None,
        }
    }
}

fn open(folder: &Path) -> (Bench, Objects) {
    let path = folder.join("records.db");
    let make: Make =
        Arc::new(move |world| Arc::new(SqliteRecords::open(&path, world).unwrap()) as Arc<dyn Records>);
    let bench = Bench::new(&make);
    let objects = Objects::open_folder(&folder.join("objects"), Reserve::NONE, bench.world.clone()).unwrap();
    (bench, objects)
}

fn picture(number: u32, segment: u32) -> Bytes {
    let filling = format!("segment {segment} of {number}").repeat(200);
    sealed(1, camera(10), event(number), (SegmentKind::Video, SegmentNo(segment)), filling.as_bytes())
}

#[test]
#[ignore = "the child process of the test below"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let base: u32 = std::env::var(BASE).expect("the parent numbers the rounds").parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (bench, objects) = open(&folder);
        let tasks = (0..TASKS).map(|task| write_for_ever(&bench, &objects, base + task * (STRIDE / 100)));
        futures_util::future::join_all(tasks).await;
    });
}

async fn write_for_ever(bench: &Bench, objects: &Objects, base: u32) {
    for number in base..base + STRIDE / 100 {
        bench.put_header(1, camera(10), number).await.unwrap();
        tell(Ack::Header(number));
        for segment in 0..3 {
            let permit = bench.street.agent(1, Action::AgentIngest, Some(camera(10))).await;
            let what = (event(number), SegmentKind::Video, SegmentNo(segment));
            let bytes = picture(number, segment);
            upload_segment(&*bench.records, objects, &permit, what, bytes, bench.room).await.unwrap();
            tell(Ack::Segment(number, segment));
        }
        bench.records.append(vec![view(number)]).await.unwrap();
        tell(Ack::View(number));
        if number % 4 == 0 {
            let permit = bench.street.person(Who::Owner(1), Action::DeleteEvent, Some(camera(10))).await;
            bench.records.delete(&permit, event(number)).await.unwrap();
            tell(Ack::Deleted(number));
        }
    }
}

fn tell(ack: Ack) {
    let mut out = std::io::stdout().lock();
    out.write_all(ack.line().as_bytes()).expect("the parent reads");
    out.flush().expect("the parent reads");
}

fn view(number: u32) -> Record {
    Record::seal(Facts {
        v: Record::VERSION,
        kind: Kind::Opened,
        viewer: account(Who::Owner(1)),
        session: None,
        device: String::new(),
        home: home(1),
        camera: Some(camera(10)),
        event: Some(event(number)),
        span: None,
        revision: Revision(1),
        at: NOW,
    })
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::real();
    let mut acked = BTreeSet::new();
    for round in 0..ROUNDS {
        let told =
            run_and_kill(folder.path(), round * STRIDE, Duration::from_millis(world.random_up_to(150)));
        assert!(!told.is_empty(), "the child acknowledged nothing in round {round}");
        acked.extend(told);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(verify(folder.path(), &acked));
    }
    let segments = acked.iter().filter(|ack| matches!(ack, Ack::Segment(..))).count();
    assert!(segments > 50, "too little happened to have shown anything: {segments} segments");
}

/// Runs a child until `after` its first acknowledgement, kills it with SIGKILL, and gives back what it had said until then.
fn run_and_kill(folder: &Path, base: u32, after: Duration) -> Vec<Ack> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(BASE, base.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test binary runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let (first, began) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let (mut acks, mut line) = (Vec::new(), String::new());
        while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
            acks.extend(Ack::read(&line));
            if acks.len() == 1 {
                let _ = first.send(());
            }
            line.clear();
        }
        acks
    });
    let _ = began.recv_timeout(Duration::from_secs(20));
    std::thread::sleep(after);
    let ended = child.try_wait().expect("it can be asked for");
    assert!(ended.is_none(), "the child stopped by itself: {ended:?}");
    child.kill().expect("it runs until it is killed");
    child.wait().expect("it was killed");
    reader.join().expect("the reader ends with the pipe")
}

async fn verify(folder: &Path, acked: &BTreeSet<Ack>) {
    let (bench, objects) = open(folder);
    let views = all_views(&bench).await;
    for ack in acked {
        // An Event may have been deleted by what the child did next, acknowledged or not.
        match *ack {
            Ack::Header(number) => assert!(is_there(&bench, number).await || number % 4 == 0, "{ack:?}"),
            Ack::Segment(number, segment) if is_there(&bench, number).await => {
                assert_eq!(
                    sha256(&fetch(&bench, &objects, number, segment).await),
                    sha256(&picture(number, segment))
                );
            }
            Ack::Segment(number, _) => assert!(number % 4 == 0, "{ack:?}"),
            Ack::View(number) => assert!(views.contains(&number), "{ack:?}"),
            Ack::Deleted(number) => {
                let again = bench.put_header(1, camera(10), number).await;
                assert!(matches!(again, Err(StoreError::Gone { .. })), "{ack:?}: {again:?}");
            }
        }
    }
}

async fn is_there(bench: &Bench, number: u32) -> bool {
    match bench.detail(Who::Owner(1), camera(10), number).await {
        Ok(detail) => detail.event.event == event(number),
        Err(StoreError::NotFound) => false,
        Err(error) => panic!("Event {number}: {error}"),
    }
}

async fn fetch(bench: &Bench, objects: &Objects, number: u32, segment: u32) -> Bytes {
    let permit = bench.street.person(Who::Owner(1), Action::ReadSegment, Some(camera(10))).await;
    let (kind, no) = (SegmentKind::Video, SegmentNo(segment));
    let stored = bench.records.segment(&permit, event(number), kind, no).await.expect("its row is there");
    let locked = objects.read(&stored).await.expect("its object is there");
    let what = Disclosure::segment(Kind::Opened, event(number), kind, no);
    bench.open(locked, permit, what).await.expect("it is its own").into_bytes()
}

async fn all_views(bench: &Bench) -> BTreeSet<u32> {
    let mut query = ViewQuery { limit: 100, ..ViewQuery::default() };
    let mut numbers = BTreeSet::new();
    loop {
        let page = bench.views(Who::Owner(1), None, query).await;
        let events = page.views.iter().filter_map(|view| view.record.facts().event);
        numbers.extend(events.map(|event| u32::from_be_bytes(event.as_bytes()[..4].try_into().unwrap())));
        query.before = page.next;
        if page.next.is_none() {
            return numbers;
        }
    }
}
