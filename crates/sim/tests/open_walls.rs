//! With the walls taken out the incident really happens; with any one of them standing nobody is shown a stranger's picture.
//!
//! Two mix-ups: another home's owner asks for the first home's ids (the gate's affair), and rows and objects of both homes stand in
//! each other's place on the disk (the comparison's affair). Counted is what leaves the server, and what a person's own side, which
//! compares as the browser does, would show.

use std::time::Duration;

use keepsight_gate::sabotage::{self, Wall};
use keepsight_person::{EventQuery, PersonError};
use keepsight_seal::{Asked, SealError};
use keepsight_sim::household::contains;
use keepsight_sim::{Household, Recorded, Stage, damage, reads};
use keepsight_wire::people::Purpose;

const SERVER_WALLS: [Wall; 3] = [Wall::Gate, Wall::Ledger, Wall::Identity];

struct Street {
    stage: Stage,
    elm: Household,
    oak: Household,
}

/// What came of a mix-up.
#[derive(Debug, Default)]
struct Outcome {
    /// Foreign sealed pictures or headers that left the server.
    bytes: usize,
    /// Foreign pictures that a person's side showed.
    shown: usize,
    /// Why it showed none.
    refusals: Vec<PersonError>,
}

impl Street {
    async fn build() -> Self {
        let stage = Stage::start().await;
        let elm = stage.home("elm", "12 Elm Street").await;
        let oak = stage.home("oak", "3 Oak Lane").await;
        // Each has read their own home while all was well.
        for household in [&elm, &oak] {
            let own = household.watched_by(&household.owner).await.unwrap();
            assert!(contains(&own, household.name.as_bytes()));
        }
        Self { stage, elm, oak }
    }

    /// Oak asks for elm's ids.
    async fn asked_with_foreign_ids(&self) -> Outcome {
        let mut outcome = self.received(&self.elm.event, &self.elm.event).await;
        self.looked_at(&self.elm.event, &mut outcome).await;
        outcome
    }

    /// Oak asks for their own, and elm's lie in their place.
    async fn own_ids_and_swapped_disks(&self) -> Outcome {
        let (elm, oak) = (&self.elm.event, &self.oak.event);
        let swap = || {
            damage::swap_objects(&self.stage, elm, oak);
            let db = self.stage.database("records.db");
            damage::swap_columns(&db, "events", &["header", "signature"], elm, oak);
        };
        swap();
        let mut outcome = self.received(oak, elm).await;
        self.looked_at(oak, &mut outcome).await;
        swap();
        outcome
    }

    /// Every read of `asked`, by oak: what of `foreign` left.
    async fn received(&self, asked: &Recorded, foreign: &Recorded) -> Outcome {
        let caller = self.oak.caller(&self.stage);
        let mut outcome = Outcome::default();
        for (_, path) in reads::all(asked) {
            outcome.bytes += usize::from(foreign.is_in(&caller.get(&path).await.body));
        }
        outcome
    }

    /// Oak's own side opens what comes: by the Event, and by the list.
    async fn looked_at(&self, asked: &Recorded, outcome: &mut Outcome) {
        let (owner, home) = (&self.oak.owner, asked.home);
        let (camera, event) = (asked.camera, asked.event);
        match owner.watch(home, camera, event, Purpose::View).await {
            Ok(watched) => outcome.shown += usize::from(contains(&watched.video(), self.elm.name.as_bytes())),
            Err(error) => outcome.refusals.push(error),
        }
        let asked = Asked { home, camera, event };
        let page = match owner.events(home, &EventQuery::default()).await {
            Ok(page) => page,
            Err(error) => return outcome.refusals.push(error),
        };
        for listed in &page.events {
            match owner.open_header(&asked, listed).await {
                Ok((header, _)) => outcome.shown += usize::from(header.header().home == self.elm.home),
                Err(error) => outcome.refusals.push(error),
            }
        }
    }
}

