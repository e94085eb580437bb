//! An account's keys replaced: in the account and in its homes at once, or nowhere.

use keepsight_gate::{
    Action, AppendChain, Ask, Change, ChangeError, Denied, HandOverRow, OperatorDeed, Refusal, ReplaceKeys,
    Rights, SealedRow, SealedSlotRow, State,
};
use keepsight_ids::{EpochNo, SlotId};

use super::bench::{Bench, Home, Person, begin_epoch, entry, sealed};

const READ: Ask = Ask::of(Action::ReadAccount);

fn keys(bench: &Bench, person: &Person, homes: Vec<HandOverRow>) -> ReplaceKeys {
    ReplaceKeys {
        old_sign: person.row.sign,
        kem: bench.world.random(),
        sign: bench.world.random(),
        password: bench.password(),
        recovery: bench.recovery(),
        homes,
    }
}

/// The entry in `home`, with the current secret sealed anew.
fn resealed(home: &Home, slot: SlotId) -> HandOverRow {
    let mut append = AppendChain::of(entry(home));
    append.resealed = Some(SealedSlotRow { slot, sealed: anew() });
    HandOverRow { home: home.home, slot, append }
}

fn anew() -> SealedRow {
    SealedRow { enc: [9; 32], ..sealed() }
}

async fn replace(bench: &Bench, person: &Person, keys: ReplaceKeys) -> Result<(), ChangeError> {
    bench.own(person, Change::ReplaceKeys(Box::new(keys))).await.map(drop)
}

async fn row(bench: &Bench, person: &Person, home: &Home) -> crate::truth::HomeRow {
    let permit = bench.check(&person.credential, Ask::home(Action::ReadHome, home.home)).await.unwrap();
    let row = bench.truth.home(&permit).await.unwrap();
    bench.open(permit, row).unwrap()
}

async fn account_sign(bench: &Bench, person: &Person) -> [u8; 32] {
    let permit = bench.check(&person.credential, READ).await.unwrap();
    let row = bench.truth.account(&permit).await.unwrap();
    bench.open(permit, row).unwrap().sign
}

pub async fn keys_are_replaced_in_the_account_and_every_home_or_nowhere(bench: Bench) {
    let (elm, ash) = (bench.person("elm").await, bench.person("ash").await);
    let own = bench.home(&elm).await;
    let mut other = bench.home(&ash).await;
    let invitation = bench.invite(&ash, &mut other, Rights::MEMBER).await;
    let slot = bench.accept(&elm, &mut other, invitation).await.unwrap();
    let phone = bench.sign_in(&elm).await.unwrap();

    // One home has moved on meanwhile: nothing at all is done.
    let owners = |home: &Home| {
        let mut append = AppendChain::of(entry(home));
        begin_epoch(&mut append, &[home.slot]);
        HandOverRow { home: home.home, slot: home.slot, append }
    };
    let stale = HandOverRow { append: AppendChain::of(entry(&own)), ..resealed(&other, slot) };
    let refused = replace(&bench, &elm, keys(&bench, &elm, vec![owners(&own), stale])).await.unwrap_err();
    assert_eq!(refused, Refusal::ChainMoved.into());
    assert_eq!(account_sign(&bench, &elm).await, elm.row.sign);
    assert_eq!(row(&bench, &elm, &own).await.epoch, EpochNo(1));
    bench.allowed(&phone.credential, READ).await;

    let new = keys(&bench, &elm, vec![owners(&own), resealed(&other, slot)]);
    replace(&bench, &elm, new.clone()).await.unwrap();
    assert_eq!(account_sign(&bench, &elm).await, new.sign);
    assert_eq!(bench.denied(&phone.credential, READ).await, Denied::NotSignedIn, "the other sign-ins end");
    assert_eq!(bench.sign_in(&elm).await.unwrap_err(), Refusal::CredentialReplaced.into());
    let mine = row(&bench, &elm, &own).await;
    assert_eq!((mine.epoch, mine.rotation_due, mine.chain_seq), (EpochNo(2), false, own.next));
    let theirs = row(&bench, &elm, &other).await;
    assert_eq!((theirs.epoch, theirs.rotation_due, theirs.chain_seq), (EpochNo(1), true, other.next));
    let permit = bench.check(&elm.credential, Ask::home(Action::ReadChain, other.home)).await.unwrap();
    let epochs = bench.truth.epochs(&permit).await.unwrap();
    assert_eq!(bench.open(permit, epochs)[0].sealed, Some(anew()), "the new key opens the current epoch");
    let permit = bench.check(&ash.credential, Ask::home(Action::ReadPeople, other.home)).await.unwrap();
    let members = bench.truth.members(&permit).await.unwrap();
    let when = |person: &Person, rows: &[crate::truth::MemberRow]| {
        rows.iter().find(|row| row.account == person.account).unwrap().keys_replaced
    };
    let members = bench.open(permit, members);
    assert!(when(&elm, &members).is_some() && when(&ash, &members).is_none());

    // The old key hands over once.
    let again = replace(&bench, &elm, keys(&bench, &elm, Vec::new())).await.unwrap_err();
    assert_eq!(again, Refusal::CredentialReplaced.into());
    // What was due is settled by the next epoch.
    other.next += 1;
    let all = [other.slot, slot];
    bench.append(&ash, &mut other, |append| begin_epoch(append, &all)).await.unwrap();
    assert!(!row(&bench, &ash, &other).await.rotation_due);
}

