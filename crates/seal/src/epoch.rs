//! Epoch secrets: sealing one to the people of a home, and opening them all, newest first.
//!
//! A package is unsigned, for it proves itself: the secret in it must have the public key that the chain states. A server that
//! sends another secret is found out here and never believed.

use std::collections::BTreeMap;

use keepsight_ids::{B32, EpochNo, HomeId, SlotId};
use keepsight_wire::{EpochPackage, Sealed, SealedToSlot};
use rand_core::CryptoRng;

use crate::{Chain, Entry, EpochSecret, KemPublic, KemSecret, SealError, hpke};

const HOME_KEY: &str = "home key";

/// The package that goes with `entry`, which begins an epoch: its secret sealed to every slot that reviews the whole home,
/// pending ones too, and the secret before it sealed to the new one.
///
/// # Errors
/// [`SealError::BadKey`] for a slot with an unusable key.
pub fn seal_package(
    entry: &Entry,
    secret: &EpochSecret,
    previous: Option<&EpochSecret>,
    rng: &mut impl CryptoRng,
) -> Result<EpochPackage, SealError> {
    let mut sealed = Vec::new();
    for slot in entry.slots.iter().filter(|slot| slot.holds_epochs()) {
        let Sealed { enc, ct } = seal_to_slot(entry.home, entry.epoch, slot.slot, &slot.kem, secret, rng)?;
        sealed.push(SealedToSlot { slot: slot.slot, enc, ct });
    }
    let info = previous_info(entry.home, entry.epoch);
    let previous = previous.map(|old| hpke::seal(&secret.public(), &info, old.expose(), rng)).transpose()?;
    Ok(EpochPackage { epoch: entry.epoch.0, sealed, previous })
}

/// Checks what can be checked without a key: that the package is of the entry's epoch and sealed to each slot that holds epochs
/// once, and to nobody else. For the server, before it stores one.
///
/// # Errors
/// [`SealError::BadPackage`].
pub fn check_package(entry: &Entry, package: &EpochPackage) -> Result<(), SealError> {
    if package.epoch != entry.epoch.0 {
        return Err(SealError::BadPackage("it is of another epoch"));
    }
    if package.previous.is_some() != (entry.epoch > EpochNo(1)) {
        return Err(SealError::BadPackage("every epoch but the first carries the one before"));
    }
    let mut to: Vec<SlotId> = package.sealed.iter().map(|sealed| sealed.slot).collect();
    let mut due: Vec<SlotId> = entry.slots.iter().filter(|s| s.holds_epochs()).map(|s| s.slot).collect();
    to.sort_unstable();
    due.sort_unstable();
    if to != due {
        return Err(SealError::BadPackage("it is not sealed to each member once and to nobody else"));
    }
    let lengths =
        package.sealed.iter().map(|s| s.ct.0.len()).chain(package.previous.iter().map(|s| s.ct.0.len()));
    if lengths.into_iter().any(|len| len != 48) {
        return Err(SealError::BadPackage("a sealed secret has another length"));
    }
    Ok(())
}

/// Seals an epoch's secret to one slot: for an invitation, or for oneself when accepting it.
///
/// # Errors
/// [`SealError::BadKey`].
pub fn seal_to_slot(
    home: HomeId,
    epoch: EpochNo,
    slot: SlotId,
    kem: &KemPublic,
    secret: &EpochSecret,
    rng: &mut impl CryptoRng,
) -> Result<Sealed, SealError> {
    hpke::seal(kem, &slot_info(home, epoch, slot), secret.expose(), rng)
}

/// Opens an epoch's secret that was sealed to one slot, and compares it with the chain.
///
/// # Errors
/// [`SealError::UnknownEpoch`], [`SealError::CannotOpen`], [`SealError::EpochMismatch`].
pub fn open_for_slot(
    chain: &Chain,
    epoch: EpochNo,
    slot: SlotId,
    kem: &KemSecret,
    enc: &B32,
    ct: &[u8],
) -> Result<EpochSecret, SealError> {
    let info = slot_info(chain.home(), epoch, slot);
    let secret = EpochSecret::from_opened(&hpke::open(kem.expose(), &info, enc, ct, HOME_KEY)?)?;
    matches_chain(chain, epoch, secret)
}

/// A home's epoch secrets, as many as one has opened.
#[derive(Debug, Clone)]
pub struct EpochSecrets {
    home: HomeId,
    by_epoch: BTreeMap<EpochNo, EpochSecret>,
}

