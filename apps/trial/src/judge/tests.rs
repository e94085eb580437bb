//! The judge itself on trial: told of a wrong answer it must say so, told of a right one it must not.

use super::*;

fn judge(loading: bool) -> Judge {
    let rules = Rules {
        loading,
        none_means_absent: true,
        stale_elsewhere: Duration::from_millis(1000),
        server_forgets: false,
    };
    let case = Case {
        rules,
        keys: 40,
        leases: 2,
        value_bytes: (100, 300),
        large_every: 0,
        origin_delay: (Duration::ZERO, Duration::from_millis(2)),
        loads_alone: true,
        dice: Dice::new(1),
    };
    Judge::new(&World::real(), case)
}

fn put(judge: &Judge, key: usize) -> Bytes {
    let change = judge.begin(key, Left::Value).unwrap();
    let value = judge.value(&change);
    judge.end([change], &Called::Ended(Ok(())), 0);
    value
}

fn says(judge: &Judge, key: usize, answer: Option<Bytes>) -> Counts {
    // The clock must have moved on since the last acknowledgement for it to be before the question.
    std::thread::sleep(Duration::from_millis(1));
    let before = judge.counts();
    judge.answer(key, 0, judge.now(), &Called::Ended(Ok(answer)));
    let after = judge.counts();
    Counts {
        good: after.good - before.good,
        wrong: after.wrong - before.wrong,
        stale: after.stale - before.stale,
        ..Counts::default()
    }
}

const GOOD: Counts = Counts { good: 1, ..ZERO };
const WRONG: Counts = Counts { wrong: 1, ..ZERO };
const STALE: Counts = Counts { stale: 1, ..ZERO };
const ZERO: Counts = Counts {
    operations: 0,
    answers: 0,
    gets: 0,
    good: 0,
    wrong: 0,
    stale: 0,
    double_lease: 0,
    errors: 0,
    stalls: 0,
    cancelled: 0,
    loads: 0,
};

#[tokio::test]
async fn the_value_of_another_key_is_wrong_and_the_witness_is_called() {
    let judge = judge(false);
    judge.call_witness(Box::new(|answer, question| {
        assert_eq!((answer.starts_with(b"tenant-0/item-9 v1 "), question), (true, &b"tenant-0/item-8"[..]));
        (Some(4), Vec::new())
    }));
    let (mine, foreign) = (put(&judge, 8), put(&judge, 9));
    assert_eq!(says(&judge, 8, Some(mine)), GOOD);
    assert_eq!(says(&judge, 8, Some(foreign)), WRONG);
    let first = judge.first().unwrap();
    assert_eq!(
        (first.kind, first.connection, first.asked.as_str()),
        (Wrong::Foreign, Some(4), "get tenant-0/item-8 of instance 0")
    );
}

#[tokio::test]
async fn a_reply_of_another_type_a_torn_value_and_nothing_at_all_are_wrong() {
    let judge = judge(false);
    let value = put(&judge, 1);
    assert_eq!(says(&judge, 1, Some(Bytes::from_static(b"OK"))), WRONG);
    assert_eq!(judge.first().unwrap().kind, Wrong::Garbled);
    assert_eq!(says(&judge, 1, Some(value.slice(..value.len() - 1))), WRONG);
    assert_eq!(says(&judge, 1, None), WRONG);
}

#[tokio::test]
async fn an_answer_older_than_an_acknowledged_change_is_stale_and_not_wrong() {
    let judge = judge(false);
    let old = put(&judge, 1);
    let new = put(&judge, 1);
    assert_eq!(says(&judge, 1, Some(old)), STALE);
    assert_eq!(judge.first().unwrap().kind, Wrong::Stale);
    assert_eq!(says(&judge, 1, Some(new)), GOOD);
}

#[tokio::test]
async fn two_told_that_a_lease_is_theirs_are_seen() {
    let judge = judge(false);
    let ttl = Duration::from_secs(1);
    assert!(judge.lease(0, 1, judge.now(), ttl, &Called::Ended(Ok(true))));
    assert!(!judge.lease(0, 2, judge.now(), ttl, &Called::Ended(Ok(false))));
    assert_eq!(judge.counts().double_lease, 0);
    judge.lease(0, 3, judge.now(), ttl, &Called::Ended(Ok(true)));
    assert_eq!((judge.counts().double_lease, judge.first().unwrap().kind), (1, Wrong::DoubleLease));
}

#[tokio::test]
async fn errors_stalls_and_cancelled_calls_are_counted_and_never_wrong() {
    let judge = judge(false);
    let asked = judge.now();
    judge.answer(1, 0, asked, &Called::Ended(Err(Fault::TimedOut)));
    judge.answer(1, 0, asked, &Called::Stalled);
    judge.answer(1, 0, asked, &Called::Cancelled);
    let expected = Counts { operations: 3, errors: 1, stalls: 1, cancelled: 1, ..ZERO };
    assert_eq!(judge.counts(), expected);
    assert_eq!(judge.error_kinds()["timed out"], 1);
}

#[tokio::test]
async fn the_origin_answers_with_the_truth_of_the_moment() {
    let judge = judge(true);
    assert_eq!(judge.load(0, "tenant-1/item-3").await, None);
    let value = put(&judge, 35);
    assert_eq!(judge.load(0, "tenant-1/item-3").await, Some(value));
    assert_eq!(judge.load(0, "tenant-99/item-3").await, None);
}

#[tokio::test]
async fn a_tenant_that_was_forgotten_is_forgotten_in_each_of_its_keys_and_in_no_other() {
    let judge = judge(false);
    let (mine, too, other) = (put(&judge, 0), put(&judge, 31), put(&judge, 32));
    let changes = judge.begin_tenant(5);
    assert_eq!(changes.len(), 32);
    judge.end(changes, &Called::Ended(Ok(())), 0);
    assert_eq!(says(&judge, 0, Some(mine)), STALE);
    assert_eq!(says(&judge, 31, Some(too)), STALE);
    assert_eq!(says(&judge, 32, Some(other)), GOOD);
}
