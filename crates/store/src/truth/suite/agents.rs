//! Pairings, agents and their cameras.

use keepsight_gate::{Action, AgentRow, Ask, Change, Credential, Denied, Key, Refusal};
use keepsight_ids::{AgentId, CameraId, Revision};

use super::bench::{Bench, signed};
use super::protocol::fence;

pub async fn a_pairing_is_answered_once_and_used_once(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let offer = |lookup: &str| Change::OfferPairing { lookup: lookup.into(), offer: vec![1], mac: [1; 32] };
    let answer =
        |lookup: &str| Change::AnswerPairing { lookup: lookup.into(), answer: vec![2], mac: [2; 32] };
    bench.at(&elm, &home, offer("AAAA0000")).await.unwrap();
    assert_eq!(bench.at(&elm, &home, offer("AAAA0000")).await.unwrap_err(), Refusal::AlreadyThere.into());
    assert_eq!(bench.anyone(answer("BBBB0000")).await.unwrap_err(), Refusal::NotFound.into());
    let anyone = || bench.check(&Credential::None, Ask::of(Action::AnswerPairing));
    assert!(bench.truth.pairing_offer(&anyone().await.unwrap(), "AAAA0000").await.unwrap().is_some());
    let agent = AgentRow { agent: AgentId::from_bytes(bench.world.random()), key: [3; 32] };
    let add = |append: &mut keepsight_gate::AppendChain, agent: &AgentRow| {
        append.agents_added.push(agent.clone());
        append.pairing = Some("AAAA0000".into());
    };
    let early = bench.append(&elm, &mut home, |append| add(append, &agent)).await.unwrap_err();
    assert_eq!(early, Refusal::Gone.into(), "not answered yet");
    bench.anyone(answer("AAAA0000")).await.unwrap();
    assert_eq!(bench.anyone(answer("AAAA0000")).await.unwrap_err(), Refusal::AlreadyThere.into());
    assert!(bench.truth.pairing_offer(&anyone().await.unwrap(), "AAAA0000").await.unwrap().is_none());
    let permit = bench.check(&elm.credential, Ask::home(Action::Pair, home.home)).await.unwrap();
    let row = bench.truth.pairing(&permit, "AAAA0000").await.unwrap();
    assert_eq!(bench.open(permit, row).unwrap().answer, Some((vec![2], [2; 32])));
    bench.append(&elm, &mut home, |append| add(append, &agent)).await.unwrap();
    let other = AgentRow { agent: AgentId::from_bytes(bench.world.random()), key: [3; 32] };
    let again = bench.append(&elm, &mut home, |append| add(append, &other)).await.unwrap_err();
    assert_eq!(again, Refusal::Gone.into());

    bench.at(&elm, &home, offer("CCCC0000")).await.unwrap();
    bench.clock.pass(15 * 60 * 1000);
    assert_eq!(bench.anyone(answer("CCCC0000")).await.unwrap_err(), Refusal::NotFound.into());
    bench.at(&elm, &home, offer("CCCC0000")).await.expect("a lapsed one makes room");
}

pub async fn an_agent_writes_to_its_own_cameras_only(bench: Bench) {
    let (elm, oak) = (bench.person("elm").await, bench.person("oak").await);
    let (mut home, mut other_home) = (bench.home(&elm).await, bench.home(&oak).await);
    let (id, agent) = bench.agent(&elm, &mut home).await;
    let (_, sibling) = bench.agent(&elm, &mut home).await;
    let (_, stranger) = bench.agent(&oak, &mut other_home).await;
    let camera = bench.camera(&agent).await;
    let ingest = Ask::own_camera(Action::AgentIngest, camera);
    let permit = bench.check(&agent, ingest).await.unwrap();
    assert_eq!((permit.home(), permit.agent(), permit.camera()), (Some(home.home), Some(id), Some(camera)));
    for credential in [&sibling, &stranger] {
        assert_eq!(bench.denied(credential, ingest).await, Denied::NotFound);
    }
    let put = Ask::own_camera(Action::AgentPutCamera, camera);
    assert_eq!(bench.denied(&sibling, put).await, Denied::NotFound);
    let unknown = Ask::own_camera(Action::AgentIngest, CameraId::from_bytes([9; 16]));
    assert_eq!(bench.denied(&agent, unknown).await, Denied::NotFound);
    let elsewhere = Ask::camera(Action::AgentIngest, other_home.home, camera);
    assert_eq!(bench.denied(&agent, elsewhere).await, Denied::NotFound);
    for action in [Action::ReadAccount, Action::ListHomes] {
        assert_eq!(bench.denied(&agent, Ask::of(action)).await, Denied::NotSignedIn);
    }
    let view = Ask::camera(Action::ReadSegment, home.home, camera);
    assert_eq!(bench.denied(&agent, view).await, Denied::NotSignedIn, "an agent reads nothing of its Events");
    assert_eq!(bench.denied(&elm.credential, ingest).await, Denied::NotSignedIn, "a person writes no Events");

    let switch = Ask::camera(Action::ManageCamera, home.home, camera);
    bench.change(&elm.credential, switch, Change::SwitchCamera { on: false }).await.unwrap();
    assert_eq!(bench.denied(&agent, ingest).await, Denied::SwitchedOff);
    bench.allowed(&agent, Ask::own_camera(Action::AgentReportGap, camera)).await;
    bench.change(&agent, put, Change::PutCamera(signed("named anew"))).await.unwrap();
    let permit = bench.check(&elm.credential, Ask::home(Action::ReadCameras, home.home)).await.unwrap();
    let rows = bench.truth.cameras(&permit).await.unwrap();
    let rows = bench.open(permit, rows);
    assert_eq!((rows.len(), rows[0].on, &rows[0].name), (1, false, &signed("named anew")));
}

