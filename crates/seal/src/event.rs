//! An Event's header and what it opens: made and sealed by the agent, verified and opened by the home's people.
//!
//! The content key exists in the agent's memory for one recording and in the header sealed to the home; the agent can't open
//! the Event afterwards. A reader first verifies the header (right home, camera, Event; signed by an agent of the home), then
//! opens the content key and compares its commitment, then opens segments, comparing each identity with what it asked for.

use std::collections::HashSet;

use keepsight_ids::{
    AgentId, B32, B64, CameraId, EpochNo, EventId, HomeId, SegmentKind, SegmentNo, SlotId, UnixMillis,
};
use keepsight_wire::{Sealed, Signed};
use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::content::{Counts, Trailer};
use crate::json::{self, V1};
use crate::primitives::{Aes, hkdf32, same, sha256};
use crate::segment::{IDENTITY_LEN, SegmentIdentity};
use crate::signed::{Label, sign};
use crate::{AgentPlace, Chain, ContentKey, EpochSecrets, KemPublic, KemSecret, SealError, SignSecret, hpke};

const HEADER_LIMIT: usize = 64 * 1024;
const HEADER: &str = "Event header";
const EVENT: &str = "Event";

/// The signed beginning of an Event: what it is, and its content key sealed to those who may open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventHeader {
    /// The format.
    pub v: V1,
    /// Whose.
    pub home: HomeId,
    /// Its camera.
    pub camera: CameraId,
    /// Which.
    pub event: EventId,
    /// The key period that it is sealed to.
    pub epoch: EpochNo,
    /// Who made it.
    pub agent: AgentId,
    /// When its first frame was taken, by the agent's clock.
    pub captured: UnixMillis,
    /// Whether that clock had been set.
    pub clock_known: bool,
    /// [`ContentKey::commitment`].
    pub commitment: B32,
    /// The content key, sealed: to the epoch first, then to guests.
    pub recipients: Vec<Recipient>,
}

/// The content key, sealed to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// To whom.
    pub to: To,
    /// The encapsulated key.
    pub enc: B32,
    /// The ciphertext with its tag.
    pub ct: B64,
}

/// Whom something is sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Everybody who holds the epoch's secret.
    Epoch,
    /// A guest.
    Slot(SlotId),
}

impl Serialize for To {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Epoch => s.serialize_str("epoch"),
            Self::Slot(slot) => slot.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        if text == "epoch" {
            return Ok(Self::Epoch);
        }
        text.parse().map(Self::Slot).map_err(serde::de::Error::custom)
    }
}

/// Which Event a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Of this home,
    pub home: HomeId,
    /// this camera,
    pub camera: CameraId,
    /// this Event.
    pub event: EventId,
}

impl EventHeader {
    /// Reads a header's bytes; neither the signature nor the agent is looked at. The server reads identity and times with this.
    ///
    /// # Errors
    /// [`SealError::TooLarge`], [`SealError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        let header: Self = json::parse(HEADER, HEADER_LIMIT, bytes)?;
        check_recipients(HEADER, &header.recipients)?;
        Ok(header)
    }

    /// That this agent signed it. For the server, which knows the agent from its session.
    ///
    /// # Errors
    /// As [`EventHeader::parse`], [`SealError::BadSignature`], [`SealError::AgentNotListed`] when the header names another agent.
    pub fn signed_by_agent(signed: &Signed, agent: &AgentPlace) -> Result<Self, SealError> {
        let header = Self::parse(&signed.body.0)?;
        if header.agent != agent.agent {
            return Err(SealError::AgentNotListed { agent: header.agent });
        }
        if !agent.signed(Label::EventHeader, signed) {
            return Err(SealError::BadSignature { what: HEADER });
        }
        Ok(header)
    }

    /// Verifies a header for somebody who asked for that Event: it is of what was asked for, and was signed by an agent that the
    /// home's chain lists in any entry of the header's epoch. An agent removed later stays the maker of its earlier Events.
    ///
    /// # Errors
    /// [`SealError::NotWhatWasAskedFor`], [`SealError::UnknownEpoch`], [`SealError::AgentNotListed`],
    /// [`SealError::BadSignature`], and as [`EventHeader::parse`].
    pub fn verify(signed: &Signed, chain: &Chain, asked: &Asked) -> Result<VerifiedHeader, SealError> {
        let header = Self::parse(&signed.body.0)?;
        header.check(asked)?;
        if header.home != chain.home() {
            return Err(SealError::ForeignHome { expected: chain.home(), found: header.home });
        }
        let (epoch, agent) = (header.epoch, header.agent);
        chain.epoch_key(epoch).ok_or(SealError::UnknownEpoch { epoch })?;
        let mut places = chain.agents_of(epoch, agent).peekable();
        places.peek().ok_or(SealError::AgentNotListed { agent })?;
        if !places.any(|place| place.signed(Label::EventHeader, signed)) {
            return Err(SealError::BadSignature { what: HEADER });
        }
        Ok(VerifiedHeader { hash: sha256(&signed.body.0), header })
    }

    fn check(&self, asked: &Asked) -> Result<(), SealError> {
        let what = if self.home != asked.home {
            "home"
        } else if self.camera != asked.camera {
            "camera"
        } else if self.event != asked.event {
            EVENT
        } else {
            return Ok(());
        };
        Err(SealError::NotWhatWasAskedFor { what })
    }

    fn info(&self) -> Vec<u8> {
        info(self.home, self.camera, self.event, self.epoch)
    }
}

