//! The homes' chains as this server verified them: each is read once and then only carried on.
//!
//! Not an answer to who may do what (that is the gate's): it serves to refuse entries, names and headers that honest people would
//! refuse too, so that a bad one is never stored. Whoever reads still verifies for themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keepsight_gate::Permit;
use keepsight_ids::HomeId;
use keepsight_seal::Chain;
use keepsight_store::truth::ChainEntryRow;
use keepsight_wire::Signed;

use crate::cloud::Cloud;
use crate::edge::fault::{Fault, Outcome};
use crate::people::rows;

/// How many chains are remembered; beyond it all are forgotten and read again when wanted.
const CHAINS_MAX: usize = 4096;

/// Chains by home.
#[derive(Default)]
pub(crate) struct Chains(Mutex<HashMap<HomeId, Arc<Chain>>>);

impl Chains {
    fn known(&self, home: HomeId) -> Option<Arc<Chain>> {
        self.0.lock().expect("no panic while the chains are held").get(&home).cloned()
    }

    fn remember(&self, chain: &Arc<Chain>) {
        let mut chains = self.0.lock().expect("no panic while the chains are held");
        if chains.len() >= CHAINS_MAX {
            chains.clear();
        }
        chains.insert(chain.home(), chain.clone());
    }

    fn forget(&self, home: HomeId) {
        self.0.lock().expect("no panic while the chains are held").remove(&home);
    }
}

impl Cloud {
    /// The chain of the Permit's home, verified, at least as new as the Permit. Uses the Permit up.
    pub(crate) async fn chain(&self, permit: Permit) -> Outcome<Arc<Chain>> {
        let home = permit.home().ok_or_else(Fault::not_found)?;
        let newest = permit.chain_seq().ok_or_else(Fault::not_found)?;
        // A chain that went back (a restored backup) is read anew from its beginning.
        let known = self.chains.known(home).filter(|chain| chain.head().entry().seq <= newest);
        if let Some(chain) = known.as_ref().filter(|chain| chain.head().entry().seq == newest) {
            return Ok(chain.clone());
        }
        let after = known.as_ref().map(|chain| chain.head().entry().seq);
        let locked = self.truth.chain(&permit, after).await?;
        let receipt = self.plain_receipt(permit)?;
        let entries: Vec<Signed> = self.open(locked, &receipt)?.into_iter().map(entry).collect();
        let chain = match known {
            None => Chain::verify(home, &entries, None),
            Some(known) => {
                let mut chain = (*known).clone();
                chain.extend(&entries).map(|()| chain)
            }
        };
        let chain = chain.map_err(|error| {
            self.chains.forget(home);
            Fault::internal(format!("the stored chain of {home} is not valid: {error}"))
        })?;
        let chain = Arc::new(chain);
        self.chains.remember(&chain);
        Ok(chain)
    }
}

pub(crate) fn entry(row: ChainEntryRow) -> Signed {
    rows::to_signed(row.entry)
}
