//! The names that the cluster and the kubeconfig know.

use std::{ffi::OsString, sync::mpsc, thread, time::Duration};

use api_types::{Agent, AgentTemplate};
use clap::{ArgMatches, CommandFactory};
use clap_complete::CompletionCandidate;
use k8s_openapi::api::core::v1::Namespace;

use crate::{
    cli::{Arguments, Place},
    cluster::{self, known_contexts},
};

/// Who presses Tab waits no longer than that.
const DEADLINE: Duration = Duration::from_millis(900);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Agents,
    Templates,
    Namespaces,
    Contexts,
    /// Of the agent that the line names.
    Links,
}

/// The cluster and namespace that a command line names, as far as it is written.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    place: Place,
    agent: Option<String>,
}

impl Cluster {
    pub(super) fn named_by(words: &[OsString]) -> Self {
        let read = Arguments::command().ignore_errors(true).try_get_matches_from(words);
        let matches = read.unwrap_or_default();
        let mut command = &matches;
        while let Some((_, further)) = command.subcommand() {
            command = further;
        }
        let place = Place {
            namespace: text(command, "namespace"),
            timeout: DEADLINE,
            kubeconfig: text(command, "kubeconfig"),
            context: text(command, "context"),
        };
        Self { place, agent: text(command, "name") }
    }

    /// None where it takes too long, fails or is not allowed.
    pub(super) fn candidates(&self, names: Names) -> Vec<CompletionCandidate> {
        let (answer, answered) = mpsc::sync_channel(1);
        let asked = self.clone();
        // What a kubeconfig names to log in with runs to its end; this process does not wait for it.
        thread::spawn(move || answer.send(asked.ask(names)));
        let names = answered.recv_timeout(DEADLINE).ok().flatten().unwrap_or_default();
        names.into_iter().map(CompletionCandidate::new).collect()
    }
}

/// A value as it is written, unless it is still empty.
fn text<T>(command: &ArgMatches, id: &str) -> Option<T>
where
    T: Clone + Send + Sync + AsRef<std::ffi::OsStr> + 'static,
{
    let value = command.try_get_one::<T>(id).ok().flatten();
    value.filter(|value| !value.as_ref().is_empty()).cloned()
}

impl Cluster {
    fn ask(&self, names: Names) -> Option<Vec<String>> {
        let place = &self.place;
        if names == Names::Contexts {
            return known_contexts(place.kubeconfig.as_deref()).ok();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let found = runtime.block_on(async {
            let cluster = cluster::Cluster::connect(place).await?;
            match names {
                Names::Agents => cluster.names::<Agent>().await,
                Names::Templates => cluster.names::<AgentTemplate>().await,
                Names::Links => links(&cluster, self.agent.as_deref()).await,
                Names::Namespaces | Names::Contexts => {
                    cluster.names_of_cluster::<Namespace>().await
                }
            }
        });
        found.ok()
    }
}

async fn links(cluster: &cluster::Cluster, agent: Option<&str>) -> anyhow::Result<Vec<String>> {
    let Some(agent) = agent else { return Ok(vec![]) };
    let share = cluster.get::<Agent>(agent).await?.object.spec.share;
    let links = share.map(|share| share.links).unwrap_or_default();
    Ok(links.into_iter().map(|link| link.name).collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_cluster_is_the_one_that_is_written_before_or_after_the_cursor() {
        let cases: [(&[&str], Option<&str>, Option<&str>); 8] = [
            (&["agent", "status", ""], None, None),
            (&["agent", "status", "-n", "team-b", ""], Some("team-b"), None),
            (&["agent", "status", "re", "-n", "team-b"], Some("team-b"), None),
            (
                &["agent", "status", "--namespace=team-b", "--context", "c", ""],
                Some("team-b"),
                Some("c"),
            ),
            (&["agent", "share", "--expires-in", "-n", ""], None, None),
            (&["get", "agents", "one", "-n", "team-b", "t"], Some("team-b"), None),
            (&["get", "agents", "-n", "team-b", "--context", ""], Some("team-b"), None),
            (&["agent"], None, None),
        ];
        for (words, namespace, context) in cases {
            let words = ["kubeoc"].iter().chain(words).map(Into::into).collect::<Vec<_>>();
            let Cluster { place, .. } = Cluster::named_by(&words);
            assert_eq!(place.namespace.as_deref(), namespace, "{words:?}");
            assert_eq!(place.context.as_deref(), context, "{words:?}");
        }
    }

    #[test]
    fn a_kubeconfig_is_read_where_it_is_named() {
        let words = ["kubeoc", "agent", "logs", "--kubeconfig", "/tmp/c", "-c", ""];
        let Cluster { place, .. } = Cluster::named_by(&words.map(Into::into));
        assert_eq!(place.kubeconfig, Some(PathBuf::from("/tmp/c")));
    }
}
