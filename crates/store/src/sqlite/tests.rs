//! What the door promises: answers after COMMIT, jobs apart from each other, and refusal of files that are not ours.

use std::sync::mpsc;

use super::*;

const FIRST: Migration =
    Migration { name: "things", sql: "CREATE TABLE things (id INTEGER PRIMARY KEY, note TEXT) STRICT" };
const SECOND: Migration =
    Migration { name: "colours", sql: "ALTER TABLE things ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'" };
const SCHEMA: Schema = Schema { name: "things", application_id: 7, migrations: &[FIRST] };
const NEWER: Schema = Schema { name: "things", application_id: 7, migrations: &[FIRST, SECOND] };

struct Bench {
    db: Sqlite,
    folder: tempfile::TempDir,
}

fn bench() -> Bench {
    bench_with(Options::default())
}

fn bench_with(options: Options) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let db = Sqlite::open(&folder.path().join("things.db"), &SCHEMA, options).unwrap();
    Bench { db, folder }
}

impl Bench {
    async fn put(&self, id: i64) -> Result<(), StoreError> {
        self.db.write("put", move |tx| insert(tx, id)).await
    }

    async fn ids(&self) -> Vec<i64> {
        self.db.read("ids", ids).await.unwrap()
    }
}

/// A job that holds the writer, so that what is sent meanwhile is one batch with it for certain.
struct Held {
    release: mpsc::Sender<()>,
    job: tokio::task::JoinHandle<Result<(), StoreError>>,
}

impl Held {
    async fn begin(db: &Sqlite) -> Self {
        let (release, held) = mpsc::channel();
        let (started, begun) = tokio::sync::oneshot::channel();
        let db = db.clone();
        let hold = move |_: &Connection| {
            started.send(()).expect("the test waits");
            held.recv().map_err(|_| StoreError::NotFound)
        };
        let job = tokio::spawn(async move { db.write("hold", hold).await });
        begun.await.expect("the job begins");
        Self { release, job }
    }

    /// Lets the batch go on. Polled after the others of a `join!`, which have sent their jobs then.
    async fn end(self) -> Result<(), StoreError> {
        self.release.send(()).expect("the job waits");
        self.job.await.expect("the job does not panic")
    }
}

fn insert(tx: &Connection, id: i64) -> Result<(), StoreError> {
    tx.execute("INSERT INTO things (id) VALUES (?1)", [id])?;
    Ok(())
}

