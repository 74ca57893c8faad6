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
use share::ShareArgs;

use crate::{
    headers::FrameAncestors,
    limits::{Rate, RequestLimits},
    origin::Origin,
};

/// Serves share links: the page, its information and its terminal
///
/// It watches Agents, so its ServiceAccount needs `list` and `watch` on
/// agents.kubeopencode.io, and `create` on events.events.k8s.io.
/// It reads no Secret and starts nothing in a pod: the terminal broker does that.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "gateway", version)]
pub struct Args {
    /// Where share links are served, by plain HTTP unless --serve-tls-dir is set
    #[arg(long, env = "LISTEN", value_name = "IP:PORT",
        default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 2746)))]
    pub listen: SocketAddr,

    /// Folder with tls.crt and tls.key for visitors: share links are served by HTTPS
    /// only. Both are read anew when they change. Not needed behind an ingress that
    /// ends TLS
    #[arg(long, env = "SERVE_TLS_DIR", value_name = "DIR")]
    pub serve_tls_dir: Option<PathBuf>,

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

    /// Go on with the traces that those proxies tell of by a traceparent header.
    /// Without it every visit begins a trace of its own: a visitor could send one
    /// through a proxy that does not replace it
    #[arg(long, env = "TRUST_TRACEPARENT", requires = "trusted_proxies")]
    pub trust_traceparent: bool,

    /// Who may show the page in a frame: the value of CSP's frame-ancestors
    #[arg(long, env = "FRAME_ANCESTORS", value_name = "SOURCES", default_value = "'none'")]
    pub frame_ancestors: FrameAncestors,

    /// Further origins whose pages may open a terminal, such as
    /// https://portal.example.com. The page's own always may
    #[arg(long, env = "ALLOWED_ORIGINS", value_name = "ORIGIN,…", value_delimiter = ',')]
    pub allowed_origins: Vec<Origin>,

    #[command(flatten)]
    pub share: ShareArgs,

    #[command(flatten)]
    pub limits: LimitArgs,

    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// A client is an IPv4 address or an IPv6 /64. What is refused is answered by 429
/// with Retry-After. Requests with a valid token count for their link, all others
/// for their client.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Maximum number of connections that have not shown a valid token; one more
    /// closes one of the client that has the most
    #[arg(long, env = "MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 4096)]
    pub max_connections: usize,

    /// Failed requests of one client a minute, and as many for files of the page
    #[arg(long, env = "REQUESTS_PER_MINUTE", value_name = "COUNT", default_value = "300")]
    pub requests_per_minute: NonZeroU32,

    /// Failed requests of one client at once after a pause, and as many for files
    #[arg(long, env = "REQUEST_BURST", value_name = "COUNT", default_value = "100")]
    pub request_burst: NonZeroU32,

    /// Wrong or expired tokens of one client a minute, and at once
    #[arg(long, env = "WRONG_TOKENS_PER_MINUTE", value_name = "COUNT", default_value = "20")]
    pub wrong_tokens_per_minute: NonZeroU32,

    /// How long a client that tried more tokens is turned away with others
    #[arg(long, env = "LOCKOUT", value_name = "DURATION", default_value = "1m",
        value_parser = humantime::parse_duration)]
    pub lockout: Duration,

    /// Requests through one link a minute
    #[arg(long, env = "LINK_REQUESTS_PER_MINUTE", value_name = "COUNT", default_value = "600")]
    pub link_requests_per_minute: NonZeroU32,

    /// Requests through one link at once after a pause
    #[arg(long, env = "LINK_REQUEST_BURST", value_name = "COUNT", default_value = "200")]
    pub link_request_burst: NonZeroU32,

    /// Terminals opened through one link a minute
    #[arg(long, env = "LINK_OPENINGS_PER_MINUTE", value_name = "COUNT", default_value = "30")]
    pub link_openings_per_minute: NonZeroU32,

    /// Terminals opened through one link at once after a pause
    #[arg(long, env = "LINK_OPENING_BURST", value_name = "COUNT", default_value = "20")]
    pub link_opening_burst: NonZeroU32,
}

impl LimitArgs {
    pub fn requests(&self) -> RequestLimits {
        let rate = |per_minute, burst| Rate { per_minute, burst };
        RequestLimits {
            client: rate(self.requests_per_minute, self.request_burst),
            wrong_tokens: self.wrong_tokens_per_minute,
            lockout: self.lockout,
            link: rate(self.link_requests_per_minute, self.link_request_burst),
            openings: rate(self.link_openings_per_minute, self.link_opening_burst),
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