pub async fn keys_are_replaced_in_homes_of_ones_own_and_nothing_else_with_them(bench: Bench) {
    let (elm, oak, ash) = (bench.person("elm").await, bench.person("oak").await, bench.person("ash").await);
    let mut home = bench.home(&ash).await;
    let invitation = bench.invite(&ash, &mut home, Rights::MEMBER).await;
    let slot = bench.accept(&elm, &mut home, invitation).await.unwrap();
    let not_found: ChangeError = Refusal::NotFound.into();

    // Somebody else's place, a stranger's home, an epoch begun by who is no owner.
    let of_ash = resealed(&home, home.slot);
    assert_eq!(replace(&bench, &elm, keys(&bench, &elm, vec![of_ash])).await.unwrap_err(), not_found);
    let strangers = resealed(&home, slot);
    assert_eq!(replace(&bench, &oak, keys(&bench, &oak, vec![strangers])).await.unwrap_err(), not_found);
    let mut begins = resealed(&home, slot);
    begins.append.resealed = None;
    begin_epoch(&mut begins.append, &[home.slot, slot]);
    assert_eq!(replace(&bench, &elm, keys(&bench, &elm, vec![begins])).await.unwrap_err(), not_found);
    // What changes somebody else is no hand-over, whoever sends it.
    let mut throws_out = resealed(&home, home.slot);
    throws_out.append.ended.push(slot);
    assert!(replace(&bench, &ash, keys(&bench, &ash, vec![throws_out])).await.is_err());

    // A suspended home keeps its old keys until it is back; then its entry follows by itself.
    bench.operate(OperatorDeed::SetHomeState(home.home, State::Suspended)).await.unwrap();
    let suspended = resealed(&home, slot);
    assert_eq!(replace(&bench, &elm, keys(&bench, &elm, vec![suspended])).await.unwrap_err(), not_found);
    replace(&bench, &elm, keys(&bench, &elm, Vec::new())).await.unwrap();
    bench.operate(OperatorDeed::SetHomeState(home.home, State::Active)).await.unwrap();
    let later = bench
        .append(&elm, &mut home, |append| {
            append.resealed = Some(SealedSlotRow { slot, sealed: anew() });
        })
        .await;
    assert!(later.is_ok(), "{later:?}");
    assert!(row(&bench, &ash, &home).await.rotation_due);
}
