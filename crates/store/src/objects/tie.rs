//! Which Records the objects belong to. A database that was lost, replaced or not yet put back knows of no object, and to it every
//! one would be an orphan: the objects keep its identity, and nothing is begun or collected under another.

use data_encoding::HEXLOWER;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::{ObjectKey, Objects, failed};
use crate::StoreError;
use crate::records::Records;

/// Stands beside the homes' folders; the collector leaves it alone.
const NAME: &str = "records";

/// Ties the objects to these Records, or sees that they are. To be called at a start.
///
/// # Errors
/// [`StoreError::ForeignRecords`] if they belong to others, or if there are objects and these Records have never held anything.
pub async fn tie(records: &dyn Records, objects: &Objects) -> Result<(), StoreError> {
    let own = HEXLOWER.encode(&records.identity().await?);
    match stated(objects).await? {
        Some(stated) if stated == own.as_bytes() => Ok(()),
        Some(_) => Err(StoreError::ForeignRecords),
        // From before there was an identity, or nothing yet.
        None if records.homes().await?.is_empty() && has_any(objects).await? => {
            Err(StoreError::ForeignRecords)
        }
        None => state(objects, own).await,
    }
}

async fn stated(objects: &Objects) -> Result<Option<Vec<u8>>, StoreError> {
    let read = async { objects.store().get(&Path::from(NAME)).await?.bytes().await };
    match read.await {
        Ok(bytes) => Ok(Some(bytes.trim_ascii().to_vec())),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed("read which records the objects belong to", error)),
    }
}

async fn state(objects: &Objects, own: String) -> Result<(), StoreError> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match objects.store().put_opts(&Path::from(NAME), own.clone().into(), options).await {
        Ok(_) => Ok(()),
        // Another process of the same Records was quicker.
        Err(object_store::Error::AlreadyExists { .. }) => match stated(objects).await? {
            Some(stated) if stated == own.as_bytes() => Ok(()),
            _ => Err(StoreError::ForeignRecords),
        },
        Err(error) => Err(failed("note which records the objects belong to", error)),
    }
}

async fn has_any(objects: &Objects) -> Result<bool, StoreError> {
    let mut listed = objects.store().list(None);
    while let Some(found) = listed.try_next().await.map_err(|error| failed("list objects", error))? {
        if found.location.as_ref().parse::<ObjectKey>().is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}
