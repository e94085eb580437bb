//! What a handler gives back, sealed: only this module turns it into a response.
//!
//! Sealed bytes need the ledger's Receipt to become an answer, so that footage without a record doesn't compile.

use axum::body::{Body, Bytes};
use axum::response::Response;
use data_encoding::BASE32HEX_NOPAD;
use futures_util::Stream;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use keepsight_ledger::Receipt;
use keepsight_wire::{ErrorBody, ErrorInfo};
use keepsight_world::World;
use serde::Serialize;

use super::assets::Asset;
use super::fault::{Fault, Outcome};

/// The name of the cookie that holds a person's session.
pub(crate) const COOKIE: &str = "ks_session";

/// How long a browser keeps the cookie, in seconds. The server's own session decides.
const COOKIE_AGE_S: u32 = 90 * 24 * 3600;

/// A success on its way out.
pub(crate) struct Answer {
    content: Content,
    cookie: Option<CookieChange>,
}

enum Content {
    Nothing,
    Json(Vec<u8>),
    Sealed(Bytes),
    Events(Body),
}

enum CookieChange {
    Set(String),
    Clear,
}

impl Answer {
    /// Done, with nothing to tell: 204.
    pub(crate) const fn done() -> Self {
        Self { content: Content::Nothing, cookie: None }
    }

    /// A JSON document.
    pub(crate) fn json<T: Serialize>(value: &T) -> Outcome<Self> {
        let bytes = serde_json::to_vec(value).map_err(Fault::internal)?;
        Ok(Self { content: Content::Json(bytes), cookie: None })
    }

    /// Sealed bytes, whose disclosure the receipt records.
    pub(crate) const fn sealed(bytes: Bytes, _recorded: &Receipt) -> Self {
        Self { content: Content::Sealed(bytes), cookie: None }
    }

    /// Server-sent events. Whoever makes the stream checks each item as a request arriving then.
    pub(crate) fn events(stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        use futures_util::StreamExt;
        #[expect(clippy::disallowed_methods, reason = "the one place where a stream becomes an answer")]
        let body = Body::from_stream(stream.map(Ok::<_, std::convert::Infallible>));
        Self { content: Content::Events(body), cookie: None }
    }

    /// Signs the browser in: `token` is the secret itself.
    pub(crate) fn signing_in(mut self, token: String) -> Self {
        self.cookie = Some(CookieChange::Set(token));
        self
    }

    /// Signs the browser out.
    pub(crate) fn signing_out(mut self) -> Self {
        self.cookie = Some(CookieChange::Clear);
        self
    }
}

/// A request's number: in each answer and each log line about it.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn draw(world: &World) -> Self {
        Self(BASE32HEX_NOPAD.encode(&world.random::<10>()).to_ascii_lowercase())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What all answers to one request have in common.
pub(crate) struct Frame {
    pub(crate) request: RequestId,
    /// Cookies may say `Secure`.
    pub(crate) secure: bool,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// What the client's pages may load and talk to: this server, and what they decrypt themselves.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; \
     connect-src 'self'; manifest-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// An API answer opened as a page may do nothing at all.
const DATA_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Frame {
    pub(crate) fn success(&self, answer: Answer) -> Response {
        let (status, media_type, body) = match answer.content {
            Content::Nothing => (StatusCode::NO_CONTENT, None, Body::empty()),
            Content::Json(bytes) => (StatusCode::OK, Some("application/json"), Body::from(bytes)),
            Content::Sealed(bytes) => (StatusCode::OK, Some("application/octet-stream"), Body::from(bytes)),
            Content::Events(body) => (StatusCode::OK, Some("text/event-stream"), body),
        };
        let mut response = self.data(status, media_type, body);
        if let Some(change) = answer.cookie {
            let value = self.cookie(&change);
            response.headers_mut().insert(header::SET_COOKIE, value);
        }
        response
    }

    pub(crate) fn failure(&self, fault: &Fault, allow: &[Method]) -> Response {
        let info = ErrorInfo {
            code: fault.code.as_str().to_owned(),
            message: fault.message.clone().into_owned(),
            request: self.request.as_str().to_owned(),
        };
        let body = serde_json::to_vec(&ErrorBody { error: info }).unwrap_or_default();
        let mut response = self.data(fault.code.status(), Some("application/json"), Body::from(body));
        let headers = response.headers_mut();
        if let Some(seconds) = fault.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if !allow.is_empty() {
            let names: Vec<&str> = allow.iter().map(Method::as_str).collect();
            insert(headers, header::ALLOW, &names.join(", "));
        }
        response
    }

    /// A file of the client; 304 when the browser has it.
    pub(crate) fn asset(&self, asset: &Asset, have: Option<&HeaderValue>, head: bool) -> Response {
        let unchanged = have.is_some_and(|have| have.as_bytes() == asset.etag.as_bytes());
        let (status, body) = match (unchanged, head) {
            (true, _) => (StatusCode::NOT_MODIFIED, Body::empty()),
            (false, true) => (StatusCode::OK, Body::empty()),
            (false, false) => (StatusCode::OK, Body::from(asset.bytes.clone())),
        };
        let mut response = self.framed(status, body);
        let headers = response.headers_mut();
        insert(headers, header::CONTENT_TYPE, asset.media_type);
        insert(headers, header::ETAG, &asset.etag);
        insert(headers, header::CACHE_CONTROL, "no-cache");
        insert(headers, header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
        insert(headers, COOP, "same-origin");
        insert(headers, PERMISSIONS, "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
        response
    }

    fn data(&self, status: StatusCode, media_type: Option<&str>, body: Body) -> Response {
        let mut response = self.framed(status, body);
        let headers = response.headers_mut();
        if let Some(media_type) = media_type {
            insert(headers, header::CONTENT_TYPE, media_type);
        }
        insert(headers, header::CACHE_CONTROL, "private, no-store");
        insert(headers, header::CONTENT_SECURITY_POLICY, DATA_POLICY);
        response
    }

    fn framed(&self, status: StatusCode, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        insert(headers, REQUEST_ID, self.request.as_str());
        insert(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        insert(headers, header::REFERRER_POLICY, "no-referrer");
        insert(headers, CORP, "same-origin");
        response
    }

    fn cookie(&self, change: &CookieChange) -> HeaderValue {
        let (token, age) = match change {
            CookieChange::Set(token) => (token.as_str(), COOKIE_AGE_S),
            CookieChange::Clear => ("", 0),
        };
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}");
        let mut value = HeaderValue::from_str(&text).expect("a base64url token makes a header value");
        value.set_sensitive(true);
        value
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Every value here is a constant, base32 or base64url; one that is not is left out rather than sent broken.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
