//! Between the bodies of the API and the rows of the truth: the same things under the names of two worlds.

use keepsight_gate::{EpochRow, Right as GateRight, Rights, SealedRow, SealedSlotRow, SignedRow};
use keepsight_ids::{B32, B64, EpochNo};
use keepsight_wire::people::Right;
use keepsight_wire::{EpochPackage, Sealed, SealedToSlot, Signed};

pub(crate) const fn right(right: Right) -> GateRight {
    match right {
        Right::Live => GateRight::Live,
        Right::Review => GateRight::Review,
        Right::Download => GateRight::Download,
        Right::Manage => GateRight::Manage,
        Right::Delete => GateRight::Delete,
    }
}

pub(crate) fn rights(rights: Rights) -> Vec<Right> {
    let name = |right| match right {
        GateRight::Live => Right::Live,
        GateRight::Review => Right::Review,
        GateRight::Download => Right::Download,
        GateRight::Manage => Right::Manage,
        GateRight::Delete => Right::Delete,
    };
    rights.iter().map(name).collect()
}

pub(crate) fn signed(signed: &Signed) -> SignedRow {
    SignedRow { body: signed.body.0.clone(), signature: signed.signature.0.clone() }
}

pub(crate) fn to_signed(row: SignedRow) -> Signed {
    Signed { body: B64(row.body), signature: B64(row.signature) }
}

pub(crate) fn sealed(sealed: &Sealed) -> SealedRow {
    SealedRow { enc: sealed.enc.0, ct: sealed.ct.0.clone() }
}

pub(crate) fn to_sealed(row: SealedRow) -> Sealed {
    Sealed { enc: B32(row.enc), ct: B64(row.ct) }
}

pub(crate) fn epoch(package: &EpochPackage) -> EpochRow {
    let slot = |to: &SealedToSlot| SealedSlotRow {
        slot: to.slot,
        sealed: SealedRow { enc: to.enc.0, ct: to.ct.0.clone() },
    };
    EpochRow {
        epoch: EpochNo(package.epoch),
        sealed: package.sealed.iter().map(slot).collect(),
        previous: package.previous.as_ref().map(sealed),
    }
}
