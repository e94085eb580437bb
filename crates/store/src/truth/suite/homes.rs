//! Homes, their chain, who belongs to them, and lockdowns.

use std::collections::BTreeSet;

use keepsight_gate::{
    Action, Ask, CameraScope, Change, ChangeError, Denied, OperatorDeed, Refusal, RelationRow, Right, Rights,
    State,
};
use keepsight_ids::{CameraId, EpochNo, HomeId, SlotId, UnixMillis};

use super::bench::{Bench, Home, Person, begin_epoch, entry, signed};
use crate::StoreError;
use crate::truth::HomeRow;

fn read(home: &Home) -> Ask {
    Ask::home(Action::ReadHome, home.home)
}

async fn row(bench: &Bench, person: &Person, home: &Home) -> HomeRow {
    let permit = bench.check(&person.credential, read(home)).await.unwrap();
    let row = bench.truth.home(&permit).await.unwrap();
    bench.open(permit, row).unwrap()
}

pub async fn a_new_home_is_its_makers_and_nobody_elses(bench: Bench) {
    let (elm, oak) = (bench.person("elm").await, bench.person("oak").await);
    let home = bench.home(&elm).await;
    let permit = bench.check(&elm.credential, read(&home)).await.unwrap();
    assert_eq!(
        (permit.home(), permit.slot(), permit.rights()),
        (Some(home.home), Some(home.slot), Rights::OWNER)
    );
    assert_eq!((permit.cameras(), permit.chain_seq()), (&CameraScope::All, Some(0)));
    assert_eq!(row(&bench, &elm, &home).await.time_zone, "Europe/Berlin");
    let nowhere = Ask::home(Action::ReadHome, HomeId::from_bytes([9; 16]));
    assert_eq!(bench.denied(&oak.credential, read(&home)).await, Denied::NotFound);
    assert_eq!(bench.denied(&oak.credential, nowhere).await, Denied::NotFound);

    let permit = bench.check(&elm.credential, Ask::of(Action::ListHomes)).await.unwrap();
    let homes = bench.truth.homes(&permit).await.unwrap();
    let homes = bench.open(permit, homes);
    assert_eq!((homes.len(), homes[0].home.home, homes[0].slot), (1, home.home, home.slot));
    let permit = bench.check(&oak.credential, Ask::of(Action::ListHomes)).await.unwrap();
    let homes = bench.truth.homes(&permit).await.unwrap();
    assert!(bench.open(permit, homes).is_empty());
    let twice = bench.own(&oak, bench.create_home(&home)).await.unwrap_err();
    assert_eq!(twice, Refusal::IdTaken.into());
}

pub async fn an_entry_is_placed_only_behind_the_highest(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    bench.append(&elm, &mut home, |_| ()).await.unwrap();
    let mut wrong = [home.clone(), home.clone(), home.clone()];
    wrong[0].next = 1;
    wrong[1].next = 3;
    wrong[2].epoch = EpochNo(2);
    for home in &mut wrong {
        let refused = bench.append(&elm, home, |_| ()).await.unwrap_err();
        assert_eq!(refused, Refusal::ChainMoved.into());
    }
    let other_hash =
        bench.append(&elm, &mut home, |append| append.entry.prev = Some([1; 32])).await.unwrap_err();
    assert_eq!(other_hash, Refusal::ChainMoved.into());
    let skipped = bench
        .append(&elm, &mut home, |append| {
            begin_epoch(append, &[]);
            begin_epoch(append, &[]);
        })
        .await;
    assert_eq!(skipped.unwrap_err(), Refusal::ChainMoved.into());
    let slot = home.slot;
    bench.append(&elm, &mut home, |append| begin_epoch(append, &[slot])).await.unwrap();

    let permit = bench.check(&elm.credential, Ask::home(Action::ReadChain, home.home)).await.unwrap();
    let (all, later) =
        (bench.truth.chain(&permit, None).await.unwrap(), bench.truth.chain(&permit, Some(1)).await.unwrap());
    let epochs = bench.truth.epochs(&permit).await.unwrap();
    assert_eq!(permit.chain_seq(), Some(2));
    let receipt_for = |permit| bench.open(permit, epochs);
    let epochs = receipt_for(permit);
    assert_eq!(epochs.iter().map(|row| row.epoch.0).collect::<Vec<_>>(), [1, 2]);
    assert!(epochs.iter().all(|row| row.sealed.is_some()) && epochs[1].previous.is_some());
    let permit = bench.check(&elm.credential, read(&home)).await.unwrap();
    assert_eq!(bench.open(permit, all).iter().map(|row| row.seq).collect::<Vec<_>>(), [0, 1, 2]);
    let permit = bench.check(&elm.credential, read(&home)).await.unwrap();
    assert_eq!(bench.open(permit, later).iter().map(|row| row.seq).collect::<Vec<_>>(), [2]);
}

