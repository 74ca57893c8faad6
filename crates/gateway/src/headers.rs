//! The headers of every answer: nothing is kept, sniffed, framed, indexed or fetched from
//! elsewhere, and no other site learns the address. Pure.

use std::str::FromStr;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        X_FRAME_OPTIONS,
    },
};

/// Who may show the page in a frame: the value of CSP's `frame-ancestors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameAncestors(String);

#[derive(Debug, thiserror::Error)]
#[error("not a list of sources such as 'none', 'self' or https://portal.example.com")]
pub struct FrameAncestorsError;

impl FromStr for FrameAncestors {
    type Err = FrameAncestorsError;

    fn from_str(text: &str) -> Result<Self, FrameAncestorsError> {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b';' && byte != b',';
        let sources: Vec<&str> = text.split_whitespace().collect();
        if sources.is_empty() || !sources.iter().all(|source| source.bytes().all(plain)) {
            return Err(FrameAncestorsError);
        }
        Ok(Self(sources.join(" ")))
    }
}

impl FrameAncestors {
    fn is_nobody(&self) -> bool {
        self.0 == "'none'"
    }
}

/// What an answer holds, and so what a browser may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The terminal's page.
    Page,
    /// A page that explains a refusal: text and one inline style.
    Notice,
    /// JSON, or nothing.
    Data,
    /// A file whose name changes with its content.
    Asset,
}

/// What the page needs, and no more. The page's own tests read the same file.
const PAGE_POLICY: &str = include_str!("../web/csp.txt");

/// A visitor copies and pastes by buttons of the page; nothing needs more.
const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), \
    serial=(), hid=(), midi=(), display-capture=(), clipboard-read=(self), clipboard-write=(self)";

const FIXED: [(HeaderName, &str); 6] = [
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The headers of this gateway, made once at its start.
#[derive(Clone, Debug)]
pub struct SecurityHeaders {
    page: HeaderValue,
    notice: HeaderValue,
    data: HeaderValue,
    framed_by_nobody: bool,
}

impl SecurityHeaders {
    /// `notice_style` is the CSP source of the notices' inline style.
    pub fn new(ancestors: &FrameAncestors, notice_style: &str) -> Self {
        let policy = |sources: &str| {
            let FrameAncestors(ancestors) = ancestors;
            let limits = "base-uri 'none'; form-action 'none'; frame-ancestors";
            // Both parts are visible ASCII, so this cannot fail; if it did: nothing at all.
            HeaderValue::from_str(&format!("{}; {limits} {ancestors}", sources.trim_end()))
                .unwrap_or(HeaderValue::from_static("default-src 'none'; sandbox"))
        };
        Self {
            page: policy(PAGE_POLICY),
            notice: policy(&format!("default-src 'none'; style-src {notice_style}")),
            data: policy("default-src 'none'"),
            framed_by_nobody: ancestors.is_nobody(),
        }
    }

    /// Sets all of them on an answer.
    pub fn apply(&self, content: Content, headers: &mut HeaderMap) {
        for (name, value) in FIXED {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let policy = match content {
            Content::Page => &self.page,
            Content::Notice => &self.notice,
            Content::Data | Content::Asset => &self.data,
        };
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        if self.framed_by_nobody {
            headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        }
        let caching = match content {
            Content::Asset => "public, max-age=31536000, immutable",
            Content::Page | Content::Notice | Content::Data => "no-store",
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(ancestors: &str, content: Content) -> HeaderMap {
        let mut headers = HeaderMap::new();
        SecurityHeaders::new(&ancestors.parse().unwrap(), "'sha256-x'")
            .apply(content, &mut headers);
        headers
    }

    #[test]
    fn the_page_may_load_scripts_of_its_own_only() {
        let headers = applied("'none'", Content::Page);
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        let mut directives: Vec<&str> = policy.split("; ").collect();
        assert_eq!(
            directives.split_off(7),
            ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
        );
        assert_eq!(directives[..2], ["default-src 'none'", "script-src 'self'"]);
        assert!(directives.contains(&"trusted-types 'none'") && !policy.contains("unsafe"));
        assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
    }

    #[test]
    fn a_portal_may_frame_it_when_the_operator_says_so() {
        let headers = applied("'self'  https://portal.example.com", Content::Notice);
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.ends_with("frame-ancestors 'self' https://portal.example.com"), "{policy}");
        assert!(!headers.contains_key(X_FRAME_OPTIONS));
    }

    #[test]
    fn only_files_with_hashed_names_are_kept() {
        let kept = |content| applied("'none'", content)[CACHE_CONTROL].clone();
        assert_eq!(kept(Content::Asset), "public, max-age=31536000, immutable");
        for content in [Content::Page, Content::Notice, Content::Data] {
            assert_eq!(kept(content), "no-store", "{content:?}");
        }
    }

    #[test]
    fn the_flag_cannot_smuggle_in_another_directive() {
        for text in ["", " ", "'self'; script-src *", "'self', default-src *", "a\r\nb: c;"] {
            assert!(text.parse::<FrameAncestors>().is_err(), "{text:?}");
        }
    }
}
