//! The cluster that demo and tests run on: `cargo xtask cluster up|down|status`, and what other tasks need of it.

#![allow(clippy::print_stdout, reason = "a command line tool talks to its terminal")]

mod audit;
mod current;
mod kind;
mod name;
mod standalone;
mod version;
pub mod wait;

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Result, bail};
use clap::{Subcommand, ValueEnum};

pub use name::ClusterName;
pub use standalone::{
    ControlPlane, Controllers, Port, ensure_actionlint, ensure_helm, ensure_registry, test_go,
};

use standalone::Egress;
use task::shell::Cmd;
pub use version::Wanted;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Bring a cluster up, or finish one that was interrupted; does nothing to one that is well.
    Up(Choice),
    /// Remove the cluster with all that belongs to it.
    Down(Choice),
    /// Say how the cluster is, and where its kubeconfig lies.
    Status(Choice),
}

#[derive(clap::Args, Clone)]
pub struct Choice {
    /// Where the cluster comes from [default: the one there is, else kind where it works, else standalone].
    #[arg(long, value_enum)]
    provider: Option<Provider>,
    /// The cluster's name; clusters by different names live side by side.
    #[arg(long, default_value_t)]
    name: ClusterName,
    /// A context of the kubeconfig whose cluster is used as it is; it is never made or removed.
    #[arg(long, conflicts_with_all = ["provider", "name"])]
    context: Option<String>,
    /// A new cluster's Kubernetes: a minor such as 1.34, or a version [default: the newest that can be built here; kind's own].
    #[arg(long, value_name = "VERSION|MINOR", conflicts_with = "context")]
    kubernetes: Option<Wanted>,
    /// Let the pods of a standalone cluster reach what this machine reaches; by default they reach nothing outside.
    #[arg(long)]
    egress: bool,
}

impl Choice {
    /// The same cluster, with a way out for its pods.
    #[must_use]
    pub fn with_egress(&self) -> Self {
        Self { egress: true, ..self.clone() }
    }

    /// A standalone cluster of its own, such as `kubeopencode-release`, of the same Kubernetes.
    pub fn beside(&self, purpose: &str) -> Result<Self> {
        Ok(Self {
            provider: Some(Provider::Standalone),
            name: format!("{}-{purpose}", self.name).parse()?,
            context: None,
            ..self.clone()
        })
    }

    /// What a command line says of it where it is not the default one, after a blank.
    pub fn option(&self) -> String {
        match &self.context {
            Some(context) => format!(" --context {context}"),
            None if self.name == ClusterName::default() => String::new(),
            None => format!(" --name {}", self.name),
        }
    }

    /// The context that was named.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The cluster of the present kube context where nothing else is named.
    #[must_use]
    pub fn or_current(&self) -> Self {
        let unnamed = self.name == ClusterName::default() && self.context.is_none();
        let provider = self.provider.or(unnamed.then_some(Provider::Current));
        Self { provider, ..self.clone() }
    }

    /// The Kubernetes that was asked for.
    pub fn kubernetes(&self) -> Option<Wanted> {
        self.kubernetes
    }

    fn egress(&self) -> Egress {
        if self.egress { Egress::Open } else { Egress::Closed }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// Kubernetes built from source, in namespaces of this machine; needs root, Go and Debian.
    Standalone,
    /// kind with Docker or Podman.
    Kind,
    /// The cluster of the present kube context; it is never made or removed.
    Current,
}

/// A port of the cluster's nodes, and where this machine reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    pub node_port: u16,
    pub address: SocketAddr,
}

/// A cluster that is up.
#[derive(Clone)]
pub struct Cluster {
    name: ClusterName,
    provider: Provider,
    context: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.action {
        Action::Up(choice) => {
            let cluster = up(choice)?;
            println!("export KUBECONFIG={}", cluster.kubeconfig()?.display());
            Ok(())
        }
        Action::Down(choice) => down(choice),
        Action::Status(choice) => status(choice),
    }
}

/// Brings the cluster up if it is not.
pub fn up(choice: &Choice) -> Result<Cluster> {
    let (name, provider) = (&choice.name, provider(choice)?);
    match provider {
        Provider::Standalone => standalone::up(name, choice.kubernetes, choice.egress())?,
        Provider::Kind => kind::up(name, choice.kubernetes)?,
        Provider::Current if choice.kubernetes.is_some() => {
            bail!("the cluster of the present context is what it is: leave --kubernetes out")
        }
        Provider::Current => current::up(choice.context.as_deref())?,
    }
    Ok(Cluster { name: name.clone(), provider, context: choice.context.clone() })
}

