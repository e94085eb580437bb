//! A home's cameras: how they do, their names, switching them off, taking them out.

use keepsight_gate::{Action, Ask, Change};
use keepsight_ids::{HomeId, UnixMillis};
use keepsight_ledger::Disclosure;
use keepsight_seal::Subject;
use keepsight_store::CameraSummary;
use keepsight_wire::people::{CameraSwitch, NewName};

use super::{homes, rows, show};
use crate::cloud::Cloud;
use crate::day::{self, Span};
use crate::edge::answer::Answer;
use crate::edge::dispatch::Asker;
use crate::edge::fault::{Fault, Outcome};
use crate::edge::input::Json;
use crate::edge::routes::Call;

pub(super) async fn list(call: Call) -> Outcome<Answer> {
    let Call { cloud, permit, asker, .. } = call;
    let home = permit.home().ok_or_else(Fault::not_found)?;
    let now = permit.truth_time();
    let since = today(&cloud, &asker, home, now).await?.map_or(now, |span| span.from);
    let cameras = cloud.truth.cameras(&permit).await?;
    let reports = cloud.records.camera_reports(&permit).await?;
    // Under a lockdown the cameras are named and nothing of their Events is read.
    let stopped = permit.lockdown();
    let receipt = cloud.plain_receipt(permit)?;
    let mut summaries = if stopped { Vec::new() } else { summaries(&cloud, &asker, home, since).await? };
    let reports = cloud.open(reports, &receipt)?;
    let camera = |row: keepsight_store::truth::CameraRow| {
        let report = reports.iter().find(|report| report.camera == row.camera);
        let at = summaries.iter().position(|summary| summary.camera == row.camera);
        let summary = at.map(|at| summaries.swap_remove(at));
        show::camera(row, report, summary, now)
    };
    Answer::json(&cloud.open(cameras, &receipt)?.into_iter().map(camera).collect::<Vec<_>>())
}

/// What is told of their Events is viewing: a question of its own, whose Permit leaves out the cameras that are locked down.
async fn summaries(
    cloud: &Cloud,
    asker: &Asker,
    home: HomeId,
    since: UnixMillis,
) -> Outcome<Vec<CameraSummary>> {
    let permit = asker.ask(cloud, Ask::home(Action::ListEvents, home)).await?;
    let summaries = cloud.records.cameras(&permit, since).await?;
    let receipt = cloud.recorded(permit, Disclosure::page(None)).await?;
    cloud.open(summaries, &receipt)
}

pub(super) async fn name(call: Call<(), (), Json<NewName>>) -> Outcome<Answer> {
    let Call { cloud, permit, asker, body: Json(NewName { name }), .. } = call;
    let (home, camera) = permit.home().zip(permit.camera()).ok_or_else(Fault::not_found)?;
    let reading = asker.ask(&cloud, Ask::home(Action::ReadChain, home)).await?;
    homes::verify_name(&cloud, reading, &name, Subject::Camera(camera)).await?;
    cloud.change(permit, Change::NameCamera(rows::signed(&name))).await?;
    Ok(Answer::done())
}

pub(super) async fn switch(call: Call<(), (), Json<CameraSwitch>>) -> Outcome<Answer> {
    call.cloud.change(call.permit, Change::SwitchCamera { on: call.body.0.on }).await?;
    Ok(Answer::done())
}

pub(super) async fn remove(call: Call) -> Outcome<Answer> {
    call.cloud.change(call.permit, Change::RemoveCamera).await?;
    Ok(Answer::done())
}

/// The day that is now, in the home's own zone.
async fn today(cloud: &Cloud, asker: &Asker, home: HomeId, now: UnixMillis) -> Outcome<Option<Span>> {
    Ok(zone(cloud, asker, home).await?.and_then(|zone| day::today(now, &zone)))
}

/// The home's time zone.
pub(super) async fn zone(cloud: &Cloud, asker: &Asker, home: HomeId) -> Outcome<Option<jiff::tz::TimeZone>> {
    let permit = asker.ask(cloud, Ask::home(Action::ReadHome, home)).await?;
    let locked = cloud.truth.home(&permit).await?;
    let receipt = cloud.plain_receipt(permit)?;
    let row = cloud.open(locked, &receipt)?.ok_or_else(Fault::not_found)?;
    Ok(day::zone(&row.time_zone))
}
