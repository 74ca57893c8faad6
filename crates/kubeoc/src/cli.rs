//! Commands, flags and how their values are read. No I/O.

mod attach;
mod links;
mod options;
mod values;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use api_types::{labels, names};
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

pub use attach::AttachOptions;
pub use links::{LinkOptions, LinksOptions};
pub use options::{
    CheckOptions, GetAgentsOptions, GetOptions, IssueOptions, LogsOptions, RemoveOptions,
    RenewOptions, ScaleOptions, ShareOptions, StatusOptions, UnshareOptions, VersionOptions,
};
pub use values::{Allowed, Expiry, Format, ListFormat, Viewers, base_url};

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  any other error
  2  invalid command line
  3  the agent, its link, its pod, a container, or KubeOpenCode itself was not found
  4  timed out
  5  permission denied";

/// Manage AI agents on Kubernetes, and share their terminals
#[derive(Debug, Parser)]
#[command(name = "kubeoc", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// The file by which kubectl finds this program as its plugin.
const PLUGIN: &str = "kubectl-koc";

impl Arguments {
    /// Reads the command line of this process, or prints what is wrong with it and exits. Help texts name
    /// the program as it was called: kubectl runs it as a plugin.
    pub fn parse_as(line: impl IntoIterator<Item = OsString>) -> Self {
        let line: Vec<_> = line.into_iter().collect();
        let called = line.first().map(Path::new).and_then(Path::file_stem);
        let mut command = <Self as CommandFactory>::command();
        if called.is_some_and(|name| name == PLUGIN) {
            command = command.bin_name("kubectl koc");
        }
        let matches = command.get_matches_from(line);
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Display agents or agent templates
    #[command(subcommand)]
    Get(GetCommand),
    /// Manage one agent
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Check whether an installation is well, and say how to mend what is not
    #[command(mut_arg("namespace", of_installation), after_help = EXIT_CODES)]
    Check(CheckOptions),
    /// Make, renew and remove the certificates of an installation
    #[command(subcommand)]
    Certificates(CertificatesCommand),
    /// Print a shell completion script
    Completion { shell: Shell },
    /// Print the version of kubeoc, and of what is installed
    #[command(mut_arg("namespace", of_installation), after_help = EXIT_CODES)]
    Version(VersionOptions),
}

#[derive(Debug, Subcommand)]
pub enum GetCommand {
    /// Display one or many agents
    #[command(visible_aliases = ["agent", "ag"], after_help = EXIT_CODES)]
    Agents(GetAgentsOptions),
    /// Display one or many agent templates, and how many agents use each
    #[command(
        visible_aliases = ["template", "agenttemplates", "agenttemplate", "agt"],
        after_help = help_of_templates()
    )]
    Templates(GetOptions),
}

/// A cell of the table holds the names of few agents only.
fn help_of_templates() -> String {
    let label = labels::AGENT_TEMPLATE;
    format!("Agents that use a template:\n  kubeoc get agents -l {label}=NAME\n\n{EXIT_CODES}")
}

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Show what an agent is, what it waits for, and what to do about it
    #[command(after_help = EXIT_CODES)]
    Status(StatusOptions),
    /// Print the logs of a container in an agent's pod
    #[command(after_help = EXIT_CODES)]
    Logs(LogsOptions),
    /// Attach this terminal to an agent's, which visitors of its link see, too
    #[command(after_help = EXIT_CODES)]
    Attach(AttachOptions),
    /// Stop an agent's pod and keep its Service and volumes
    #[command(after_help = EXIT_CODES)]
    Suspend(ScaleOptions),
    /// Start a suspended agent, and wait until it is ready
    #[command(after_help = EXIT_CODES)]
    Resume(ScaleOptions),
    /// List an agent's share links
    #[command(after_help = EXIT_CODES)]
    Links(LinksOptions),
    /// Enable an agent's share link, wait until it is active, and print it
    #[command(after_help = EXIT_CODES)]
    Share(ShareOptions),
    /// Disable an agent's share links and delete their tokens, or remove one link
    #[command(after_help = EXIT_CODES)]
    Unshare(UnshareOptions),
}

#[derive(Debug, Subcommand)]
pub enum CertificatesCommand {
    /// Make the certificates that are missing, and renew those that are about to end
    #[command(mut_arg("namespace", of_installation), after_help = EXIT_CODES)]
    Renew(RenewOptions),
    /// Make the client certificate of a tool that calls the terminal broker
    #[command(mut_arg("namespace", of_installation), after_help = EXIT_CODES)]
    Issue(IssueOptions),
    /// Delete the certificates that renew made, where an installation is uninstalled
    #[command(mut_arg("namespace", of_installation), after_help = EXIT_CODES)]
    Remove(RemoveOptions),
}

/// An installation has a namespace of its own, whatever the context's.
fn of_installation(namespace: Arg) -> Arg {
    namespace.default_value(names::SERVER_NAMESPACE).help("Namespace of the installation")
}

/// Which agent, in which cluster.
#[derive(Clone, Debug, Args)]
pub struct Target {
    /// Name of the agent
    #[arg(value_name = "NAME")]
    pub name: String,

    #[command(flatten)]
    pub place: Place,
}

/// Which cluster and namespace, and how long to try.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// Namespace to use; defaults to the namespace of the context
    #[arg(short, long)]
    pub namespace: Option<String>,

    /// Time to wait before giving up
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::positive_duration)]
    pub timeout: Duration,

    /// Path to the kubeconfig file; defaults to $KUBECONFIG, ~/.kube/config, or the pod's service account
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,

    /// Kubeconfig context to use; defaults to the current context
    #[arg(long, help_heading = "Cluster")]
    pub context: Option<String>,
}

#[cfg(test)]
mod tests;
