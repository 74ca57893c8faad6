//! Asks the agent's server for its sessions, as kubelet's own HTTP probe cannot: the password stays
//! in the pod's environment. Must end within [`TIMEOUT`].

use std::{fmt, io, net::Ipv4Addr, str::FromStr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A server that is still starting accepts connections and lets them hang.
pub const TIMEOUT: Duration = Duration::from_secs(4);

const PATH: &str = "/session/status";

#[derive(clap::Args, Debug)]
pub struct ProbeArgs {
    /// Port of the agent's server on the loopback
    #[arg(long, default_value_t = 4096)]
    port: u16,
    /// Name for basic authentication
    #[arg(long, env = "OPENCODE_SERVER_USERNAME", default_value = "opencode")]
    username: String,
    /// Password for basic authentication; without one the server is asked as it is
    #[arg(long, env = "OPENCODE_SERVER_PASSWORD", hide_env_values = true)]
    password: Option<Password>,
}

/// The server's password; its `Debug` says nothing.
#[derive(Clone)]
pub struct Password(String);

impl FromStr for Password {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("nothing listens on port {port}")]
    Connect { port: u16, source: io::Error },
    #[error("the server answered {status} instead of 200")]
    Status { status: StatusCode },
    #[error("the server did not answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    #[error("the server broke off")]
    Exchange(#[from] hyper::Error),
    #[error("the request cannot be made")]
    Request(#[from] http::Error),
    #[error("the probe cannot start")]
    Runtime(#[source] io::Error),
}

impl ProbeError {
    /// A short, constant name for metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Status { .. } => "status",
            Self::TimedOut => "timed_out",
            Self::Exchange(_) => "exchange",
            Self::Request(_) => "request",
            Self::Runtime(_) => "runtime",
        }
    }
}

/// Succeeds when the server answers 200.
pub fn run(args: &ProbeArgs) -> Result<(), ProbeError> {
    let runtime = crate::screen::runtime().map_err(ProbeError::Runtime)?;
    runtime.block_on(probe(args))
}

async fn probe(args: &ProbeArgs) -> Result<(), ProbeError> {
    tokio::time::timeout(TIMEOUT, ask(args)).await.map_err(|_| ProbeError::TimedOut)?
}

async fn ask(args: &ProbeArgs) -> Result<(), ProbeError> {
    let port = args.port;
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| ProbeError::Connect { port, source })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = request(args)?;
    // Owns the sender: with the answer in hand it goes, and so the connection ends too.
    let answer = async move { sender.send_request(request).await.map(|answer| answer.status()) };
    let (status, _) = tokio::join!(answer, connection);
    let status = status?;
    if status == StatusCode::OK { Ok(()) } else { Err(ProbeError::Status { status }) }
}

fn request(args: &ProbeArgs) -> Result<Request<Empty<Bytes>>, http::Error> {
    let mut request = Request::get(PATH).header(header::HOST, format!("127.0.0.1:{}", args.port));
    if let Some(Password(password)) = &args.password {
        let credentials = BASE64_STANDARD.encode(format!("{}:{password}", args.username));
        request = request.header(header::AUTHORIZATION, format!("Basic {credentials}"));
    }
    request.body(Empty::new())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_accepts_and_says_nothing_is_given_up() {
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let args = ProbeArgs { port, username: "opencode".into(), password: None };
        let refused = probe(&args).await.unwrap_err();
        assert_eq!(refused.to_string(), "the server did not answer within 4 s");
    }

    #[test]
    fn debug_output_does_not_hold_the_password() {
        let password = Some(Password("s3cret".into()));
        let args = ProbeArgs { port: 4096, username: "opencode".into(), password };
        assert!(!format!("{args:?}").contains("s3cret"));
    }
}