pub async fn a_removed_member_is_a_stranger_at_once(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (oak, slot) = bench.member(&elm, &mut home, "oak", Rights::MEMBER).await;
    let list = Ask::home(Action::ListEvents, home.home);
    bench.allowed(&oak.credential, list).await;
    assert_eq!(
        bench.denied(&oak.credential, Ask::home(Action::ManageHome, home.home)).await,
        Denied::NotAllowed
    );
    let remove = |append: &mut keepsight_gate::AppendChain| append.ended.push(slot);
    let by_member = bench.append(&oak, &mut home.clone(), remove).await.unwrap_err();
    assert_eq!(
        by_member,
        Denied::NotAllowed.into(),
        "a member replaces their own keys and does nothing else"
    );
    bench.append(&oak, &mut home, |_| ()).await.expect("their own keys");
    bench.append(&elm, &mut home, remove).await.unwrap();
    for ask in [list, read(&home), Ask::home(Action::AppendChain, home.home)] {
        assert_eq!(bench.denied(&oak.credential, ask).await, Denied::NotFound);
    }
    let permit = bench.check(&elm.credential, Ask::home(Action::ReadPeople, home.home)).await.unwrap();
    let names = bench.truth.names(&permit).await.unwrap();
    let members = bench.truth.members(&permit).await.unwrap();
    assert_eq!(bench.open(permit, members).len(), 1);
    let permit = bench.check(&elm.credential, read(&home)).await.unwrap();
    assert_eq!(bench.open(permit, names).len(), 2, "who viewed keeps its name");
}

pub async fn leaving_asks_for_rotation_until_nobody_who_left_is_sealed_to(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (oak, left) = bench.member(&elm, &mut home, "oak", Rights::MEMBER).await;
    assert!(!row(&bench, &elm, &home).await.rotation_due);
    bench.at(&oak, &home, Change::LeaveHome).await.unwrap();
    assert_eq!(bench.denied(&oak.credential, read(&home)).await, Denied::NotFound);
    assert!(row(&bench, &elm, &home).await.rotation_due);
    let own = home.slot;
    bench.append(&elm, &mut home, |append| begin_epoch(append, &[own, left])).await.unwrap();
    assert!(row(&bench, &elm, &home).await.rotation_due, "it was sealed to who left");
    bench
        .append(&elm, &mut home, |append| {
            append.ended.push(left);
            begin_epoch(append, &[own]);
        })
        .await
        .unwrap();
    assert!(!row(&bench, &elm, &home).await.rotation_due);
}

