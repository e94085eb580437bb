//! The way of an uploaded segment: object, synced; then row, committed; then the acknowledgement.

use bytes::Bytes;
use keepsight_gate::Permit;
use keepsight_ids::{B32, EventId, SegmentKind, SegmentNo};

use super::{Records, Room, SegmentOffer};
use crate::objects::sha256;
use crate::{Objects, StoreError};

/// Stores a sealed segment (`AgentIngest`) and answers with the SHA-256 that may be acknowledged: everything is durable then. The
/// same bytes again are acknowledged again, without a second object.
///
/// # Errors
/// [`StoreError::Misplaced`], [`StoreError::NotFound`] without the header, [`StoreError::SegmentConflict`], [`StoreError::Gone`],
/// [`StoreError::NoSpace`], [`StoreError::HomeFull`], [`StoreError::TooMany`].
pub async fn upload_segment(
    records: &dyn Records,
    objects: &Objects,
    permit: &Permit,
    (event, kind, number): (EventId, SegmentKind, SegmentNo),
    sealed: Bytes,
    room: Room,
) -> Result<B32, StoreError> {
    let hash = sha256(&sealed);
    let offer = SegmentOffer { event, kind, number, sha256: hash, bytes: sealed.len() as u64 };
    if !records.wants_segment(permit, offer, room).await? {
        return Ok(hash);
    }
    let object = objects.put(permit, event, kind, number, sealed).await?;
    match records.put_segment(permit, &object, room).await {
        Ok(true) => Ok(object.sha256()),
        Ok(false) => {
            // Another upload of the same bytes was faster; its object is the one.
            discard(objects, &object).await;
            Ok(object.sha256())
        }
        Err(error) => {
            // After a failed COMMIT the row may be there all the same: only what was refused is known to have none.
            if was_refused(&error) {
                discard(objects, &object).await;
            }
            Err(error)
        }
    }
}

const fn was_refused(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Gone { .. }
            | StoreError::SegmentConflict { .. }
            | StoreError::NotFound
            | StoreError::Misplaced { .. }
            | StoreError::HomeFull { .. }
    )
}

/// What can't be removed now is collected later.
async fn discard(objects: &Objects, object: &crate::StoredObject) {
    if let Err(error) = objects.remove(object.key()).await {
        tracing::warn!(key = %object.key(), %error, "an object without a row stays for the collector");
    }
}
