//! Homes: founding one, and reading its chain again and again without ever believing less than before.

use std::sync::Arc;

use keepsight_ids::{CameraId, EpochNo, HomeId, SlotId, UnixMillis};
use keepsight_seal::{
    Chain, EpochSecrets, NamedBy, Pin, SealError, SignSecret, Slot, Subject, found_home, make_name, open_name,
};
use keepsight_wire::Signed;
use keepsight_wire::people::{
    self, Agent, Camera, CameraSwitch, Home, HomeSettings, Lockdown, NewHome, NewName, People,
};

use crate::person::Remembered;
use crate::{Person, PersonError};

/// A home whose chain was verified and whose epochs are open.
#[derive(Debug, Clone)]
pub struct OpenHome {
    /// The verified chain.
    pub chain: Chain,
    /// The epoch secrets, back to the first.
    pub secrets: EpochSecrets,
    /// This person's slot.
    pub slot: SlotId,
}

impl OpenHome {
    /// Opens the name of the home or of one of its cameras.
    ///
    /// # Errors
    /// What [`open_name`] refuses.
    pub fn name_of(&self, subject: Subject, name: &Signed) -> Result<String, SealError> {
        open_name(name, &self.chain, subject, &self.secrets)
    }

    /// This person's slot as the highest entry has it.
    pub fn own_slot(&self) -> Option<&Slot> {
        self.chain.head().entry().slot(self.slot)
    }

    /// The epoch that new Events are sealed to.
    pub fn epoch(&self) -> EpochNo {
        self.chain.head().entry().epoch
    }
}

