//! Only what the Permit was for opens, by each identity that the value states.

use std::sync::Arc;

use async_trait::async_trait;
use keepsight_gate::Action;
use keepsight_ids::{SegmentKind, SegmentNo};
use keepsight_world::World;

use super::*;
use crate::testing::{NOW, Street, account, camera, event, home};
use crate::{Disclosure, Identity, Journal, JournalError, Kind, Ledger, Record};

struct Keeps;

#[async_trait]
impl Journal for Keeps {
    async fn append(&self, _: Vec<Record>) -> Result<(), JournalError> {
        Ok(())
    }
}

struct Footage(Vec<Identity>);

impl Identified for Footage {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        self.0.iter().for_each(|identity| tell(*identity));
    }
}

#[derive(Debug)]
struct Setting(Identity);

impl Identified for Setting {
    const FOOTAGE: bool = false;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(self.0);
    }
}

struct Bench {
    street: Street,
    ledger: Arc<Ledger>,
}

fn bench() -> Bench {
    let world = World::simulated(NOW.0, 1);
    Bench { street: Street::new(&world), ledger: Ledger::start(Arc::new(Keeps), world) }
}

impl Bench {
    async fn page(&self) -> Receipt {
        let permit = self.street.permit(1, Action::ListEvents, None).await;
        self.ledger.disclose(permit, Disclosure::page(None)).await.unwrap()
    }

    async fn segment(&self) -> Receipt {
        let permit = self.street.permit(1, Action::ReadSegment, Some(camera(10))).await;
        let what = Disclosure::segment(Kind::Opened, event(1), SegmentKind::Video, SegmentNo(7));
        self.ledger.disclose(permit, what).await.unwrap()
    }
}

fn opens(identity: Identity, receipt: &Receipt) -> bool {
    Locked::new(Footage(vec![identity])).open(receipt).is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_segment_opens_with_its_own_receipt_and_with_no_other() {
    let receipt = bench().segment().await;
    let of = |h, c, e, kind, number| Identity::segment(home(h), camera(c), event(e), kind, SegmentNo(number));
    use SegmentKind::{Audio, Video};
    assert!(opens(of(1, 10, 1, Video, 7), &receipt));
    for wrong in [
        of(2, 10, 1, Video, 7),
        of(1, 11, 1, Video, 7),
        of(1, 10, 2, Video, 7),
        of(1, 10, 1, Audio, 7),
        of(1, 10, 1, Video, 8),
        Identity::home(home(1)),
        Identity::camera(home(1), camera(10)),
        Identity::account(account(1)),
    ] {
        assert!(!opens(wrong, &receipt), "{wrong}");
    }
    assert!(opens(Identity::event(home(1), camera(10), event(1)), &receipt));
}

#[tokio::test(start_paused = true)]
async fn one_foreign_row_keeps_a_whole_page_closed_and_is_named() {
    let receipt = bench().page().await;
    let own = Identity::event(home(1), camera(10), event(1));
    let foreign = Identity::event(home(2), camera(20), event(9));
    assert!(Locked::new(Footage(vec![own, own])).open(&receipt).is_ok());
    let refused = Locked::new(Footage(vec![own, foreign, own])).open(&receipt);
    let Err(Misfiled::Elsewhere { stated, .. }) = refused else { panic!("a foreign row was opened") };
    assert_eq!(*stated, foreign);
}

#[tokio::test(start_paused = true)]
async fn a_page_does_not_open_segments() {
    let receipt = bench().page().await;
    let segment = Identity::segment(home(1), camera(10), event(1), SegmentKind::Video, SegmentNo(0));
    assert!(!opens(segment, &receipt));
}

#[tokio::test(start_paused = true)]
async fn cameras_outside_the_permit_stay_closed() {
    let bench = bench();
    bench.street.only(1, camera(10));
    let receipt = bench.page().await;
    assert!(opens(Identity::event(home(1), camera(10), event(1)), &receipt));
    assert!(!opens(Identity::event(home(1), camera(11), event(1)), &receipt));
    assert!(!opens(Identity::event(home(1), camera(11), event(1)).beside(), &receipt));
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_may_be_another_event_and_never_of_another_home() {
    let receipt = bench().segment().await;
    assert!(opens(Identity::event(home(1), camera(10), event(2)).beside(), &receipt));
    assert!(!opens(Identity::event(home(2), camera(10), event(2)).beside(), &receipt));
}

#[tokio::test(start_paused = true)]
async fn footage_stays_closed_without_a_record() {
    let bench = bench();
    let permit = bench.street.permit(1, Action::ReadHome, None).await;
    let receipt = bench.ledger.internal(permit).unwrap();
    assert!(Locked::new(Setting(Identity::home(home(1)))).open(&receipt).is_ok());
    assert!(Locked::new(Setting(Identity::home(home(2)))).open(&receipt).is_err());
    assert!(Locked::new(Setting(Identity::account(account(2)))).open(&receipt).is_err());
    let refused = Locked::new(Footage(vec![Identity::home(home(1))])).open(&receipt);
    assert!(matches!(refused, Err(Misfiled::Unrecorded)));
}
