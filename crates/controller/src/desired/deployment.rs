//! The Deployment that runs an agent's server. Pure.

use std::collections::BTreeMap;

use api_types::{LocalRef, labels, names};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy},
        core::v1::{LocalObjectReference, PodSpec, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use kube::core::ObjectMeta;

use super::{
    Causes, containers,
    files::Files,
    init,
    metadata::{metadata, pod_labels},
    security, volumes,
};
use crate::resolve::{Lifecycle, ResolvedAgent};

/// How many former states of the pod's template are kept for people to compare.
const REVISION_HISTORY: i32 = 2;
/// The server keeps its data in `SQLite`, which needs no long goodbye.
const GRACE_SECONDS: i64 = 10;
/// Kubernetes' own default, for a hook of the user's that runs before the server is stopped.
const HOOK_GRACE_SECONDS: i64 = 30;

/// `password` is a digest of the present one.
pub(super) fn deployment(
    agent: &ResolvedAgent,
    files: &Files,
    password: Option<String>,
    causes: Causes,
) -> Deployment {
    let replicas = match agent.lifecycle {
        Lifecycle::Running => 1,
        Lifecycle::Suspended => 0,
    };
    Deployment {
        metadata: ObjectMeta {
            annotations: annotations([(labels::PASSWORD_HASH, password)]),
            ..metadata(&agent.identity, names::deployment(&agent.identity.name))
        },
        spec: Some(DeploymentSpec {
            replicas: Some(replicas),
            revision_history_limit: Some(REVISION_HISTORY),
            // Two servers must never share a volume or one SQLite file.
            strategy: Some(DeploymentStrategy {
                type_: Some("Recreate".to_owned()),
                rolling_update: None,
            }),
            selector: LabelSelector {
                match_labels: Some(labels::selector(&agent.identity.name)),
                match_expressions: None,
            },
            template: pod_template(agent, files, causes),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// Init containers and OpenCode read their files once: another hash makes a new pod.
fn pod_template(agent: &ResolvedAgent, files: &Files, causes: Causes) -> PodTemplateSpec {
    let Causes { references, revision, password } = causes;
    let annotations = annotations([
        (labels::CONTEXT_HASH, files.hash()),
        (labels::REFERENCES_HASH, references),
        (labels::GIT_REVISION, revision),
        (labels::PASSWORD_HASH, password),
    ]);
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(pod_labels(&agent.identity, agent.pod.labels.as_ref())),
            annotations,
            ..ObjectMeta::default()
        }),
        spec: Some(pod_spec(agent, files)),
    }
}

/// Those that have a value.
fn annotations<const N: usize>(
    all: [(&str, Option<String>); N],
) -> Option<BTreeMap<String, String>> {
    let all = all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Some(all.collect::<BTreeMap<_, _>>()).filter(|all| !all.is_empty())
}

fn pod_spec(agent: &ResolvedAgent, files: &Files) -> PodSpec {
    let scheduling = agent.pod.scheduling.clone().unwrap_or_default();
    let hook = agent.pod.lifecycle.as_ref().and_then(|lifecycle| lifecycle.pre_stop.as_ref());
    let grace = if hook.is_some() { HOOK_GRACE_SECONDS } else { GRACE_SECONDS };
    PodSpec {
        service_account_name: Some(agent.service_account.clone()),
        // Variables of other Services would be noise in the agent's shell.
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(grace),
        image_pull_secrets: pull_secrets(&agent.pull_secrets),
        security_context: Some(security::of_pod(&agent.pod, agent.user_ids)),
        runtime_class_name: agent.pod.runtime_class_name.clone(),
        node_selector: scheduling.node_selector,
        tolerations: scheduling.tolerations,
        affinity: scheduling.affinity,
        init_containers: Some(init::init(agent)),
        containers: std::iter::once(containers::server(agent)).chain(init::sync(agent)).collect(),
        volumes: Some(volumes::volumes(agent, files)),
        ..PodSpec::default()
    }
}

fn pull_secrets(secrets: &[LocalRef]) -> Option<Vec<LocalObjectReference>> {
    let named = |secret: &LocalRef| LocalObjectReference { name: secret.name.clone() };
    (!secrets.is_empty()).then(|| secrets.iter().map(named).collect())
}
