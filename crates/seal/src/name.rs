//! The sealed name of a home or camera: signed by an owner or by the agent that added the camera, readable by the home's people.

use keepsight_ids::{AgentId, CameraId, EpochNo, HomeId, SlotId, UnixMillis};
use keepsight_wire::{Sealed, Signed};
use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{Recipient, To, check_recipients};
use crate::json::{self, V1};
use crate::signed::{self, Label};
use crate::{Chain, EpochSecrets, KemPublic, SealError, SignSecret, hpke};

const LIMIT: usize = 64 * 1024;
const NAME: &str = "name";
/// The longest name, in characters.
const CHARACTERS: usize = 64;

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The home itself.
    Home(HomeId),
    /// One of its cameras.
    Camera(CameraId),
}

/// Who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// An owner.
    Slot(SlotId),
    /// The agent that added the camera.
    Agent(AgentId),
}

macro_rules! one_of {
    ($name:ident: $($variant:ident($id:ty)),*) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(id) => id.serialize(s)),* }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                $(if let Ok(id) = text.parse() {
                    return Ok(Self::$variant(id));
                })*
                Err(serde::de::Error::custom("an identity of another kind"))
            }
        }
    };
}

one_of!(Subject: Home(HomeId), Camera(CameraId));
one_of!(NamedBy: Slot(SlotId), Agent(AgentId));

/// A sealed name, as it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedName {
    /// The format.
    pub v: V1,
    /// Whose home.
    pub home: HomeId,
    /// What is named.
    pub subject: Subject,
    /// The key period that it is sealed to.
    pub epoch: EpochNo,
    /// Who gave it.
    pub by: NamedBy,
    /// The name, sealed: to the epoch first, then to the camera's guests.
    pub recipients: Vec<Recipient>,
}

impl SealedName {
    /// Reads a name's bytes; neither the signature nor its author is looked at.
    ///
    /// # Errors
    /// [`SealError::TooLarge`], [`SealError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        let name: Self = json::parse(NAME, LIMIT, bytes)?;
        check_recipients(NAME, &name.recipients)?;
        if matches!(name.subject, Subject::Home(home) if home != name.home) {
            return Err(SealError::malformed(NAME, "it names another home than its own"));
        }
        Ok(name)
    }

    /// Verifies a name's author against the chain: an owner or (for a camera) an agent that any entry of the name's epoch lists.
    ///
    /// # Errors
    /// [`SealError::NotWhatWasAskedFor`], [`SealError::ForeignHome`], [`SealError::UnknownEpoch`],
    /// [`SealError::AuthorNotListed`], [`SealError::BadSignature`], and as [`SealedName::parse`].
    pub fn verify(signed: &Signed, chain: &Chain, subject: Subject) -> Result<Self, SealError> {
        let name = Self::parse(&signed.body.0)?;
        if name.home != chain.home() {
            return Err(SealError::ForeignHome { expected: chain.home(), found: name.home });
        }
        if name.subject != subject {
            return Err(SealError::NotWhatWasAskedFor { what: NAME });
        }
        chain.epoch_key(name.epoch).ok_or(SealError::UnknownEpoch { epoch: name.epoch })?;
        let keys = name.author_keys(chain);
        if keys.is_empty() {
            return Err(SealError::AuthorNotListed);
        }
        if !keys.iter().any(|key| signed::signed_by(Label::Name, signed, key)) {
            return Err(SealError::BadSignature { what: NAME });
        }
        Ok(name)
    }

    fn author_keys(&self, chain: &Chain) -> Vec<crate::SignPublic> {
        match self.by {
            NamedBy::Slot(slot) => {
                let owners = chain.of_epoch(self.epoch).filter_map(|entry| entry.slot(slot));
                owners.filter(|slot| slot.is_owner()).map(|slot| slot.sign).collect()
            }
            // An agent adds cameras; it has no say about the home's own name.
            NamedBy::Agent(_) if matches!(self.subject, Subject::Home(_)) => Vec::new(),
            NamedBy::Agent(agent) => chain.agents_of(self.epoch, agent).map(|place| place.sign).collect(),
        }
    }
}

/// Seals and signs a name of 1 to 64 characters to the chain's epoch, and to the camera's guests in force `now`.
///
/// # Errors
/// [`SealError::Malformed`] for a name of another length; [`SealError::BadKey`].
pub fn make_name(
    chain: &Chain,
    subject: Subject,
    by: NamedBy,
    key: &SignSecret,
    text: &str,
    now: UnixMillis,
    rng: &mut impl CryptoRng,
) -> Result<Signed, SealError> {
    check_text(text)?;
    let entry = chain.head().entry();
    let info = info(entry.home, subject, entry.epoch);
    let seal_to = |to: To, kem: &KemPublic, rng: &mut _| {
        let Sealed { enc, ct } = hpke::seal(kem, &info, text.as_bytes(), rng)?;
        Ok::<_, SealError>(Recipient { to, enc, ct })
    };
    let mut recipients = vec![seal_to(To::Epoch, &entry.epoch_key, rng)?];
    if let Subject::Camera(camera) = subject {
        for guest in entry.slots.iter().filter(|slot| slot.is_guest_of(camera, now)) {
            recipients.push(seal_to(To::Slot(guest.slot), &guest.kem, rng)?);
        }
    }
    let name = SealedName { v: V1, home: entry.home, subject, epoch: entry.epoch, by, recipients };
    Ok(signed::sign(Label::Name, &name, key))
}

/// Verifies a name and opens it with the home's epoch secrets.
///
/// # Errors
/// As [`SealedName::verify`]; [`SealError::EpochNotOpen`], [`SealError::CannotOpen`].
pub fn open_name(
    signed: &Signed,
    chain: &Chain,
    subject: Subject,
    secrets: &EpochSecrets,
) -> Result<String, SealError> {
    let name = SealedName::verify(signed, chain, subject)?;
    let secret = secrets.get(name.epoch)?;
    let sealed = &name.recipients[0];
    let info = info(name.home, subject, name.epoch);
    let opened = hpke::open(secret.expose(), &info, &sealed.enc, &sealed.ct.0, NAME)?;
    let text = std::str::from_utf8(&opened).map_err(|_| SealError::malformed(NAME, "it is not UTF-8"))?;
    check_text(text)?;
    Ok(text.to_owned())
}

fn check_text(text: &str) -> Result<(), SealError> {
    if (1..=CHARACTERS).contains(&text.chars().count()) {
        return Ok(());
    }
    Err(SealError::malformed(NAME, "a name has 1 to 64 characters"))
}

fn info(home: HomeId, subject: Subject, epoch: EpochNo) -> Vec<u8> {
    let subject = match &subject {
        Subject::Home(home) => home.as_bytes(),
        Subject::Camera(camera) => camera.as_bytes(),
    };
    [b"ks/name/v1", &home.as_bytes()[..], subject, &epoch.0.to_be_bytes()].concat()
}
