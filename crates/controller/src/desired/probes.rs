//! How the kubelet learns whether an agent's server works. Pure.
//!
//! An HTTP probe would carry the server's password in the Deployment, so our own
//! tool asks `GET /session/status`, and reads the password where the server does.

use api_types::names;
use k8s_openapi::{
    api::core::v1::{ExecAction, Probe, TCPSocketAction},
    apimachinery::pkg::util::intstr::IntOrString,
};

/// 30 attempts, 2 s apart: a minute to start.
pub(super) fn startup(port: u16) -> Probe {
    Probe { period_seconds: Some(2), failure_threshold: Some(30), ..asking(port) }
}

pub(super) fn readiness(port: u16) -> Probe {
    Probe { period_seconds: Some(10), ..asking(port) }
}

/// A busy server may be slow to answer, but it accepts.
pub(super) fn liveness() -> Probe {
    let port = IntOrString::String(names::HTTP_PORT_NAME.to_owned());
    Probe {
        tcp_socket: Some(TCPSocketAction { port, host: None }),
        period_seconds: Some(30),
        ..patient()
    }
}

fn asking(port: u16) -> Probe {
    let port = port.to_string();
    let command = [names::AGENT_TOOLS_BINARY, "probe", "--port", &port].map(str::to_owned);
    Probe { exec: Some(ExecAction { command: Some(command.to_vec()) }), ..patient() }
}

fn patient() -> Probe {
    Probe { timeout_seconds: Some(5), failure_threshold: Some(3), ..Probe::default() }
}
