//! Which of the gateway's few addresses a request means. Pure: it knows no
//! share, no client and no clock.

use api_types::ShareToken;
use http::Method;

/// The methods of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Nothing is changed by asking.
    Read,
    /// It is asked to do something: no link that is followed, no picture of a page and no preview
    /// of a messenger asks so.
    Act,
}

impl Methods {
    /// As the `Allow` header lists them.
    pub fn allow(self) -> &'static str {
        match self {
            Self::Read => "GET, HEAD",
            Self::Act => "POST",
        }
    }

    fn contain(self, method: &Method) -> bool {
        match self {
            Self::Read => *method == Method::GET || *method == Method::HEAD,
            Self::Act => *method == Method::POST,
        }
    }
}

/// Where a request goes.
#[derive(Debug)]
pub enum Route {
    /// The terminal's page.
    Page(Presented),
    /// Whose terminal it is, as JSON.
    Info(Presented),
    /// The WebSocket.
    Terminal(Presented),
    /// Wakes an agent that sleeps.
    Wake(Presented),
    /// A file of the page: its name under `/s/assets/`.
    Asset(String),
    Unknown,
    /// With those that the address has.
    MethodNotAllowed(Methods),
}

/// The token in the path. `None` has not even a token's syntax, and is answered
/// as a wrong one is.
pub type Presented = Option<ShareToken>;

impl Route {
    /// A label for metrics and logs: never the path, which holds the token.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Page(_) => "page",
            Self::Info(_) => "info",
            Self::Terminal(_) => "terminal",
            Self::Wake(_) => "wake",
            Self::Asset(_) => "asset",
            Self::Unknown | Self::MethodNotAllowed(_) => "none",
        }
    }

    /// What is presented, if it has a token's syntax.
    pub fn token(&self) -> Option<&ShareToken> {
        match self {
            Self::Page(token) | Self::Info(token) | Self::Terminal(token) | Self::Wake(token) => {
                token.as_ref()
            }
            Self::Asset(_) | Self::Unknown | Self::MethodNotAllowed(_) => None,
        }
    }

    fn methods(&self) -> Methods {
        match self {
            Self::Wake(_) => Methods::Act,
            _ => Methods::Read,
        }
    }
}

/// Finds the route of a request's method and path (without its query).
pub fn route(method: &Method, path: &str) -> Route {
    match locate(path) {
        Route::Unknown => Route::Unknown,
        route if route.methods().contain(method) => route,
        other => Route::MethodNotAllowed(other.methods()),
    }
}

fn locate(path: &str) -> Route {
    let Some(rest) = path.strip_prefix("/s/").filter(|rest| !rest.is_empty()) else {
        return Route::Unknown;
    };
    match rest.split_once('/') {
        None => Route::Page(ShareToken::parse(rest)),
        Some(("assets", file)) if !file.is_empty() && !file.contains('/') => {
            Route::Asset(file.to_owned())
        }
        Some((token, "info")) => Route::Info(ShareToken::parse(token)),
        Some((token, "wake")) => Route::Wake(ShareToken::parse(token)),
        Some((token, "terminal")) => Route::Terminal(ShareToken::parse(token)),
        Some(_) => Route::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(method: &Method, path: &str) -> (&'static str, bool) {
        let route = route(method, path);
        (route.name(), route.token().is_some())
    }

    #[test]
    fn routes() {
        let token = ShareToken::from_bytes(&[7; 32]);
        let token = token.expose();
        let cases = [
            (format!("/s/{token}"), ("page", true)),
            (format!("/s/{token}/info"), ("info", true)),
            (format!("/s/{token}/terminal"), ("terminal", true)),
            ("/s/short".to_owned(), ("page", false)),
            ("/s/short/info".to_owned(), ("info", false)),
            ("/s/assets/index-1a2b.js".to_owned(), ("asset", false)),
            ("/s/assets/".to_owned(), ("none", false)),
            ("/s/assets/../secret".to_owned(), ("none", false)),
            (format!("/s/{token}/"), ("none", false)),
            (format!("/s/{token}/info/more"), ("none", false)),
            (format!("/S/{token}"), ("none", false)),
            ("/s/".to_owned(), ("none", false)),
            ("/s".to_owned(), ("none", false)),
            ("/".to_owned(), ("none", false)),
        ];
        for (path, expected) in cases {
            assert_eq!(seen(&Method::GET, &path), expected, "{path}");
            assert_eq!(seen(&Method::HEAD, &path), expected, "{path}");
        }
    }

    #[test]
    fn waking_takes_a_post_and_nothing_else_does() {
        let token = ShareToken::from_bytes(&[7; 32]);
        let path = format!("/s/{}/wake", token.expose());
        assert_eq!(seen(&Method::POST, &path), ("wake", true));
        assert_eq!(seen(&Method::POST, "/s/short/wake"), ("wake", false));
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
            let refused = route(&method, &path);
            assert!(matches!(refused, Route::MethodNotAllowed(Methods::Act)), "{method}");
        }
    }

    #[test]
    fn only_reading_is_possible() {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let refused = route(&method, "/s/abc");
            assert!(matches!(refused, Route::MethodNotAllowed(Methods::Read)), "{method}");
            assert!(matches!(route(&method, "/other"), Route::Unknown), "{method}");
        }
    }

    proptest! {
        #[test]
        fn no_asset_is_outside_its_folder(path in "/s/assets/[a-z./%]{0,12}") {
            if let Route::Asset(file) = route(&Method::GET, &path) {
                prop_assert!(!file.contains('/'));
            }
        }
    }
}
