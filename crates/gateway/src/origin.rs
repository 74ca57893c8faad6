//! Whether the page that opens a WebSocket is the gateway's own, so that no other
//! site types into a terminal through a guest's browser. Pure.

use http::{
    Uri,
    uri::{Authority, Scheme},
};

/// A web page's origin (RFC 6454): scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

/// What is not an origin.
#[derive(Debug, thiserror::Error)]
#[error("not an origin such as https://example.com")]
pub struct OriginError;

impl std::str::FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let uri: Uri = text.parse().map_err(|_| OriginError)?;
        let scheme = uri.scheme().ok_or(OriginError)?;
        let bare = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
        match uri.authority() {
            Some(authority) if bare => Self::new(scheme, authority).ok_or(OriginError),
            _ => Err(OriginError),
        }
    }
}

impl Origin {
    fn new(scheme: &Scheme, authority: &Authority) -> Option<Self> {
        let usual = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let port = match authority.port() {
            Some(port) => port.as_str().parse().ok()?,
            None => usual,
        };
        let host = authority.host().to_ascii_lowercase();
        Some(Self { scheme: scheme.clone(), host, port })
    }
}

/// Where the visitor's browser got the page from, as far as the request says.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnAddress<'a> {
    /// The Host header, or a trusted proxy's X-Forwarded-Host.
    pub host: Option<&'a str>,
    /// A trusted proxy's X-Forwarded-Proto, or ours where TLS ends here. Without one
    /// either scheme is ours: whether TLS ends before us cannot be known.
    pub scheme: Option<&'a str>,
}

/// Whether a page with this Origin header may open a terminal. No header means no
/// browser, and a program that has the token needs no browser to use it.
pub fn may_open(origin: Option<&str>, own: OwnAddress<'_>, listed: &[Origin]) -> bool {
    let Some(text) = origin else { return true };
    let Ok(origin) = text.parse::<Origin>() else { return false };
    listed.contains(&origin) || is_own(&origin, own).unwrap_or(false)
}

fn is_own(origin: &Origin, own: OwnAddress<'_>) -> Option<bool> {
    let scheme = match own.scheme {
        Some(scheme) => scheme.trim().to_ascii_lowercase().parse().ok()?,
        None => origin.scheme.clone(),
    };
    let authority: Authority = own.host?.trim().parse().ok()?;
    Some(Origin::new(&scheme, &authority)? == *origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own<'a>(host: &'a str, scheme: Option<&'a str>) -> OwnAddress<'a> {
        OwnAddress { host: Some(host), scheme }
    }

    #[test]
    fn origins() {
        let plain = own("share.example.com", None);
        let behind_tls = own("share.example.com", Some("https"));
        let local = own("localhost:2746", None);
        let nowhere = OwnAddress::default();
        let cases = [
            ("no browser", None, plain, true),
            ("our page", Some("https://share.example.com"), plain, true),
            ("our page, by name only", Some("http://share.example.com"), plain, true),
            ("the port spelled out", Some("https://share.example.com:443"), plain, true),
            ("upper case", Some("https://Share.Example.com"), plain, true),
            ("forwarded port", Some("http://localhost:2746"), local, true),
            ("another port", Some("http://localhost:8080"), local, false),
            ("another site", Some("https://evil.example"), plain, false),
            ("a look-alike", Some("https://share.example.com.evil.example"), plain, false),
            ("the proxy's scheme", Some("https://share.example.com"), behind_tls, true),
            ("not the proxy's scheme", Some("http://share.example.com"), behind_tls, false),
            ("a sandboxed frame", Some("null"), plain, false),
            ("no host", Some("https://share.example.com"), nowhere, false),
            ("listed", Some("https://portal.example.com"), plain, true),
            ("listed under TLS only", Some("http://portal.example.com"), plain, false),
            ("an extension", Some("chrome-extension://abcdef"), plain, false),
        ];
        let listed = ["https://portal.example.com".parse().unwrap()];
        for (name, origin, own, expected) in cases {
            assert_eq!(may_open(origin, own, &listed), expected, "{name}");
        }
    }

    #[test]
    fn a_listed_origin_has_no_path() {
        for text in ["https://a.example/", "https://a.example/x", "a.example", "*", ""] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
