//! Where a camera's pictures come from.
//!
//! An address and its credentials are kept apart from the first moment: no type that can be printed holds a password.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::{CameraError, DemoScene, Mask};

/// A camera to watch.
#[derive(Debug, Clone)]
pub enum CameraSource {
    /// A real camera, by RTSP over TCP.
    Rtsp(RtspSource),
    /// A built-in camera whose pictures are drawn here.
    Demo(DemoScene),
}

impl CameraSource {
    /// Parts of the picture in which something moves all the time by nature of the source.
    pub(crate) fn own_masks(&self) -> Vec<Mask> {
        match self {
            Self::Rtsp(_) => Vec::new(),
            Self::Demo(scene) => scene.masks(),
        }
    }
}

/// A real camera's streams and the login for both.
#[derive(Debug, Clone)]
pub struct RtspSource {
    /// The stream that is recorded.
    pub main: RtspUrl,
    /// A small stream that is looked at for motion; without one the main stream is.
    pub sub: Option<RtspUrl>,
    /// User name and password, for Basic or Digest.
    pub login: Option<Login>,
}

/// The address of a camera stream, without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RtspUrl(Url);

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name at the camera.
    pub user: String,
    /// The user's password at the camera.
    pub password: Password,
}

/// A password: never printed, wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// This text as a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for storing it where only the agent reads it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl RtspUrl {
    /// The address in a text that may carry `user:password@`, and that login.
    ///
    /// # Errors
    /// [`CameraError::Address`] if the text is no address of a camera stream. The error never repeats the text.
    pub fn with_login(text: &str) -> Result<(Self, Option<Login>), CameraError> {
        if text.len() > 2048 {
            return Err(CameraError::Address("it is too long"));
        }
        let mut url = Url::parse(text.trim()).map_err(|_| CameraError::Address("it can't be read"))?;
        if url.scheme() != "rtsp" {
            return Err(CameraError::Address("it does not begin with rtsp://"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(CameraError::Address("it names no host"));
        }
        let login = take_login(&mut url);
        Ok((Self(url), login))
    }

    /// The host, as it stands in the address.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port, 554 unless the address names one.
    pub fn port(&self) -> u16 {
        self.0.port().unwrap_or(554)
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

fn take_login(url: &mut Url) -> Option<Login> {
    let user = percent_decode(url.username());
    let password = url.password().map(percent_decode).unwrap_or_default();
    let given = !user.is_empty() || url.password().is_some();
    // Both only fail for addresses without a host, which were refused above.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    given.then(|| Login { user, password: Password::new(password) })
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = if first == b'%' { after.get(..2).and_then(hex_byte) } else { None };
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_byte(two: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(two[0])? * 16 + digit(two[1])?).ok()
}

impl FromStr for RtspUrl {
    type Err = CameraError;

    /// # Errors
    /// [`CameraError::Address`], also for an address that carries credentials: those go into a [`Login`].
    fn from_str(text: &str) -> Result<Self, CameraError> {
        match Self::with_login(text)? {
            (url, None) => Ok(url),
            (_, Some(_)) => Err(CameraError::Address("it carries a user name or password")),
        }
    }
}

impl TryFrom<String> for RtspUrl {
    type Error = CameraError;

    fn try_from(text: String) -> Result<Self, CameraError> {
        text.parse()
    }
}

impl From<RtspUrl> for String {
    fn from(url: RtspUrl) -> String {
        url.to_string()
    }
}

impl fmt::Display for RtspUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn credentials_in_an_address_are_taken_out_of_it() {
        let (url, login) = RtspUrl::with_login("rtsp://elm:p%40ss%3aword@192.0.2.7:8554/main?x=1").unwrap();
        assert_eq!(url.to_string(), "rtsp://192.0.2.7:8554/main?x=1");
        let login = login.unwrap();
        assert_eq!((login.user.as_str(), login.password.expose()), ("elm", "p@ss:word"));
        let source = RtspSource { main: url, sub: None, login: Some(login) };
        let printed = format!("{source:?}");
        assert!(!printed.contains("p@ss") && !printed.contains("elm"), "{printed}");
    }

    #[test]
    fn what_is_no_camera_address_is_refused_without_repeating_it() {
        for text in
            ["", "elm:secret@", "http://elm:secret@192.0.2.7/", "rtsp:///secret", "rtsp://elm:secret@"]
        {
            let error = RtspUrl::with_login(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!("rtsp://elm:secret@192.0.2.7/".parse::<RtspUrl>().is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_an_address_that_still_holds_credentials(text in "(rtsp://)?[a-z:@/%0-9\\[\\].]{0,40}") {
            if let Ok((url, _)) = RtspUrl::with_login(&text) {
                prop_assert!(url.url().username().is_empty() && url.url().password().is_none());
            }
        }
    }
}