pub async fn a_removed_agents_session_has_ended(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (id, agent) = bench.agent(&elm, &mut home).await;
    let status = Ask::of(Action::AgentStatus);
    bench.allowed(&agent, status).await;
    let open = |key| Change::OpenAgentSession { agent: id, key, session: bench.session() };
    assert_eq!(bench.anyone(open([9; 32])).await.unwrap_err(), Refusal::CredentialReplaced.into());
    let permit = bench.check(&Credential::None, Ask::of(Action::OpenAgentSession)).await.unwrap();
    let key = bench.truth.agent_key(&permit, id).await.unwrap().unwrap().key;
    bench.append(&elm, &mut home, |append| append.agents_removed.push(id)).await.unwrap();
    assert_eq!(bench.denied(&agent, status).await, Denied::NotSignedIn);
    assert_eq!(bench.anyone(open(key)).await.unwrap_err(), Refusal::CredentialReplaced.into());
    let permit = bench.check(&elm.credential, Ask::home(Action::ReadAgents, home.home)).await.unwrap();
    let rows = bench.truth.agents(&permit).await.unwrap();
    assert!(bench.open(permit, rows).is_empty());
    let again = AgentRow { agent: id, key };
    let taken = bench.append(&elm, &mut home, |append| append.agents_added.push(again)).await.unwrap_err();
    assert_eq!(taken, Refusal::IdTaken.into());
}

pub async fn an_agent_has_a_few_sessions_however_many_it_opens(bench: Bench) {
    let (elm, oak) = (bench.person("elm").await, bench.person("oak").await);
    let (mut home, others) = (bench.home(&elm).await, bench.home(&oak).await);
    let (id, first) = bench.agent(&elm, &mut home).await;
    let permit = bench.check(&Credential::None, Ask::of(Action::OpenAgentSession)).await.unwrap();
    let key = bench.truth.agent_key(&permit, id).await.unwrap().unwrap().key;
    let mut tokens = Vec::new();
    for _ in 0..100 {
        bench.clock.pass(1);
        let session = bench.session();
        tokens.push(Credential::Session(session.token));
        bench.anyone(Change::OpenAgentSession { agent: id, key, session }).await.unwrap();
    }
    let status = Ask::of(Action::AgentStatus);
    bench.allowed(&tokens[99], status).await;
    bench.allowed(&tokens[96], status).await;
    for old in [&tokens[95], &tokens[0], &first] {
        assert_eq!(bench.denied(old, status).await, Denied::NotSignedIn);
    }
    // Its removal is one change of the home, whatever it opened, and all of them are worth nothing.
    let before = fence(&bench, Revision(0), vec![]).await.head;
    bench.append(&elm, &mut home, |append| append.agents_removed.push(id)).await.unwrap();
    let touched: Vec<Key> = fence(&bench, before, vec![]).await.log.into_iter().map(|row| row.key).collect();
    assert_eq!(touched, [Key::Home(home.home)]);
    bench.at(&oak, &others, Change::LockHome { on: true }).await.unwrap();
    for token in &tokens {
        assert_eq!(bench.denied(token, status).await, Denied::NotSignedIn);
    }
}

pub async fn a_removed_camera_takes_nothing_more_and_stays_for_its_events(bench: Bench) {
    let elm = bench.person("elm").await;
    let mut home = bench.home(&elm).await;
    let (_, agent) = bench.agent(&elm, &mut home).await;
    let camera = bench.camera(&agent).await;
    let manage = Ask::camera(Action::ManageCamera, home.home, camera);
    bench.change(&elm.credential, manage, Change::RemoveCamera).await.unwrap();
    for action in [Action::AgentIngest, Action::AgentReportGap, Action::AgentPutCamera] {
        assert_eq!(bench.denied(&agent, Ask::own_camera(action, camera)).await, Denied::Removed);
    }
    for change in [Change::RemoveCamera, Change::SwitchCamera { on: true }] {
        let refused = bench.change(&elm.credential, manage, change).await.unwrap_err();
        assert_eq!(refused, Refusal::NotFound.into());
    }
    // It is still shown, named and locked.
    bench.allowed(&elm.credential, Ask::camera(Action::ReadEvent, home.home, camera)).await;
    bench.change(&elm.credential, manage, Change::NameCamera(signed("old hall"))).await.unwrap();
    let permit = bench.check(&elm.credential, Ask::home(Action::ReadCameras, home.home)).await.unwrap();
    let rows = bench.truth.cameras(&permit).await.unwrap();
    let rows = bench.open(permit, rows);
    assert_eq!((rows.len(), rows[0].removed, &rows[0].name), (1, true, &signed("old hall")));
    bench.change(&elm.credential, manage, Change::LockCamera { on: true }).await.unwrap();
    let read = Ask::camera(Action::ReadEvent, home.home, camera);
    assert_eq!(bench.denied(&elm.credential, read).await, Denied::Lockdown);
    // It takes no place among the cameras of the home.
    bench.camera(&agent).await;
}
