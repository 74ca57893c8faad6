//! Execs over the API server, as near to the socket as can be: kube's own attached process passes all bytes
//! through pipes of 1 KiB, and would make any other way look fast.
//!
//! The channels are those of `k8s.io/apimachinery/pkg/util/remotecommand/constants.go`.

use anyhow::{Context, Result, bail};
use api_types::names;
use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Client, Config, Resource,
    api::AttachParams,
    client::{Body, ConfigExt},
    config::KubeConfigOptions,
    core::Request,
};
use screen_wire::{Deframer, Frame, FrameCodec, INPUT_WINDOW_BYTES, PING_INTERVAL};
use tokio::time::{Interval, interval};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};
use tokio_util::codec::Encoder;
use tower::{BoxError, ServiceBuilder};

use super::terminal::{COLUMNS, ROWS};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// Output is credited in portions of this, as the page acknowledges it.
const CREDIT_BYTES: usize = 32 * 1024;

/// The pod with the terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) namespace: &'a str,
    pub(super) pod: &'a str,
}

/// A client of the cluster under test that sends a single byte at once, as the broker's does.
pub(super) async fn client() -> Result<Client> {
    let config = Config::from_kubeconfig(&KubeConfigOptions::default()).await?;
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let tls = config.rustls_https_connector_with_connector(tcp)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .map_err(BoxError::from)
        .service(legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(tls));
    Ok(Client::new(service, config.default_namespace))
}

/// A process in the pod, with its stdin and stdout.
pub(super) struct Exec(WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>);

/// Whether the process has a terminal of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tty {
    Yes,
    No,
}

impl Exec {
    /// The agent's terminal program, on a TTY that the container runtime makes.
    pub(super) async fn terminal(client: &Client, target: Target<'_>) -> Result<Self> {
        let server = format!("http://localhost:{}", names::DEFAULT_PORT);
        Self::open(client, target, &[names::OPENCODE_BINARY, "attach", &server], Tty::Yes).await
    }

    async fn open(client: &Client, target: Target<'_>, command: &[&str], tty: Tty) -> Result<Self> {
        let streams = AttachParams::default()
            .container(names::SERVER_CONTAINER)
            .stdin(true)
            .stdout(true)
            .stderr(tty == Tty::No)
            .tty(tty == Tty::Yes);
        let request = Request::new(Pod::url_path(&(), Some(target.namespace))).exec(
            target.pod,
            command.iter().copied(),
            &streams,
        )?;
        Ok(Self(client.connect(request).await?.into_stream()))
    }

    pub(super) async fn send(&mut self, typed: &[u8]) -> Result<()> {
        Ok(self.0.send(Message::binary([&[STDIN], typed].concat())).await?)
    }

    pub(super) async fn receive(&mut self) -> Result<Bytes> {
        loop {
            let message = self.0.next().await.context("the exec's socket ended")??;
            let Message::Binary(mut bytes) = message else { continue };
            if bytes.is_empty() {
                continue;
            }
            match bytes.split_to(1)[0] {
                STDOUT if !bytes.is_empty() => return Ok(bytes),
                STDERR | STATUS if !bytes.is_empty() => {
                    bail!("the exec says: {}", String::from_utf8_lossy(&bytes))
                }
                _ => {}
            }
        }
    }
}

/// The screen, as the broker runs it.
pub(super) struct Screen {
    exec: Exec,
    frames: Deframer,
    /// Bytes of input that may still be sent.
    input_allowance: usize,
    /// Bytes of output that were received and not credited.
    uncredited: usize,
    ping: Interval,
}

impl Screen {
    pub(super) async fn open(client: &Client, target: Target<'_>) -> Result<Self> {
        let (columns, rows) = (COLUMNS.to_string(), ROWS.to_string());
        let command =
            [names::AGENT_TOOLS_BINARY, "screen", "attach", "--columns", &columns, "--rows", &rows];
        Ok(Self {
            exec: Exec::open(client, target, &command, Tty::No).await?,
            frames: Deframer::new(),
            input_allowance: INPUT_WINDOW_BYTES,
            uncredited: 0,
            ping: interval(PING_INTERVAL),
        })
    }

    pub(super) async fn send(&mut self, typed: &[u8]) -> Result<()> {
        let rest = self.input_allowance.checked_sub(typed.len());
        self.input_allowance = rest.context("the screen has not credited what was typed")?;
        self.send_frame(Frame::Input(Bytes::copy_from_slice(typed))).await
    }

    /// Keeps the screen from taking its viewer for dead meanwhile.
    pub(super) async fn receive(&mut self) -> Result<Bytes> {
        loop {
            match self.frames.next()? {
                Some(Frame::Output(bytes)) => {
                    self.credit(bytes.len()).await?;
                    return Ok(bytes);
                }
                Some(Frame::Exit { code }) => bail!("the terminal's program ended with {code}"),
                Some(Frame::InputCredit { bytes }) => {
                    self.input_allowance += usize::try_from(bytes)?;
                }
                Some(Frame::Alive) => {}
                Some(frame) => bail!("the screen sent {frame:?}"),
                None => tokio::select! {
                    biased;
                    _ = self.ping.tick() => self.send_frame(Frame::Ping).await?,
                    received = self.exec.receive() => self.frames.push(received?),
                },
            }
        }
    }

    async fn credit(&mut self, bytes: usize) -> Result<()> {
        self.uncredited += bytes;
        if self.uncredited >= CREDIT_BYTES {
            let bytes = u32::try_from(std::mem::take(&mut self.uncredited))?;
            self.send_frame(Frame::OutputCredit { bytes }).await?;
        }
        Ok(())
    }

    async fn send_frame(&mut self, frame: Frame) -> Result<()> {
        let mut wire = BytesMut::new();
        FrameCodec.encode(frame, &mut wire)?;
        self.exec.send(&wire).await
    }
}