pub async fn a_home_keeps_an_owner(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (oak, slot) = bench.member(&elm, &mut home, "oak", Rights::MEMBER).await;
    assert_eq!(bench.at(&elm, &home, Change::LeaveHome).await.unwrap_err(), Refusal::NoOwnerLeft.into());
    let own = home.slot;
    let out = bench.append(&elm, &mut home, |append| append.ended.push(own)).await.unwrap_err();
    assert_eq!(out, Refusal::NoOwnerLeft.into());
    let relation = |person: &Person, slot, rights, cameras| RelationRow {
        account: person.account,
        slot,
        rights,
        cameras,
        from: UnixMillis(0),
        until: None,
    };
    let lesser = [
        relation(&elm, own, Rights::MEMBER, None),
        relation(&elm, own, Rights::OWNER, Some(BTreeSet::new())),
        RelationRow { from: UnixMillis(i64::MAX), ..relation(&elm, own, Rights::OWNER, None) },
    ];
    for lesser in lesser {
        let refused =
            bench.append(&elm, &mut home, |append| append.relations.push(lesser)).await.unwrap_err();
        assert_eq!(refused, Refusal::NoOwnerLeft.into());
    }
    let operator = bench.operate(OperatorDeed::EndRelation { home: home.home, account: elm.account }).await;
    assert!(operator.is_err());
    let raised = relation(&oak, slot, Rights::OWNER, None);
    bench.append(&elm, &mut home, |append| append.relations.push(raised)).await.unwrap();
    bench.at(&elm, &home, Change::LeaveHome).await.unwrap();
    assert_eq!(bench.denied(&elm.credential, read(&home)).await, Denied::NotFound);
    assert!(bench.check(&oak.credential, read(&home)).await.unwrap().is_owner());
}

pub async fn two_owners_can_not_remove_each_other(bench: Bench) {
    let elm = bench.person("elm").await;
    for round in 0..10 {
        let mut home = bench.home(&elm).await;
        let (oak, slot) = bench.member(&elm, &mut home, &format!("oak {round}"), Rights::OWNER).await;
        let (mut by_elm, mut by_oak) = (home.clone(), home.clone());
        let own = home.slot;
        let outcomes = tokio::join!(
            bench.append(&elm, &mut by_elm, |append| append.ended.push(slot)),
            bench.append(&oak, &mut by_oak, |append| append.ended.push(own)),
        );
        let done = u32::from(outcomes.0.is_ok()) + u32::from(outcomes.1.is_ok());
        assert_eq!(done, 1, "{outcomes:?}");
        let still = [
            bench.check(&elm.credential, read(&home)).await,
            bench.check(&oak.credential, read(&home)).await,
        ];
        assert_eq!(
            still.iter().filter(|answer| answer.as_ref().is_ok_and(|permit| permit.is_owner())).count(),
            1
        );
    }
}

pub async fn an_author_removed_meanwhile_writes_nothing(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (oak, slot) = bench.member(&elm, &mut home, "oak", Rights::OWNER).await;
    let ask = |change: &Change| Ask::home(change.action(), home.home);
    let changes = [Change::LockHome { on: true }, Change::NameHome(signed("a name")), Change::LeaveHome];
    let mut permits = Vec::new();
    for change in changes {
        permits.push((bench.check(&oak.credential, ask(&change)).await.unwrap(), change));
    }
    bench.append(&elm, &mut home, |append| append.ended.push(slot)).await.unwrap();
    for (permit, change) in permits {
        let refused = bench.gate.change(permit, change).await.unwrap_err();
        assert_eq!(refused, ChangeError::Denied(Denied::NotFound));
    }
    let home_row = row(&bench, &elm, &home).await;
    assert!(!home_row.lockdown && home_row.name == signed("sealed name"));
}

