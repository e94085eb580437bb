//! The web client, embedded in the binary, and the headers that keep it inside its fence.
//!
//! Knows nothing of homes. Every path that is no file and no API answers the page itself, whose script reads the address.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use data_encoding::BASE64URL_NOPAD;
use include_dir::{Dir, include_dir};

static WEB: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../web");

/// What is beside the client in its folder but is no part of it: tests and the tools' files.
const NOT_SERVED: [&str; 4] = ["tests/", "node_modules/", "types/", "."];

/// One file of the client.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) bytes: Bytes,
    pub(crate) media_type: &'static str,
    /// A strong validator: the hash of the bytes, in quotes.
    pub(crate) etag: String,
}

static ASSETS: LazyLock<HashMap<&'static str, Asset>> = LazyLock::new(|| {
    let mut assets = HashMap::new();
    collect(&WEB, &mut assets);
    assets
});

/// The answer to `GET path`: the file, or the page for an address inside the client. `None` for a file that does not exist.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    let name = path.trim_start_matches('/');
    if let Some(asset) = ASSETS.get(name) {
        return Some(asset);
    }
    // An address of the client has no dot in its last step; a missing script must not be answered with the page.
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains('.') { None } else { ASSETS.get("index.html") }
}

/// Whether the client has exactly this file.
pub(crate) fn is_file(path: &str) -> bool {
    ASSETS.contains_key(path.trim_start_matches('/'))
}

fn collect(folder: &'static Dir<'static>, assets: &mut HashMap<&'static str, Asset>) {
    for file in folder.files() {
        let Some(path) = file.path().to_str() else { continue };
        let Some(media_type) = media_type(path) else { continue };
        if NOT_SERVED.iter().any(|prefix| path.starts_with(prefix)) {
            continue;
        }
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, file.contents());
        let etag = format!("\"{}\"", BASE64URL_NOPAD.encode(&hash.as_ref()[..18]));
        assets.insert(path, Asset { bytes: Bytes::from_static(file.contents()), media_type, etag });
    }
    folder.dirs().for_each(|inner| collect(inner, assets));
}

/// Only what a browser needs is served at all.
fn media_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_inside_the_client_answers_the_page_and_a_missing_file_does_not() {
        if ASSETS.contains_key("index.html") {
            assert_eq!(find("/").map(|asset| asset.media_type), Some("text/html; charset=utf-8"));
            assert!(find("/events/evt_0").is_some());
        }
        assert!(find("/missing.js").is_none());
        assert!(find("/../Cargo.toml").is_none());
    }

    #[test]
    fn tests_and_tools_files_are_not_served() {
        for path in ASSETS.keys() {
            assert!(
                !path.starts_with("tests/") && !path.ends_with(".json") && !path.ends_with(".ts"),
                "{path}"
            );
        }
    }
}
