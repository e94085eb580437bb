//! How a value becomes bytes and a value again. A codec sees only payloads that were already found to be of the right key.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Turns values into bytes and back.
pub trait Codec<V>: Send + Sync + 'static {
    /// The value's bytes.
    ///
    /// # Errors
    /// The value has no form in this codec; it is then given to the caller and not stored.
    fn encode(value: &V) -> Result<Vec<u8>, CodecError>;

    /// The value of these bytes.
    ///
    /// # Errors
    /// The bytes are not of this codec or version; the value is then loaded anew.
    fn decode(payload: &[u8]) -> Result<V, CodecError>;
}

/// Why a value could not be encoded or decoded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(String);

impl CodecError {
    /// For the log; it should not contain the value.
    pub fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// JSON, by serde: readable with `redis-cli` at level `bound`.
#[derive(Debug)]
pub struct Json;

impl<V: Serialize + DeserializeOwned> Codec<V> for Json {
    fn encode(value: &V) -> Result<Vec<u8>, CodecError> {
        serde_json::to_vec(value).map_err(CodecError::new)
    }

    fn decode(payload: &[u8]) -> Result<V, CodecError> {
        serde_json::from_slice(payload).map_err(CodecError::new)
    }
}

/// Postcard, by serde: compact and fast. Change the type's version whenever its fields change.
#[derive(Debug)]
pub struct Postcard;

impl<V: Serialize + DeserializeOwned> Codec<V> for Postcard {
    fn encode(value: &V) -> Result<Vec<u8>, CodecError> {
        postcard::to_allocvec(value).map_err(CodecError::new)
    }

    fn decode(payload: &[u8]) -> Result<V, CodecError> {
        postcard::from_bytes(payload).map_err(CodecError::new)
    }
}

/// The bytes themselves.
#[derive(Debug)]
pub struct Raw;

impl Codec<Bytes> for Raw {
    fn encode(value: &Bytes) -> Result<Vec<u8>, CodecError> {
        Ok(value.to_vec())
    }

    fn decode(payload: &[u8]) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(payload))
    }
}