fn info(home: HomeId, camera: CameraId, event: EventId, epoch: EpochNo) -> Vec<u8> {
    let ids: [&[u8]; 3] = [home.as_bytes(), camera.as_bytes(), event.as_bytes()];
    [b"ks/event/v1", ids[0], ids[1], ids[2], &epoch.0.to_be_bytes()].concat()
}

/// Exactly one recipient is the epoch, the first; no slot stands twice.
pub(crate) fn check_recipients(what: &'static str, recipients: &[Recipient]) -> Result<(), SealError> {
    let Some((first, guests)) = recipients.split_first() else {
        return Err(SealError::malformed(what, "it is sealed to nobody"));
    };
    let mut seen = HashSet::new();
    let distinct = guests.iter().all(|guest| matches!(guest.to, To::Slot(slot) if seen.insert(slot)));
    if first.to != To::Epoch || !distinct {
        return Err(SealError::malformed(
            what,
            "its recipients are not the epoch first and then each guest once",
        ));
    }
    Ok(())
}

/// A header that belongs to the home, camera and Event asked for and was signed by an agent of that home.
#[derive(Debug, Clone)]
pub struct VerifiedHeader {
    header: EventHeader,
    hash: B32,
}

impl VerifiedHeader {
    /// What it says.
    pub fn header(&self) -> &EventHeader {
        &self.header
    }

    /// Opens the Event with the home's epoch secrets.
    ///
    /// # Errors
    /// [`SealError::EpochNotOpen`], [`SealError::CannotOpen`], [`SealError::Commitment`].
    pub fn open(&self, secrets: &EpochSecrets) -> Result<EventOpener, SealError> {
        if secrets.home() != self.header.home {
            return Err(SealError::ForeignHome { expected: self.header.home, found: secrets.home() });
        }
        self.open_as(To::Epoch, secrets.get(self.header.epoch)?.expose())
    }

    /// Opens the Event as a guest to whose slot it was sealed.
    ///
    /// # Errors
    /// [`SealError::NoRecipient`], [`SealError::CannotOpen`], [`SealError::Commitment`].
    pub fn open_as_guest(&self, slot: SlotId, kem: &KemSecret) -> Result<EventOpener, SealError> {
        self.open_as(To::Slot(slot), kem.expose())
    }

    fn open_as(&self, to: To, secret: &[u8; 32]) -> Result<EventOpener, SealError> {
        let sealed = self.header.recipients.iter().find(|recipient| recipient.to == to);
        let sealed = sealed.ok_or(SealError::NoRecipient { what: EVENT })?;
        let opened = hpke::open(secret, &self.header.info(), &sealed.enc, &sealed.ct.0, EVENT)?;
        let key = ContentKey::from_opened(&opened)?;
        if !same(&key.commitment().0, &self.header.commitment.0) {
            return Err(SealError::Commitment);
        }
        let asked = Asked { home: self.header.home, camera: self.header.camera, event: self.header.event };
        Ok(EventOpener::with_key(asked, self.hash, key))
    }
}

