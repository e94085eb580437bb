//! Reading: what a store hands out locked is opened here, and a mismatch becomes an alarm and *not found*.

use keepsight_gate::Permit;
use keepsight_ledger::{Disclosure, Identified, LedgerError, Locked, Receipt};
use keepsight_store::StoreError;

use crate::cloud::Cloud;
use crate::edge::fault::{Code, Fault, Outcome};

impl Cloud {
    /// A receipt for what is no footage.
    pub(crate) fn plain_receipt(&self, permit: Permit) -> Outcome<Receipt> {
        Ok(self.ledger.internal(permit)?)
    }

    /// A receipt for footage or what tells of it: the record is durable when this returns.
    pub(crate) async fn recorded(&self, permit: Permit, disclosure: Disclosure) -> Outcome<Receipt> {
        Ok(self.ledger.disclose(permit, disclosure).await?)
    }

    /// Opens what was read, if it is what was decided about.
    pub(crate) fn open<T: Identified>(&self, locked: Locked<T>, receipt: &Receipt) -> Outcome<T> {
        locked.open(receipt).map_err(|misfiled| {
            self.alarms.found_misfiled(&misfiled);
            Fault::not_found().logged(misfiled)
        })
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::unavailable(format!("the ledger: {error}"))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found(),
            StoreError::Gone { .. } => Self::new(Code::Gone, "This was deleted.").logged(error),
            StoreError::HeaderConflict { .. } | StoreError::SegmentConflict { .. } => {
                Self::conflict("Other bytes are stored under this identity.").logged(error)
            }
            StoreError::Misplaced { what } => {
                Self::bad_request(format!("what was sent belongs elsewhere: {what}"))
            }
            StoreError::TooMany { what } => Self::bad_request(format!("too many: {what}")),
            StoreError::StaleObject => Self::unavailable(error),
            StoreError::NoSpace { .. } => no_space().logged(error),
            StoreError::HomeFull { .. } => home_full().logged(error),
            StoreError::EventsOfTheDay { .. } => events_of_the_day().logged(error),
            StoreError::Corrupt { .. } => Self::internal(error),
            // The Permit grew too old while something was slow.
            StoreError::NotPermitted { .. } => Self::unavailable(error),
            other => Self::unavailable(other),
        }
    }
}

/// What people kept fills the home: retention has nothing more to let go.
fn home_full() -> Fault {
    let message = "Events that are kept take all the room that this home may have. Nothing more is taken until some are no longer \
        kept or are deleted, or the operator allows the home more.";
    Fault::new(Code::HomeFull, message)
}

fn events_of_the_day() -> Fault {
    let message = "As many Events of this home arrived today (UTC) as may on one day. The others can come when the \
        Retry-After header says.";
    Fault::new(Code::EventsOfTheDay, message)
}

/// The disk is nearly full: ingest stops before anything else does.
pub(crate) fn no_space() -> Fault {
    Fault::new(Code::NoSpace, "The server's disk is nearly full; nothing more is taken now.").retry_after(60)
}
