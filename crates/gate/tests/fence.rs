//! The fence task: what it asks, what it believes, and when it says no.

mod stage;

use std::sync::Arc;
use std::time::Duration;

use keepsight_gate::{
    Action, Ask, Change, ChangeError, Credential, Denied, Key, LOG_ROWS_MAX, Lane, StalePermit, Tag,
    TokenHash,
};
use keepsight_ids::{HomeId, Revision};
use keepsight_world::World;
use stage::{Act, COOKIE, HALL, HOME, LIST, ME, Stage, grant_until, revoke, settle};
use tokio::sync::Notify;

/// In a sabotage build the other test binaries' faults don't reach here, but those of this process would.
fn healthy() -> impl Drop {
    #[cfg(feature = "sabotage")]
    return keepsight_gate::sabotage::hold(None);
    #[cfg(not(feature = "sabotage"))]
    {
        struct Nothing;
        impl Drop for Nothing {
            fn drop(&mut self) {}
        }
        Nothing
    }
}

#[tokio::test(start_paused = true)]
async fn a_permit_says_what_it_is_for() {
    let _healthy = healthy();
    let (_, gate) = Stage::with_gate();
    let permit = gate.check(&COOKIE, Ask::camera(Action::ReadSegment, HOME, HALL)).await.unwrap();
    assert_eq!((permit.account(), permit.home(), permit.camera()), (Some(ME), Some(HOME), Some(HALL)));
    assert_eq!((permit.revision(), permit.truth_time()), (Revision(3), stage::NOW));
    assert_eq!(permit.action(), Action::ReadSegment);
    let world = World::simulated(0, 1);
    tokio::time::sleep(Duration::from_millis(4_990)).await;
    assert_eq!(permit.check_fresh(&world), Ok(()));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(permit.check_fresh(&world), Err(StalePermit));
    let change = gate.change(permit, Change::LeaveHome).await.unwrap_err();
    assert_eq!(change, ChangeError::Denied(Denied::NotAllowed));
}

#[tokio::test(start_paused = true)]
async fn checks_that_arrive_together_share_one_fence() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let _ = gate.check(&COOKIE, LIST).await.unwrap();
    let before = stage.fences();
    let hold = Arc::new(Notify::new());
    stage.plays([Act::Hold(hold.clone())]);
    let mut checks = tokio::task::JoinSet::new();
    let ask = |checks: &mut tokio::task::JoinSet<bool>| {
        let gate = gate.clone();
        checks.spawn(async move { gate.check(&COOKIE, LIST).await.is_ok() });
    };
    ask(&mut checks);
    settle().await;
    assert_eq!(stage.fences(), before + 1);
    for _ in 0..500 {
        ask(&mut checks);
    }
    hold.notify_one();
    let answers = checks.join_all().await;
    assert!(answers.len() == 501 && answers.into_iter().all(|allowed| allowed));
    assert_eq!(stage.fences(), before + 2, "one for the first, one for all that came while it was in flight");
}

#[tokio::test(start_paused = true)]
async fn a_strangers_question_loads_nothing_of_the_home() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    revoke(&stage.truth());
    assert_eq!(gate.check(&COOKIE, LIST).await.unwrap_err(), Denied::NotFound);
    assert_eq!(
        gate.check(&COOKIE, Ask::home(Action::ListEvents, HomeId::from_bytes([9; 16]))).await.unwrap_err(),
        Denied::NotFound
    );
    let wanted: Vec<Key> =
        stage.asked.lock().unwrap().iter().flat_map(|(_, query)| query.wanted.clone()).collect();
    assert!(!wanted.iter().any(|key| matches!(key, Key::Home(_))), "{wanted:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_token_is_never_remembered_as_absent() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let token = TokenHash::from_bytes([7; 32]);
    let shown = Credential::Session(token);
    assert_eq!(gate.check(&shown, LIST).await.unwrap_err(), Denied::NotSignedIn);
    // As a session is made: without a revision.
    let asked = stage.fences();
    assert_eq!(gate.check(&shown, LIST).await.unwrap_err(), Denied::NotSignedIn);
    let queries = stage.asked.lock().unwrap();
    assert!(queries[asked..].iter().any(|(_, query)| query.wanted.contains(&Key::Session(token))));
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_100_ms_is_asked_for_again_on_the_second_connection() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let _ = gate.check(&COOKIE, LIST).await.unwrap();
    let before = stage.fences();
    stage.plays([Act::Never]);
    let began = tokio::time::Instant::now();
    let _ = gate.check(&COOKIE, LIST).await.expect("the second one answers");
    assert!(began.elapsed() >= Duration::from_millis(100) && began.elapsed() < Duration::from_millis(120));
    let asked = stage.asked.lock().unwrap()[before..].to_vec();
    assert_eq!(asked.iter().map(|(lane, _)| *lane).collect::<Vec<_>>(), [Lane::First, Lane::Hedge]);
    assert_ne!(asked[0].1.nonce, asked[1].1.nonce);
}

