//! A stage to play every route on: identities, keys and documents of one home, from which each route makes a valid request.
//!
//! The OpenAPI document uses a made-up stage; the probes build a real one (a real home on a running server) and send each
//! example as its owner, as a stranger, and with ids that don't exist.

use keepsight_ids::{AccountId, AgentId, CameraId, EventId, GapId, HomeId, SegmentKind, SegmentNo, SessionId, SlotId};

/// What the examples are made of. A probe fills in what really exists on its server.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The home.
    pub home: HomeId,
    /// A camera of it.
    pub camera: CameraId,
    /// An Event of that camera.
    pub event: EventId,
    /// A segment of that Event.
    pub segment: (SegmentKind, SegmentNo),
    /// A gap to be reported.
    pub gap: GapId,
    /// A session of the account that may be ended.
    pub session: SessionId,
    /// The owner's account.
    pub account: AccountId,
    /// The owner's slot.
    pub slot: SlotId,
    /// The home's agent.
    pub agent: AgentId,
    /// The look-up part of a pairing.
    pub lookup: String,
    /// Bodies that need keys to make: by the route's method and template.
    pub bodies: std::collections::BTreeMap<&'static str, ExampleBody>,
}

/// A valid request.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleRequest {
    /// Path and query.
    pub path: String,
    /// The body.
    pub body: ExampleBody,
}

/// The body of a valid request.
#[derive(Debug, Clone, PartialEq)]
pub enum ExampleBody {
    /// None.
    Nothing,
    /// A JSON document.
    Json(serde_json::Value),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Stage {
    /// A made-up stage, for the OpenAPI document.
    pub fn sample() -> Self {
        Self {
            home: HomeId::from_bytes([1; 16]), camera: CameraId::from_bytes([1; 16]), event: EventId::from_bytes([1; 16]),
            segment: (SegmentKind::Video, SegmentNo(0)), gap: GapId::from_bytes([1; 16]), session: SessionId::from_bytes([1; 16]),
            account: AccountId::from_bytes([1; 16]), slot: SlotId::from_bytes([1; 16]), agent: AgentId::from_bytes([1; 16]),
            lookup: String::new(), bodies: Default::default(),
        }
    }
}
