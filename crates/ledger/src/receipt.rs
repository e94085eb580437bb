//! The proof that a disclosure was decided and is on record, and of what.

use keepsight_gate::{CameraScope, Permit};
use keepsight_ids::{AccountId, CameraId, EventId, HomeId, SegmentKind, SegmentNo};

use crate::{Disclosure, Identity};

/// What was read is not what was decided. An alarm: a row or object stands where another's should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfiled {
    /// The value states another identity than the Permit's.
    #[error("decided for {expected}, but what was read says that it is {stated}")]
    Elsewhere {
        /// What the Permit was for.
        expected: Box<Identity>,
        /// What the row or object says.
        stated: Box<Identity>,
    },
    /// Footage was to be opened without a record of it.
    #[error("footage may not be opened with a receipt that has no record")]
    Unrecorded,
}

/// Opens what was read under one Permit. Only the ledger makes one, and it can't be doubled.
///
/// ```compile_fail,E0451
/// use keepsight_ledger::Receipt;
/// fn forge(home: keepsight_ids::HomeId) -> Receipt {
///     Receipt { home: Some(home), ..panic!() }
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn double(receipt: &keepsight_ledger::Receipt) -> keepsight_ledger::Receipt {
///     keepsight_ledger::Receipt::clone(receipt)
/// }
/// ```
#[derive(Debug)]
pub struct Receipt {
    viewer: Option<AccountId>,
    home: Option<HomeId>,
    camera: Option<CameraId>,
    cameras: CameraScope,
    event: Option<EventId>,
    segment: Option<(SegmentKind, SegmentNo)>,
    recorded: bool,
}

impl Receipt {
    /// For a disclosure whose record is durable.
    pub(crate) fn recorded(permit: Permit, disclosure: &Disclosure) -> Self {
        Self {
            event: disclosure.event,
            segment: disclosure.segment,
            recorded: true,
            ..Self::unrecorded(permit)
        }
    }

    /// For what is no footage.
    pub(crate) fn unrecorded(permit: Permit) -> Self {
        Self {
            viewer: permit.account(),
            home: permit.home(),
            camera: permit.camera(),
            cameras: permit.cameras().clone(),
            event: None,
            segment: None,
            recorded: false,
        }
    }

    /// Footage needs a record.
    pub(crate) const fn suits(&self, footage: bool) -> Result<(), Misfiled> {
        if footage && !self.recorded { Err(Misfiled::Unrecorded) } else { Ok(()) }
    }

    /// Compares what a value says of itself with what was decided.
    pub(crate) fn compare(&self, stated: &Identity) -> Result<(), Misfiled> {
        let fits = if stated.beside { self.is_near(stated) } else { self.is_for(stated) };
        if fits {
            return Ok(());
        }
        Err(Misfiled::Elsewhere { expected: Box::new(self.identity()), stated: Box::new(*stated) })
    }

    /// What was asked for itself: whatever the Permit or the disclosure names must be named the same, and whatever is named
    /// must be within it. A part that the value leaves out is a mismatch, too.
    fn is_for(&self, stated: &Identity) -> bool {
        self.is_near(stated)
            && self.camera.is_none_or(|camera| stated.camera == Some(camera))
            && self.event.is_none_or(|event| stated.event == Some(event))
            && (stated.segment.is_none() || stated.segment == self.segment)
    }

    /// In the same home (or account) and within the cameras.
    fn is_near(&self, stated: &Identity) -> bool {
        let same_account = stated.account.is_none_or(|account| Some(account) == self.viewer);
        let same_home = stated.home.is_none_or(|home| Some(home) == self.home);
        let owned = stated.account.is_some() || stated.home.is_some();
        owned && same_account && same_home && stated.camera.is_none_or(|camera| self.cameras.covers(camera))
    }

    fn identity(&self) -> Identity {
        Identity {
            account: self.viewer,
            home: self.home,
            camera: self.camera,
            event: self.event,
            segment: self.segment,
            beside: false,
        }
    }
}