impl EpochSecrets {
    /// None yet.
    pub const fn none(home: HomeId) -> Self {
        Self { home, by_epoch: BTreeMap::new() }
    }

    /// Opens all that the packages hold for `slot`: the newest directly, the ones before it through each other, and where
    /// that way is broken off whatever older one is sealed to the slot itself.
    ///
    /// # Errors
    /// [`SealError::EpochNotOpen`] when the chain's newest epoch isn't among them; [`SealError::EpochMismatch`] and
    /// [`SealError::UnknownEpoch`] for packages that contradict the chain.
    pub fn open(
        chain: &Chain,
        slot: SlotId,
        kem: &KemSecret,
        packages: &[EpochPackage],
    ) -> Result<Self, SealError> {
        let mut secrets = Self::none(chain.home());
        let mut sorted: Vec<&EpochPackage> = packages.iter().collect();
        sorted.sort_unstable_by_key(|package| std::cmp::Reverse(package.epoch));
        for package in sorted {
            secrets.open_direct(chain, slot, kem, package)?;
            secrets.open_previous(chain, package)?;
        }
        secrets.get(chain.head().entry().epoch)?;
        Ok(secrets)
    }

    /// Adds a secret, after comparing it with the chain.
    ///
    /// # Errors
    /// [`SealError::UnknownEpoch`], [`SealError::EpochMismatch`].
    pub fn add(&mut self, chain: &Chain, epoch: EpochNo, secret: EpochSecret) -> Result<(), SealError> {
        if chain.home() != self.home {
            return Err(SealError::ForeignHome { expected: self.home, found: chain.home() });
        }
        self.by_epoch.insert(epoch, matches_chain(chain, epoch, secret)?);
        Ok(())
    }

    /// The secret of an epoch.
    ///
    /// # Errors
    /// [`SealError::EpochNotOpen`].
    pub fn get(&self, epoch: EpochNo) -> Result<&EpochSecret, SealError> {
        self.by_epoch.get(&epoch).ok_or(SealError::EpochNotOpen { epoch })
    }

    /// Whose they are.
    pub const fn home(&self) -> HomeId {
        self.home
    }

    fn open_direct(
        &mut self,
        chain: &Chain,
        slot: SlotId,
        kem: &KemSecret,
        package: &EpochPackage,
    ) -> Result<(), SealError> {
        let epoch = EpochNo(package.epoch);
        if self.by_epoch.contains_key(&epoch) {
            return Ok(());
        }
        let Some(mine) = package.sealed.iter().find(|sealed| sealed.slot == slot) else { return Ok(()) };
        match open_for_slot(chain, epoch, slot, kem, &mine.enc, &mine.ct.0) {
            // Sealed to keys that this slot had before it replaced them.
            Err(SealError::CannotOpen { .. }) if epoch < chain.head().entry().epoch => Ok(()),
            Err(refused) => Err(refused),
            Ok(secret) => self.add(chain, epoch, secret),
        }
    }

    fn open_previous(&mut self, chain: &Chain, package: &EpochPackage) -> Result<(), SealError> {
        let epoch = EpochNo(package.epoch);
        let (Some(secret), Some(sealed)) = (self.by_epoch.get(&epoch), &package.previous) else {
            return Ok(());
        };
        let Some(before) = package.epoch.checked_sub(1).map(EpochNo) else { return Ok(()) };
        if self.by_epoch.contains_key(&before) {
            return Ok(());
        }
        let info = previous_info(self.home, epoch);
        let opened = hpke::open(secret.expose(), &info, &sealed.enc, &sealed.ct.0, HOME_KEY)?;
        self.add(chain, before, EpochSecret::from_opened(&opened)?)
    }
}

fn matches_chain(chain: &Chain, epoch: EpochNo, secret: EpochSecret) -> Result<EpochSecret, SealError> {
    let stated = chain.epoch_key(epoch).ok_or(SealError::UnknownEpoch { epoch })?;
    if secret.public() == stated { Ok(secret) } else { Err(SealError::EpochMismatch { epoch }) }
}

fn slot_info(home: HomeId, epoch: EpochNo, slot: SlotId) -> Vec<u8> {
    [b"ks/epoch/v1", &home.as_bytes()[..], &epoch.0.to_be_bytes(), slot.as_bytes()].concat()
}

fn previous_info(home: HomeId, epoch: EpochNo) -> Vec<u8> {
    [b"ks/epoch-prev/v1", &home.as_bytes()[..], &epoch.0.to_be_bytes()].concat()
}
