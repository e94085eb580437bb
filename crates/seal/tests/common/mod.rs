//! A home that grows in tests, and counted randomness.
#![allow(dead_code, reason = "each test binary uses its own part")]

use keepsight_ids::{AccountId, AgentId, CameraId, EventId, HomeId, SlotId, UnixMillis};
use keepsight_seal::*;
use keepsight_wire::people::Right;
use keepsight_wire::{EpochPackage, Signed};

/// Counted, so that a failing test fails again.
pub struct Dice(pub u64);

impl rand_core::TryRng for Dice {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.try_next_u64()? as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut eight = [0; 8];
        self.try_fill_bytes(&mut eight)?;
        Ok(u64::from_be_bytes(eight))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&sha256(&self.0.to_be_bytes()).0[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}

pub const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
pub const HOME: HomeId = HomeId::from_bytes([1; 16]);
pub const ELM: SlotId = SlotId::from_bytes([2; 16]);
pub const PORCH: AgentId = AgentId::from_bytes([3; 16]);
pub const HALL: CameraId = CameraId::from_bytes([4; 16]);
pub const FIRST: EventId = EventId::from_bytes([5; 16]);
pub const ASKED: Asked = Asked { home: HOME, camera: HALL, event: FIRST };

pub struct Member {
    pub slot: SlotId,
    pub keys: AccountKeys,
}

/// A home with its owner's view of it.
pub struct Home {
    pub rng: Dice,
    pub owner: AccountKeys,
    pub porch: SignSecret,
    pub chain: Chain,
    pub packages: Vec<EpochPackage>,
    pub secret: EpochSecret,
}

impl Home {
    /// Founded, with one agent.
    pub fn new(seed: u64) -> Self {
        let mut rng = Dice(seed << 32);
        let owner = AccountKeys::random(&mut rng);
        let porch = SignSecret::random(&mut rng);
        let founded = found_home(HOME, ELM, AccountId::from_bytes([9; 16]), &owner, NOW, &mut rng).unwrap();
        let mut home = Self {
            rng,
            owner,
            porch,
            chain: founded.chain,
            packages: vec![founded.epoch],
            secret: founded.secret,
        };
        home.by_owner(|draft, porch| {
            draft.add_agent(PORCH, porch);
        });
        home
    }

    pub fn by_owner(&mut self, change: impl FnOnce(&mut Draft<'_>, SignPublic)) {
        let mut draft = Draft::after(self.chain.head(), ELM);
        change(&mut draft, self.porch.public());
        let entry = draft.sign(&self.owner.sign).unwrap();
        self.push(&entry);
    }

    pub fn join(&mut self, name: u8, rights: &[Right]) -> Member {
        let slot = SlotId::from_bytes([name; 16]);
        let invitation = Invitation::random(HOME, slot, self.chain.pin().genesis, &mut self.rng);
        self.by_owner(|draft, _| {
            draft.add(Slot::pending(&invitation, rights, NOW));
        });
        invitation.is_in(&self.chain).unwrap();
        let keys = AccountKeys::random(&mut self.rng);
        let mut draft = Draft::after(self.chain.head(), slot);
        let joined = draft.accept(AccountId::from_bytes([name; 16]), &keys).sign(&invitation.sign()).unwrap();
        self.push(&joined);
        let sealed =
            seal_to_slot(HOME, self.epoch(), slot, &keys.kem.public(), &self.secret, &mut self.rng).unwrap();
        let newest = self.packages.last_mut().unwrap();
        newest.sealed.push(keepsight_wire::SealedToSlot { slot, enc: sealed.enc, ct: sealed.ct });
        Member { slot, keys }
    }

    pub fn remove(&mut self, slot: SlotId) {
        let mut draft = Draft::after(self.chain.head(), ELM);
        let (secret, package) = draft.remove(slot).rotate(&self.secret, &mut self.rng).unwrap();
        let entry = draft.sign(&self.owner.sign).unwrap();
        check_package(entry.entry(), &package).unwrap();
        self.push(&entry);
        self.packages.push(package);
        self.secret = secret;
    }

    fn push(&mut self, entry: &VerifiedEntry) {
        self.chain.extend(std::slice::from_ref(entry.signed())).unwrap();
    }

    pub fn epoch(&self) -> keepsight_ids::EpochNo {
        self.chain.head().entry().epoch
    }

    pub fn signed(&self) -> Vec<Signed> {
        self.chain.entries().iter().map(|entry| entry.signed().clone()).collect()
    }

    pub fn secrets_of(&self, member: &Member) -> Result<EpochSecrets, SealError> {
        EpochSecrets::open(&self.chain, member.slot, &member.keys.kem, &self.packages)
    }

    pub fn secrets(&self) -> EpochSecrets {
        EpochSecrets::open(&self.chain, ELM, &self.owner.kem, &self.packages).unwrap()
    }

    pub fn record(&mut self) -> (Signed, EventSealer) {
        let (key, rng) = (self.porch.clone(), &mut self.rng);
        EventSealer::begin(&self.chain, PORCH, &key, HALL, FIRST, NOW, true, rng).unwrap()
    }
}
