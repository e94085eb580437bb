//! Bytes inside JSON: base64url without padding, and nothing else is accepted.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of any length, base64url in JSON.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct B64(pub Vec<u8>);

/// Exactly 32 bytes (a hash or a public key), base64url in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct B32(pub [u8; 32]);

/// Why a text is not 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 bytes in base64url without padding (43 characters)")]
pub struct ParseB32Error;

impl FromStr for B32 {
    type Err = ParseB32Error;

    /// Reads the one text form: canonical base64url without padding.
    fn from_str(text: &str) -> Result<Self, ParseB32Error> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| ParseB32Error)?;
        bytes.try_into().map(Self).map_err(|_| ParseB32Error)
    }
}

impl fmt::Display for B64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Display for B32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for B64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "B64({} bytes)", self.0.len())
    }
}

impl fmt::Debug for B32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for B64 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl Serialize for B32 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for B64 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
        bytes.map(Self).map_err(|_| serde::de::Error::custom("not base64url without padding"))
    }
}

impl<'de> Deserialize<'de> for B32 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for B64 {
    fn schema_name() -> Cow<'static, str> {
        "Base64".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]*$" })
    }
}

impl JsonSchema for B32 {
    fn schema_name() -> Cow<'static, str> {
        "Base64Of32Bytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{43}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_text_form() {
        let hash = B32([7; 32]);
        let text = hash.to_string();
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(serde_json::from_str::<B32>(&format!("\"{text}\"")).unwrap(), hash);
        let short = BASE64URL_NOPAD.encode(&[7; 31]);
        let long = BASE64URL_NOPAD.encode(&[7; 33]);
        let stray = format!("{}d", &text[..42]);
        for bad in ["", " ", &text[..42], &short, &long, &stray, &format!("{text}="), &format!(" {text}")] {
            assert_eq!(bad.parse::<B32>(), Err(ParseB32Error), "{bad:?}");
            assert!(serde_json::from_str::<B32>(&format!("\"{bad}\"")).is_err(), "{bad:?}");
        }
    }
}