/// Opens one Event's segments.
pub struct EventOpener {
    keys: SegmentKeys,
}

impl std::fmt::Debug for EventOpener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EventOpener({})", self.keys.event.event)
    }
}

impl EventOpener {
    /// The opener of the Event with this key and header, for somebody who kept them.
    pub fn with_key(event: Asked, header_sha256: B32, key: ContentKey) -> Self {
        Self { keys: SegmentKeys::new(event, header_sha256, key) }
    }

    /// The Event's key.
    pub fn content_key(&self) -> &ContentKey {
        &self.keys.content
    }

    /// Opens the segment that was asked for. What the bytes state to be is compared before anything is opened.
    ///
    /// # Errors
    /// [`SealError::Malformed`], [`SealError::NotWhatWasAskedFor`], [`SealError::CannotOpen`].
    pub fn open(&self, kind: SegmentKind, number: SegmentNo, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let asked = self.keys.identity(kind, number);
        SegmentIdentity::of(sealed)?.check(&asked)?;
        let aad = self.keys.aad(&asked);
        let opened = self.keys.aes(kind).open(nonce(number), &aad, &sealed[IDENTITY_LEN..]);
        opened.ok_or(SealError::CannotOpen { what: "segment" })
    }
}

/// Seals one Event's segments: the content key for as long as a recording lasts. Not `Clone`: two of one would seal twice.
pub struct EventSealer {
    keys: SegmentKeys,
    done: HashSet<(SegmentKind, SegmentNo)>,
    counts: Counts,
}

impl std::fmt::Debug for EventSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EventSealer({}, {} segments)", self.keys.event.event, self.done.len())
    }
}

impl EventSealer {
    /// Begins an Event: makes its content key, seals it to the chain's epoch and to the guests of this camera in force at
    /// `captured`, and signs the header. The header is stored and sent as returned; the sealer stays in memory only.
    ///
    /// # Errors
    /// [`SealError::AgentNotListed`] when the chain's highest entry doesn't list the agent with this key: it was removed, and
    /// nothing that it makes would be believed. A guest with an unusable key is left out: it costs them the Event, not the home.
    #[expect(clippy::too_many_arguments, reason = "each is one field of the header")]
    pub fn begin(
        chain: &Chain,
        agent: AgentId,
        key: &SignSecret,
        camera: CameraId,
        event: EventId,
        captured: UnixMillis,
        clock_known: bool,
        rng: &mut impl CryptoRng,
    ) -> Result<(Signed, Self), SealError> {
        let entry = chain.head().entry();
        if entry.agent(agent).is_none_or(|place| place.sign != key.public()) {
            return Err(SealError::AgentNotListed { agent });
        }
        let content = ContentKey::random(rng);
        let seal_to = |to: To, kem: &KemPublic, rng: &mut _| {
            let info = info(entry.home, camera, event, entry.epoch);
            let Sealed { enc, ct } = hpke::seal(kem, &info, content.expose(), rng)?;
            Ok::<_, SealError>(Recipient { to, enc, ct })
        };
        let mut recipients = vec![seal_to(To::Epoch, &entry.epoch_key, rng)?];
        for guest in entry.slots.iter().filter(|slot| slot.is_guest_of(camera, captured)) {
            recipients.extend(seal_to(To::Slot(guest.slot), &guest.kem, rng));
        }
        let header = EventHeader {
            v: V1,
            home: entry.home,
            camera,
            event,
            epoch: entry.epoch,
            agent,
            captured,
            clock_known,
            commitment: content.commitment(),
            recipients,
        };
        let signed = sign(Label::EventHeader, &header, key);
        let keys =
            SegmentKeys::new(Asked { home: entry.home, camera, event }, sha256(&signed.body.0), content);
        Ok((signed, Self { keys, done: HashSet::new(), counts: Counts::default() }))
    }

