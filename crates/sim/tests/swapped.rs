//! Rows and objects of two homes, or of two cameras, swapped on the disk under a running server.
//!
//! Every read of what was swapped is *not found* and counts an alarm, no byte of the other's leaves, and every other read goes on.

use keepsight_ids::CameraId;
use keepsight_sim::caller::{refusal, text, traits};
use keepsight_sim::household::contains;
use keepsight_sim::{Caller, Household, Recorded, Stage, damage, reads};
use rusqlite::Connection;

struct Scene {
    stage: Stage,
    elm: Household,
    oak: Household,
    /// An Event of another camera of elm's home.
    porch: Recorded,
}

impl Scene {
    async fn gather() -> Self {
        let stage = Stage::start().await;
        let mut elm = stage.home("elm", "12 Elm Street").await;
        let oak = stage.home("oak", "3 Oak Lane").await;
        let camera = CameraId::from_bytes(stage.world.random());
        elm.agent.add_camera(camera, "Porch").await;
        let porch = elm.agent.record(camera, "the porch").await;
        Self { stage, elm, oak, porch }
    }

    fn records(&self) -> Connection {
        self.stage.database("records.db")
    }

    /// Reads all of an Event, and says what came of it. `foreign` is what must not leave with it.
    async fn read(&self, caller: &Caller, event: &Recorded, foreign: &Recorded, broken: &[&str]) {
        let same_home = event.home == foreign.home;
        for (kind, path) in reads::all(event) {
            let before = self.stage.cloud().alarms().misfiled();
            let answer = caller.get(&path).await;
            let alarms = self.stage.cloud().alarms().misfiled() - before;
            // A list of the home names both cameras' Events: its own, and each under its own name only.
            let lists = ["list", "cameras", "views"].contains(&kind);
            if !(same_home && lists) {
                assert!(!foreign.is_in(&answer.body), "{kind} {path}: foreign bytes");
            }
            if !same_home {
                for id in [foreign.home.to_string(), foreign.camera.to_string(), foreign.event.to_string()] {
                    assert!(
                        !contains(&answer.body, id.as_bytes()),
                        "{kind} {path}: {id} in {}",
                        text(&answer)
                    );
                }
            }
            if broken.contains(&kind) {
                assert_eq!(refusal(&answer), (404, "not_found".to_owned()), "{kind} {path}");
                let unreal = caller
                    .get(&path.replace(&event.home.to_string(), "hom_00000000000000000000000000"))
                    .await;
                assert_eq!(traits(&answer), traits(&unreal), "{kind} {path}");
                assert!(alarms > 0, "{kind} {path}: no alarm");
            } else {
                assert!(answer.status.is_success(), "{kind} {path}: {} {}", answer.status, text(&answer));
                assert_eq!(alarms, 0, "{kind} {path}");
            }
        }
    }

    async fn both_homes(&self, broken: &[&str]) {
        self.read(&self.elm.caller(&self.stage), &self.elm.event, &self.oak.event, broken).await;
        self.read(&self.oak.caller(&self.stage), &self.oak.event, &self.elm.event, broken).await;
    }

    async fn both_cameras(&self, broken: &[&str]) {
        let caller = self.elm.caller(&self.stage);
        self.read(&caller, &self.elm.event, &self.porch, broken).await;
        self.read(&caller, &self.porch, &self.elm.event, broken).await;
    }
}

/// Damages a scene between two Events, then reads everything of both.
async fn of_two_homes(broken: &[&str], swap: impl FnOnce(&Scene, &Recorded, &Recorded)) {
    let scene = Scene::gather().await;
    scene.both_homes(&[]).await;
    swap(&scene, &scene.elm.event, &scene.oak.event);
    // A list kept from before would still be right for a while, and hide what is to be seen here.
    scene.stage.lists.bypass(true);
    scene.both_homes(broken).await;
}

async fn of_two_cameras(broken: &[&str], swap: impl FnOnce(&Scene, &Recorded, &Recorded)) {
    let scene = Scene::gather().await;
    scene.both_cameras(&[]).await;
    swap(&scene, &scene.elm.event, &scene.porch);
    scene.stage.lists.bypass(true);
    scene.both_cameras(broken).await;
}

