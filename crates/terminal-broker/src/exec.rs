//! The pod's side of a terminal: one exec of the screen's attach program, from its opening to its end.
//! Who looks at it, and for how long, is not its business.

use std::time::Duration;

use api_types::names;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, Resource, api::AttachParams, core::Request};
use tokio::time::timeout;

use crate::{target::Target, viewer::Size};

mod channels;
#[cfg(test)]
pub(crate) mod fake;
mod outgoing;
mod socket;
mod unframer;
mod websocket;

use channels::Protocol;
pub(crate) use socket::{Event, Exec, Over};

/// An exec as the API server's client yields it.
pub(crate) type Upgrade = TokioIo<Upgraded>;

/// How long the API server and the kubelet may take to start the command.
const OPEN_DEADLINE: Duration = Duration::from_secs(15);

/// The name of the terminal of a link that has none itself.
const DEFAULT_LINK: &str = "default";

/// Which terminal is shown, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) size: Size,
    /// Output that may be sent and not yet credited.
    pub(crate) window_bytes: usize,
    /// How long the link's terminal goes on without viewers; without this, the viewer has one of its own.
    pub(crate) idle: Option<Duration>,
}

/// Why an exec did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    #[error("the exec was refused")]
    Refused(#[from] kube::Error),
    #[error("the exec request cannot be built")]
    Request(#[source] kube::core::request::Error),
    /// The command may have started all the same.
    #[error("the exec did not open within {OPEN_DEADLINE:?}")]
    Late,
}

impl ExecError {
    /// A stable word for logs.
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::Refused(_) => "exec_refused",
            Self::Request(_) => "exec_request",
            Self::Late => "exec_late",
        }
    }
}

/// Starts the screen's attach program in the target's server container.
pub(crate) async fn open(
    client: &Client,
    target: &Target,
    screen: &Screen,
) -> Result<Exec<Upgrade>, ExecError> {
    let request = request(target, screen).map_err(ExecError::Request)?;
    let opened = timeout(OPEN_DEADLINE, client.connect(request)).await;
    let connection = opened.map_err(|_| ExecError::Late)??;
    let protocol = if connection.supports_stream_close() { Protocol::V5 } else { Protocol::V4 };

    // Nothing has been read yet, so the bare connection is all there is.
    Ok(Exec::new(connection.into_stream().into_inner(), protocol))
}

/// Without a TTY: a TTY exec leaves its process behind whenever a client dies, this one's stdin ends.
fn request(
    target: &Target,
    screen: &Screen,
) -> Result<http::Request<Vec<u8>>, kube::core::request::Error> {
    let streams = AttachParams::default()
        .container(names::SERVER_CONTAINER)
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .tty(false);
    let Screen { size, window_bytes, idle } = *screen;
    let flags = [
        ("--port", usize::from(target.port)),
        ("--columns", usize::from(size.columns)),
        ("--rows", usize::from(size.rows)),
        ("--window-bytes", window_bytes),
    ];
    let flags = flags.into_iter().map(|(flag, value)| (flag, value.to_string()));
    // A pod of the release before knows none of these.
    let shared = idle.map(|idle| {
        [("--name", DEFAULT_LINK.to_owned()), ("--idle-ms", idle.as_millis().to_string())]
    });
    let flags = flags
        .chain(shared.into_iter().flatten())
        .flat_map(|(flag, value)| [flag.to_owned(), value]);
    let program = [names::AGENT_TOOLS_BINARY, "screen", "attach"].map(str::to_owned);
    let command = program.into_iter().chain(flags);
    Request::new(Pod::url_path(&(), Some(&target.namespace))).exec(&target.pod, command, &streams)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(idle: Option<Duration>) -> String {
        let target = Target { namespace: "team-a".into(), pod: "demo".into(), port: 4096 };
        let size = Size { columns: 120, rows: 40 };
        let request = request(&target, &Screen { size, window_bytes: 262_144, idle }).unwrap();
        let query = request.uri().query().unwrap().to_owned();
        let words = query.split('&').filter_map(|pair| pair.strip_prefix("command="));
        words.skip(3).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_terminal_is_shared_by_name_and_only_where_that_is_asked_for() {
        let own = "--port 4096 --columns 120 --rows 40 --window-bytes 262144";
        assert_eq!(command(None), own);
        let shared = format!("{own} --name default --idle-ms 90000");
        assert_eq!(command(Some(Duration::from_secs(90))), shared);
    }
}
