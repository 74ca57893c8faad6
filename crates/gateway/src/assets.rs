//! The page's own files, built into the program. Their names carry a hash of
//! their content, so that browsers may keep them for ever.

use std::{collections::HashMap, sync::LazyLock};

use bytes::Bytes;
use http::HeaderValue;
use ring::digest;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/web.rs"));
}

/// The page: the same for every link, so it holds no token and no agent.
pub(crate) fn index() -> Bytes {
    Bytes::from_static(embedded::INDEX)
}

/// One file below `/s/assets/`.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) content: Bytes,
    pub(crate) content_type: HeaderValue,
    /// A strong validator (RFC 9110, section 8.8.3): a digest of the content.
    pub(crate) etag: HeaderValue,
}

static ASSETS: LazyLock<HashMap<&'static str, Asset>> = LazyLock::new(|| {
    embedded::FILES.iter().map(|(name, content)| (*name, Asset::new(name, content))).collect()
});

/// The file with that name, if the page has it.
pub(crate) fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.get(name)
}

impl Asset {
    fn new(name: &str, content: &'static [u8]) -> Self {
        let digest = hex::encode(&digest::digest(&digest::SHA256, content).as_ref()[..16]);
        let etag = HeaderValue::from_str(&format!("\"{digest}\""));
        Self {
            content: Bytes::from_static(content),
            content_type: HeaderValue::from_static(content_type(name)),
            etag: etag.unwrap_or(HeaderValue::from_static("\"-\"")),
        }
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("ico") => "image/x-icon",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_asks_for_nothing_that_is_not_embedded() {
        let page = String::from_utf8(index().to_vec()).unwrap();
        let named: Vec<&str> =
            page.split('"').filter_map(|attribute| attribute.strip_prefix("assets/")).collect();
        assert!(!named.is_empty(), "{page}");
        for name in named {
            assert!(asset(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_file_has_a_type_that_browsers_accept_unsniffed() {
        for (name, asset) in ASSETS.iter() {
            assert_ne!(asset.content_type, "application/octet-stream", "{name}");
        }
    }
}
