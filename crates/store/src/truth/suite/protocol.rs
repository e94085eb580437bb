//! The fence and the write themselves: revisions, tags, log rows, snapshots.

use std::sync::Arc;

use async_trait::async_trait;
use keepsight_gate::{
    Action, Ask, Change, ChangeError, Committed, Credential, FenceQuery, FenceReply, Gate, Key, LOG_ROWS_MAX,
    Lane, Loaded, OperatorDeed, Refusal, Rights, SignUpTicket, TokenHash, TruthError, Write, WriteError,
};
use keepsight_ids::{AccountId, HomeId, Revision};

use super::bench::{Bench, DAY_MS};
use crate::truth::Truth;

pub(super) async fn fence(bench: &Bench, applied: Revision, wanted: Vec<Key>) -> FenceReply {
    let nonce = u128::from_le_bytes(bench.world.random());
    let reply = bench.truth.fence(Lane::First, FenceQuery { nonce, applied, wanted }).await.unwrap();
    assert_eq!(reply.nonce, nonce);
    assert!(!reply.in_recovery);
    assert_eq!(reply.time.0, bench.world.unix_millis());
    reply
}

pub async fn each_change_takes_the_next_revision_and_names_what_it_touched(bench: Bench) {
    let start = fence(&bench, Revision(0), vec![]).await;
    assert_eq!((start.head, start.applied_tag, start.log.len()), (Revision(0), Some(start.head_tag), 0));
    let elm = bench.person("elm").await;
    bench.sign_in(&elm).await.unwrap();
    assert_eq!(fence(&bench, Revision(0), vec![]).await.head, Revision(0), "a session takes no revision");
    let mut home = bench.home(&elm).await;
    let made = fence(&bench, Revision(0), vec![]).await;
    assert_eq!(made.head, Revision(1));
    let named: Vec<Key> = made.log.iter().map(|row| row.key).collect();
    assert_eq!(named, [Key::Account(elm.account), Key::Home(home.home)]);
    assert!(made.log.iter().all(|row| row.tag == made.head_tag && row.revision == made.head));
    assert_ne!(made.head_tag, start.head_tag);
    let (oak, slot) = bench.member(&elm, &mut home, "oak", Rights::MEMBER).await;
    let done = bench.append(&elm, &mut home, |append| append.ended.push(slot)).await.unwrap();
    let after = fence(&bench, made.head, vec![]).await;
    assert_eq!((after.head, after.applied_tag), (done.revision, Some(made.head_tag)));
    let last: Vec<Key> =
        after.log.iter().filter(|row| row.revision == done.revision).map(|row| row.key).collect();
    assert_eq!(last, [Key::Account(oak.account), Key::Home(home.home)]);
    let mut revisions: Vec<u64> = after.log.iter().map(|row| row.revision.0).collect();
    revisions.dedup();
    assert_eq!(revisions, (made.head.0 + 1..=done.revision.0).collect::<Vec<_>>(), "no gap");
    assert_eq!(fence(&bench, Revision(99), vec![]).await.applied_tag, None);
}

pub async fn a_refused_change_leaves_no_trace(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let before = fence(&bench, Revision(0), vec![]).await;
    let own = home.slot;
    let refused = bench.append(&elm, &mut home, |append| append.ended.push(own)).await.unwrap_err();
    assert_eq!(refused, Refusal::NoOwnerLeft.into());
    let after = fence(&bench, Revision(0), vec![]).await;
    assert_eq!((after.head, after.log), (before.head, before.log));
    let permit = bench.check(&elm.credential, Ask::home(Action::ReadChain, home.home)).await.unwrap();
    let chain = bench.truth.chain(&permit, None).await.unwrap();
    assert_eq!(bench.open(permit, chain).len(), 1);
    let wrong_deed = bench.check(&elm.credential, Ask::home(Action::ReadChain, home.home)).await.unwrap();
    let refused = bench.gate.change(wrong_deed, Change::LockHome { on: true }).await.unwrap_err();
    assert!(matches!(refused, ChangeError::Denied(_)), "a permit to read is no permit to write");
}

