//! Strict JSON: a document is accepted only when all that it says was understood.
//!
//! Unknown keys, duplicate keys, missing keys (a null stands as null), objects written as arrays, numbers out of range and
//! anything behind the document are refused. What is signed is the bytes, so that nothing here ever encodes a parsed
//! document again to hash it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

use crate::SealError;

/// The largest integer that every JSON implementation reads exactly: 2^53 - 1.
const INTEGER_MOST: u64 = (1 << 53) - 1;

/// Reads a document.
///
/// # Errors
/// [`SealError::TooLarge`] and [`SealError::Malformed`].
pub(crate) fn parse<T>(what: &'static str, limit: usize, bytes: &[u8]) -> Result<T, SealError>
where
    T: DeserializeOwned + Serialize,
{
    if bytes.len() > limit {
        return Err(SealError::TooLarge { what, limit });
    }
    let refuse = |why: serde_json::Error| SealError::malformed(what, why.to_string());
    let understood: T = serde_json::from_slice(bytes).map_err(refuse)?;
    // serde reads a struct from an array, and an absent key as null. Comparing with what was understood finds both.
    let stated: Value = serde_json::from_slice(bytes).map_err(refuse)?;
    let meant = serde_json::to_value(&understood).map_err(refuse)?;
    if !same(&stated, &meant) {
        return Err(SealError::malformed(what, "a key is missing or a value is written in another form"));
    }
    Ok(understood)
}

/// Writes a document that is about to be signed or sealed.
pub(crate) fn write<T: Serialize>(document: &T) -> Vec<u8> {
    serde_json::to_vec(document).expect("documents have no maps with odd keys and no failing parts")
}

fn same(stated: &Value, meant: &Value) -> bool {
    match (stated, meant) {
        (Value::Number(a), Value::Number(b)) => within(a) && (a == b || a.as_f64() == b.as_f64()),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

fn within(number: &Number) -> bool {
    match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => whole <= INTEGER_MOST,
        (None, Some(below)) => below.unsigned_abs() <= INTEGER_MOST,
        (None, None) => number.as_f64().is_some_and(f64::is_finite),
    }
}

/// The `"v":1` of every document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct V1;

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match u64::deserialize(d)? {
            1 => Ok(Self),
            other => Err(serde::de::Error::custom(format_args!("version {other} is not known here"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        v: V1,
        n: u64,
        o: Option<u32>,
    }

    fn read(text: &str) -> Result<(u64, Option<u32>), SealError> {
        parse::<Sample>("sample", 64, text.as_bytes()).map(|s| (s.n, s.o))
    }

    #[test]
    fn a_document_in_any_key_order_and_spacing_is_read() {
        assert_eq!(read(r#"{"v":1,"n":2,"o":null}"#), Ok((2, None)));
        assert_eq!(read(" {\"o\":3,\n\"n\":9007199254740991,\"v\":1} "), Ok(((1 << 53) - 1, Some(3))));
    }

    #[test]
    fn what_is_not_wholly_understood_is_refused() {
        for (text, why) in [
            ("", "empty"),
            (r#"{"v":1,"n":2}"#, "missing key"),
            (r#"{"v":1,"n":2,"o":null,"x":1}"#, "unknown key"),
            (r#"{"v":1,"n":2,"n":2,"o":null}"#, "duplicate key"),
            (r#"{"v":1,"n":2,"o":null,"o":null}"#, "duplicate null"),
            (r#"[1,2,null]"#, "an array for an object"),
            (r#"{"v":2,"n":2,"o":null}"#, "another version"),
            (r#"{"v":1.0,"n":2,"o":null}"#, "a fraction for a version"),
            (r#"{"v":1,"n":2e0,"o":null}"#, "an exponent"),
            (r#"{"v":1,"n":-1,"o":null}"#, "negative"),
            (r#"{"v":1,"n":9007199254740992,"o":null}"#, "beyond 2^53"),
            (r#"{"v":1,"n":2,"o":null} x"#, "something behind"),
            ("\u{feff}{\"v\":1,\"n\":2,\"o\":null}", "a byte order mark"),
        ] {
            assert!(matches!(read(text), Err(SealError::Malformed { .. })), "{why}");
        }
        assert!(parse::<Sample>("sample", 64, b"{\"v\":1,\"n\":2,\"o\":null,\"\xff\":1}").is_err());
        let long = format!("{}{{\"v\":1,\"n\":2,\"o\":null}}", " ".repeat(64));
        assert_eq!(read(&long), Err(SealError::TooLarge { what: "sample", limit: 64 }));
    }
}
