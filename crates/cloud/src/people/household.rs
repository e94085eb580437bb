//! Who and what belongs to a home: its people, its invitations, its agents.

use keepsight_store::truth::{MemberRow, OpenInvitationRow};
use keepsight_wire::people::{Agent, Invitation, Member, People};

use super::rows;
use crate::edge::answer::Answer;
use crate::edge::fault::Outcome;
use crate::edge::routes::Call;

pub(super) async fn people(call: Call) -> Outcome<Answer> {
    let Call { cloud, permit, .. } = call;
    let members = cloud.truth.members(&permit).await?;
    let invitations = cloud.truth.invitations(&permit).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let member = |row: MemberRow| Member {
        account: row.account,
        name: row.name,
        slot: row.slot,
        rights: rows::rights(row.rights),
        since: row.since,
        keys_replaced: row.keys_replaced,
    };
    let invitation = |row: OpenInvitationRow| Invitation {
        slot: row.slot,
        rights: rows::rights(row.rights),
        created: row.created,
        expires: row.expires,
        lapsed: row.lapsed,
    };
    Answer::json(&People {
        members: cloud.open(members, &receipt)?.into_iter().map(member).collect(),
        invitations: cloud.open(invitations, &receipt)?.into_iter().map(invitation).collect(),
    })
}

pub(super) async fn agents(call: Call) -> Outcome<Answer> {
    let Call { cloud, permit, .. } = call;
    let agents = cloud.truth.agents(&permit).await?;
    let status = cloud.records.agents(&permit).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let status = cloud.open(status, &receipt)?;
    let agent = |row: keepsight_store::truth::HomeAgentRow| {
        let said = status.iter().find(|status| status.agent == row.agent);
        Agent {
            agent: row.agent,
            since: row.since,
            heard: said.map(|said| said.heard),
            epoch: said.map(|said| said.epoch),
            version: said.map(|said| said.version.clone()),
            spool_bytes: said.map(|said| said.spool_bytes),
        }
    };
    Answer::json(&cloud.open(agents, &receipt)?.into_iter().map(agent).collect::<Vec<_>>())
}
