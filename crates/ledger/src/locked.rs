//! What a store has read and nobody may see yet.

use std::fmt;

use keepsight_gate::sabotage::{self, Wall};

use crate::{Identified, Misfiled, Receipt};

/// A value behind the wall: it opens with the receipt of a disclosure of exactly that.
///
/// There is no other way in:
///
/// ```compile_fail,E0616
/// fn peek(locked: keepsight_ledger::Locked<Vec<u8>>) -> Vec<u8> {
///     locked.value
/// }
/// ```
#[must_use]
pub struct Locked<T> {
    value: T,
}

impl<T: Identified> Locked<T> {
    /// Locks what was read.
    pub const fn new(value: T) -> Self {
        Self { value }
    }

    /// Opens it, if every identity that it states is what the receipt is for.
    ///
    /// # Errors
    /// [`Misfiled`]: something else was read than was asked for. The answer is *not found*, and somebody should be woken.
    pub fn open(self, receipt: &Receipt) -> Result<T, Misfiled> {
        if sabotage::is_off(Wall::Identity) {
            return Ok(self.value);
        }
        receipt.suits(T::FOOTAGE)?;
        let mut outcome = Ok(());
        self.value.identities(&mut |stated| {
            if outcome.is_ok() {
                outcome = receipt.compare(&stated);
            }
        });
        outcome.map(|()| self.value)
    }
}

impl<T> fmt::Debug for Locked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Locked")
    }
}

#[cfg(test)]
mod tests;
