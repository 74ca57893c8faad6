//! The controller's flags, each with an environment fallback.

use std::path::PathBuf;

use api_types::{Namespaces, names};
use clap::{Parser, ValueEnum};
use daemon::TelemetryArgs;

use crate::{
    activity::{BrokerUrl, Brokers},
    resolve::{Images, Pull, ServerPassword},
};

/// How the controller is started.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "controller",
    version,
    about = "Reconciles Agents and AgentTemplates into running pods and reports their status"
)]
pub struct Args {
    /// Namespaces whose Agents are run; nothing is read in any other [default: all]
    #[arg(
        long,
        env = "WATCH_NAMESPACES",
        value_name = "NAMESPACE,…",
        default_value = "",
        hide_default_value = true
    )]
    pub watch_namespaces: Namespaces,

    /// Default image that contains OpenCode
    #[arg(long, env = "AGENT_IMAGE", value_name = "IMAGE", default_value = names::DEFAULT_AGENT_IMAGE)]
    pub agent_image: String,

    /// Default image that agents run in
    #[arg(long, env = "EXECUTOR_IMAGE", value_name = "IMAGE", default_value = names::DEFAULT_EXECUTOR_IMAGE)]
    pub executor_image: String,

    /// Image of KubeOpenCode's own tools in an agent's pod
    #[arg(
        long,
        env = "TOOLS_IMAGE",
        value_name = "IMAGE",
        default_value = "ghcr.io/kubeopencode/agent-tools:latest"
    )]
    pub tools_image: String,

    /// Image pull policy of agents' pods [default: as Kubernetes does, by tag]
    #[arg(long, env = "IMAGE_PULL_POLICY", value_enum)]
    pub image_pull_policy: Option<PullPolicy>,

    /// User and group of agents' pods that set none: 1000, or what admission chooses for the namespace
    #[arg(long, env = "USER_IDS", value_enum, default_value = "auto")]
    pub user_ids: UserIdsArg,

    /// Whether agents' servers require a password, from a Secret of each agent's own
    #[arg(long, env = "SERVER_PASSWORD", value_enum, default_value = "generated")]
    pub server_password: ServerPasswordArg,

    /// External URL of the gateway; if set, share Secrets contain the full link
    #[arg(long, env = "EXTERNAL_URL", value_name = "https://HOST")]
    pub external_url: Option<http::Uri>,

    /// Headless Service of the terminal brokers, which tell who uses which agent
    #[arg(
        long,
        env = "BROKER",
        value_name = "URL",
        default_value = "https://kubeopencode-terminal-broker:50051"
    )]
    pub broker: BrokerUrl,

    /// The name that the brokers' certificates must be for
    #[arg(long, env = "BROKER_NAME", value_name = "NAME", default_value = names::BROKER_SERVICE)]
    pub broker_name: String,

    /// Folder with ca.crt, tls.crt and tls.key for the brokers. Without them no agent falls asleep,
    /// unless the brokers' URL is http://
    #[arg(long, env = "TLS_DIR", value_name = "DIR")]
    pub tls_dir: Option<PathBuf>,

    /// Namespace of the leader election lease, and of the brokers where their URL names none
    #[arg(long, env = "LEASE_NAMESPACE", value_name = "NAMESPACE", default_value = names::SERVER_NAMESPACE)]
    pub lease_namespace: String,

    /// Name of the leader election lease
    #[arg(long, env = "LEASE_NAME", value_name = "NAME", default_value = names::CONTROLLER_DEPLOYMENT)]
    pub lease_name: String,

    /// Identity of this replica in the leader election, unique among the replicas
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub pod_name: String,

    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// When the kubelet pulls an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

/// As whom agents run that say nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UserIdsArg {
    /// Namespace on OpenShift, else fixed
    Auto,
    /// User, group and volume group 1000
    Fixed,
    /// None: OpenShift's admission chooses from the range of the namespace
    Namespace,
}

/// Whether an agent's server has a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ServerPasswordArg {
    /// One for each agent, in its Secret {agent}-server
    Generated,
    /// None: whoever reaches the port of a server can use it
    None,
}

impl Args {
    /// The installation's images.
    pub fn images(&self) -> Images {
        Images {
            agent: self.agent_image.clone(),
            executor: self.executor_image.clone(),
            tools: self.tools_image.clone(),
            pull: self.image_pull_policy.map_or(Pull::ByTag, |p| Pull::Fixed(format!("{p:?}"))),
        }
    }

    pub fn server_password(&self) -> ServerPassword {
        match self.server_password {
            ServerPasswordArg::Generated => ServerPassword::Generated,
            ServerPasswordArg::None => ServerPassword::None,
        }
    }

    /// The brokers to listen to.
    pub fn brokers(&self) -> Brokers {
        Brokers {
            url: self.broker.clone(),
            name: self.broker_name.clone(),
            namespace: self.lease_namespace.clone(),
            tls_dir: self.tls_dir.clone(),
        }
    }

    /// Without a slash at its end.
    pub fn external_url(&self) -> Option<String> {
        let url = self.external_url.as_ref().map(ToString::to_string);
        url.map(|url| url.trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &[&str]) -> Args {
        let needed = ["controller", "--pod-name", "me"];
        Args::parse_from(needed.into_iter().chain(flags.iter().copied()))
    }

    #[test]
    fn a_pull_policy_is_spelled_as_kubernetes_spells_it() {
        assert_eq!(parse(&[]).images().pull, Pull::ByTag);
        let fixed = parse(&["--image-pull-policy", "IfNotPresent"]).images().pull;
        assert_eq!(fixed, Pull::Fixed("IfNotPresent".into()));
    }

    #[test]
    fn servers_have_passwords_unless_told_otherwise() {
        assert_eq!(parse(&[]).server_password(), ServerPassword::Generated);
        let none = parse(&["--server-password", "none"]).server_password();
        assert_eq!(none, ServerPassword::None);
    }

    #[test]
    fn the_whole_cluster_is_watched_unless_namespaces_are_named() {
        assert_eq!(parse(&[]).watch_namespaces, Namespaces::All);
        let some = parse(&["--watch-namespaces", "team-b, team-a"]).watch_namespaces;
        assert_eq!(some.to_string(), "team-a,team-b");
        let refused = Args::try_parse_from(["controller", "--pod-name=me", "--watch-namespaces=*"]);
        assert!(refused.unwrap_err().to_string().contains("\"*\" is no name of a namespace"));
    }

    #[test]
    fn an_external_url_may_have_a_path_and_loses_its_last_slash() {
        for given in ["https://agents.example/team", "https://agents.example/team/"] {
            let url = parse(&["--external-url", given]).external_url();
            assert_eq!(url.as_deref(), Some("https://agents.example/team"));
        }
        let bare = parse(&["--external-url", "https://agents.example"]).external_url();
        assert_eq!(bare.as_deref(), Some("https://agents.example"));
    }
}
