//! 128-bit identities: a prefix that names the kind, an underscore, 26 characters of lower-case Crockford base32.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Crockford's alphabet without its look-alike substitutions: an identity has exactly one text form.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    spec.encoding().expect("32 distinct symbols make an encoding")
});

/// Why a text is not an identity of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {article} {kind} id: expected {prefix}_ and 26 characters of 0-9 a-z without i l o u")]
pub struct ParseIdError {
    article: &'static str,
    kind: &'static str,
    prefix: &'static str,
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $article:literal, $kind:literal) => {
        $(#[$doc])*
        ///
        /// Text form: the prefix, `_`, 26 characters of lower-case Crockford base32; binary form: 16 bytes.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What the text form begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The identity with this binary form. New identities are drawn from `world`'s entropy.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The binary form, as it stands in sealed identities and database keys.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, BASE32.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let refuse = ParseIdError { article: $article, kind: $kind, prefix: $prefix };
                let digits = text
                    .strip_prefix(concat!($prefix, "_"))
                    .ok_or_else(|| refuse.clone())?;
                let bytes = BASE32.decode(digits.as_bytes()).map_err(|_| refuse.clone())?;
                Ok(Self(bytes.try_into().map_err(|_| refuse)?))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "_[0-9a-hjkmnp-tv-z]{26}$"),
                })
            }
        }
    };
}

opaque_id!(
    /// A person's account with the deployment.
    AccountId, "acc", "an", "account"
);
opaque_id!(
    /// A home: the people, agents and cameras of one household.
    HomeId, "hom", "a", "home"
);
opaque_id!(
    /// A camera, meaningful together with its home only.
    CameraId, "cam", "a", "camera"
);
opaque_id!(
    /// An agent: the box in a home that watches its cameras.
    AgentId, "agt", "an", "agent"
);
opaque_id!(
    /// An Event, meaningful together with its home and camera only.
    EventId, "evt", "an", "Event"
);
opaque_id!(
    /// A stretch in which a camera recorded nothing, or what it recorded was dropped.
    GapId, "gap", "a", "gap"
);
opaque_id!(
    /// An organisation that runs homes for others.
    OrgId, "org", "an", "organisation"
);
opaque_id!(
    /// A sign-in on one device, or an agent's connection. Not the secret token: that never gets an identity.
    SessionId, "ses", "a", "session"
);
opaque_id!(
    /// A place in a home's chain of members: one person or one open invitation.
    SlotId, "slt", "a", "slot"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_form_round_trips_and_is_unique(bytes: [u8; 16]) {
            let id = HomeId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse::<HomeId>().unwrap(), id);
            prop_assert_eq!(id.to_string().len(), 4 + 26);
            prop_assert!(id.to_string().to_uppercase().parse::<HomeId>().is_err());
        }

        #[test]
        fn any_text_parses_or_is_refused_without_panic(text in ".{0,64}") {
            if let Ok(id) = text.parse::<EventId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn another_kinds_id_is_refused() {
        let home = HomeId::from_bytes([7; 16]).to_string();
        assert!(home.parse::<CameraId>().is_err());
        assert_eq!(
            home.parse::<AccountId>().unwrap_err().to_string(),
            "not an account id: expected acc_ and 26 characters of 0-9 a-z without i l o u"
        );
    }

    #[test]
    fn trailing_bits_that_would_make_a_second_text_form_are_refused() {
        let mut text = HomeId::from_bytes([0; 16]).to_string();
        text.pop();
        text.push('1');
        assert!(text.parse::<HomeId>().is_err());
    }
}
