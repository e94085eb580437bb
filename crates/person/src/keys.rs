//! "I lost a device": other keys for an account, in the account and in all its homes at once.
//!
//! The old keys sign for the new ones and are then good for nothing that is sealed later. A home that can't take part (its operator
//! suspended it, its chain is refused here) keeps the old ones; they are remembered until [`Person::hand_over`] has reached it.

use http::StatusCode;
use keepsight_ids::HomeId;
use keepsight_seal::{AccountKeys, Draft, HandOver, RecoveryCode, Slot, V1, seal_to_slot, sha256};
use keepsight_wire::people::{Account, ChainAppend, ChainHead, HomeHandOver, KeysReplace};

use crate::members::{append_of, extended};
use crate::person::{password_credentials, recovery_credentials};
use crate::{Person, PersonError};

/// Somebody else may change a home at the same moment; so often in a row only when something is wrong.
const TRIES: usize = 4;

/// What replacing one's keys gave.
#[derive(Debug)]
pub struct KeysReplaced {
    /// What they would write down: the code from before is void.
    pub recovery: RecoveryCode,
    /// Homes that still have the old keys.
    pub left: Vec<HomeId>,
}

impl Person {
    /// Replaces this account's keys by new ones, in the account and in every home that opens here: all of that or nothing. An
    /// owner begins a new epoch with it; where they are a member the home becomes due for one. Every other sign-in ends.
    ///
    /// # Errors
    /// [`PersonError::Locked`]; [`PersonError::Refused`], with `conflict` when homes kept changing meanwhile; the connection's, when
    /// it stays unknown whether it was done: then the new password signs in, or the old one does.
    pub async fn replace_keys(&mut self, new_password: &str) -> Result<KeysReplaced, PersonError> {
        let new = AccountKeys::random(&mut self.world.rng());
        let recovery = RecoveryCode::random(&mut self.world.rng());
        let mut tries = TRIES;
        loop {
            let (body, left) = self.hand_overs(&new, new_password, &recovery).await?;
            match self.send_keys(&body).await {
                Ok(account) => {
                    self.take_keys(account, new);
                    return Ok(KeysReplaced { recovery, left });
                }
                Err(error) if error.status() == Some(StatusCode::CONFLICT) && tries > 1 => tries -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts the present keys into a home that still has older ones of this account: for those that were
    /// [left](KeysReplaced::left).
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`], [`PersonError::Seal`].
    pub async fn hand_over(&self, home: HomeId) -> Result<(), PersonError> {
        let change = self.hand_over_of(home, &self.keys()?).await?;
        let _: ChainHead = self.api.post(&format!("/homes/{home}/chain"), &change).await?;
        self.open_home(home).await.map(drop)
    }

    async fn hand_overs(
        &self,
        new: &AccountKeys,
        password: &str,
        recovery: &RecoveryCode,
    ) -> Result<(KeysReplace, Vec<HomeId>), PersonError> {
        let password = password_credentials(&self.world, self.account(), new, password)?;
        let recovery = recovery_credentials(&self.world, self.account(), new, recovery);
        let statement = HandOver {
            v: V1,
            account: self.account(),
            kem: new.kem.public(),
            sign: new.sign.public(),
            password: sha256(&password.login.0),
            recovery: sha256(&recovery.login.0),
        };
        let statement = statement.signed(&self.keys()?.sign);
        let (mut homes, mut left) = (Vec::new(), Vec::new());
        for home in self.homes().await?.into_iter().map(|home| home.home) {
            match self.hand_over_of(home, new).await {
                Ok(change) => homes.push(HomeHandOver { home, change }),
                Err(PersonError::Unreachable(why)) => return Err(PersonError::Unreachable(why)),
                Err(_) => left.push(home),
            }
        }
        Ok((KeysReplace { statement, password, recovery, homes }, left))
    }

    /// The entry that puts `new` into this person's slot, and what goes with it.
    async fn hand_over_of(&self, home: HomeId, new: &AccountKeys) -> Result<ChainAppend, PersonError> {
        let open = self.open_home(home).await?;
        let own = open.own_slot().ok_or(PersonError::NotAMember)?;
        let (old, secret) = (self.keys_in(own)?, open.secrets.get(open.epoch())?);
        let mut draft = Draft::after(open.chain.head(), open.slot);
        draft.replace_own_keys(new);
        if own.is_owner() {
            for slot in self.lapsed(home).await? {
                draft.remove(slot);
            }
            let (secret, package) = draft.rotate(secret, &mut self.world.rng())?;
            let entry = draft.sign(&old.sign)?;
            let next = extended(&open, &entry, Some((entry.entry().epoch, secret)))?;
            let names = self.names_sealed_anew(&open, &next, &new.sign).await?;
            return Ok(ChainAppend { epoch: Some(package), names, ..append_of(&entry) });
        }
        let entry = draft.sign(&old.sign)?;
        let seal = |own: &Slot| {
            let kem = new.kem.public();
            seal_to_slot(home, open.epoch(), own.slot, &kem, secret, &mut self.world.rng())
        };
        let resealed = own.holds_epochs().then(|| seal(own)).transpose()?;
        Ok(ChainAppend { resealed, ..append_of(&entry) })
    }

    /// Sends the keys. When the answer was lost, the account says whether they came.
    async fn send_keys(&self, body: &KeysReplace) -> Result<Account, PersonError> {
        match self.api.put_for("/account/keys", body).await {
            Err(PersonError::Unreachable(why)) => {
                let account: Account = self.api.get("/account").await?;
                let came = account.wrapped == body.password.wrapped;
                if came { Ok(account) } else { Err(PersonError::Unreachable(why)) }
            }
            answered => answered,
        }
    }
}
