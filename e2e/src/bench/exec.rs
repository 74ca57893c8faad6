//! Execs over the API server, as near to the socket as can be: kube's own attached process passes all bytes
//! through pipes of 1 KiB, and would make any other way look fast.
//!
//! The channels are those of `k8s.io/apimachinery/pkg/util/remotecommand/constants.go`.

use std::net::SocketAddr;

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
use screen_wire::{Deframer, Frame, FrameCodec, OUTPUT_WINDOW_BYTES, PING_INTERVAL};
use tokio::time::{Instant, Interval, interval_at};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};
use tokio_util::codec::Encoder;
use tower::{BoxError, ServiceBuilder};

use super::terminal::{COLUMNS, ROWS};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// The pod with the terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) namespace: &'a str,
    pub(super) pod: &'a str,
}

/// A client of the cluster under test that sends a single byte at once, as the broker's does. With `relay` it
/// connects there, and still expects the API server.
pub(super) async fn client(relay: Option<SocketAddr>) -> Result<Client> {
    let mut config = Config::from_kubeconfig(&KubeConfigOptions::default()).await?;
    if let Some(relay) = relay {
        let host = config.cluster_url.host().context("the cluster's URL has no host")?.to_owned();
        config.tls_server_name.get_or_insert(host);
        config.cluster_url = format!("https://{relay}").parse()?;
    }
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

/// The screen, as the broker runs it: with credit for its output, and pings.
pub(super) struct Screen {
    exec: Exec,
    frames: Deframer,
    /// Output bytes that the screen has no credit for yet.
    uncredited: usize,
    pings: Interval,
}

impl Screen {
    pub(super) async fn open(client: &Client, target: Target<'_>) -> Result<Self> {
        let (columns, rows, port) =
            (COLUMNS.to_string(), ROWS.to_string(), names::DEFAULT_PORT.to_string());
        let command = [names::AGENT_TOOLS_BINARY, "screen", "attach"];
        let sizes = ["--port", &port, "--columns", &columns, "--rows", &rows];
        let command = [&command[..], &sizes].concat();
        let exec = Exec::open(client, target, &command, Tty::No).await?;
        let pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        let mut screen = Self { exec, frames: Deframer::new(), uncredited: 0, pings };
        // As a broker does whose caller can decompress.
        screen.frame(Frame::Compress).await?;
        Ok(screen)
    }

    pub(super) async fn send(&mut self, typed: &[u8]) -> Result<()> {
        self.frame(Frame::Input(Bytes::copy_from_slice(typed))).await
    }

    async fn frame(&mut self, frame: Frame) -> Result<()> {
        let mut encoded = BytesMut::new();
        FrameCodec.encode(frame, &mut encoded)?;
        self.exec.send(&encoded).await
    }

    /// Loses nothing where it is dropped before it is done.
    pub(super) async fn receive(&mut self) -> Result<Bytes> {
        loop {
            match self.frames.next()? {
                Some(Frame::Output(bytes)) => {
                    self.uncredited += bytes.len();
                    return Ok(bytes);
                }
                Some(Frame::Compressed(output)) => {
                    self.uncredited += output.output_bytes() as usize;
                    return Ok(output.decompress()?);
                }
                Some(Frame::InputCredit { .. } | Frame::Alive) => {}
                Some(Frame::Exit { code }) => bail!("the terminal's program ended with {code}"),
                Some(frame) => bail!("the screen sent {frame:?}"),
                None => self.wait().await?,
            }
        }
    }

    /// Until there is something to look at.
    async fn wait(&mut self) -> Result<()> {
        if self.uncredited >= OUTPUT_WINDOW_BYTES / 2 {
            let bytes = u32::try_from(std::mem::take(&mut self.uncredited))?;
            // Queued before the first wait in it, so that it is not lost if this is dropped.
            return self.frame(Frame::OutputCredit { bytes }).await;
        }
        tokio::select! {
            biased;
            _ = self.pings.tick() => self.frame(Frame::Ping).await,
            received = self.exec.receive() => {
                self.frames.push(received?);
                Ok(())
            }
        }
    }
}