pub async fn lockdowns_stop_viewing_and_nothing_else(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (_, agent) = bench.agent(&elm, &mut home).await;
    let (hall, yard) = (bench.camera(&agent).await, bench.camera(&agent).await);
    let list = Ask::home(Action::ListEvents, home.home);
    let view = |camera| Ask::camera(Action::ReadSegment, home.home, camera);
    let switches: [(OperatorDeed, OperatorDeed); 2] = [
        (OperatorDeed::LockEverything { on: true }, OperatorDeed::LockEverything { on: false }),
        (
            OperatorDeed::LockHome { home: home.home, on: true },
            OperatorDeed::LockHome { home: home.home, on: false },
        ),
    ];
    for (on, off) in switches {
        bench.operate(on).await.unwrap();
        assert_eq!(bench.denied(&elm.credential, list).await, Denied::Lockdown);
        assert_eq!(bench.denied(&elm.credential, view(hall)).await, Denied::Lockdown);
        assert!(bench.check(&elm.credential, read(&home)).await.unwrap().lockdown());
        bench.allowed(&elm.credential, Ask::home(Action::ManageHome, home.home)).await;
        bench.allowed(&agent, Ask::own_camera(Action::AgentIngest, hall)).await;
        bench.operate(off).await.unwrap();
        bench.allowed(&elm.credential, list).await;
    }
    let ask = Ask::camera(Action::ManageCamera, home.home, hall);
    bench.change(&elm.credential, ask, Change::LockCamera { on: true }).await.unwrap();
    assert_eq!(bench.denied(&elm.credential, view(hall)).await, Denied::Lockdown);
    bench.allowed(&elm.credential, view(yard)).await;
    let permit = bench.check(&elm.credential, list).await.unwrap();
    assert_eq!(permit.cameras(), &CameraScope::Some(BTreeSet::from([yard])));
    let nowhere = bench.operate(OperatorDeed::LockHome { home: HomeId::from_bytes([9; 16]), on: true }).await;
    assert!(nowhere.is_err());
}

pub async fn a_guest_sees_the_named_cameras_in_the_window(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (_, agent) = bench.agent(&elm, &mut home).await;
    let (hall, yard) = (bench.camera(&agent).await, bench.camera(&agent).await);
    let oak = bench.person("oak").await;
    let now = bench.world.unix_millis();
    let window = RelationRow {
        account: oak.account,
        slot: SlotId::from_bytes(bench.world.random()),
        rights: Rights::NONE.with(Right::Review).with(Right::Manage),
        cameras: Some(BTreeSet::from([hall])),
        from: UnixMillis(now + 1_000),
        until: Some(UnixMillis(now + 2_000)),
    };
    bench.append(&elm, &mut home, |append| append.relations.push(window)).await.unwrap();
    let view = |camera: CameraId| Ask::camera(Action::ReadSegment, home.home, camera);
    assert_eq!(bench.denied(&oak.credential, view(hall)).await, Denied::NotFound);
    bench.clock.pass(1_000);
    bench.allowed(&oak.credential, view(hall)).await;
    assert_eq!(bench.denied(&oak.credential, view(yard)).await, Denied::NotFound);
    let download = Ask::camera(Action::DownloadSegment, home.home, hall);
    assert_eq!(bench.denied(&oak.credential, download).await, Denied::NotAllowed);
    let permit = bench.check(&oak.credential, Ask::home(Action::ReadCameras, home.home)).await.unwrap();
    assert!(!permit.is_owner(), "managing one camera is not managing the home");
    let cameras = bench.truth.cameras(&permit).await.unwrap();
    assert_eq!(bench.open(permit, cameras).iter().map(|row| row.camera).collect::<Vec<_>>(), [hall]);
    assert_eq!(
        bench.denied(&oak.credential, Ask::home(Action::ManageHome, home.home)).await,
        Denied::NotAllowed
    );
    bench.clock.pass(1_000);
    assert_eq!(bench.denied(&oak.credential, view(hall)).await, Denied::NotFound);
}

pub async fn settings_stay_within_the_homes_limits(bench: Bench) {
    let elm = bench.person("elm").await;
    let home = bench.home(&elm).await;
    let before = row(&bench, &elm, &home).await;
    let set =
        |retention_bytes| Change::Settings { time_zone: "UTC".into(), retention_days: 7, retention_bytes };
    let over = bench.at(&elm, &home, set(before.bytes_max + 1)).await.unwrap_err();
    assert_eq!(over, Refusal::Limit("bytes").into());
    bench.at(&elm, &home, set(before.bytes_max)).await.unwrap();
    bench.at(&elm, &home, Change::NameHome(signed("another"))).await.unwrap();
    let after = row(&bench, &elm, &home).await;
    assert_eq!((after.time_zone.as_str(), after.retention_days, after.name), ("UTC", 7, signed("another")));
    let rules = bench.truth.retention_rules().await.unwrap();
    assert_eq!((rules.len(), rules[0].days, rules[0].bytes), (1, 7, before.bytes_max));
}

