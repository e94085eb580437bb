//! What goes wrong, told twice: to the caller in words that help and reveal nothing, and to the log in full.
//!
//! Every answer that is not a success is made here. The invariant: *not found* has one text, whatever was not found.

use std::borrow::Cow;

use http::StatusCode;
use keepsight_wire::agent::TOO_MANY_EVENTS;

/// The stable codes of the HTTP API and their status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    BadRequest,
    SignInNeeded,
    WrongSignIn,
    NotAllowed,
    BadOrigin,
    NotFound,
    MethodNotAllowed,
    Timeout,
    Conflict,
    Gone,
    TooLarge,
    UnsupportedMedia,
    Lockdown,
    TooMany,
    Internal,
    Unavailable,
    NoSpace,
    HomeFull,
    EventsOfTheDay,
}

impl Code {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::SignInNeeded | Self::WrongSignIn => StatusCode::UNAUTHORIZED,
            Self::NotAllowed | Self::BadOrigin => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Lockdown => StatusCode::LOCKED,
            Self::TooMany | Self::EventsOfTheDay => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoSpace | Self::HomeFull => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::SignInNeeded => "sign_in_needed",
            Self::WrongSignIn => "wrong_sign_in",
            Self::NotAllowed => "not_allowed",
            Self::BadOrigin => "bad_origin",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::TooLarge => "too_large",
            Self::UnsupportedMedia => "unsupported_media",
            Self::Lockdown => "lockdown",
            Self::TooMany => "too_many",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::NoSpace => "no_space",
            Self::HomeFull => "home_full",
            Self::EventsOfTheDay => TOO_MANY_EVENTS,
        }
    }
}

/// A refusal or failure on its way out.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    /// For the caller.
    pub(crate) message: Cow<'static, str>,
    /// For the log only; may name what the caller must not learn of.
    pub(crate) log: Option<String>,
    /// When to come back.
    pub(crate) retry_after_s: Option<u64>,
}

/// What a handler gives back.
pub(crate) type Outcome<T> = Result<T, Fault>;

impl Fault {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), log: None, retry_after_s: None }
    }

    /// There is no such thing, or it is somebody else's: one text for both.
    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here, or it is not yours to see.")
    }

    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    pub(crate) fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Conflict, message)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            Code::TooLarge,
            format!("The request's body is larger than the {limit} bytes allowed here."),
        )
    }

    pub(crate) fn too_many(retry_after_s: u64) -> Self {
        let message = "Too many tries. Wait as long as the Retry-After header says, then try again.";
        Self { retry_after_s: Some(retry_after_s), ..Self::new(Code::TooMany, message) }
    }

    /// Something this depends on does not answer: no answer is better than a wrong one.
    pub(crate) fn unavailable(log: impl ToString) -> Self {
        let message = "The service can't answer this just now. Try again shortly.";
        Self { retry_after_s: Some(1), log: Some(log.to_string()), ..Self::new(Code::Unavailable, message) }
    }

    /// A broken assumption of ours.
    pub(crate) fn internal(log: impl ToString) -> Self {
        let message = "Something is wrong on our side. The request's number is in the server's log.";
        Self { log: Some(log.to_string()), ..Self::new(Code::Internal, message) }
    }

    pub(crate) fn logged(mut self, log: impl ToString) -> Self {
        self.log = Some(log.to_string());
        self
    }

    pub(crate) const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}
