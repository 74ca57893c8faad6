//! Opens and ends an exec of `agent-tools screen attach` in a pod. What is said over it is not its business.

use std::time::Duration;

use api_types::names;
use futures::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, Resource as _, api::AttachParams, core::Request};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        protocol::{Role, WebSocketConfig},
    },
};

use crate::{exec_channels, opening::Size, target::Target};

/// How long the API server and the kubelet may take to start the command.
const OPEN_DEADLINE: Duration = Duration::from_secs(15);
/// How long saying goodbye may take before the socket is dropped, which tells the pod the same.
const HANG_UP_DEADLINE: Duration = Duration::from_secs(1);
/// Bytes read at once. The library's default of 128 KiB would be held by every idle session.
const READ_BUFFER_BYTES: usize = 16 * 1024;
/// The most of one message, and of what waits to be written: some times a screen frame.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;
pub(crate) type Sink = SplitSink<Socket, Message>;
pub(crate) type Stream = SplitStream<Socket>;

/// An open exec, reader and writer apart.
pub(crate) struct Exec {
    pub(crate) sink: Sink,
    pub(crate) stream: Stream,
    pub(crate) protocol: Protocol,
}

/// Which exec protocol the API server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    V4,
    V5,
}

/// Why an exec did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    #[error("the exec was refused")]
    Refused(#[from] kube::Error),
    #[error("the exec request cannot be built")]
    Request(#[source] kube::core::request::Error),
    #[error("the exec did not open within {OPEN_DEADLINE:?}")]
    Late,
}

impl ExecError {
    /// A stable word for metrics and logs.
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::Refused(_) => "exec_refused",
            Self::Request(_) => "exec_request",
            Self::Late => "exec_late",
        }
    }
}

/// Starts the screen's attach program in the target's server container.
pub(crate) async fn open(client: &Client, target: &Target, size: Size) -> Result<Exec, ExecError> {
    let request = request(target, size).map_err(ExecError::Request)?;
    let opened = timeout(OPEN_DEADLINE, client.connect(request)).await;
    let connection = opened.map_err(|_| ExecError::Late)??;
    let protocol = if connection.supports_stream_close() { Protocol::V5 } else { Protocol::V4 };

    // Nothing has been read yet, so the stream can be wrapped anew with buffers of our size.
    let raw = connection.into_stream().into_inner();
    let socket = WebSocketStream::from_raw_socket(raw, Role::Client, Some(buffers())).await;
    let (sink, stream) = socket.split();
    Ok(Exec { sink, stream, protocol })
}

fn buffers() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_MESSAGE_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}

/// Without a TTY: a TTY exec leaves its process behind whenever a client dies, this one's stdin ends.
fn request(
    target: &Target,
    size: Size,
) -> Result<http::Request<Vec<u8>>, kube::core::request::Error> {
    let streams = AttachParams::default()
        .container(names::SERVER_CONTAINER)
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .tty(false);
    let (port, columns, rows) =
        (target.port.to_string(), size.columns.to_string(), size.rows.to_string());
    let command = [
        names::AGENT_TOOLS_BINARY,
        "screen",
        "attach",
        "--port",
        &port,
        "--columns",
        &columns,
        "--rows",
        &rows,
    ];
    Request::new(Pod::url_path(&(), Some(&target.namespace))).exec(&target.pod, command, &streams)
}

/// Ends the exec: the pod's program reads the end of its stdin and leaves. Dropping both halves does the
/// same, so this is a courtesy with a deadline.
pub(crate) async fn hang_up(mut sink: Sink, protocol: Protocol) {
    let goodbye = async {
        if protocol == Protocol::V5 {
            sink.send(Message::Binary(exec_channels::stdin_ended())).await?;
        }
        sink.close().await
    };
    let said: Result<Result<(), tungstenite::Error>, _> = timeout(HANG_UP_DEADLINE, goodbye).await;
    if !matches!(said, Ok(Ok(()))) {
        tracing::debug!("the exec was dropped without a goodbye");
    }
}
