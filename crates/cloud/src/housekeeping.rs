//! Keeping house: retention deletes, the doomed are buried, and what nobody owns is collected. Discloses nothing.

use std::sync::Arc;
use std::time::Duration;

use keepsight_ids::{HomeId, UnixMillis};
use keepsight_store::StoreError;
use keepsight_store::objects::collect;
use keepsight_store::records::Retention;
use keepsight_store::truth::RetentionRow;

use crate::cloud::Cloud;
use crate::feed::What;

/// How often retention is looked at.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// How many of these rounds pass between looks for orphans, which list every object.
const ORPHANS_EVERY: u32 = 72;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Runs until the server stops.
pub(crate) async fn run(cloud: Arc<Cloud>) {
    let mut stopping = cloud.stopping.subscribe();
    let mut round: u32 = 0;
    loop {
        keep_house(&cloud, round).await;
        round = round.wrapping_add(1);
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = cloud.world.sleep(EVERY) => {}
        }
    }
}

/// One round. What fails is told and tried in the next one; it holds up nothing else, and no home holds up another.
async fn keep_house(cloud: &Cloud, round: u32) {
    for rule in told("the homes' rules", cloud.truth.retention_rules().await).unwrap_or_default() {
        told("what retention lets go", retain(cloud, &rule).await);
        told("old records of views", forget_views(cloud, rule.home).await);
    }
    told("deleted Events' objects", collect::bury(&*cloud.records, &cloud.objects).await);
    if round.is_multiple_of(ORPHANS_EVERY) {
        told("objects without a row", collect::collect_orphans(&*cloud.records, &cloud.objects).await);
    }
    told("what lapsed", cloud.truth.sweep().await);
    cloud.fleet.tidy(&cloud.world);
}

fn told<T>(what: &'static str, done: Result<T, StoreError>) -> Option<T> {
    done.inspect_err(
        |error| tracing::error!(what, %error, "housekeeping failed here; it is tried again in a while"),
    )
    .ok()
}

/// Records of who saw what have their time too.
async fn forget_views(cloud: &Cloud, home: HomeId) -> Result<(), StoreError> {
    let days = cloud.config.ledger_days;
    if days == 0 {
        return Ok(());
    }
    let before = UnixMillis(cloud.world.unix_millis()).plus_ms(-DAY_MS.saturating_mul(i64::from(days)));
    while cloud.records.prune_ledger(home, before).await? > 0 {}
    Ok(())
}

/// Deletes what a home's rule lets go: how many Events.
pub(crate) async fn retain(cloud: &Cloud, rule: &RetentionRow) -> Result<usize, StoreError> {
    let mut went = 0;
    loop {
        let now = UnixMillis(cloud.world.unix_millis());
        let older_than = now.plus_ms(-DAY_MS.saturating_mul(i64::from(rule.days)));
        let retention = Retention { now, older_than, bytes_max: rule.bytes, total_max: rule.total };
        let swept = cloud.records.sweep(rule.home, retention).await?;
        for (camera, event) in &swept.events {
            cloud.feed.tell(rule.home, What::Event { camera: *camera, event: *event, fresh: false });
        }
        went += swept.events.len();
        if !swept.more {
            return Ok(went);
        }
    }
}
