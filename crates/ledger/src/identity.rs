//! Whose something is, as the row or object itself says it: not as the question did.

use std::fmt;

use keepsight_ids::{AccountId, CameraId, EventId, HomeId, SegmentKind, SegmentNo};

/// What a row or an object states about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    pub(crate) account: Option<AccountId>,
    pub(crate) home: Option<HomeId>,
    pub(crate) camera: Option<CameraId>,
    pub(crate) event: Option<EventId>,
    pub(crate) segment: Option<(SegmentKind, SegmentNo)>,
    pub(crate) beside: bool,
}

impl Identity {
    /// Of something that contradicts itself: its key says one thing, and what it holds another. Nothing opens it.
    pub const CONTRADICTORY: Self =
        Self { account: None, home: None, camera: None, event: None, segment: None, beside: false };

    /// Something of an account's own.
    pub const fn account(account: AccountId) -> Self {
        Self { account: Some(account), ..Self::CONTRADICTORY }
    }

    /// Something of a whole home.
    pub const fn home(home: HomeId) -> Self {
        Self { home: Some(home), ..Self::CONTRADICTORY }
    }

    /// Something of one camera.
    pub const fn camera(home: HomeId, camera: CameraId) -> Self {
        Self { camera: Some(camera), ..Self::home(home) }
    }

    /// Something of one Event.
    pub const fn event(home: HomeId, camera: CameraId, event: EventId) -> Self {
        Self { event: Some(event), ..Self::camera(home, camera) }
    }

    /// A segment's bytes.
    pub const fn segment(
        home: HomeId,
        camera: CameraId,
        event: EventId,
        kind: SegmentKind,
        number: SegmentNo,
    ) -> Self {
        Self { segment: Some((kind, number)), ..Self::event(home, camera, event) }
    }

    /// A pointer to a neighbour of what was asked for: it must be in the same home and within the Permit's cameras, and need
    /// not be the same camera and Event.
    #[must_use]
    pub const fn beside(self) -> Self {
        Self { beside: true, ..self }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: [Option<String>; 5] = [
            self.account.map(|id| id.to_string()),
            self.home.map(|id| id.to_string()),
            self.camera.map(|id| id.to_string()),
            self.event.map(|id| id.to_string()),
            self.segment.map(|(kind, number)| format!("{kind}/{number}")),
        ];
        match parts.into_iter().flatten().collect::<Vec<_>>().join("/").as_str() {
            "" => f.write_str("something that contradicts itself"),
            text => f.write_str(text),
        }
    }
}

/// Something that states whose it is, each part of it.
pub trait Identified {
    /// Whether it shows footage or what was recorded, so that only a receipt with a record opens it.
    const FOOTAGE: bool;

    /// Tells the identity of each row and object in it, as it stands in the row or object.
    fn identities(&self, tell: &mut dyn FnMut(Identity));
}

impl<T: Identified> Identified for Vec<T> {
    const FOOTAGE: bool = T::FOOTAGE;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        self.iter().for_each(|item| item.identities(tell));
    }
}

impl<T: Identified> Identified for Option<T> {
    const FOOTAGE: bool = T::FOOTAGE;

    fn identities(&self, tell: &mut dyn FnMut(Identity)) {
        self.iter().for_each(|item| item.identities(tell));
    }
}
