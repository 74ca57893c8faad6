//! The command line. Every flag has an environment variable of its name.
#![allow(clippy::doc_markdown, reason = "clap shows these comments as they are")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use api_types::network::{NetworkError, parse_allowed};
use daemon::TelemetryArgs;
use ipnetwork::IpNetwork;

use crate::{
    headers::FrameAncestors, limits::RequestLimits, origin::Origin, terminals::TerminalLimits,
};

/// Serves share links: the page, its information and its terminal
///
/// It watches Agents, so its ServiceAccount needs `list` and `watch` on
/// agents.kubeopencode.io, and `create` on events.events.k8s.io.
/// It reads no Secret and starts nothing in a pod: the terminal broker does that.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "gateway", version)]
pub struct Args {
    /// Where share links are served (plain HTTP: TLS ends at the ingress)
    #[arg(long, env = "LISTEN", value_name = "IP:PORT",
        default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 2746)))]
    pub listen: SocketAddr,

    /// The terminal broker
    #[arg(
        long,
        env = "BROKER",
        value_name = "URL",
        default_value = "https://kubeopencode-terminal-broker.kubeopencode-system.svc:50051"
    )]
    pub broker: String,

    /// The name that the broker's certificate must be for
    #[arg(
        long,
        env = "BROKER_NAME",
        value_name = "NAME",
        default_value = "kubeopencode-terminal-broker"
    )]
    pub broker_name: String,

    /// Folder with ca.crt, tls.crt and tls.key for the broker, read at the start.
    /// Needed unless the broker's URL is http://
    #[arg(long, env = "TLS_DIR", value_name = "DIR")]
    pub tls_dir: Option<PathBuf>,

    /// The proxies whose X-Forwarded-For, -Host and -Proto count, as addresses or
    /// CIDR networks. Without any the TCP peer is the client
    #[arg(long, env = "TRUSTED_PROXIES", value_name = "CIDR,…", value_delimiter = ',',
        value_parser = network)]
    pub trusted_proxies: Vec<IpNetwork>,

    /// Who may show the page in a frame: the value of CSP's frame-ancestors
    #[arg(long, env = "FRAME_ANCESTORS", value_name = "SOURCES", default_value = "'none'")]
    pub frame_ancestors: FrameAncestors,

    /// Further origins whose pages may open a terminal, such as
    /// https://portal.example.com. The page's own always may
    #[arg(long, env = "ALLOWED_ORIGINS", value_name = "ORIGIN,…", value_delimiter = ',')]
    pub allowed_origins: Vec<Origin>,

    /// How long new visits are admitted without word from the API server. Open
    /// terminals go on
    #[arg(long, env = "STALE_GRACE", value_name = "DURATION", default_value = "10m",
        value_parser = humantime::parse_duration)]
    pub stale_grace: Duration,

    /// The name of this pod, which Events carry
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub pod_name: Option<String>,

    #[command(flatten)]
    pub limits: LimitArgs,

    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// A client is an IPv4 address or an IPv6 /64. What is refused is answered by 429
/// with Retry-After.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Connections at a time; more wait to be accepted
    #[arg(long, env = "MAX_CONNECTIONS", value_name = "N", default_value_t = 4096)]
    pub max_connections: usize,

    /// Requests of one client a minute, in the long run
    #[arg(long, env = "REQUESTS_PER_MINUTE", value_name = "N", default_value = "300")]
    pub requests_per_minute: NonZeroU32,

    /// Requests of one client at once, after a pause
    #[arg(long, env = "REQUEST_BURST", value_name = "N", default_value = "100")]
    pub request_burst: NonZeroU32,

    /// Wrong or expired tokens of one client a minute, and at once
    #[arg(long, env = "WRONG_TOKENS_PER_MINUTE", value_name = "N", default_value = "20")]
    pub wrong_tokens_per_minute: NonZeroU32,

    /// How long a client that tried more tokens is turned away
    #[arg(long, env = "LOCKOUT", value_name = "DURATION", default_value = "1m",
        value_parser = humantime::parse_duration)]
    pub lockout: Duration,

    /// Open terminals of one link
    #[arg(long, env = "MAX_TERMINALS_PER_LINK", value_name = "N", default_value_t = 10)]
    pub max_terminals_per_link: usize,

    /// Open terminals of one agent
    #[arg(long, env = "MAX_TERMINALS_PER_AGENT", value_name = "N", default_value_t = 20)]
    pub max_terminals_per_agent: usize,

    /// Open terminals in all
    #[arg(long, env = "MAX_TERMINALS", value_name = "N", default_value_t = 1000)]
    pub max_terminals: usize,
}

impl LimitArgs {
    pub fn requests(&self) -> RequestLimits {
        RequestLimits {
            per_minute: self.requests_per_minute,
            burst: self.request_burst,
            wrong_tokens: self.wrong_tokens_per_minute,
            lockout: self.lockout,
        }
    }

    pub fn terminals(&self) -> TerminalLimits {
        TerminalLimits {
            per_link: self.max_terminals_per_link,
            per_agent: self.max_terminals_per_agent,
            in_all: self.max_terminals,
        }
    }
}

fn network(text: &str) -> Result<IpNetwork, NetworkError> {
    parse_allowed(text.trim())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let args = Args::parse_from([
            "gateway",
            "--trusted-proxies=10.0.0.0/8, 192.0.2.1",
            "--allowed-origins=https://a.example,https://b.example:8443",
        ]);
        let proxies: Vec<String> = args.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(proxies, ["10.0.0.0/8", "192.0.2.1/32"]);
        assert_eq!(args.allowed_origins.len(), 2);
    }

    #[test]
    fn mistakes_are_refused_before_anything_starts() {
        for flag in [
            "--trusted-proxies=10.0.0.0/33",
            "--allowed-origins=a.example",
            "--frame-ancestors='self'; script-src *",
            "--requests-per-minute=0",
            "--stale-grace=soon",
        ] {
            assert!(Args::try_parse_from(["gateway", flag]).is_err(), "{flag}");
        }
    }
}
