//! Where things are kept: Truth (who may see what; small), Records (Events, gaps, the ledger; large) and the sealed objects.
//!
//! The only crate that knows SQL or an object store (a test reads the dependency graph). Both databases go through one door,
//! [`sqlite`]; each of the two traits has a public suite that every other backend must pass. Whatever is read for a person
//! takes a Permit and comes back locked: nothing here finds by a bare id, and every key begins with the home.

mod error;
pub mod objects;
pub mod records;
pub mod sqlite;
pub mod truth;

pub use error::StoreError;
pub use objects::{ObjectKey, Objects, Reserve, SealedObject, StoredObject, StoredSegment};
pub use records::{
    AgentStatus, CameraReport, CameraState, CameraSummary, Cursor, EventDetail, EventPage, EventQuery,
    EventRow, FiledGap, Gap, GapReason, HeaderFacts, Neighbour, Neighbours, ParseCursorError, Records,
    Retention, Room, SegmentOffer, SegmentRow, SqliteRecords, StatusReport, StoredHeader, Swept, Usage, View,
    ViewPage, ViewQuery, upload_segment,
};
pub use truth::*;
