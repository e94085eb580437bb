//! Counted randomness for this crate's own tests: different bytes each time, the same ones in each run.

/// How often it was asked.
pub(crate) struct Dice(pub(crate) u64);

impl rand_core::TryRng for Dice {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.try_next_u64()? as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 += 1;
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&crate::sha256(&self.0.to_be_bytes()).0[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}