/// Removes the cluster if it is ours and there.
pub fn down(choice: &Choice) -> Result<()> {
    match provider(choice)? {
        Provider::Standalone => standalone::down(&choice.name),
        Provider::Kind => kind::down(&choice.name),
        Provider::Current => bail!("the cluster of the present context is not ours to remove"),
    }
}

/// Whether there is such a cluster already, up or half up.
pub fn exists(choice: &Choice) -> Result<bool> {
    Ok(match provider(choice)? {
        Provider::Standalone => standalone::exists(&choice.name)?,
        Provider::Kind => kind::exists(&choice.name),
        Provider::Current => true,
    })
}

/// Whether the cluster was not made by us, and so is not ours to remove.
pub fn is_somebody_elses(choice: &Choice) -> bool {
    choice.context.is_some() || choice.provider == Some(Provider::Current)
}

/// Whether the cluster of this choice keeps an audit log that can be read here.
pub fn keeps_audit_log(choice: &Choice) -> Result<bool> {
    Ok(provider(choice)? != Provider::Current)
}

fn status(choice: &Choice) -> Result<()> {
    match provider(choice)? {
        Provider::Standalone => standalone::status(&choice.name),
        Provider::Kind if kind::exists(&choice.name) => kind::up(&choice.name, None),
        Provider::Kind => bail!("there is no kind cluster {}", choice.name),
        Provider::Current => current::up(choice.context.as_deref()),
    }
}

/// What the caller named, else what is there, else what works.
fn provider(choice: &Choice) -> Result<Provider> {
    Ok(match choice.provider {
        _ if choice.context.is_some() => Provider::Current,
        Some(provider) => provider,
        None if standalone::exists(&choice.name)? => Provider::Standalone,
        None if kind::exists(&choice.name) || kind::works() => Provider::Kind,
        None => Provider::Standalone,
    })
}

impl Cluster {
    /// The admin's kubeconfig.
    pub fn kubeconfig(&self) -> Result<PathBuf> {
        match self.provider {
            Provider::Standalone => standalone::kubeconfig_path(&self.name),
            Provider::Kind => kind::kubeconfig(&self.name),
            Provider::Current => current::kubeconfig(),
        }
    }

    /// kubectl as the admin, ready for its arguments.
    pub fn kubectl(&self) -> Result<Cmd> {
        match self.provider {
            Provider::Standalone => standalone::kubectl(&self.name),
            Provider::Kind => {
                Ok(Cmd::new("kubectl").arg("--kubeconfig").arg(kind::kubeconfig(&self.name)?))
            }
            Provider::Current => Ok(current::kubectl(self.context.as_deref())),
        }
    }

    /// The program of [`Cluster::kubectl`], for programs that call it themselves.
    pub fn kubectl_program(&self) -> Result<PathBuf> {
        match self.provider {
            Provider::Standalone => standalone::kubectl_program(&self.name),
            Provider::Kind | Provider::Current => Ok("kubectl".into()),
        }
    }

    /// `program` in the network of the cluster's node, whose loopback it has.
    pub fn on_its_node(&self, program: &str) -> Result<Cmd> {
        match self.provider {
            Provider::Standalone => standalone::on_its_node(&self.name, program),
            Provider::Kind | Provider::Current => {
                bail!("only the node of a standalone cluster is this machine")
            }
        }
    }

    /// The port to reach a Service by, where its own address leads nowhere from here.
    pub fn published(&self) -> Option<Published> {
        match self.provider {
            Provider::Kind => Some(kind::PUBLISHED),
            Provider::Standalone | Provider::Current => None,
        }
    }

    /// Lets a port of this machine's loopback lead to `target`, an address in the cluster, for as long as it is up. `None`
    /// where the provider has no way for it.
    pub fn publish(&self, target: SocketAddr, port: u16) -> Result<Option<Port>> {
        match self.provider {
            Provider::Standalone => standalone::publish(&self.name, target, port).map(Some),
            Provider::Kind | Provider::Current => Ok(None),
        }
    }

    /// Puts image archives (`docker-archive` tars) where the cluster's pods find them with pull policy `IfNotPresent`.
    pub fn load_images(&self, archives: &[PathBuf]) -> Result<()> {
        match self.provider {
            Provider::Standalone => standalone::load_images(&self.name, archives).map(drop),
            Provider::Kind => kind::load_images(&self.name, archives),
            Provider::Current => current::load_images(archives),
        }
    }

    /// The API server's audit log, one JSON event a line, where the provider has one.
    pub fn audit_log(&self) -> Result<Option<PathBuf>> {
        match self.provider {
            Provider::Standalone => standalone::audit_log(&self.name).map(Some),
            Provider::Kind => kind::audit_log(&self.name).map(Some),
            Provider::Current => Ok(None),
        }
    }
}