fn ids(conn: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut statement = conn.prepare("SELECT id FROM things ORDER BY id")?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

#[tokio::test]
async fn a_write_that_was_answered_is_seen_by_a_later_read_and_by_another_connection() {
    let bench = bench();
    bench.put(1).await.unwrap();
    assert_eq!(bench.ids().await, [1]);
    let other = Connection::open(bench.db.path()).unwrap();
    assert_eq!(ids(&other).unwrap(), [1]);
}

#[tokio::test]
async fn a_failing_job_is_undone_alone_among_those_of_its_batch() {
    let bench = bench();
    let held = Held::begin(&bench.db).await;
    let jobs = futures_util::future::join_all((0..20).map(|id| {
        bench.db.write("maybe", move |tx| {
            insert(tx, id)?;
            if id % 3 == 0 { Err(StoreError::NotFound) } else { Ok(id) }
        })
    }));
    let (jobs, held) = tokio::join!(jobs, held.end());
    held.unwrap();
    for (id, answer) in jobs.into_iter().enumerate() {
        assert_eq!(answer.is_ok(), id % 3 != 0, "{id}: {answer:?}");
    }
    assert_eq!(bench.ids().await, (0..20).filter(|id| id % 3 != 0).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_panicking_job_is_undone_and_the_writer_goes_on() {
    let bench = bench();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let answer: Result<(), StoreError> = bench
        .db
        .write("panics", |tx| {
            insert(tx, 1)?;
            panic!("on purpose")
        })
        .await;
    std::panic::set_hook(hook);
    assert!(matches!(answer, Err(StoreError::Lost { .. })), "{answer:?}");
    bench.put(2).await.unwrap();
    assert_eq!(bench.ids().await, [2]);
}

#[tokio::test]
async fn a_failed_commit_fails_every_job_of_the_batch_and_the_next_batch_works() {
    let bench = bench();
    // A deferred constraint is looked at in COMMIT only.
    bench
        .db
        .write::<_, StoreError>("set up", |tx| {
            tx.execute_batch(
                "CREATE TABLE parent (id INTEGER PRIMARY KEY);
                 CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);",
            )?;
            Ok(())
        })
        .await
        .unwrap();
    let good = bench.put(1);
    let bad = bench.db.write::<_, StoreError>("orphan", |tx| {
        tx.execute("INSERT INTO child VALUES (9)", [])?;
        Ok(())
    });
    let held = Held::begin(&bench.db).await;
    let (good, bad, held) = tokio::join!(good, bad, held.end());
    assert!(good.is_err() && bad.is_err() && held.is_err(), "{good:?} {bad:?} {held:?}");
    assert_eq!(bench.ids().await, [0; 0]);
    bench.put(2).await.unwrap();
    assert_eq!(bench.ids().await, [2]);
}

#[tokio::test]
async fn a_job_that_ends_the_transaction_fails_the_batch_and_answers_nobody_falsely() {
    let bench = bench();
    let held = Held::begin(&bench.db).await;
    let (first, rogue, held) = tokio::join!(
        bench.put(1),
        bench.db.write::<_, StoreError>("rogue", |tx| {
            tx.execute_batch("ROLLBACK")?;
            Ok(())
        }),
        held.end()
    );
    assert!(first.is_err() && rogue.is_err() && held.is_err(), "{first:?} {rogue:?} {held:?}");
    bench.put(2).await.unwrap();
    assert_eq!(bench.ids().await, [2]);
}

#[tokio::test]
async fn more_than_the_queue_holds_is_turned_away() {
    let bench = bench_with(Options { queue: 3, ..Options::default() });
    let writes = futures_util::future::join_all((0..10).map(|id| bench.put(id))).await;
    let refused = writes.iter().filter(|r| matches!(r, Err(StoreError::Overloaded { .. }))).count();
    assert!(refused >= 1, "{writes:?}");
    assert_eq!(bench.ids().await.len(), 10 - refused);
}

#[tokio::test]
async fn a_lock_held_by_another_process_is_waited_for_and_then_named() {
    let bench = bench_with(Options { busy_timeout: Duration::from_millis(50), ..Options::default() });
    let other = Connection::open(bench.db.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(bench.put(1).await, Err(StoreError::Busy { .. })));
    assert_eq!(bench.ids().await, [0; 0]);
    other.execute_batch("COMMIT").unwrap();
    bench.put(1).await.unwrap();
}

#[tokio::test]
async fn every_connection_keeps_what_was_promised() {
    fn settings(conn: &Connection) -> Result<(String, i64, bool), StoreError> {
        let mode = conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let synchronous = conn.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        Ok((mode, synchronous, conn.pragma_query_value(None, "foreign_keys", |row| row.get(0))?))
    }
    const FULL: i64 = 2;
    let bench = bench();
    let promised = ("wal".to_owned(), FULL, true);
    assert_eq!(bench.db.write("settings", settings).await.unwrap(), promised);
    assert_eq!(bench.db.read("settings", settings).await.unwrap(), promised);
    assert_eq!(bench.db.lane(1).unwrap().read("settings", settings).await.unwrap(), promised);
}

#[tokio::test]
async fn a_full_disk_is_named_and_is_over_when_there_is_room() {
    let bench = bench();
    let limit = async |pages: i64| {
        let set =
            move |tx: &Connection| Ok::<_, StoreError>(tx.pragma_update(None, "max_page_count", pages)?);
        bench.db.write("limit", set).await.unwrap();
    };
    limit(20).await;
    let big = || {
        bench.db.write::<_, StoreError>("big", |tx| {
            tx.execute("INSERT INTO things (note) VALUES (?)", ["x".repeat(1_000_000)])?;
            Ok(())
        })
    };
    let refused = big().await;
    assert!(matches!(refused, Err(StoreError::NoSpace { .. })), "{refused:?}");
    bench.put(1).await.unwrap();
    assert_eq!(bench.ids().await, [1]);
    limit(1_000_000).await;
    big().await.unwrap();
    assert_eq!(bench.ids().await.len(), 2);
}

#[tokio::test]
async fn a_reader_can_not_write() {
    let bench = bench();
    let answer = bench.db.read("sneaks", |conn| insert(conn, 1)).await;
    assert!(answer.is_err());
    bench.put(1).await.unwrap();
}

#[tokio::test]
async fn a_read_is_of_one_snapshot() {
    let bench = bench();
    bench.put(1).await.unwrap();
    let path = bench.db.path().to_owned();
    let (before, after) = bench
        .db
        .read::<_, StoreError>("twice", move |conn| {
            let before = ids(conn)?;
            Connection::open(path).unwrap().execute("INSERT INTO things (id) VALUES (2)", []).unwrap();
            Ok((before, ids(conn)?))
        })
        .await
        .unwrap();
    assert_eq!(before, after);
    assert_eq!(bench.ids().await, [1, 2]);
}

#[tokio::test]
async fn a_caller_who_leaves_takes_no_connection_along() {
    let bench = bench_with(Options { readers: 1, ..Options::default() });
    for _ in 0..20 {
        let read = bench.db.read::<_, StoreError>("slow", |_| {
            std::thread::sleep(Duration::from_millis(5));
            Ok(())
        });
        let _ = tokio::time::timeout(Duration::from_millis(1), read).await;
    }
    assert_eq!(bench.ids().await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn under_a_paused_clock_the_disk_takes_no_time() {
    let bench = bench();
    let before = tokio::time::Instant::now();
    for id in 0..20 {
        let put = tokio::time::timeout(Duration::from_millis(1), bench.put(id));
        put.await.expect("virtual time stands still while the disk works").unwrap();
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[test]
fn a_runtime_that_dies_leaves_the_store_usable_by_another() {
    let bench = bench();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for id in 0..10 {
        let dying = runtime();
        let db = bench.db.clone();
        dying.spawn(async move { db.write("put", move |tx| insert(tx, 100 + id)).await });
        dying.block_on(tokio::task::yield_now());
        drop(dying);
        runtime().block_on(bench.put(id)).unwrap();
    }
    assert!(runtime().block_on(bench.ids()).len() >= 10);
}

#[test]
fn a_newer_schema_and_foreign_files_are_refused() {
    let bench = bench();
    let path = bench.db.path().to_owned();
    Sqlite::open(&path, &NEWER, Options::default()).unwrap();
    let refused = Sqlite::open(&path, &SCHEMA, Options::default()).err();
    assert!(matches!(refused, Some(StoreError::NewerSchema { found: 2, known: 1, .. })), "{refused:?}");

    let other = Schema { name: "others", application_id: 8, ..SCHEMA };
    let refused = Sqlite::open(&path, &other, Options::default()).err();
    assert!(matches!(refused, Some(StoreError::WrongFile { store: "others" })), "{refused:?}");

    let text = bench.folder.path().join("text.db");
    std::fs::write(&text, "not a database, but long enough to look at".repeat(20)).unwrap();
    let refused = Sqlite::open(&text, &SCHEMA, Options::default()).err();
    assert!(matches!(refused, Some(StoreError::Corrupt { .. })), "{refused:?}");
}

#[test]
fn a_failing_migration_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("things.db");
    const BROKEN: Migration =
        Migration { name: "broken", sql: "CREATE TABLE half (id INTEGER); SELECT nonsense" };
    let schema = Schema { migrations: &[FIRST, BROKEN], ..SCHEMA };
    assert!(Sqlite::open(&path, &schema, Options::default()).is_err());
    Sqlite::open(&path, &SCHEMA, Options::default()).unwrap();
    let tables: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'half'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 0);
}