const SEGMENTS: [&str; 2] = ["video", "picture"];
const HEADERS: [&str; 4] = ["list", "camera list", "cameras", "detail"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_two_homes() {
    of_two_homes(&SEGMENTS, |scene, elm, oak| damage::swap_objects(&scene.stage, elm, oak)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_two_cameras() {
    of_two_cameras(&SEGMENTS, |scene, hall, porch| damage::swap_objects(&scene.stage, hall, porch)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_segments_lie_in_the_rows_of_two_homes() {
    let columns = ["object", "sha256", "bytes"];
    of_two_homes(&SEGMENTS, |scene, elm, oak| {
        damage::swap_columns(&scene.records(), "segments", &columns, elm, oak);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_segments_lie_in_the_rows_of_two_cameras() {
    of_two_cameras(&SEGMENTS, |scene, hall, porch| {
        damage::swap_columns(&scene.records(), "segments", &["object"], hall, porch);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_of_two_homes() {
    of_two_homes(&HEADERS, |scene, elm, oak| {
        damage::swap_columns(&scene.records(), "events", &["header", "signature"], elm, oak);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_of_two_cameras() {
    of_two_cameras(&HEADERS, |scene, hall, porch| {
        damage::swap_columns(&scene.records(), "events", &["header", "signature"], hall, porch);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_rows_moved_into_another_home() {
    let scene = Scene::gather().await;
    let (elm, oak) = (&scene.elm.event, &scene.oak.event);
    let (oaks, elms) = (damage::key(oak), damage::key(elm));
    let db = scene.records();
    for table in ["events", "segments"] {
        damage::move_rows(&db, table, elm, (&oaks.0, &elms.1, &elms.2));
    }
    let caller = scene.oak.caller(&scene.stage);
    let alarms = || scene.stage.cloud().alarms().misfiled();
    // By its own ids it is no Event of oak's: elm's camera isn't oak's.
    let moved = caller.get(&elm.path("").replace(&elm.home.to_string(), &oak.home.to_string())).await;
    assert_eq!(refusal(&moved), (404, "not_found".to_owned()));
    // In a list, or beside oak's own Event, it is seen for what it is.
    for path in [scene.oak.path("/events"), oak.path("")] {
        let before = alarms();
        let answer = caller.get(&path).await;
        assert_eq!(refusal(&answer), (404, "not_found".to_owned()), "{path} {}", text(&answer));
        assert!(alarms() > before, "{path}");
    }
    // What was not moved is still there for both.
    assert!(caller.get(&oak.path("/segments/video/0")).await.status.is_success());
    assert!(scene.elm.caller(&scene.stage).get(&scene.porch.path("")).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_rows_moved_to_another_camera() {
    let scene = Scene::gather().await;
    let (hall, porch) = (damage::key(&scene.elm.event), damage::key(&scene.porch));
    let db = scene.records();
    for table in ["events", "segments"] {
        damage::move_rows(&db, table, &scene.elm.event, (&hall.0, &porch.1, &hall.2));
    }
    let caller = scene.elm.caller(&scene.stage);
    let moved = Recorded { camera: scene.porch.camera, ..scene.elm.event.clone() };
    for (kind, path) in reads::all(&moved) {
        // Views are of what was viewed, and the porch's newest Event is still its own.
        if kind.ends_with("views") || kind == "cameras" {
            continue;
        }
        let before = scene.stage.cloud().alarms().misfiled();
        let answer = caller.get(&path).await;
        assert_eq!(refusal(&answer), (404, "not_found".to_owned()), "{kind} {path} {}", text(&answer));
        assert!(scene.stage.cloud().alarms().misfiled() > before, "{kind} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_segments_of_one_event() {
    let scene = Scene::gather().await;
    let files = damage::files(&scene.stage, &scene.elm.event);
    damage::swap_files(&files[0].1, &files[1].1);
    let caller = scene.elm.caller(&scene.stage);
    for (kind, _) in &files[..2] {
        let before = scene.stage.cloud().alarms().misfiled();
        let answer = caller.get(&scene.elm.event.path(&format!("/segments/{kind}/0"))).await;
        assert_eq!(refusal(&answer), (404, "not_found".to_owned()), "{kind}");
        assert_eq!(scene.stage.cloud().alarms().misfiled(), before + 1, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledgers_of_two_homes() {
    let scene = Scene::gather().await;
    // So that both ledgers have something in them.
    scene.both_homes(&[]).await;
    let (elm, oak) = (damage::key(&scene.elm.event).0, damage::key(&scene.oak.event).0);
    let moved = scene
        .records()
        .execute(
            "UPDATE ledger SET bytes = (SELECT bytes FROM ledger b WHERE b.home = ?2 AND b.number = ledger.number),
             sha256 = (SELECT sha256 FROM ledger b WHERE b.home = ?2 AND b.number = ledger.number)
             WHERE home = ?1 AND number IN (SELECT number FROM ledger WHERE home = ?2)",
            [&elm, &oak],
        )
        .unwrap();
    assert!(moved > 3, "{moved}");
    let caller = scene.elm.caller(&scene.stage);
    for path in [scene.elm.path("/views"), scene.elm.event.path("/views")] {
        let before = scene.stage.cloud().alarms().misfiled();
        let answer = caller.get(&path).await;
        assert_eq!(refusal(&answer), (404, "not_found".to_owned()), "{path} {}", text(&answer));
        assert!(scene.stage.cloud().alarms().misfiled() > before, "{path}");
    }
    let fine = scene.oak.caller(&scene.stage).get(&scene.oak.path("/views")).await;
    assert!(fine.status.is_success() && !contains(&fine.body, scene.elm.home.to_string().as_bytes()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_chains_of_two_homes() {
    let scene = Scene::gather().await;
    let (elm, oak) = (damage::key(&scene.elm.event), damage::key(&scene.oak.event));
    let truth = scene.stage.database("truth.db");
    let swap = |table: &str, columns: [&str; 2]| {
        let [one, two] = columns;
        let sql = format!(
            "WITH a AS MATERIALIZED (SELECT rowid_of, home, {one} AS x, {two} AS y FROM
                (SELECT row_number() OVER (PARTITION BY home ORDER BY 1) AS rowid_of, * FROM {table}))
             UPDATE {table} SET ({one}, {two}) =
                (SELECT x, y FROM a WHERE a.home = CASE {table}.home WHEN ?1 THEN ?2 ELSE ?1 END AND a.rowid_of = 1)"
        );
        assert!(truth.execute(&sql, [&elm.0, &oak.0]).unwrap() >= 2, "{table}");
    };
    swap("homes", ["name_body", "name_signature"]);
    swap("cameras", ["name_body", "name_signature"]);
    swap("chain", ["body", "signature"]);
    for (mine, others) in [(&scene.elm, &scene.oak), (&scene.oak, &scene.elm)] {
        let caller = mine.caller(&scene.stage);
        for path in ["", "/cameras", "/chain"] {
            let before = scene.stage.cloud().alarms().misfiled();
            let answer = caller.get(&mine.path(path)).await;
            assert_eq!(refusal(&answer), (404, "not_found".to_owned()), "{path} {}", text(&answer));
            assert!(scene.stage.cloud().alarms().misfiled() > before, "{path}");
        }
        let homes = caller.get("/api/v1/homes").await;
        assert!(!contains(&homes.body, others.home.to_string().as_bytes()));
    }
}

/// Not a swap, but damage all the same: rows that housekeeping can't read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_home_whose_rows_are_damaged_holds_up_no_other_homes_retention() {
    let scene = Scene::gather().await;
    let mut events = [&scene.elm.event, &scene.oak.event];
    // Homes are gone through in this order.
    events.sort_by_key(|event| event.home);
    let [damaged, old] = events;
    let db = scene.records();
    db.execute("UPDATE events SET filed = 0", []).unwrap();
    db.execute("UPDATE events SET camera = x'00' WHERE event = ?1", [damaged.event.as_bytes()]).unwrap();
    let housekeeping = tokio::spawn(scene.stage.cloud().clone().keep_house());
    let there = |event: &Recorded| {
        let query = "SELECT count(*) FROM events WHERE event = ?1";
        db.query_row(query, [event.event.as_bytes()], |row| row.get::<_, i64>(0)).unwrap() == 1
    };
    for _ in 0..200 {
        if !there(old) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!there(old) && there(damaged));
    housekeeping.abort();
}
