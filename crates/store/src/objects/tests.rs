//! Objects in a folder: what they state is compared, what nobody owns goes, and a full disk is said to be one.

use std::path::PathBuf;
use std::time::Duration;

use keepsight_gate::Action;
use keepsight_ids::UnixMillis;
use keepsight_ledger::{Disclosure, Kind, Misfiled};

use super::*;
use crate::records::suite::{Bench, NOW, Who, camera, event, sealed};
use crate::records::{EventQuery, Retention, SqliteRecords, upload_segment};

const VIDEO: (SegmentKind, SegmentNo) = (SegmentKind::Video, SegmentNo(0));

struct House {
    bench: Bench,
    objects: Objects,
    folder: tempfile::TempDir,
}

fn house() -> House {
    house_with(Reserve::NONE)
}

fn house_with(reserve: Reserve) -> House {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    let bench = Bench::new(
        &(Arc::new(move |world| {
            Arc::new(SqliteRecords::open(&path, world).unwrap()) as Arc<dyn crate::Records>
        }) as crate::records::suite::Make),
    );
    let objects = Objects::open_folder(&folder.path().join("objects"), reserve, bench.world.clone()).unwrap();
    House { bench, objects, folder }
}

impl House {
    async fn upload(
        &self,
        n: u8,
        number: u32,
        segment: (SegmentKind, SegmentNo),
        filling: &[u8],
    ) -> Result<(), StoreError> {
        let at = camera(10 * n);
        let permit = self.bench.street.agent(n, Action::AgentIngest, Some(at)).await;
        let bytes = sealed(n, at, event(number), segment, filling);
        let hash = super::sha256(&bytes);
        let what = (event(number), segment.0, segment.1);
        let acked =
            upload_segment(&*self.bench.records, &self.objects, &permit, what, bytes, self.bench.room)
                .await?;
        assert_eq!(acked, hash);
        Ok(())
    }

    async fn event_of(&self, n: u8, number: u32) {
        self.bench.put_header(n, camera(10 * n), number).await.unwrap();
        self.upload(n, number, VIDEO, format!("the picture of home {n}").as_bytes()).await.unwrap();
    }

    async fn fetch(&self, n: u8, number: u32) -> Result<Result<Bytes, Misfiled>, StoreError> {
        let at = camera(10 * n);
        let permit = self.bench.street.person(Who::Owner(n), Action::ReadSegment, Some(at)).await;
        let stored = self.bench.records.segment(&permit, event(number), VIDEO.0, VIDEO.1).await?;
        let locked = self.objects.read(&stored).await?;
        let what = Disclosure::segment(Kind::Opened, event(number), VIDEO.0, VIDEO.1);
        Ok(self.bench.open(locked, permit, what).await.map(SealedObject::into_bytes))
    }

