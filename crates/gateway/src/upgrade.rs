//! The server's side of the WebSocket handshake (RFC 6455, section 4.2). Pure:
//! the socket itself comes from hyper afterwards.

use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::error::RequestError;

/// The subprotocol of our own page.
pub const SUBPROTOCOL: &str = "kubeopencode.terminal.v1";

/// The only WebSocket version there is.
pub const VERSION: &str = "13";

/// What is spoken over the WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// [`SUBPROTOCOL`]: terminal bytes as binary, control as JSON text, and the
    /// viewer acknowledges what it has drawn.
    V1,
    /// No subprotocol: terminal bytes both ways, and the viewer's `resize` alone.
    Legacy,
}

/// A request for a WebSocket that can be granted.
#[derive(Debug, PartialEq, Eq)]
pub struct Handshake {
    pub protocol: Protocol,
    accept: String,
}

/// Reads a handshake from a GET request's headers.
pub fn handshake(headers: &HeaderMap) -> Result<Handshake, RequestError> {
    let upgrades = lists(headers, CONNECTION, |item| item.eq_ignore_ascii_case("upgrade"))
        && lists(headers, UPGRADE, |item| item.eq_ignore_ascii_case("websocket"));
    let version = headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
    if !upgrades || version != Some(VERSION.as_bytes()) {
        return Err(RequestError::NotWebSocket);
    }
    // 16 bytes in base64.
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let accept = derive_accept_key(key.ok_or(RequestError::BadHandshake)?.as_bytes());

    let offered = lists(headers, SEC_WEBSOCKET_PROTOCOL, |item| item == SUBPROTOCOL);
    Ok(Handshake { protocol: if offered { Protocol::V1 } else { Protocol::Legacy }, accept })
}

fn lists(headers: &HeaderMap, name: http::HeaderName, wanted: impl Fn(&str) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| wanted(item.trim()))
}

impl Handshake {
    /// The answer that makes the connection a WebSocket.
    pub fn response<B: Default>(&self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if self.protocol == Protocol::V1 {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of RFC 6455, section 1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn request(change: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let usual = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ];
        for (name, value) in usual.iter().chain(change) {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers.retain_non_empty();
        headers
    }

    trait RetainNonEmpty {
        fn retain_non_empty(&mut self);
    }

    impl RetainNonEmpty for HeaderMap {
        fn retain_non_empty(&mut self) {
            *self = self.drain().filter_map(|(n, v)| (!v.is_empty()).then_some((n?, v))).collect();
        }
    }

    #[test]
    fn handshakes() {
        let cases = [
            ("a browser of ours", ("sec-websocket-protocol", SUBPROTOCOL), Ok(Protocol::V1)),
            (
                "among others",
                ("sec-websocket-protocol", "x, kubeopencode.terminal.v1"),
                Ok(Protocol::V1),
            ),
            ("another's", ("sec-websocket-protocol", "tty"), Ok(Protocol::Legacy)),
            ("none", ("sec-websocket-protocol", ""), Ok(Protocol::Legacy)),
            ("a plain GET", ("upgrade", ""), Err(RequestError::NotWebSocket)),
            ("HTTP/2 by hand", ("upgrade", "h2c"), Err(RequestError::NotWebSocket)),
            ("not for this hop", ("connection", "keep-alive"), Err(RequestError::NotWebSocket)),
            ("an old draft", ("sec-websocket-version", "8"), Err(RequestError::NotWebSocket)),
            ("no key", ("sec-websocket-key", ""), Err(RequestError::BadHandshake)),
            ("a short key", ("sec-websocket-key", "YWJj"), Err(RequestError::BadHandshake)),
        ];
        for (name, change, expected) in cases {
            let read = handshake(&request(&[change])).map(|handshake| handshake.protocol);
            assert_eq!(read, expected, "{name}");
        }
    }

    #[test]
    fn the_answer_proves_that_the_key_was_read() {
        let response: Response<()> = handshake(&request(&[])).unwrap().response();
        assert_eq!(response.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!response.headers().contains_key(SEC_WEBSOCKET_PROTOCOL));
    }
}