pub async fn a_fence_is_one_snapshot_with_what_exists(bench: Bench) {
    let elm = bench.person("elm").await;
    let home = bench.home(&elm).await;
    let Credential::Session(token) = elm.credential else { unreachable!() };
    let unknown = [
        Key::Session(TokenHash::from_bytes([9; 32])),
        Key::Account(AccountId::from_bytes([9; 16])),
        Key::Home(HomeId::from_bytes([9; 16])),
    ];
    let wanted = [Key::Service, Key::Session(token), Key::Home(home.home)];
    let reply = fence(&bench, Revision(0), [wanted, unknown].concat()).await;
    let mut keys: Vec<Key> = reply.loaded.iter().map(|(key, _)| *key).collect();
    keys.sort();
    let mut expected = [&wanted[..], &[Key::Account(elm.account)]].concat();
    expected.sort();
    assert_eq!(keys, expected, "a session brings its account; what does not exist is left out");
    for (key, facts) in reply.loaded {
        match (key, facts) {
            (Key::Account(id), Loaded::Account(facts)) => {
                assert_eq!((facts.account, facts.relations.len()), (id, 1))
            }
            (Key::Home(id), Loaded::Home(facts)) => assert_eq!((facts.home, facts.chain_seq), (id, 0)),
            (Key::Session(_), Loaded::Session(facts)) => assert_eq!(facts.session, Some(elm.session)),
            (Key::Service, Loaded::Service(facts)) => assert!(!facts.lockdown),
            other => panic!("{other:?}"),
        }
    }
    bench.truth.close(Lane::First);
    for on in [true, false].into_iter().cycle().take(LOG_ROWS_MAX + 1) {
        bench.operate(OperatorDeed::LockEverything { on }).await.unwrap();
    }
    assert_eq!(
        fence(&bench, Revision(0), vec![]).await.log.len(),
        LOG_ROWS_MAX,
        "and a closed lane opens anew"
    );
    bench.allowed(&elm.credential, Ask::home(Action::ReadHome, home.home)).await;
}

/// Reads of one history, writes of another: a node that missed a failover.
struct Torn {
    reads: Arc<dyn Truth>,
    writes: Arc<dyn Truth>,
}

#[async_trait]
impl keepsight_gate::Truth for Torn {
    async fn fence(&self, lane: Lane, query: FenceQuery) -> Result<FenceReply, TruthError> {
        self.reads.fence(lane, query).await
    }

    fn close(&self, lane: Lane) {
        self.reads.close(lane);
    }

    async fn commit(&self, write: Write) -> Result<Committed, WriteError> {
        self.writes.commit(write).await
    }
}

pub async fn a_permit_of_another_history_writes_nothing(bench: Bench) {
    let elm = bench.person("elm").await;
    let other = bench.another().await;
    other.person("elm").await;
    let torn = Torn { reads: bench.truth.clone(), writes: other.truth.clone() };
    let gate = Gate::start(Arc::new(torn), bench.world.clone());
    let permit = gate.check(&elm.credential, Ask::of(Action::EndSessions)).await.unwrap();
    let refused = gate.change(permit, Change::EndOtherSessions).await.unwrap_err();
    assert_eq!(refused, ChangeError::Contended, "the revision's number is the same, its tag is not");
}

pub async fn what_lapsed_long_ago_is_swept(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let taken_back = bench.invite(&elm, &mut home, Rights::MEMBER).await;
    let Credential::Invitation { slot, .. } = taken_back else { unreachable!() };
    bench.append(&elm, &mut home, |append| append.invitations_revoked.push(slot)).await.unwrap();
    bench.invite(&elm, &mut home, Rights::MEMBER).await;
    assert_eq!(bench.truth.sweep().await.unwrap(), 0);
    bench.clock.pass(38 * DAY_MS);
    assert_eq!(
        bench.truth.sweep().await.unwrap(),
        1,
        "not the one that only lapsed: its place is still there"
    );
    bench.clock.pass(30 * DAY_MS);
    assert_eq!(bench.truth.sweep().await.unwrap(), 1, "the session");
    let name = bench.try_sign_up("elm", SignUpTicket::Open).await.unwrap_err();
    assert_eq!(name, Refusal::NameTaken.into(), "the account stays");
}
