//! What a signed Event header says of itself, as far as filing needs it. Whether it is signed rightly is not asked here.

use keepsight_ids::{AgentId, CameraId, EventId, HomeId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::HEADER_MAX;
use crate::StoreError;

/// How far into the future an agent's clock may file an Event.
const AHEAD_MS: i64 = 5 * 60 * 1000;

/// Whose a header says that it is, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderFacts {
    /// Its home.
    pub home: HomeId,
    /// Its camera.
    pub camera: CameraId,
    /// Which Event.
    pub event: EventId,
    /// Who sealed it.
    pub agent: AgentId,
    /// When it began, by the agent's clock.
    pub captured: UnixMillis,
    /// Whether that clock was known to be right.
    pub clock_known: bool,
}

impl HeaderFacts {
    /// Reads them from the header's bytes.
    pub(super) fn read(header: &[u8]) -> Result<Self, StoreError> {
        if header.len() > HEADER_MAX {
            return Err(StoreError::TooMany { what: "bytes of a header" });
        }
        serde_json::from_slice(header)
            .map_err(|error| StoreError::Corrupt { what: format!("an Event's header: {error}") })
    }

    /// Where it is filed: when it was captured, unless that lies ahead or is not known.
    pub(super) fn filed(&self, received: UnixMillis) -> UnixMillis {
        if self.clock_known { self.captured.min(received.plus_ms(AHEAD_MS)) } else { received }
    }
}
