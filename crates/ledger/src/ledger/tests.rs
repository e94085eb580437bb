//! A receipt exists only after its record's commit, the same disclosure is recorded once, and memory is bounded.

use async_trait::async_trait;
use futures_util::future::join_all;
use keepsight_gate::Action;
use tokio::sync::{Notify, watch};

use super::*;
use crate::testing::{NOW, Street, account, camera, event, home, set_home};

/// A journal in memory that can be held back, made to fail, and told what it kept.
#[derive(Default)]
struct Notebook {
    kept: Mutex<Vec<Record>>,
    batches: Mutex<Vec<usize>>,
    fails: Mutex<Option<JournalError>>,
    closed: watch::Sender<bool>,
    called: Notify,
}

#[async_trait]
impl Journal for Notebook {
    async fn append(&self, batch: Vec<Record>) -> Result<(), JournalError> {
        self.called.notify_one();
        let mut closed = self.closed.subscribe();
        closed.wait_for(|closed| !closed).await.expect("the notebook lives");
        if let Some(failure) = self.fails.lock().unwrap().clone() {
            return Err(failure);
        }
        self.batches.lock().unwrap().push(batch.len());
        self.kept.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Notebook {
    fn close(&self, closed: bool) {
        self.closed.send_replace(closed);
    }

    fn kinds(&self) -> Vec<Kind> {
        self.kept.lock().unwrap().iter().map(|record| record.facts().kind).collect()
    }

    fn len(&self) -> usize {
        self.kept.lock().unwrap().len()
    }
}

struct Bench {
    world: World,
    street: Street,
    notebook: Arc<Notebook>,
    ledger: Arc<Ledger>,
}

fn bench() -> Bench {
    let world = World::simulated(NOW.0, 1);
    let notebook = Arc::new(Notebook::default());
    let ledger = Ledger::start(notebook.clone(), world.clone());
    Bench { street: Street::new(&world), world, notebook, ledger }
}

impl Bench {
    async fn view(&self, n: u8, event_no: u8) -> Result<Receipt, LedgerError> {
        let permit = self.street.permit(n, Action::ReadSegment, Some(camera(10 * n))).await;
        let what = Disclosure::segment(Kind::Opened, event(event_no), SegmentKind::Video, SegmentNo(0));
        self.ledger.disclose(permit, what).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_waits_for_the_commit_of_its_record() {
    let bench = bench();
    bench.notebook.close(true);
    let view = bench.view(1, 1);
    tokio::pin!(view);
    let early = tokio::time::timeout(Duration::from_secs(1), &mut view).await;
    assert!(early.is_err(), "a receipt before the commit");
    assert_eq!(bench.notebook.len(), 0);
    bench.notebook.close(false);
    view.await.unwrap();
    let kept = bench.notebook.kept.lock().unwrap();
    let facts = kept[0].facts();
    assert_eq!((facts.kind, facts.viewer, facts.home), (Kind::Opened, account(1), home(1)));
    assert_eq!((facts.camera, facts.event), (Some(camera(10)), Some(event(1))));
    assert_eq!((facts.device.as_str(), facts.at), ("a browser", NOW));
}

#[tokio::test(start_paused = true)]
async fn followers_wait_for_the_leaders_commit_and_share_its_record() {
    let bench = bench();
    bench.notebook.close(true);
    let followers = join_all((0..50).map(|_| bench.view(1, 1)));
    tokio::pin!(followers);
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut followers).await.is_err());
    bench.notebook.close(false);
    assert!(followers.await.iter().all(Result::is_ok));
    assert_eq!(bench.notebook.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_disclosure_is_remembered_only_after_its_commit_is_acknowledged() {
    let bench = bench();
    *bench.notebook.fails.lock().unwrap() = Some(JournalError::NoSpace);
    let refused = bench.view(1, 1).await;
    assert_eq!(refused.err(), Some(LedgerError::Journal(JournalError::NoSpace)));
    *bench.notebook.fails.lock().unwrap() = None;
    bench.view(1, 1).await.unwrap();
    assert_eq!(bench.notebook.len(), 1);
    bench.view(1, 1).await.unwrap();
    assert_eq!(bench.notebook.len(), 1, "the second asking comes from memory");
}

#[tokio::test(start_paused = true)]
async fn what_differs_is_recorded_apart() {
    let bench = bench();
    bench.view(1, 1).await.unwrap();
    bench.view(1, 2).await.unwrap();
    bench.view(2, 1).await.unwrap();
    let permit = bench.street.permit(1, Action::ReadSegment, Some(camera(10))).await;
    let thumbnail = Disclosure::segment(Kind::Thumbnail, event(1), SegmentKind::Thumbnail, SegmentNo(0));
    bench.ledger.disclose(permit, thumbnail).await.unwrap();
    for until in [10, 20, 10] {
        let span = Span { from: UnixMillis(0), until: UnixMillis(until) };
        let permit = bench.street.permit(1, Action::ListEvents, None).await;
        bench.ledger.disclose(permit, Disclosure::page(Some(span))).await.unwrap();
    }
    use Kind::{Offered, Opened, Thumbnail};
    assert_eq!(bench.notebook.kinds(), [Opened, Opened, Opened, Thumbnail, Offered, Offered]);
}

#[tokio::test(start_paused = true)]
async fn the_next_minute_and_a_change_of_the_home_are_recorded_anew() {
    let bench = bench();
    bench.view(1, 1).await.unwrap();
    bench.street.truth.set_time(NOW.plus_ms(39_999));
    bench.view(1, 1).await.unwrap();
    assert_eq!(bench.notebook.len(), 1);
    bench.street.truth.set_time(NOW.plus_ms(40_000));
    bench.view(1, 1).await.unwrap();
    assert_eq!(bench.notebook.len(), 2);
    set_home(&bench.street.truth, 1, Revision(99));
    bench.view(1, 1).await.unwrap();
    assert_eq!(bench.notebook.len(), 3);
    set_home(&bench.street.truth, 2, Revision(100));
    bench.view(1, 1).await.unwrap();
    assert_eq!(bench.notebook.len(), 3, "another home's change is none of this one's");
}

#[tokio::test(start_paused = true)]
async fn a_stale_permit_gets_no_receipt_and_no_record() {
    let bench = bench();
    let permit = bench.street.permit(1, Action::ReadSegment, Some(camera(10))).await;
    bench.world.sleep(Duration::from_millis(5_001)).await;
    let what = Disclosure::event(Kind::Offered, event(1));
    assert_eq!(bench.ledger.disclose(permit, what).await.err(), Some(LedgerError::Stale));
    assert_eq!(bench.notebook.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_grew_stale_while_waiting_discloses_nothing() {
    let bench = bench();
    bench.notebook.close(true);
    let refused = bench.view(1, 1).await;
    assert!(matches!(refused, Err(LedgerError::Journal(_) | LedgerError::Stale)), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_disclosure_that_does_not_suit_its_permit_is_refused() {
    let bench = bench();
    let home_wide = bench.street.permit(1, Action::ListEvents, None).await;
    let refused = bench.ledger.disclose(home_wide, Disclosure::event(Kind::Opened, event(1))).await;
    assert!(matches!(refused, Err(LedgerError::Unsuitable(_))), "{refused:?}");
    let service =
        bench.street.gate.check(&keepsight_gate::Credential::None, keepsight_gate::Ask::of(Action::SignIn));
    let refused = bench.ledger.disclose(service.await.unwrap(), Disclosure::page(None)).await;
    assert!(matches!(refused, Err(LedgerError::Unsuitable(_))), "{refused:?}");
    assert_eq!(bench.notebook.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_disclosures_share_few_commits() {
    let bench = bench();
    bench.notebook.close(true);
    let views = join_all((0..200).map(|n| bench.view(1 + n % 2, n)));
    tokio::pin!(views);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut views).await.is_err());
    bench.notebook.close(false);
    assert!(views.await.iter().all(Result::is_ok));
    assert_eq!(bench.notebook.len(), 200);
    assert!(bench.notebook.batches.lock().unwrap().len() <= 3);
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_first_may_leave_without_stranding_the_others() {
    let bench = bench();
    bench.notebook.close(true);
    let leader = bench.view(1, 1);
    assert!(tokio::time::timeout(Duration::from_millis(100), leader).await.is_err());
    let follower = bench.view(1, 1);
    tokio::pin!(follower);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut follower).await.is_err());
    bench.notebook.close(false);
    follower.await.unwrap();
    assert_eq!(bench.notebook.len(), 1);
}

#[test]
fn a_runtime_that_dies_in_the_middle_strands_nobody_on_another() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (dying, living) = (runtime(), runtime());
    let bench = Arc::new(living.block_on(async { bench() }));
    bench.notebook.close(true);
    let permit = living.block_on(bench.street.permit(1, Action::ReadSegment, Some(camera(10))));
    let ledger = bench.ledger.clone();
    dying.spawn(async move { ledger.disclose(permit, Disclosure::event(Kind::Opened, event(1))).await });
    dying.block_on(bench.notebook.called.notified());
    drop(dying);
    bench.notebook.close(false);
    living.block_on(bench.view(1, 1)).unwrap();
    assert_eq!(bench.notebook.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_recorded_once_a_minute() {
    let bench = bench();
    let refusal = Refusal {
        viewer: account(2),
        session: None,
        device: "a browser".to_owned(),
        home: home(1),
        camera: Some(camera(10)),
        event: None,
        revision: Revision(1),
        at: NOW,
    };
    for _ in 0..3 {
        bench.ledger.refused(refusal.clone()).await.unwrap();
    }
    bench.ledger.refused(Refusal { at: NOW.plus_ms(60_000), ..refusal }).await.unwrap();
    assert_eq!(bench.notebook.kinds(), [Kind::Refused, Kind::Refused]);
}
