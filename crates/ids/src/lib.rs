//! Every identity in Keepsight, as a type of its own with one text form.
//!
//! Two things that could be swapped never share a type: handing a camera where a home is wanted does not compile. This crate
//! knows nothing of storage, time or keys; everything else may depend on it.

mod binary;
mod media;
mod opaque;
mod quantity;

pub use binary::{B32, B64, ParseB32Error};
pub use media::{ParseKindError, SegmentKind, SegmentNo};
pub use opaque::{
    AccountId, AgentId, CameraId, EventId, GapId, HomeId, OrgId, ParseIdError, SessionId, SlotId,
};
pub use quantity::{EpochNo, Revision, UnixMillis};
