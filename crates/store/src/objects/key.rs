//! Where an object lies: under its home, camera and Event, by when it was drawn and 128 random bits.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use keepsight_ids::UnixMillis;
use keepsight_world::World;
use object_store::path::Path;

use crate::StoreError;
use crate::records::Place;

/// An object's name: `{home}/{camera}/{event}/{time}-{random}`, time in 12 and randomness in 32 hexadecimal digits. Nothing is
/// decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey {
    place: Place,
    drawn: UnixMillis,
    random: [u8; 16],
}

impl ObjectKey {
    pub(crate) fn draw(world: &World, place: Place) -> Self {
        let drawn = UnixMillis(world.unix_millis().clamp(0, (1 << 48) - 1));
        Self { place, drawn, random: world.random() }
    }

    /// When it was drawn, by the clock of whoever wrote it.
    pub const fn drawn(&self) -> UnixMillis {
        self.drawn
    }

    pub(crate) const fn place(&self) -> Place {
        self.place
    }

    pub(super) fn folder(&self) -> String {
        format!("{}/{}/{}", self.place.home, self.place.camera, self.place.event)
    }

    pub(super) fn path(&self) -> Path {
        Path::from(self.to_string())
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:012x}-{}", self.folder(), self.drawn.0, HEXLOWER.encode(&self.random))
    }
}

impl FromStr for ObjectKey {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        parse(text).ok_or_else(|| StoreError::Corrupt { what: format!("an object's key: {text}") })
    }
}

fn parse(text: &str) -> Option<ObjectKey> {
    let mut parts = text.split('/');
    let place = Place {
        home: parts.next()?.parse().ok()?,
        camera: parts.next()?.parse().ok()?,
        event: parts.next()?.parse().ok()?,
    };
    let (drawn, random) = parts.next()?.split_once('-')?;
    let drawn = UnixMillis(i64::from_str_radix(drawn, 16).ok()?);
    let random = HEXLOWER.decode(random.as_bytes()).ok()?.try_into().ok()?;
    let key = ObjectKey { place, drawn, random };
    // One text form only: what is not written as we write it is not ours.
    (key.to_string() == text).then_some(key)
}
