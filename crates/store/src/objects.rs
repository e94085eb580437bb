//! Sealed segments as immutable objects: a folder, or later any store that `object_store` reaches.
//!
//! A key is random and never written twice; a row makes an object exist. An object begins with its own identity
//! (docs/formats/sealed-media.md), and that is what it states when it is read: not what its name or its row says.

pub mod collect;
mod folder;
mod key;
mod reserve;
mod sealed;
pub mod tie;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keepsight_gate::{Action, Permit};
use keepsight_ids::{EventId, SegmentKind, SegmentNo};
use keepsight_ledger::Locked;
use keepsight_world::{Instant, World};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use tokio::sync::Semaphore;

pub use key::ObjectKey;
pub use reserve::Reserve;
pub(crate) use sealed::SealedIdentity;
pub use sealed::{SEALED_MAX, SealedObject, StoredObject, StoredSegment, sha256};

use crate::StoreError;
use crate::records::Asked;
use folder::Folder;

/// Objects in flight at once; the rest wait, so that slow disks don't take every blocking thread from the databases.
const AT_ONCE: usize = 32;
/// How long after it was written an object may be committed. The collector takes none younger than a day.
const COMMIT_WITHIN: Duration = Duration::from_secs(60 * 60);

/// The sealed objects. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    folder: Arc<Folder>,
    world: World,
    turn: Arc<Semaphore>,
}

impl Objects {
    /// Objects as files under `folder`, which is made if absent. Every put is synced to disk before it returns. Blocks; call it
    /// while starting.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open_folder(folder: &Path, reserve: Reserve, world: World) -> Result<Self, StoreError> {
        let (store, folder) = Folder::open(folder, reserve)?;
        Ok(Self {
            store: Arc::new(store),
            folder: Arc::new(folder),
            world,
            turn: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Refuses when the disk's reserve is reached: ingest stops before gate and ledger do.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`].
    pub fn check_reserve(&self) -> Result<(), StoreError> {
        self.folder.check_reserve()
    }

    /// Writes a segment's sealed bytes under a new key, durably (`AgentIngest`). It is nobody's until its row is committed.
    ///
    /// # Errors
    /// [`StoreError::Misplaced`] unless the bytes state the Permit's home and camera and this Event, kind and number;
    /// [`StoreError::NoSpace`] below the reserve; [`StoreError::TooMany`] beyond [`SEALED_MAX`].
    pub async fn put(
        &self,
        permit: &Permit,
        event: EventId,
        kind: SegmentKind,
        number: SegmentNo,
        sealed: Bytes,
    ) -> Result<StoredObject, StoreError> {
        let place = Asked::of(permit, &self.world, &[Action::AgentIngest])?.place(event)?;
        let stated = SealedIdentity::read(&sealed)?;
        if stated != SealedIdentity::of(place, kind, number) {
            return Err(StoreError::Misplaced { what: "the sealed bytes state another identity" });
        }
        self.check_reserve()?;
        let key = ObjectKey::draw(&self.world, place);
        let object = StoredObject::new(stated, key, &sealed, self.world.now());
        let _turn = self.take_turn().await?;
        self.folder.make_durable(&object.key.folder()).await?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.store
            .put_opts(&object.key.path(), sealed.into(), options)
            .await
            .map_err(|error| failed("write an object", error))?;
        Ok(object)
    }

    /// Reads a segment's bytes. What comes back states both its row's identity and its own.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the object is missing or does not begin with an identity.
    pub async fn read(&self, segment: &StoredSegment) -> Result<Locked<SealedObject>, StoreError> {
        let _turn = self.take_turn().await?;
        let bytes = self.fetch(&segment.key).await?;
        Ok(Locked::new(SealedObject::new(segment.identity, SealedIdentity::read(&bytes)?, bytes)))
    }

    async fn fetch(&self, key: &ObjectKey) -> Result<Bytes, StoreError> {
        let missing = || StoreError::Corrupt { what: format!("the object {key} is missing") };
        let got = self.store.get(&key.path()).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => missing(),
            other => failed("read an object", other),
        })?;
        if got.meta.size > SEALED_MAX as u64 {
            return Err(StoreError::Corrupt { what: format!("the object {key} is too large") });
        }
        got.bytes().await.map_err(|error| failed("read an object", error))
    }

    /// Removes an object; one that is gone already is fine.
    ///
    /// # Errors
    /// What the object store says.
    pub async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let _turn = self.take_turn().await?;
        match self.store.delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("remove an object", error)),
        }
    }

    async fn take_turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, StoreError> {
        let turn = self.turn.clone().acquire_owned().await;
        turn.map_err(|_| StoreError::Lost { transaction: "an object's turn" })
    }

    /// The clock that ages objects.
    pub(crate) const fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }
}

/// Whether an object that was written then may still be committed.
pub(crate) fn may_commit(written: Instant, now: Instant) -> bool {
    now.duration_since(written) <= COMMIT_WITHIN
}

/// Sorts what the object store says; a full disk is looked for in the causes.
fn failed(what: &'static str, error: object_store::Error) -> StoreError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(at) = cause {
        if let Some(io) = at.downcast_ref::<std::io::Error>()
            && matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        {
            return StoreError::NoSpace { what };
        }
        cause = at.source();
    }
    StoreError::Io { what, source: Arc::new(error) }
}

#[cfg(test)]
mod tests;