    /// Every file below the folder but the one that says which Records it belongs to.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().join("objects")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.retain(|path| !path.ends_with("objects/records"));
        files.sort();
        files
    }

    /// Exchanges a column between the rows of the two homes.
    fn swap(&self, table: &str, column: &str) {
        self.sql(&format!(
            "CREATE TEMP TABLE was AS SELECT home, {column} FROM {table};
             UPDATE {table} SET {column} = (SELECT {column} FROM was WHERE was.home != {table}.home);"
        ));
    }

    fn sql(&self, statement: &str) {
        let db = rusqlite::Connection::open(self.folder.path().join("records.db")).unwrap();
        db.busy_timeout(Duration::from_secs(2)).unwrap();
        db.execute_batch(statement).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_uploaded_is_read_back_and_an_upload_again_makes_no_second_object() {
    let house = house();
    house.event_of(1, 1).await;
    house.upload(1, 1, VIDEO, b"the picture of home 1").await.unwrap();
    let bytes = house.fetch(1, 1).await.unwrap().unwrap();
    assert_eq!(bytes, sealed(1, camera(10), event(1), VIDEO, b"the picture of home 1"));
    assert_eq!(house.files().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_state_another_identity_are_not_written() {
    let house = house();
    house.event_of(1, 1).await;
    let permit = house.bench.street.agent(1, Action::AgentIngest, Some(camera(10))).await;
    for wrong in [
        sealed(2, camera(10), event(1), (SegmentKind::Audio, SegmentNo(0)), b"x"),
        sealed(1, camera(11), event(1), (SegmentKind::Audio, SegmentNo(0)), b"x"),
        sealed(1, camera(10), event(2), (SegmentKind::Audio, SegmentNo(0)), b"x"),
        sealed(1, camera(10), event(1), (SegmentKind::Video, SegmentNo(0)), b"x"),
        sealed(1, camera(10), event(1), (SegmentKind::Audio, SegmentNo(1)), b"x"),
    ] {
        let put = house.objects.put(&permit, event(1), SegmentKind::Audio, SegmentNo(0), wrong).await;
        assert!(matches!(put, Err(StoreError::Misplaced { .. })), "{put:?}");
    }
    for damaged in
        [Bytes::new(), Bytes::from_static(&[7; 72]), vec![9; 100].into(), vec![0; SEALED_MAX + 1].into()]
    {
        assert!(
            house.objects.put(&permit, event(1), SegmentKind::Audio, SegmentNo(0), damaged).await.is_err()
        );
    }
    assert_eq!(house.files().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn objects_of_two_homes_swapped_on_disk_open_for_nobody() {
    let house = house();
    house.event_of(1, 1).await;
    house.event_of(2, 1).await;
    let files = house.files();
    let (a, b) = (std::fs::read(&files[0]).unwrap(), std::fs::read(&files[1]).unwrap());
    std::fs::write(&files[0], b).unwrap();
    std::fs::write(&files[1], a).unwrap();
    for n in [1, 2] {
        let opened = house.fetch(n, 1).await.unwrap();
        assert!(matches!(opened, Err(Misfiled::Elsewhere { .. })), "home {n} was shown {opened:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_point_to_each_others_objects_open_for_nobody() {
    let house = house();
    house.event_of(1, 1).await;
    house.event_of(2, 1).await;
    house.swap("segments", "object");
    for n in [1, 2] {
        let opened = house.fetch(n, 1).await.unwrap();
        assert!(matches!(opened, Err(Misfiled::Elsewhere { .. })), "home {n} was shown {opened:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_of_two_homes_swapped_in_the_database_open_for_nobody() {
    let house = house();
    house.event_of(1, 1).await;
    house.event_of(2, 1).await;
    house.swap("events", "header");
    for n in [1, 2] {
        let permit = house.bench.street.person(Who::Owner(n), Action::ListEvents, None).await;
        let page = house.bench.records.event_page(&permit, EventQuery::default()).await.unwrap();
        let opened = house.bench.open(page, permit, Disclosure::page(None)).await;
        assert!(matches!(opened, Err(Misfiled::Elsewhere { .. })), "home {n} was shown {opened:?}");
        let permit = house.bench.street.person(Who::Owner(n), Action::ReadEvent, Some(camera(10 * n))).await;
        let detail = house.bench.records.event(&permit, event(1)).await.unwrap();
        let opened = house.bench.open(detail, permit, Disclosure::event(Kind::Offered, event(1))).await;
        assert!(matches!(opened, Err(Misfiled::Elsewhere { .. })), "home {n} was shown {opened:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whole_rows_moved_to_another_home_open_for_nobody() {
    let house = house();
    house.event_of(1, 1).await;
    house.sql("UPDATE events SET home = x'02020202020202020202020202020202', camera = x'14141414141414141414141414141414';
               UPDATE segments SET home = x'02020202020202020202020202020202', camera = x'14141414141414141414141414141414';");
    let opened = house.fetch(2, 1).await.unwrap();
    assert!(matches!(opened, Err(Misfiled::Elsewhere { .. })), "home 2 was shown {opened:?}");
    let permit = house.bench.street.person(Who::Owner(2), Action::ListEvents, None).await;
    let page = house.bench.records.event_page(&permit, EventQuery::default()).await.unwrap();
    assert!(house.bench.open(page, permit, Disclosure::page(None)).await.is_err());
    assert!(matches!(house.fetch(1, 1).await, Err(StoreError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn a_missing_or_damaged_object_is_said_to_be_damaged() {
    let house = house();
    house.event_of(1, 1).await;
    let file = house.files().remove(0);
    std::fs::write(&file, b"short").unwrap();
    assert!(matches!(house.fetch(1, 1).await, Err(StoreError::Corrupt { .. })));
    std::fs::remove_file(file).unwrap();
    assert!(matches!(house.fetch(1, 1).await, Err(StoreError::Corrupt { .. })));
}

#[tokio::test(start_paused = true)]
async fn at_the_disks_reserve_uploads_stop_and_everything_else_goes_on() {
    let house = house_with(Reserve { bytes: u64::MAX, percent: 2 });
    house.bench.put_header(1, camera(10), 1).await.unwrap();
    let refused = house.upload(1, 1, VIDEO, b"x").await;
    assert!(matches!(refused, Err(StoreError::NoSpace { .. })), "{refused:?}");
    assert!(house.files().is_empty());
    house.bench.records.append(Vec::new()).await.unwrap();
    let permit = house.bench.street.person(Who::Owner(1), Action::DeleteEvent, Some(camera(10))).await;
    house.bench.records.delete(&permit, event(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_objects_of_deleted_events_are_removed_and_their_folders_with_them() {
    let house = house();
    house.event_of(1, 1).await;
    house.event_of(1, 2).await;
    let retention = Retention { now: NOW, older_than: NOW, bytes_max: u64::MAX, total_max: u64::MAX };
    house.bench.records.sweep(crate::records::suite::home(1), retention).await.unwrap();
    assert_eq!(collect::bury(&*house.bench.records, &house.objects).await.unwrap(), 2);
    assert!(house.files().is_empty());
    assert_eq!(std::fs::read_dir(house.folder.path().join("objects")).unwrap().count(), 0);
    assert_eq!(collect::bury(&*house.bench.records, &house.objects).await.unwrap(), 0);
    house.event_of(1, 3).await;
    house.fetch(1, 3).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_lapses_goes_though_it_was_kept() {
    let house = house();
    house.event_of(1, 1).await;
    house.event_of(1, 2).await;
    house.sql(&format!(
        "UPDATE events SET kept = 1, expires_at = {NOW} WHERE event = x'00000001000000000000000000000000'"
    ));
    let retention =
        |now| Retention { now, older_than: UnixMillis(0), bytes_max: u64::MAX, total_max: u64::MAX };
    let sweep = |now| house.bench.records.sweep(crate::records::suite::home(1), retention(now));
    assert!(sweep(NOW.plus_ms(-1)).await.unwrap().events.is_empty());
    assert_eq!(sweep(NOW).await.unwrap().events, [(camera(10), event(1))]);
}

#[tokio::test(start_paused = true)]
async fn an_object_without_a_row_is_collected_after_a_day_and_not_before() {
    let house = house();
    house.event_of(1, 1).await;
    let permit = house.bench.street.agent(1, Action::AgentIngest, Some(camera(10))).await;
    let orphan = (SegmentKind::Audio, SegmentNo(0));
    let bytes = sealed(1, camera(10), event(1), orphan, b"never committed");
    let object = house.objects.put(&permit, event(1), orphan.0, orphan.1, bytes).await.unwrap();
    let stranger = house.folder.path().join("objects/lost+found");
    std::fs::write(&stranger, b"not ours").unwrap();
    let collect = || collect::collect_orphans(&*house.bench.records, &house.objects);
    house.bench.world.sleep(Duration::from_secs(23 * 3600)).await;
    assert_eq!(collect().await.unwrap(), 0);
    house.bench.world.sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(collect().await.unwrap(), 1);
    assert_eq!(house.files().len(), 2, "the Event's object and the file that is not ours stay");
    let permit = house.bench.street.agent(1, Action::AgentIngest, Some(camera(10))).await;
    let refused = house.bench.records.put_segment(&permit, &object, house.bench.room).await;
    assert!(matches!(refused, Err(StoreError::StaleObject)), "{refused:?}");
    house.fetch(1, 1).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn many_uploads_at_once_into_one_event_all_arrive() {
    let house = house();
    house.bench.put_header(1, camera(10), 1).await.unwrap();
    let uploads = (0..100).map(|number| {
        let house = &house;
        // Each segment is sent twice at the same moment, as an agent does that lost an answer.
        async move { house.upload(1, 1, (SegmentKind::Video, SegmentNo(number / 2)), b"x").await }
    });
    for upload in futures_util::future::join_all(uploads).await {
        upload.unwrap();
    }
    let detail = house.bench.detail(Who::Owner(1), camera(10), 1).await.unwrap();
    assert_eq!(detail.segments.len(), 50);
    assert_eq!(house.files().len(), 50);
}

#[test]
fn a_key_has_one_text_form() {
    let key = "hom_0g1g2081040g20c104gg20g107/x";
    assert!(key.parse::<ObjectKey>().is_err());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    let world = World::simulated(NOW.0, 3);
    let place =
        crate::records::Place { home: crate::records::suite::home(1), camera: camera(10), event: event(1) };
    let key = ObjectKey::draw(&world, place);
    let text = key.to_string();
    assert_eq!(text.parse::<ObjectKey>().unwrap(), key);
    for wrong in [
        text.to_uppercase(),
        format!("{text}/x"),
        format!("/{text}"),
        text.replace('-', "-0"),
        text.replace("/0", "/+"),
    ] {
        assert!(wrong.parse::<ObjectKey>().is_err(), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_removed_holds_up_no_other() {
    let house = house();
    for number in 1..=3 {
        house.event_of(1, number).await;
        let permit = house.bench.street.person(Who::Owner(1), Action::DeleteEvent, Some(camera(10))).await;
        house.bench.records.delete(&permit, event(number)).await.unwrap();
    }
    let stuck = house.files().remove(0);
    std::fs::remove_file(&stuck).unwrap();
    std::fs::create_dir_all(stuck.join("no file")).unwrap();
    let bury = || collect::bury(&*house.bench.records, &house.objects);
    assert_eq!(bury().await.unwrap(), 2);
    assert_eq!(bury().await.unwrap(), 0, "it is tried again");
    std::fs::remove_dir_all(&stuck).unwrap();
    assert_eq!(bury().await.unwrap(), 1);
    assert!(house.bench.records.doomed(None, 10).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn under_a_database_that_is_not_theirs_nothing_begins_and_no_object_is_an_orphan() {
    use tie::tie;
    let house = house();
    house.event_of(1, 1).await;
    let open =
        |name: &str| SqliteRecords::open(&house.folder.path().join(name), house.bench.world.clone()).unwrap();
    let foreign = |outcome: Result<(), StoreError>| matches!(outcome, Err(StoreError::ForeignRecords));
    let lost = open("made-anew.db");
    assert!(foreign(tie(&lost, &house.objects).await), "objects that were there before the first tie");
    tie(&*house.bench.records, &house.objects).await.unwrap();
    tie(&open("records.db"), &house.objects).await.unwrap();
    assert!(foreign(tie(&lost, &house.objects).await));
    house.bench.world.sleep(Duration::from_secs(48 * 3600)).await;
    let collected = collect::collect_orphans(&lost, &house.objects).await;
    assert!(foreign(collected.map(|_| ())));
    assert_eq!(house.files().len(), 1);
    let empty =
        Objects::open_folder(&house.folder.path().join("others"), Reserve::NONE, house.bench.world.clone());
    tie(&lost, &empty.unwrap()).await.unwrap();
}
