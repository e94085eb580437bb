//! Why a camera could not be watched, in words for the person who owns it.
//!
//! No variant carries an address with credentials, a user name or a password: these texts end up in logs and on screens.

use std::time::Duration;

/// What went wrong between here and a camera.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CameraError {
    /// The address is not one of a camera stream.
    #[error("not a camera address: {0}. Expected rtsp://HOST[:PORT]/PATH")]
    Address(&'static str),
    /// Nothing answered, or the connection was refused.
    #[error("the camera does not answer: {0}")]
    NoAnswer(String),
    /// The camera answered, but not within the time allowed.
    #[error("the camera did not answer within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// The camera wants a user name and a password, or others than those it was given.
    #[error("the camera refused the user name or password")]
    LoginRefused,
    /// The camera knows no stream under this path.
    #[error("the camera has no stream at this path")]
    NoSuchStream,
    /// The camera offers no video at this address.
    #[error("the camera offers no video at this address")]
    NoVideo,
    /// The camera's video is in a form that can't be recorded.
    #[error("the camera sends {codec} video; choose H.264 in the camera's settings")]
    Unsupported {
        /// The encoding as the camera names it, in upper case.
        codec: String,
    },
    /// The picture is larger than is accepted.
    #[error("the picture of {width}x{height} is larger than is accepted")]
    TooLarge {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// The connection stands, but no picture has come for this long.
    #[error("the camera is connected but has sent no picture for {} s", .0.as_secs())]
    Stalled(Duration),
    /// The camera closed the connection.
    #[error("the camera closed the connection")]
    Closed,
    /// The camera sent something that is not understood.
    #[error("the camera sent something that is not understood: {0}")]
    Protocol(String),
    /// The built-in decoder or encoder failed.
    #[error("pictures could not be coded: {0}")]
    Codec(String),
}
