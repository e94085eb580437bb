//! Removes what nobody owns: objects of deleted Events, and objects whose row never came.
//!
//! An object may be committed within an hour of its writing and is collected after a day, so that the two can't meet even with
//! clocks that are hours apart. One that can't be removed holds up no other: it is told, and tried again next time.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore};

use super::{ObjectKey, Objects, failed, tie};
use crate::StoreError;
use crate::records::Records;

/// An object without a row stays this long.
const ORPHAN_AGE_MS: i64 = 24 * 60 * 60 * 1000;
/// Keys in one question to Records.
const AT_ONCE: usize = 500;

/// Removes the objects of deleted Events. How many went.
///
/// # Errors
/// A [`StoreError`] of Records; what was not removed is tried again next time.
pub async fn bury(records: &dyn Records, objects: &Objects) -> Result<u64, StoreError> {
    let (mut count, mut after) = (0, None);
    loop {
        let doomed = records.doomed(after, AT_ONCE as u32).await?;
        let Some(last) = doomed.last().cloned() else { return Ok(count) };
        let removed = remove(objects, doomed).await;
        count += removed.len() as u64;
        records.buried(removed).await?;
        after = Some(last);
    }
}

/// Removes objects that are a day old and have no row. How many went. It looks at every object: hours apart is enough.
///
/// # Errors
/// A [`StoreError`]; [`StoreError::ForeignRecords`] before anything is removed.
pub async fn collect_orphans(records: &dyn Records, objects: &Objects) -> Result<u64, StoreError> {
    tie::tie(records, objects).await?;
    let now = objects.world().unix_millis();
    let mut old: BTreeMap<String, Vec<ObjectKey>> = BTreeMap::new();
    let mut listed = objects.store().list(None);
    let mut count = 0;
    while let Some(found) = listed.try_next().await.map_err(|error| failed("list objects", error))? {
        let Some(key) = aged(&found, now) else { continue };
        let home = key.place().home.to_string();
        let of_home = old.entry(home).or_default();
        of_home.push(key);
        if of_home.len() >= AT_ONCE {
            let among = std::mem::take(of_home);
            count += remove_orphans(records, objects, among).await;
        }
    }
    for among in old.into_values() {
        count += remove_orphans(records, objects, among).await;
    }
    Ok(count)
}

/// Whatever is not named as we name objects is left alone.
fn aged(found: &ObjectMeta, now: i64) -> Option<ObjectKey> {
    let key: ObjectKey = found.location.as_ref().parse().ok()?;
    (now.saturating_sub(key.drawn().0) >= ORPHAN_AGE_MS).then_some(key)
}

async fn remove_orphans(records: &dyn Records, objects: &Objects, among: Vec<ObjectKey>) -> u64 {
    let removed = match records.orphans(among).await {
        Ok(orphans) => remove(objects, orphans).await,
        Err(error) => {
            tracing::error!(%error, "objects without a row were not looked for in a home; tried again");
            return 0;
        }
    };
    if !removed.is_empty() {
        tracing::info!(count = removed.len(), "objects without a row were removed");
    }
    removed.len() as u64
}

/// Removes what can be removed, and says which went.
async fn remove(objects: &Objects, keys: Vec<ObjectKey>) -> Vec<ObjectKey> {
    let mut removed = Vec::with_capacity(keys.len());
    for key in keys {
        match objects.remove(&key).await {
            Ok(()) => removed.push(key),
            Err(error) => tracing::error!(object = %key, %error, "an object can't be removed; tried again"),
        }
    }
    removed
}