#[tokio::test(start_paused = true)]
async fn two_seconds_without_an_answer_is_no() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let _ = gate.check(&COOKIE, LIST).await.unwrap();
    for late in [Act::Never, Act::Late(Duration::from_secs(3))] {
        stage.plays([late, Act::Never]);
        let began = tokio::time::Instant::now();
        assert_eq!(gate.check(&COOKIE, LIST).await.unwrap_err(), Denied::Unavailable);
        assert!(began.elapsed() >= Duration::from_secs(2) && began.elapsed() < Duration::from_millis(2_020));
        assert_eq!(stage.closed.lock().unwrap().drain(..).collect::<Vec<_>>(), [Lane::First, Lane::Hedge]);
        let _ = gate.check(&COOKIE, LIST).await.expect("and then it is back");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_this_questions_reply_is_not_believed() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let acts: [fn() -> Act; 3] = [
        || Act::Spoil(|reply| reply.nonce ^= 1),
        || Act::Spoil(|reply| reply.in_recovery = true),
        || Act::Break,
    ];
    for act in acts {
        let _ = gate.check(&COOKIE, LIST).await.unwrap();
        stage.plays([act()]);
        assert_eq!(gate.check(&COOKIE, LIST).await.unwrap_err(), Denied::Unavailable);
        assert_eq!(stage.closed.lock().unwrap().drain(..).collect::<Vec<_>>(), [Lane::First]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_spoiled_hedge_leaves_the_first_its_chance() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let _ = gate.check(&COOKIE, LIST).await.unwrap();
    stage.plays([Act::Late(Duration::from_millis(300)), Act::Break]);
    let _ = gate.check(&COOKIE, LIST).await.expect("the first answers after all");
    assert_eq!(stage.lanes_closed(), [Lane::Hedge]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_does_not_follow_clears_the_replica() {
    let _healthy = healthy();
    // Each of these replies leaves out that the account was touched; a replica that went on would allow.
    let spoilers: [fn(&mut keepsight_gate::FenceReply); 4] = [
        |reply| reply.log.clear(),
        |reply| reply.log.truncate(1),
        |reply| {
            reply.log.clear();
            (reply.head, reply.head_tag) = (Revision(1), Tag([9; 16]));
        },
        |reply| {
            let row = reply.log[0];
            reply.log = vec![keepsight_gate::LogRow { key: Key::Home(HOME), ..row }; LOG_ROWS_MAX];
        },
    ];
    for spoil in spoilers {
        let (stage, gate) = Stage::with_gate();
        let _ = gate.check(&COOKIE, LIST).await.unwrap();
        let truth = stage.truth();
        truth.set(Key::Home(HomeId::from_bytes([5; 16])), None);
        revoke(&truth);
        stage.plays([Act::Spoil(spoil)]);
        assert_eq!(gate.check(&COOKIE, LIST).await.unwrap_err(), Denied::NotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn changes_that_never_stop_do_not_starve_a_check() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let _ = gate.check(&COOKIE, LIST).await.unwrap();
    for _ in 0..50 {
        let touch = |truth: &keepsight_gate::memory::MemoryTruth| grant_until(truth, None);
        grant_until(&stage.truth(), None);
        stage.plays([Act::Meanwhile(Box::new(touch)), Act::Meanwhile(Box::new(touch))]);
        let _ = gate.check(&COOKIE, LIST).await.expect("the second round loads all that it needs");
    }
}

#[tokio::test(start_paused = true)]
async fn the_truths_time_never_goes_back() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    grant_until(&stage.truth(), Some(stage::NOW.plus_ms(1_000)));
    let _ = gate.check(&COOKIE, LIST).await.unwrap();
    stage.truth().set_time(stage::NOW.plus_ms(1_000));
    assert_eq!(gate.check(&COOKIE, LIST).await.unwrap_err(), Denied::NotFound);
    stage.truth().set_time(stage::NOW);
    assert_eq!(
        gate.check(&COOKIE, LIST).await.unwrap_err(),
        Denied::NotFound,
        "a clock set back gives nothing back"
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_is_hinted_at_the_next_check() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let _ = gate.check(&COOKIE, LIST).await.unwrap();
    let mut changes = gate.changes();
    changes.mark_unchanged();
    let _ = gate.check(&COOKIE, LIST).await.unwrap();
    assert!(!changes.has_changed().unwrap());
    revoke(&stage.truth());
    let _ = gate.check(&Credential::None, Ask::of(Action::ReadService)).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(*changes.borrow_and_update(), Revision(4));
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_takes_nobody_elses_answer() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let hold = Arc::new(Notify::new());
    stage.plays([Act::Hold(hold.clone())]);
    let leaver = tokio::spawn({
        let gate = gate.clone();
        async move { gate.check(&COOKIE, LIST).await.is_ok() }
    });
    let stayer = tokio::spawn({
        let gate = gate.clone();
        async move { gate.check(&COOKIE, LIST).await.is_ok() }
    });
    settle().await;
    leaver.abort();
    hold.notify_one();
    assert!(stayer.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn refusals_of_members_are_told_with_who_and_strangers_are_not() {
    let _healthy = healthy();
    let (stage, gate) = Stage::with_gate();
    let refused = gate.check_told(&COOKIE, Ask::camera(Action::DeleteEvent, HOME, HALL)).await.unwrap_err();
    let member = refused.member.expect("a member without the right");
    assert_eq!((refused.denied, member.account, member.home), (Denied::NotAllowed, ME, HOME));
    revoke(&stage.truth());
    let refused = gate.check_told(&COOKIE, LIST).await.unwrap_err();
    assert_eq!((refused.denied, refused.member), (Denied::NotFound, None));
}
