//! The flags of each command.

use std::time::Duration;

use api_types::{LinkName, ToolName, ToolRole};
use clap::Args;
use pki::Tool;

use super::{
    Place, Target,
    links::LinkOptions,
    values::{self, Allowed, Expiry, Format, ListFormat},
};

#[derive(Clone, Debug, Args)]
pub struct GetOptions {
    /// Show only these
    #[arg(value_name = "NAME", conflicts_with_all = ["all_namespaces", "selector"])]
    pub names: Vec<String>,

    /// Show those of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,

    /// Show only those whose labels match, such as team=web,tier!=test
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Output format
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<ListFormat>,

    /// Leave out the headings of the table
    #[arg(long)]
    pub no_headers: bool,

    #[command(flatten)]
    pub place: Place,
}

#[derive(Clone, Debug, Args)]
pub struct GetAgentsOptions {
    #[command(flatten)]
    pub get: GetOptions,

    /// Print the table, and then each row that changes
    #[arg(short, long)]
    pub watch: bool,
}

#[derive(Clone, Debug, Args)]
pub struct StatusOptions {
    #[command(flatten)]
    pub target: Target,

    /// Output format
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<Format>,
}

#[derive(Clone, Debug, Args)]
pub struct LogsOptions {
    #[command(flatten)]
    pub target: Target,

    /// Container to read, such as git-init-0; defaults to the agent's server
    #[arg(short, long)]
    pub container: Option<String>,

    /// Keep printing what the container writes
    #[arg(short, long)]
    pub follow: bool,

    /// Print only this many of the last lines; -1 prints all
    #[arg(
        long,
        value_name = "LINES",
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(i64).range(-1..)
    )]
    pub tail: Option<i64>,

    /// Print the logs of the container's previous run, if it was restarted
    #[arg(short, long)]
    pub previous: bool,

    /// Print only lines newer than this duration, such as 5s, 2m or 3h
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
    pub since: Option<Duration>,
}

/// Of `suspend` and `resume`.
#[derive(Clone, Debug, Args)]
pub struct ScaleOptions {
    #[command(flatten)]
    pub target: Target,

    /// Return as soon as the change is stored
    #[arg(long)]
    pub no_wait: bool,
}

/// The flags that change what a link allows.
const CHANGES: [&str; 6] =
    ["expires_in", "allowed_ips", "view", "interact", "max_viewers", "idle_timeout"];

#[derive(Clone, Debug, Args)]
pub struct ShareOptions {
    #[command(flatten)]
    pub target: Target,

    /// Expire the link after this duration, such as 24h or 7d; "never" removes the expiry
    #[arg(long, value_name = "DURATION", value_parser = values::expiry)]
    pub expires_in: Option<Expiry>,

    /// Allow only these CIDRs or IP addresses, such as 10.0.0.0/8,192.0.2.7; "any" removes the restriction
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = values::allowed)]
    pub allowed_ips: Option<Vec<Allowed>>,

    #[command(flatten)]
    pub link: LinkOptions,

    /// Print the existing link without changing anything
    #[arg(long, conflicts_with_all = CHANGES)]
    pub show: bool,

    /// Replace the token of the existing link, which closes its terminals
    #[arg(long, conflicts_with_all = CHANGES, conflicts_with = "show")]
    pub rotate: bool,

    /// Also print the link as a QR code
    #[arg(long, conflicts_with = "output")]
    pub qr: bool,

    /// Output format
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<Format>,

    // Not a doc comment, where a bare address is a mistake.
    #[arg(
        long,
        visible_alias = "external-url",
        value_name = "URL",
        value_parser = values::base_url,
        help = "External URL of the server, such as https://agents.example.com; defaults to the controller's --external-url"
    )]
    pub server_url: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct UnshareOptions {
    #[command(flatten)]
    pub target: Target,

    /// Remove the link of this name, and leave the others
    #[arg(long, value_name = "LINK", value_parser = values::link)]
    pub link: Option<LinkName>,
}

/// Of `certificates renew`.
#[derive(Clone, Debug, Args)]
pub struct RenewOptions {
    /// How long new certificates are valid, at most 365
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = pki::VALIDITY_DAYS,
        value_parser = clap::value_parser!(i64).range(2..=365)
    )]
    pub validity: i64,

    /// Renew certificates that end within this time
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = pki::RENEW_BEFORE_DAYS,
        value_parser = clap::value_parser!(i64).range(1..=364)
    )]
    pub renew_before: i64,

    /// Take over Secrets that somebody else made
    #[arg(long)]
    pub adopt: bool,

    /// Make and renew the certificate of this tool as well, such as nightly=list,close; may be repeated
    #[arg(long = "tool", value_name = "NAME=ROLE,...")]
    pub tools: Vec<Tool>,

    /// Leave out tools that no --tool names, whose Secrets are otherwise found by a list
    #[arg(long)]
    pub no_list: bool,

    #[command(flatten)]
    pub place: Place,
}

/// Of `certificates issue`.
#[derive(Clone, Debug, Args)]
pub struct IssueOptions {
    /// Name of the tool, which logs and Events will say
    #[arg(value_name = "NAME")]
    pub name: ToolName,

    /// What it may do: attach (open terminals by a link's token), list or close (sessions); may be repeated
    #[arg(long = "role", value_name = "ROLE", required = true, value_delimiter = ',')]
    pub roles: Vec<ToolRole>,

    #[command(flatten)]
    pub place: Place,
}

/// Of `certificates remove`.
#[derive(Clone, Debug, Args)]
pub struct RemoveOptions {
    /// Delete the certificate of this tool as well; may be repeated
    #[arg(long = "tool", value_name = "NAME")]
    pub tools: Vec<ToolName>,

    /// Leave out tools that no --tool names, whose Secrets are otherwise found by a list
    #[arg(long)]
    pub no_list: bool,

    #[command(flatten)]
    pub place: Place,
}

#[derive(Clone, Debug, Args)]
pub struct VersionOptions {
    /// Print only the version of kubeoc, and ask no cluster
    #[arg(long)]
    pub client: bool,

    /// Output format
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<Format>,

    #[command(flatten)]
    pub place: Place,
}

#[derive(Clone, Debug, Args)]
pub struct CheckOptions {
    /// Namespaces of agents, where the installation is for some only and its Deployments do not
    /// say for which; may be repeated
    #[arg(long = "watch-namespace", value_name = "NAMESPACE")]
    pub watch_namespaces: Vec<String>,

    /// Also make an agent in this namespace, wait until it is ready, open its link, and delete it
    #[arg(long, value_name = "NAMESPACE")]
    pub scratch_agent: Option<String>,

    /// Time to wait until that agent is ready
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "5m",
        requires = "scratch_agent",
        value_parser = values::positive_duration
    )]
    pub scratch_timeout: Duration,

    // Not a doc comment, where a bare address is a mistake.
    #[arg(
        long,
        visible_alias = "server-url",
        value_name = "URL",
        requires = "scratch_agent",
        value_parser = values::base_url,
        help = "Open the link at this URL, such as https://agents.example.com; defaults to the API server's way to the gateway"
    )]
    pub external_url: Option<String>,

    /// Output format
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<Format>,

    #[command(flatten)]
    pub place: Place,
}
