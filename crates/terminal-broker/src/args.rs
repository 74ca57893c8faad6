//! The command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use daemon::TelemetryArgs;

use crate::sessions::Limits;

/// Opens the terminals of shared agents, for the gateway. It is the only process that may exec into pods.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "terminal-broker", version)]
pub struct Args {
    /// Where gRPC is served, with mutual TLS
    #[arg(long, env = "LISTEN", value_name = "IP:PORT", default_value = "0.0.0.0:50051")]
    pub listen: SocketAddr,

    /// Folder of tls.crt and tls.key (ours) and ca.crt (of the authority whose certificates callers present)
    #[arg(long, env = "TLS_DIR", value_name = "FOLDER", default_value = "/etc/kubeopencode/tls")]
    pub tls_dir: PathBuf,

    /// DNS names of which a caller's certificate must carry one
    #[arg(
        long,
        env = "ALLOWED_CLIENTS",
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "kubeopencode-server"
    )]
    pub allowed_clients: Vec<String>,

    /// For how long links are believed without a working watch of Agents. Later no terminal opens; open
    /// ones go on
    #[arg(long, env = "STALE_GRACE", value_name = "DURATION", default_value = "10m",
        value_parser = humantime::parse_duration)]
    pub stale_grace: Duration,

    /// Most terminals open through one link
    #[arg(long, env = "MAX_TERMINALS_PER_LINK", value_name = "COUNT", default_value_t = 8)]
    pub max_terminals_per_link: usize,

    /// Most terminals open of one agent
    #[arg(long, env = "MAX_TERMINALS_PER_AGENT", value_name = "COUNT", default_value_t = 16)]
    pub max_terminals_per_agent: usize,

    /// Most terminals open in this broker
    #[arg(long, env = "MAX_TERMINALS", value_name = "COUNT", default_value_t = 500)]
    pub max_terminals: usize,

    /// Most connections of callers
    #[arg(long, env = "MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 128)]
    pub max_connections: usize,

    /// This process's name in Events; the host's name if left out
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub pod_name: Option<String>,

    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

impl Args {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            per_link: self.max_terminals_per_link,
            per_agent: self.max_terminals_per_agent,
            in_all: self.max_terminals,
        }
    }
}
