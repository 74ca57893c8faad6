//! How often the pod template of each Deployment changed, as a watch tells.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{Mutex, PoisonError},
};

use anyhow::{Result, bail, ensure};
use api_types::labels;
use futures::TryStreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, Client, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};

use super::{NAMESPACE, model::Model};

/// One Deployment's.
struct Seen {
    agent: String,
    template: String,
    changes: u32,
}

/// By the UID of the Deployment: one that is made anew begins at nothing.
#[derive(Default)]
pub(super) struct Rollouts(Mutex<BTreeMap<String, Seen>>);

impl Rollouts {
    /// Only ends with a failure.
    pub(super) async fn watch(&self, client: &Client) -> Result<()> {
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
        let config = watcher::Config::default().labels(labels::AGENT);
        let events = watcher(deployments, config).default_backoff();
        let noted = events.try_for_each(async |event| {
            match event {
                watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
                    self.note(&object);
                }
                watcher::Event::Delete(object) => {
                    let uid = object.uid().unwrap_or_default();
                    self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
                }
                watcher::Event::Init | watcher::Event::InitDone => {}
            }
            Ok(())
        });
        noted.await?;
        bail!("the watch of Deployments ended")
    }

    fn note(&self, object: &Deployment) {
        let template = object.spec.as_ref().map(|spec| format!("{:?}", spec.template));
        let template = template.unwrap_or_default();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(object.uid().unwrap_or_default()).or_insert_with(|| Seen {
            agent: object.labels().get(labels::AGENT).cloned().unwrap_or_default(),
            template: template.clone(),
            changes: 0,
        });
        if seen.template != template {
            seen.template = template;
            seen.changes += 1;
        }
    }

    /// By Agent.
    pub(super) fn counts(&self) -> BTreeMap<String, u32> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().map(|seen| (seen.agent.clone(), seen.changes)).collect()
    }

    pub(super) fn all(&self) -> u32 {
        self.counts().values().sum()
    }

    /// Of Agents whose pods changed less or more often than `wanted`.
    pub(super) fn problems(
        &self,
        model: &Model,
        wanted: impl Fn(&str) -> RangeInclusive<u32>,
    ) -> Vec<String> {
        let counts = self.counts();
        let count = |agent: &str| counts.get(agent).copied().unwrap_or(0);
        let wrong = model.agents.keys().filter(|agent| !wanted(agent).contains(&count(agent)));
        wrong
            .map(|agent| format!("{agent} had {} rollouts, not {:?}", count(agent), wanted(agent)))
            .collect()
    }

    pub(super) fn none_without_cause(&self, model: &Model) -> Result<()> {
        let problems = self.problems(model, |agent| 0..=model.agents[agent].causes);
        ensure!(problems.is_empty(), "pods changed without a cause:\n{}", problems.join("\n"));
        Ok(())
    }
}