/// Takes out every wall of the server but `standing`.
fn only(standing: Option<Wall>) {
    for wall in SERVER_WALLS {
        sabotage::set_off(wall, Some(wall) != standing);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_walls_it_happens_and_any_one_of_them_keeps_the_count_at_zero() {
    let _held = sabotage::hold(None);
    let street = Street::build().await;

    // All standing: nothing leaves.
    for outcome in [street.asked_with_foreign_ids().await, street.own_ids_and_swapped_disks().await] {
        assert_eq!((outcome.bytes, outcome.shown), (0, 0), "{outcome:?}");
    }
    let alarms = street.stage.cloud().alarms().misfiled();
    assert!(alarms > 0);

    // None standing but the seal: the incident happens, and the person's side shows nothing of it.
    only(None);
    let asked = street.asked_with_foreign_ids().await;
    let swapped = street.own_ids_and_swapped_disks().await;
    assert!(asked.bytes > 5 && swapped.bytes > 5, "nothing was shown to hold: {asked:?} {swapped:?}");
    assert_eq!((asked.shown, swapped.shown), (0, 0));
    assert!(asked.refusals.iter().any(|why| matches!(why, PersonError::NotAMember)), "{:?}", asked.refusals);
    let not_asked_for =
        |why: &PersonError| matches!(why, PersonError::Seal(SealError::NotWhatWasAskedFor { .. }));
    assert!(
        swapped.refusals.iter().all(not_asked_for) && swapped.refusals.len() >= 2,
        "{:?}",
        swapped.refusals
    );
    assert_eq!(street.stage.cloud().alarms().misfiled(), alarms, "the comparison was out");

    // The gate alone: no foreign id works, and what the disk mixes up is noise to whoever gets it.
    only(Some(Wall::Gate));
    let asked = street.asked_with_foreign_ids().await;
    assert_eq!((asked.bytes, asked.shown), (0, 0), "{asked:?}");
    assert_eq!(street.own_ids_and_swapped_disks().await.shown, 0);

    // The comparison alone: what the disk mixes up does not leave.
    only(Some(Wall::Identity));
    let swapped = street.own_ids_and_swapped_disks().await;
    assert_eq!((swapped.bytes, swapped.shown), (0, 0), "{swapped:?}");
    assert_eq!(street.asked_with_foreign_ids().await.shown, 0);

    // The ledger alone shows nothing to the wrong people by itself, but it tells the home who looked.
    only(Some(Wall::Ledger));
    assert!(street.asked_with_foreign_ids().await.bytes > 0);
    for wall in SERVER_WALLS {
        sabotage::set_off(wall, false);
    }
    let views = street.elm.owner.views(street.elm.home, None, None).await.unwrap().views;
    assert!(views.iter().any(|view| view.account == street.oak.owner.account()), "{views:?}");

    // All standing again, all as it was.
    assert_eq!(street.asked_with_foreign_ids().await.bytes, 0);
    assert!(contains(&street.elm.watched_by(&street.elm.owner).await.unwrap(), b"12 Elm Street"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_left_without_walls_really_is_the_picture() {
    let _held = sabotage::hold(None);
    let street = Street::build().await;
    only(None);
    let event = &street.elm.event;
    let stolen = street.oak.caller(&street.stage).get(&event.path("/segments/video/0")).await;
    assert!(stolen.status.is_success());
    for wall in SERVER_WALLS {
        sabotage::set_off(wall, false);
    }
    // In the hands of somebody with the home's keys it opens: it is what it seems to be.
    let opened = street.elm.owner.open_event(event.home, event.camera, event.event).await.unwrap();
    let plain =
        opened.open(keepsight_ids::SegmentKind::Video, keepsight_ids::SegmentNo(0), &stolen.body).unwrap();
    assert!(contains(&plain, b"12 Elm Street"));
    // In the thief's it does not, whatever they try of their own.
    let own = &street.oak.event;
    let opener = street.oak.owner.open_event(own.home, own.camera, own.event).await.unwrap();
    for kind in keepsight_ids::SegmentKind::ALL {
        assert!(opener.open(kind, keepsight_ids::SegmentNo(0), &stolen.body).is_err());
    }
}

#[test]
fn the_program_serves_a_data_folder_without_walls() {
    let _held = sabotage::hold(None);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (folder, elm, cookie) = runtime.block_on(async {
        let street = Street::build().await;
        let token = street.oak.owner.api().cookie("ks_session").unwrap();
        let elm = street.elm.event.clone();
        (street.stage.stop().await, elm, token)
    });
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_open-walls"))
        .args(["serve", "--no-tls", "--listen", "127.0.0.1:0", "--public-url", "http://localhost", "--data"])
        .arg(folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "on").expect("listening on ADDRESS");
    let url = format!("http://{}", words[at + 1]);
    let answer = runtime.block_on(async {
        let api = keepsight_person::Api::new(&url, keepsight_person::Trust::Plain).unwrap();
        let oak = keepsight_sim::Caller::new(&api, keepsight_sim::Shown::Cookie(cookie));
        tokio::time::timeout(Duration::from_secs(20), oak.get(&elm.path("/segments/video/0"))).await.unwrap()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(elm.is_in(&answer.body), "{line}: {}", answer.status);
}