    /// Seals a segment. The bytes are to be kept and sent again as they are: a (kind, number) is sealed once.
    ///
    /// # Errors
    /// [`SealError::SealedTwice`].
    pub fn seal(&mut self, kind: SegmentKind, number: SegmentNo, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        if !self.done.insert((kind, number)) {
            return Err(SealError::SealedTwice { kind, number });
        }
        self.counts.add(kind);
        let identity = self.keys.identity(kind, number);
        let aad = self.keys.aad(&identity);
        Ok(self.keys.aes(kind).seal(nonce(number), &aad, &identity.to_bytes(), plain))
    }

    /// Seals trailer 0, which counts what was sealed so far. Nothing should follow it.
    ///
    /// # Errors
    /// [`SealError::SealedTwice`].
    pub fn seal_trailer(&mut self) -> Result<Vec<u8>, SealError> {
        let trailer = Trailer::new(self.counts);
        self.seal(SegmentKind::Trailer, SegmentNo(0), &trailer.to_bytes())
    }
}

/// What sealing and opening share: the Event, its header's hash, and a key for each kind, set up when it is first needed.
struct SegmentKeys {
    event: Asked,
    header: B32,
    content: ContentKey,
    by_kind: [std::sync::OnceLock<Aes>; SegmentKind::ALL.len()],
}

impl SegmentKeys {
    fn new(event: Asked, header: B32, content: ContentKey) -> Self {
        Self { event, header, content, by_kind: Default::default() }
    }

    fn identity(&self, kind: SegmentKind, number: SegmentNo) -> SegmentIdentity {
        let Asked { home, camera, event } = self.event;
        SegmentIdentity { home, camera, event, kind, number }
    }

    fn aad(&self, identity: &SegmentIdentity) -> Vec<u8> {
        [&identity.to_bytes()[..], &self.header.0].concat()
    }

    fn aes(&self, kind: SegmentKind) -> &Aes {
        self.by_kind[kind as usize]
            .get_or_init(|| Aes::new(&hkdf32(self.content.expose(), &[b"ks/seg/v1", &[kind as u8]])))
    }
}

/// Each kind has its own key, so that the number alone makes the nonce unique.
fn nonce(number: SegmentNo) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&u64::from(number.0).to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted::Dice;
    use crate::{AccountKeys, Slot, found_home};
    use keepsight_ids::AccountId;

    #[test]
    fn a_guest_with_an_unusable_key_is_left_out_and_the_event_is_recorded() {
        let mut rng = Dice(0);
        let (home, slot, account) =
            (HomeId::from_bytes([1; 16]), SlotId::from_bytes([2; 16]), AccountId::from_bytes([3; 16]));
        let (agent, camera) = (AgentId::from_bytes([4; 16]), CameraId::from_bytes([5; 16]));
        let (keys, key, now) = (AccountKeys::random(&mut rng), SignSecret::random(&mut rng), UnixMillis(7));
        let founded = found_home(home, slot, account, &keys, now, &mut rng).unwrap();
        let chain = founded.chain.head().forced(|entry| {
            entry.agents.push(AgentPlace { agent, sign: key.public() });
            let guest = |n: u8, kem: KemPublic| Slot {
                slot: SlotId::from_bytes([n; 16]),
                account: Some(AccountId::from_bytes([n; 16])),
                cameras: Some(vec![camera]),
                kem,
                ..entry.slots[0].clone()
            };
            let guests =
                [guest(8, KemPublic(B32([0; 32]))), guest(9, KemSecret::from_bytes([9; 32]).public())];
            entry.slots.extend(guests);
        });
        let chain = Chain::begin(chain).unwrap();
        let event = EventId::from_bytes([6; 16]);
        let (signed, _) =
            EventSealer::begin(&chain, agent, &key, camera, event, now, true, &mut rng).unwrap();
        let to: Vec<To> =
            EventHeader::parse(&signed.body.0).unwrap().recipients.iter().map(|r| r.to).collect();
        assert_eq!(to, [To::Epoch, To::Slot(SlotId::from_bytes([9; 16]))]);
    }
}
