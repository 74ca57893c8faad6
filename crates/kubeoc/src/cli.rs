//! Commands, flags and how their values are read. No I/O.

use std::{path::PathBuf, time::Duration};

use api_types::network::{IpNetwork, NetworkError, parse_allowed};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  any other error
  2  invalid command line
  3  the agent, its link, or KubeOpenCode itself was not found
  4  timed out
  5  permission denied";

/// Share the terminals of AI agents on Kubernetes
#[derive(Debug, Parser)]
#[command(name = "kubeoc", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage agents
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Print a shell completion script
    Completion { shell: Shell },
    /// Print the version
    Version,
}

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Enable an agent's share link, wait until it is active, and print it
    #[command(after_help = EXIT_CODES)]
    Share(ShareOptions),
    /// Disable an agent's share link and delete its token
    #[command(after_help = EXIT_CODES)]
    Unshare(UnshareOptions),
}

/// Which agent, in which cluster.
#[derive(Clone, Debug, Args)]
pub struct Target {
    /// Name of the agent
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Namespace of the agent; defaults to the namespace of the context
    #[arg(short, long)]
    pub namespace: Option<String>,

    /// Time to wait before giving up
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = positive_duration)]
    pub timeout: Duration,

    /// Path to the kubeconfig file; defaults to $KUBECONFIG, ~/.kube/config, or the pod's service account
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,

    /// Kubeconfig context to use; defaults to the current context
    #[arg(long, help_heading = "Cluster")]
    pub context: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct ShareOptions {
    #[command(flatten)]
    pub target: Target,

    /// Expire the link after this duration, such as 24h or 7d; "never" removes the expiry
    #[arg(long, value_name = "DURATION", value_parser = expiry)]
    pub expires_in: Option<Expiry>,

    /// Allow only these CIDRs or IP addresses, such as 10.0.0.0/8,192.0.2.7; "any" removes the restriction
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = allowed)]
    pub allowed_ips: Option<Vec<Allowed>>,

    /// Print the existing link without changing anything
    #[arg(long, conflicts_with_all = ["expires_in", "allowed_ips"])]
    pub show: bool,

    /// Also print the link as a QR code
    #[arg(long, conflicts_with = "output")]
    pub qr: bool,

    /// Output format
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<Format>,

    // Not a doc comment, where a bare address is a mistake.
    #[arg(
        long,
        value_name = "URL",
        value_parser = server_url,
        help = "External URL of the server, such as https://agents.example.com; defaults to the one in the Agent's status"
    )]
    pub server_url: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct UnshareOptions {
    #[command(flatten)]
    pub target: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Json,
    Yaml,
}

/// What `--expires-in` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    After(Duration),
}

/// One value of `--allowed-ips`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    Any,
    /// As the user wrote it; it names a network.
    Network(String),
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("must be longer than zero".into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; use a duration such as 90s, 24h or 1h 30m")),
    }
}

fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" { Ok(Expiry::Never) } else { positive_duration(text).map(Expiry::After) }
}

fn allowed(text: &str) -> Result<Allowed, NetworkError> {
    if text == "any" {
        return Ok(Allowed::Any);
    }
    let _network: IpNetwork = parse_allowed(text)?;
    Ok(Allowed::Network(text.to_owned()))
}

/// The base of a link's address, without a slash at its end.
fn server_url(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if !matches!(scheme, "http" | "https") || rest.is_empty() || rest.contains(['?', '#', ' ']) {
        return Err("use a URL such as https://agents.example.com".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests;
