//! Queries and bodies: read with limits, parsed strictly, refused with the place of the mistake.
//!
//! Nothing here runs before the gate has said yes.

use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, Limited};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::fault::{Code, Fault, Outcome};

/// What a route's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// None at all.
    Nothing,
    /// A JSON document.
    Json,
    /// Bytes as they are.
    Bytes,
}

impl BodyKind {
    /// Whether there is a body at all.
    pub const fn has_one(self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// What `Content-Type` must say.
    pub(crate) const fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Json => Some("application/json"),
            Self::Bytes => Some("application/octet-stream"),
        }
    }
}

/// A body that a handler takes.
pub(crate) trait Input: Sized + Send + 'static {
    const KIND: BodyKind;
    /// The largest body unless the route says otherwise, in bytes.
    const LIMIT: usize;
    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
    fn parse(bytes: Bytes) -> Outcome<Self>;
}

impl Input for () {
    const KIND: BodyKind = BodyKind::Nothing;
    const LIMIT: usize = 0;

    fn parse(bytes: Bytes) -> Outcome<Self> {
        if bytes.is_empty() { Ok(()) } else { Err(Fault::bad_request("This takes no body.")) }
    }
}

/// A JSON body; unknown keys are refused by its type.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Input for Json<T> {
    const KIND: BodyKind = BodyKind::Json;
    const LIMIT: usize = 16 * 1024;

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }

    fn parse(bytes: Bytes) -> Outcome<Self> {
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| explain("body", &error))?;
        reader.end().map_err(|_| Fault::bad_request("body: something follows after the JSON document"))?;
        Ok(Self(value))
    }
}

impl Input for Bytes {
    const KIND: BodyKind = BodyKind::Bytes;
    const LIMIT: usize = 16 * 1024 * 1024;

    fn parse(bytes: Bytes) -> Outcome<Self> {
        Ok(bytes)
    }
}

/// The part after `?`, as a type that refuses unknown keys.
pub(crate) trait Query: Sized + Send + 'static {
    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
    fn parse(query: Option<&str>) -> Outcome<Self>;
}

impl Query for () {
    fn parse(query: Option<&str>) -> Outcome<Self> {
        match query {
            None | Some("") => Ok(()),
            Some(_) => Err(Fault::bad_request("query: this takes none")),
        }
    }
}

/// A query of named values.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Query for Named<T> {
    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(T::json_schema(generator))
    }

    fn parse(query: Option<&str>) -> Outcome<Self> {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let reader = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| explain("query", &error))
    }
}

fn explain<E: std::error::Error>(part: &str, error: &serde_path_to_error::Error<E>) -> Fault {
    let path = error.path().to_string();
    let place = if path == "." { part.to_owned() } else { format!("{part}: {path}") };
    // The parser's text quotes the request at most, never anything of ours; long quotes help nobody.
    let reason: String = error.inner().to_string().chars().take(300).collect();
    Fault::bad_request(format!("{place}: {reason}"))
}

/// How large a body may be, and how large it says to be; a larger one breaks off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announced {
    pub(crate) limit: usize,
    pub(crate) length: Option<usize>,
}

impl Announced {
    /// The most that can come, in bytes.
    pub(crate) fn most(self) -> usize {
        self.length.unwrap_or(self.limit)
    }
}

/// Reads a whole body within `time`, with no pause longer than `idle`.
pub(crate) async fn read(body: Body, announced: Announced, time: Duration, idle: Duration) -> Outcome<Bytes> {
    let limit = announced.limit;
    // Of its announced size from the beginning: one that grows is in memory twice while it does.
    let room = Vec::with_capacity(announced.length.unwrap_or_default());
    match tokio::time::timeout(time, collect(Limited::new(body, limit), room, idle)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(None)) => Err(Fault::new(Code::Timeout, "The body stopped arriving.")),
        Ok(Err(Some(error))) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Fault::too_large(limit))
        }
        Ok(Err(Some(error))) => {
            Err(Fault::bad_request("The body ended before its announced length.").logged(error))
        }
        Err(_) => Err(Fault::new(Code::Timeout, "The body took too long to arrive.")),
    }
}

/// All of a body; `Err(None)` after a pause longer than `idle`.
async fn collect(
    mut body: Limited<Body>,
    mut bytes: Vec<u8>,
    idle: Duration,
) -> Result<Bytes, Option<BoxError>> {
    loop {
        let Some(frame) = tokio::time::timeout(idle, body.frame()).await.map_err(|_| None)? else {
            return Ok(bytes.into());
        };
        // What is no data is trailers, which nothing here reads.
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepsight_wire::people::{CameraSwitch, SignIn};

    fn refused<T: DeserializeOwned + JsonSchema + Send + 'static>(body: &'static str) -> String {
        let fault = Json::<T>::parse(Bytes::from_static(body.as_bytes())).err().expect("a refusal");
        assert_eq!(fault.code, Code::BadRequest);
        fault.message.into_owned()
    }

    #[test]
    fn a_refusal_names_the_place_and_the_mistake() {
        assert!(refused::<CameraSwitch>(r#"{"on":1}"#).starts_with("body: on: invalid type"));
        assert!(refused::<CameraSwitch>(r#"{"on":true,"of":1}"#).contains("unknown field `of`"));
        assert!(refused::<CameraSwitch>(r#"{"on":true,"on":false}"#).contains("duplicate field"));
        assert!(refused::<CameraSwitch>(r#"{"on":true} x"#).contains("follows after"));
        assert!(
            refused::<SignIn>(r#"{"name":"elm","login":"AAAA"}"#)
                .starts_with("body: login: expected 32 bytes")
        );
        assert!(refused::<CameraSwitch>("").starts_with("body: EOF"));
    }

    #[test]
    fn deep_nesting_is_refused_without_a_stack_overflow() {
        let deep = "[".repeat(15_000);
        assert!(Json::<serde_json::Value>::parse(Bytes::from(deep)).is_err());
    }
}
