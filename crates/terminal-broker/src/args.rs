//! The command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use daemon::TelemetryArgs;
use share::ShareArgs;

/// Opens the terminals of shared agents, for the gateway. It is the only process that may exec into pods.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "terminal-broker", version)]
pub struct Args {
    /// Where gRPC is served, with mutual TLS
    #[arg(long, env = "LISTEN", value_name = "IP:PORT", default_value = "0.0.0.0:50051")]
    pub listen: SocketAddr,

    /// Folder of tls.crt and tls.key (the broker's) and ca.crt (of the authority that issues the
    /// callers' certificates)
    #[arg(long, env = "TLS_DIR", value_name = "FOLDER", default_value = "/etc/kubeopencode/tls")]
    pub tls_dir: PathBuf,

    /// DNS names of gateways: a certificate with one of them may open terminals, and nothing else
    #[arg(
        long,
        env = "ALLOWED_CLIENTS",
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "kubeopencode-server"
    )]
    pub allowed_clients: Vec<String>,

    /// DNS names of operators: a certificate with one of them may list and close sessions, and
    /// nothing else
    #[arg(
        long,
        env = "ALLOWED_OPERATORS",
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "kubeopencode-operator"
    )]
    pub allowed_operators: Vec<String>,

    /// DNS names of controllers: a certificate with one of them may watch who uses which agent and
    /// who asks for one that sleeps, and nothing else
    #[arg(
        long,
        env = "ALLOWED_CONTROLLERS",
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "kubeopencode-controller"
    )]
    pub allowed_controllers: Vec<String>,

    /// Maximum number of callers' connections, beside 16 for controllers and 32 for those that open
    /// no terminals; by default one for each terminal, and 64 more
    #[arg(long, env = "MAX_CONNECTIONS", value_name = "COUNT")]
    pub max_connections: Option<usize>,

    /// All viewers of a link see one terminal, which goes on for so long without any; with 0s each viewer has one of its
    /// own, as always of agents that were started by release 0.1.0
    #[arg(long, env = "SCREEN_IDLE", value_name = "DURATION", default_value = "5m",
        value_parser = humantime::parse_duration)]
    pub screen_idle: Duration,

    #[command(flatten)]
    pub share: ShareArgs,

    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

impl Args {
    /// Connections beside one for each terminal: probes, and gateways that reconnect.
    const SPARE_CONNECTIONS: usize = 64;

    pub(crate) fn max_connections(&self) -> usize {
        let derived = self.share.limits.in_all.saturating_add(Self::SPARE_CONNECTIONS);
        self.max_connections.unwrap_or(derived)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn there_may_be_a_connection_for_each_terminal() {
        let connections =
            |flags: &[&str]| Args::parse_from(["broker"].iter().chain(flags)).max_connections();
        assert_eq!(connections(&["--max-terminals=10"]), 74);
        assert_eq!(connections(&["--max-terminals=10", "--max-connections=5"]), 5);
    }
}
