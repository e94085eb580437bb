//! Reads out of a Permit what a function of Records may do, and refuses a Permit for something else or one that was kept.

use keepsight_gate::{Action, CameraScope, Permit, Rights};
use keepsight_ids::{AccountId, AgentId, CameraId, EventId, HomeId, UnixMillis};
use keepsight_world::World;

use crate::StoreError;

/// What a Permit is about, for use inside a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) home: HomeId,
    pub(crate) camera: Option<CameraId>,
    pub(crate) cameras: CameraScope,
    pub(crate) account: Option<AccountId>,
    pub(crate) agent: Option<AgentId>,
    pub(crate) rights: Rights,
    pub(crate) now: UnixMillis,
}

/// An Event of the Permit's own camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) home: HomeId,
    pub(crate) camera: CameraId,
    pub(crate) event: EventId,
}

impl Asked {
    /// What the Permit is about, if it is for one of these actions, of a home, and not too old.
    pub(crate) fn of(permit: &Permit, world: &World, serves: &[Action]) -> Result<Self, StoreError> {
        let refuse = |what| StoreError::NotPermitted { what };
        permit.check_fresh(world).map_err(|_| refuse("it was kept for too long"))?;
        if !serves.contains(&permit.action()) {
            return Err(refuse("it is for another action"));
        }
        Ok(Self {
            home: permit.home().ok_or_else(|| refuse("it names no home"))?,
            camera: permit.camera(),
            cameras: permit.cameras().clone(),
            account: permit.account(),
            agent: permit.agent(),
            rights: permit.rights(),
            now: permit.truth_time(),
        })
    }

    /// An Event of the Permit's camera.
    pub(crate) fn place(&self, event: EventId) -> Result<Place, StoreError> {
        let camera = self.camera.ok_or(StoreError::NotPermitted { what: "it names no camera" })?;
        Ok(Place { home: self.home, camera, event })
    }

    pub(crate) fn agent(&self) -> Result<AgentId, StoreError> {
        self.agent.ok_or(StoreError::NotPermitted { what: "it is not an agent's" })
    }

    pub(crate) fn account(&self) -> Result<AccountId, StoreError> {
        self.account.ok_or(StoreError::NotPermitted { what: "it is not a person's" })
    }
}

impl Place {
    pub(crate) const fn gone(self) -> StoreError {
        StoreError::Gone { home: self.home, camera: self.camera, event: self.event }
    }
}
