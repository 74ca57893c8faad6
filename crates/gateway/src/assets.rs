//! The page's own files, built into the program, with the compressed forms that were made when the
//! page was built. Their names carry a hash of their content, so that browsers may keep them for ever.

use std::{collections::HashMap, sync::LazyLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use ring::digest;

use crate::encoding::{Coding, best};

mod embedded {
    /// One file in each form that it has.
    pub(super) struct File {
        pub(super) name: &'static str,
        pub(super) identity: &'static [u8],
        pub(super) gzip: Option<&'static [u8]>,
        pub(super) brotli: Option<&'static [u8]>,
    }

    include!(concat!(env!("OUT_DIR"), "/web.rs"));
}

/// The page: the same for every link, so it holds no token and no agent.
pub(crate) fn index() -> Bytes {
    Bytes::from_static(embedded::INDEX)
}

/// One file below `/s/assets/`.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) content_type: HeaderValue,
    identity: Form,
    gzip: Option<Form>,
    brotli: Option<Form>,
}

/// A file as it goes over the network.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) content: Bytes,
    pub(crate) coding: Coding,
    /// A strong validator (RFC 9110, section 8.8.3): a digest of the content, so each form has its own.
    pub(crate) etag: HeaderValue,
}

static ASSETS: LazyLock<HashMap<&'static str, Asset>> =
    LazyLock::new(|| embedded::FILES.iter().map(|file| (file.name, Asset::new(file))).collect());

/// The file with that name, if the page has it.
pub(crate) fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.get(name)
}

impl Asset {
    fn new(file: &embedded::File) -> Self {
        Self {
            content_type: HeaderValue::from_static(content_type(file.name)),
            identity: Form::new(Coding::Identity, file.identity),
            gzip: file.gzip.map(|content| Form::new(Coding::Gzip, content)),
            brotli: file.brotli.map(|content| Form::new(Coding::Brotli, content)),
        }
    }

    /// The form that a request with these headers is answered with.
    pub(crate) fn accepted(&self, headers: &HeaderMap) -> &Form {
        let coding = best(headers, |coding| self.form(coding).is_some());
        self.form(coding).unwrap_or(&self.identity)
    }

    fn form(&self, coding: Coding) -> Option<&Form> {
        match coding {
            Coding::Identity => Some(&self.identity),
            Coding::Gzip => self.gzip.as_ref(),
            Coding::Brotli => self.brotli.as_ref(),
        }
    }
}

impl Form {
    fn new(coding: Coding, content: &'static [u8]) -> Self {
        let digest = hex::encode(&digest::digest(&digest::SHA256, content).as_ref()[..16]);
        let etag = HeaderValue::from_str(&format!("\"{digest}\""));
        Self {
            content: Bytes::from_static(content),
            coding,
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
    use std::collections::HashSet;

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

    #[test]
    fn the_script_and_the_style_are_embedded_compressed_and_small() {
        let ending = |end: &str| {
            let found = ASSETS.iter().find(|(name, _)| name.ends_with(end));
            found.map(|(_, asset)| asset).unwrap()
        };
        for asset in [ending(".js"), ending(".css")] {
            let bytes = |coding| asset.form(coding).unwrap().content.len();
            let [identity, gzip, brotli] =
                [Coding::Identity, Coding::Gzip, Coding::Brotli].map(bytes);
            assert!(brotli < gzip && gzip * 3 < identity, "{brotli} {gzip} {identity}");
        }
        assert!(ending(".js").form(Coding::Brotli).unwrap().content.len() <= MOST_SCRIPT_BYTES);
    }

    /// What a first visit may fetch of script, compressed: raise it knowingly.
    const MOST_SCRIPT_BYTES: usize = 120 * 1024;

    #[test]
    fn no_two_forms_share_a_validator_and_no_form_has_an_address_of_its_own() {
        let forms = ASSETS.values().flat_map(|asset| {
            [Coding::Identity, Coding::Gzip, Coding::Brotli].map(|coding| asset.form(coding))
        });
        let etags: Vec<&HeaderValue> = forms.flatten().map(|form| &form.etag).collect();
        let distinct: HashSet<_> = etags.iter().collect();
        assert_eq!(distinct.len(), etags.len());
        let is_form = |name: &str| matches!(name.rsplit_once('.'), Some((_, "br" | "gz")));
        assert!(!ASSETS.keys().any(|name| is_form(name)));
    }
}
