//! Each wall that this side of the gate holds, taken out: what it held back really gets through then, and with it in place it
//! does not. Otherwise the tests that swap rows and objects would prove nothing.

use std::sync::Arc;

use async_trait::async_trait;
use keepsight_gate::Action;
use keepsight_gate::sabotage::{self, Wall};
use keepsight_ids::{SegmentKind, SegmentNo};
use keepsight_ledger::{
    Disclosure, Identified, Identity, Journal, JournalError, Kind, Ledger, LedgerError, Locked, Record,
};
use keepsight_store::records::suite::{NOW, Street, Who, camera, event, home};
use keepsight_world::World;

/// A ledger whose disk is full.
struct Full;

#[async_trait]
impl Journal for Full {
    async fn append(&self, _: Vec<Record>) -> Result<(), JournalError> {
        Err(JournalError::NoSpace)
    }
}

/// A ledger that keeps everything.
struct Keeps;

#[async_trait]
impl Journal for Keeps {
    async fn append(&self, _: Vec<Record>) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Home 2's picture, wherever it was found.
struct Foreign;

impl Identified for Foreign {
    const FOOTAGE: bool = true;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        tell(Identity::segment(home(2), camera(20), event(1), SegmentKind::Video, SegmentNo(0)));
    }
}

async fn disclose(journal: Arc<dyn Journal>) -> Result<keepsight_ledger::Receipt, LedgerError> {
    let world = World::simulated(NOW.0, 1);
    let street = Street::new(&world);
    let permit = street.person(Who::Owner(1), Action::ReadSegment, Some(camera(10))).await;
    let what = Disclosure::segment(Kind::Opened, event(1), SegmentKind::Video, SegmentNo(0));
    Ledger::start(journal, world).disclose(permit, what).await
}

#[tokio::test(start_paused = true)]
async fn without_the_ledger_a_receipt_needs_no_record_and_with_it_it_does() {
    let _held = sabotage::hold(None);
    assert_eq!(disclose(Arc::new(Full)).await.err(), Some(LedgerError::Journal(JournalError::NoSpace)));
    sabotage::set_off(Wall::Ledger, true);
    assert!(disclose(Arc::new(Full)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_the_comparison_a_foreign_object_opens_and_with_it_it_does_not() {
    let _held = sabotage::hold(None);
    let receipt = disclose(Arc::new(Keeps)).await.unwrap();
    assert!(Locked::new(Foreign).open(&receipt).is_err());
    sabotage::set_off(Wall::Identity, true);
    assert!(Locked::new(Foreign).open(&receipt).is_ok());
}
