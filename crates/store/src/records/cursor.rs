//! A place in the order of Events: by when they are filed, then camera, then Event. Opaque to whoever holds one.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use keepsight_ids::{CameraId, EventId, UnixMillis};
use serde::{Deserialize, Serialize};

/// Where a page ended. It gives no right: the next page is decided anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// When the last Event of the page is filed.
    pub filed: UnixMillis,
    /// Its camera.
    pub camera: CameraId,
    /// Which.
    pub event: EventId,
}

/// A text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a list: take `next` from the page before")]
pub struct ParseCursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&self.filed.0.to_be_bytes());
        bytes[8..24].copy_from_slice(self.camera.as_bytes());
        bytes[24..].copy_from_slice(self.event.as_bytes());
        f.write_str(&BASE64URL_NOPAD.encode(&bytes))
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| ParseCursorError)?;
        let bytes: [u8; 40] = bytes.try_into().map_err(|_| ParseCursorError)?;
        let (filed, ids) = bytes.split_at(8);
        let (camera, event) = ids.split_at(16);
        let id = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).map_err(|_| ParseCursorError);
        Ok(Self {
            filed: UnixMillis(i64::from_be_bytes(filed.try_into().map_err(|_| ParseCursorError)?)),
            camera: CameraId::from_bytes(id(camera)?),
            event: EventId::from_bytes(id(event)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_back_as_it_was(filed: i64, camera: [u8; 16], event: [u8; 16]) {
            let cursor = Cursor {
                filed: UnixMillis(filed),
                camera: CameraId::from_bytes(camera),
                event: EventId::from_bytes(event),
            };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_refused(text in ".{0,80}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }
}