pub async fn a_home_has_as_many_cameras_as_it_may(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (_, agent) = bench.agent(&elm, &mut home).await;
    let first = bench.camera(&agent).await;
    for _ in 1..row(&bench, &elm, &home).await.cameras_max {
        bench.camera(&agent).await;
    }
    let put = async |camera| {
        let ask = Ask::own_camera(Action::AgentPutCamera, camera);
        bench.change(&agent, ask, Change::PutCamera(signed("a name"))).await
    };
    let one_more = CameraId::from_bytes(bench.world.random());
    assert_eq!(put(one_more).await.unwrap_err(), Refusal::Limit("cameras").into());
    // Another agent of the home has no room of its own; naming one anew takes none.
    let (_, second) = bench.agent(&elm, &mut home).await;
    let ask = Ask::own_camera(Action::AgentPutCamera, one_more);
    let refused = bench.change(&second, ask, Change::PutCamera(signed("a name"))).await.unwrap_err();
    assert_eq!(refused, Refusal::Limit("cameras").into());
    put(first).await.unwrap();
    let ask = Ask::camera(Action::ManageCamera, home.home, first);
    bench.change(&elm.credential, ask, Change::RemoveCamera).await.unwrap();
    put(one_more).await.unwrap();
}

pub async fn a_homes_limits_are_told_to_what_measures_against_them(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (_, agent) = bench.agent(&elm, &mut home).await;
    let camera = bench.camera(&agent).await;
    let set = Change::Settings { time_zone: "UTC".into(), retention_days: 7, retention_bytes: 1_000_000 };
    bench.at(&elm, &home, set).await.unwrap();
    let own = row(&bench, &elm, &home).await;
    let ingest = bench.check(&agent, Ask::own_camera(Action::AgentIngest, camera)).await.unwrap();
    let updates = bench.check(&elm.credential, Ask::home(Action::Updates, home.home)).await.unwrap();
    for permit in [ingest, updates] {
        let limits = bench.truth.limits(&permit).await.unwrap();
        assert_eq!((limits.retention_days, limits.retention_bytes), (7, 1_000_000));
        assert_eq!((limits.bytes_max, limits.cameras_max), (own.bytes_max, own.cameras_max));
        assert_eq!((limits.events_a_day_max, limits.streams_max), (own.events_a_day_max, own.streams_max));
    }
    let reading = bench.check(&elm.credential, read(&home)).await.unwrap();
    let refused = bench.truth.limits(&reading).await;
    assert!(matches!(refused, Err(StoreError::NotPermitted { .. })), "{refused:?}");
}

pub async fn states_of_a_home(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (id, agent) = bench.agent(&elm, &mut home).await;
    let camera = bench.camera(&agent).await;
    let (list, ingest) =
        (Ask::home(Action::ListEvents, home.home), Ask::own_camera(Action::AgentIngest, camera));
    bench.operate(OperatorDeed::SetHomeState(home.home, State::Suspended)).await.unwrap();
    assert_eq!(bench.denied(&elm.credential, list).await, Denied::Suspended);
    assert_eq!(bench.denied(&agent, ingest).await, Denied::Suspended);
    bench.allowed(&elm.credential, read(&home)).await;
    bench.operate(OperatorDeed::SetHomeState(home.home, State::Closing)).await.unwrap();
    bench.allowed(&elm.credential, list).await;
    assert_eq!(bench.denied(&agent, ingest).await, Denied::Suspended);
    bench.operate(OperatorDeed::SetHomeState(home.home, State::Active)).await.unwrap();
    bench.allowed(&agent, ingest).await;
    bench.operate(OperatorDeed::SetAgentState(home.home, id, State::Suspended)).await.unwrap();
    assert_eq!(bench.denied(&agent, Ask::of(Action::AgentStatus)).await, Denied::Suspended);
    assert_eq!(entry(&home).seq, 2);
}
