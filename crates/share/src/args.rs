//! The flags that every process has which admits visits.

use std::time::Duration;

use api_types::Namespaces;

use crate::capacity::Limits;

/// How visits are admitted, and what reports on them are signed with.
#[derive(Clone, Debug, clap::Args)]
pub struct ShareArgs {
    /// Namespaces whose Agents' links work; nothing is read in any other [default: all]
    #[arg(
        long,
        env = "WATCH_NAMESPACES",
        value_name = "NAMESPACE,…",
        default_value = "",
        hide_default_value = true
    )]
    pub watch_namespaces: Namespaces,

    /// How long visits are admitted without a working watch of Agents; open terminals go on
    #[arg(long, env = "STALE_GRACE", value_name = "DURATION", default_value = "10m",
        value_parser = humantime::parse_duration)]
    pub stale_grace: Duration,

    /// The name of this pod, which Events carry
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub pod_name: Option<String>,

    #[command(flatten)]
    pub limits: Limits,
}
