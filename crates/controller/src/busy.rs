//! Asks an agent's own server, at the address of its pod, whether it works on anything. It must
//! not go anywhere else: no proxy, no redirect, no address that a user wrote.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};

use crate::{secret::Password, standby::Sessions};

/// How long everything may take together. A server that has just started may let a request hang.
const DEADLINE: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes: that of some 1000 busy sessions.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// As the server calls whoever knows its password, unless it is told otherwise.
const USERNAME: &str = "opencode";
const PATH: &str = "/session/status";

/// What is told of a session. A session that is not there is idle.
#[derive(Deserialize)]
struct Status {
    r#type: String,
}

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("cannot connect")]
    Connect(#[from] std::io::Error),
    #[error("the exchange failed")]
    Exchange(#[from] hyper::Error),
    #[error("the request cannot be made")]
    Request(#[from] http::Error),
    #[error("the server answered {0}")]
    Status(StatusCode),
    #[error("the server refused to answer: {0}")]
    Refused(StatusCode),
    #[error("the answer cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer within {DEADLINE:?}")]
    Late,
}

/// Asks the server at `address`, which has no password where `password` is `None`.
pub async fn sessions(address: SocketAddr, password: Option<&Password>) -> Sessions {
    let asked = timeout(DEADLINE, ask(address, password)).await;
    match asked.unwrap_or(Err(AskError::Late)) {
        Ok(sessions) => sessions,
        Err(error) => {
            tracing::debug!(%address, %error, "an agent's server does not tell whether it is busy");
            match error {
                AskError::Refused(_) => Sessions::Refused,
                _ => Sessions::NoAnswer,
            }
        }
    }
}

async fn ask(address: SocketAddr, password: Option<&Password>) -> Result<Sessions, AskError> {
    let stream = TcpStream::connect(address).await?;
    let (mut requests, connection) =
        http1::Builder::new().handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await?;
    let request = request(address, password)?;
    let exchange = async move { read(requests.send_request(request).await?).await };
    tokio::select! {
        // The answer first: the server may close the connection with it.
        biased;
        answer = exchange => answer,
        Err(error) = connection => Err(error.into()),
    }
}

fn request(
    address: SocketAddr,
    password: Option<&Password>,
) -> Result<Request<Empty<Bytes>>, AskError> {
    let mut request = Request::get(PATH)
        .header(header::HOST, address.to_string())
        .header(header::CONNECTION, "close");
    if let Some(password) = password {
        let credentials = BASE64_STANDARD.encode(format!("{USERNAME}:{}", password.expose()));
        let mut authorization =
            HeaderValue::try_from(format!("Basic {credentials}")).map_err(http::Error::from)?;
        authorization.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, authorization);
    }
    Ok(request.body(Empty::new())?)
}

async fn read(response: http::Response<Incoming>) -> Result<Sessions, AskError> {
    match response.status() {
        StatusCode::OK => {}
        refused @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(AskError::Refused(refused));
        }
        other => return Err(AskError::Status(other)),
    }
    let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await;
    let body = body.map_err(AskError::Body)?.to_bytes();
    let all: BTreeMap<String, Status> =
        serde_json::from_slice(&body).map_err(|error| AskError::Body(error.into()))?;
    // "busy" and "retry" today; what is not known counts as work.
    let is_busy = all.values().any(|status| status.r#type != "idle");
    Ok(if is_busy { Sessions::Busy } else { Sessions::Idle })
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// What the server is asked, and what is made of its answer.
    async fn answered(response: &str) -> (String, Sessions) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![];
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            // A reader that has enough hangs up.
            let _ = stream.write_all(response.as_bytes()).await;
            String::from_utf8(request).unwrap()
        };
        let password = Password::from_bytes(&[7; 32]);
        tokio::join!(serve, sessions(address, Some(&password)))
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_server_that_works_says_so() {
        let large =
            format!("{{{}\"b\":{{\"type\":\"idle\"}}}}", r#""a":{"type":"idle"},"#.repeat(4000));
        for (response, expected) in [
            (ok("{}"), Sessions::Idle),
            (ok(r#"{"ses_1":{"type":"idle"}}"#), Sessions::Idle),
            (ok(r#"{"ses_1":{"type":"idle"},"ses_2":{"type":"busy"}}"#), Sessions::Busy),
            (ok(r#"{"ses_1":{"type":"retry","attempt":2,"message":"m","next":1}}"#), Sessions::Busy),
            (ok(r#"{"ses_1":{"type":"something new"}}"#), Sessions::Busy),
            (ok("[]"), Sessions::NoAnswer),
            (ok("<html>"), Sessions::NoAnswer),
            (ok(&large), Sessions::NoAnswer),
            ("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n".into(), Sessions::Refused),
            ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".into(), Sessions::Refused),
            ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".into(), Sessions::NoAnswer),
            ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 2\r\n\r\n{}".into(),
                Sessions::NoAnswer),
            ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}".into(), Sessions::NoAnswer),
        ] {
            assert_eq!(answered(&response).await.1, expected, "{response:.80}");
        }
    }

    #[tokio::test]
    async fn the_server_is_asked_with_its_password_and_nothing_else() {
        let (request, _) = answered(&ok("{}")).await;
        let password = Password::from_bytes(&[7; 32]);
        let basic = BASE64_STANDARD.encode(format!("opencode:{}", password.expose()));
        assert!(request.starts_with("GET /session/status HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("authorization: Basic {basic}\r\n")), "{request}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_silent_or_gone_has_not_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let password = Password::from_bytes(&[7; 32]);
        let asked_at = tokio::time::Instant::now();
        assert_eq!(sessions(address, Some(&password)).await, Sessions::NoAnswer);
        assert_eq!(asked_at.elapsed().as_secs(), DEADLINE.as_secs());
        drop(listener);
        assert_eq!(sessions(address, Some(&password)).await, Sessions::NoAnswer);
    }
}