impl Person {
    /// Founds a home and gives back its identity. `time_zone` is an IANA name.
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`], and [`PersonError::Seal`] for a name of a wrong length.
    pub async fn create_home(&self, name: &str, time_zone: &str) -> Result<HomeId, PersonError> {
        let keys = self.keys()?;
        let (home, slot) = (HomeId::from_bytes(self.world.random()), SlotId::from_bytes(self.world.random()));
        let now = self.now();
        let founded = found_home(home, slot, self.account(), &keys, now, &mut self.world.rng())?;
        let (subject, by) = (Subject::Home(home), NamedBy::Slot(slot));
        let name = make_name(&founded.chain, subject, by, &keys.sign, name, now, &mut self.world.rng())?;
        let body = NewHome {
            home,
            genesis: founded.chain.head().signed().clone(),
            epoch: founded.epoch,
            name,
            time_zone: time_zone.to_owned(),
        };
        let _: Home = self.api.post("/homes", &body).await?;
        let mut secrets = EpochSecrets::none(home);
        secrets.add(&founded.chain, EpochNo(1), founded.secret)?;
        self.remember(OpenHome { chain: founded.chain, secrets, slot });
        Ok(home)
    }

    /// The homes that this person belongs to.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn homes(&self) -> Result<Vec<Home>, PersonError> {
        self.api.get("/homes").await
    }

    /// One home.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn home(&self, home: HomeId) -> Result<Home, PersonError> {
        self.api.get(&format!("/homes/{home}")).await
    }

    /// Reads the home's chain and epochs from the server and verifies them against what is remembered.
    ///
    /// # Errors
    /// [`PersonError::Seal`] for whatever the chain's rules or the pin refuse, [`PersonError::NotAMember`],
    /// [`PersonError::Locked`], [`PersonError::Refused`].
    pub async fn open_home(&self, home: HomeId) -> Result<Arc<OpenHome>, PersonError> {
        self.keys()?;
        let shown: people::Chain = self.api.get(&format!("/homes/{home}/chain")).await?;
        let chain = Chain::verify(home, &shown.entries, self.pin(home).as_ref())?;
        // Remembered before anything else can fail: what was seen once is not forgotten.
        self.raise_pin(chain.pin());
        let own = chain.head().entry().slot_of(self.account()).ok_or(PersonError::NotAMember)?;
        let (slot, keys) = (own.slot, self.keys_in(own)?);
        let secrets = EpochSecrets::open(&chain, slot, &keys.kem, &shown.epochs)?;
        Ok(self.remember(OpenHome { chain, secrets, slot }))
    }

    /// The home as it was opened last, or opened now.
    ///
    /// # Errors
    /// As [`Person::open_home`].
    pub async fn known_home(&self, home: HomeId) -> Result<Arc<OpenHome>, PersonError> {
        let known = self.memory().get(&home).and_then(|known| known.open.clone());
        match known {
            Some(open) => Ok(open),
            None => self.open_home(home).await,
        }
    }

    /// What is remembered of a home.
    pub fn pin(&self, home: HomeId) -> Option<Pin> {
        self.memory().get(&home).map(|known| known.pin)
    }

    /// The home's name, opened.
    ///
    /// # Errors
    /// As [`Person::open_home`].
    pub async fn home_name(&self, home: HomeId) -> Result<String, PersonError> {
        let shown = self.home(home).await?;
        let open = self.open_home(home).await?;
        Ok(open.name_of(Subject::Home(home), &shown.name)?)
    }

    /// Renames the home.
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`], [`PersonError::Seal`].
    pub async fn rename_home(&self, home: HomeId, name: &str) -> Result<(), PersonError> {
        let name = self.sealed_name(&*self.open_home(home).await?, Subject::Home(home), name)?;
        self.api.put(&format!("/homes/{home}/name"), &NewName { name }).await
    }

    /// Renames a camera.
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`], [`PersonError::Seal`].
    pub async fn rename_camera(&self, home: HomeId, camera: CameraId, name: &str) -> Result<(), PersonError> {
        let name = self.sealed_name(&*self.open_home(home).await?, Subject::Camera(camera), name)?;
        self.api.put(&format!("/homes/{home}/cameras/{camera}/name"), &NewName { name }).await
    }

    /// Changes time zone and retention.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn change_settings(&self, home: HomeId, settings: &HomeSettings) -> Result<(), PersonError> {
        self.api.put(&format!("/homes/{home}/settings"), settings).await
    }

    /// Stops viewing for everybody of the home, or lets it begin again.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn set_lockdown(&self, home: HomeId, on: bool) -> Result<(), PersonError> {
        self.api.put(&format!("/homes/{home}/lockdown"), &Lockdown { on }).await
    }

    /// The home's people and open invitations.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn people(&self, home: HomeId) -> Result<People, PersonError> {
        self.api.get(&format!("/homes/{home}/people")).await
    }

    /// The home's agents.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn agents(&self, home: HomeId) -> Result<Vec<Agent>, PersonError> {
        self.api.get(&format!("/homes/{home}/agents")).await
    }

    /// The home's cameras.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn cameras(&self, home: HomeId) -> Result<Vec<Camera>, PersonError> {
        self.api.get(&format!("/homes/{home}/cameras")).await
    }

    /// Switches a camera off or on.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn switch_camera(&self, home: HomeId, camera: CameraId, on: bool) -> Result<(), PersonError> {
        self.api.put(&format!("/homes/{home}/cameras/{camera}/switch"), &CameraSwitch { on }).await
    }

    pub(crate) fn sealed_name(
        &self,
        open: &OpenHome,
        subject: Subject,
        name: &str,
    ) -> Result<Signed, PersonError> {
        self.name_signed_by(open, subject, name, &self.keys()?.sign)
    }

    pub(crate) fn name_signed_by(
        &self,
        open: &OpenHome,
        subject: Subject,
        name: &str,
        key: &SignSecret,
    ) -> Result<Signed, PersonError> {
        let by = NamedBy::Slot(open.slot);
        Ok(make_name(&open.chain, subject, by, key, name, self.now(), &mut self.world.rng())?)
    }

    pub(crate) fn now(&self) -> UnixMillis {
        UnixMillis(self.world.unix_millis())
    }

    /// Keeps an opened home, unless a higher one came in the meantime.
    pub(crate) fn remember(&self, open: OpenHome) -> Arc<OpenHome> {
        let open = Arc::new(open);
        self.raise_pin(open.chain.pin());
        if let Some(known) = self.memory().get_mut(&open.chain.home())
            && known.pin.seq == open.chain.pin().seq
        {
            known.open = Some(open.clone());
        }
        open
    }

    /// Remembers the higher of two views of a home; two tasks may have read it at the same time.
    pub(crate) fn raise_pin(&self, pin: Pin) {
        let mut memory = self.memory();
        let known = memory.entry(pin.home).or_insert(Remembered { pin, open: None });
        if pin.seq > known.pin.seq {
            *known = Remembered { pin, open: None };
        }
    }
}
