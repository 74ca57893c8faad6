//! Which container of which pod a user means. Pure.

use k8s_openapi::api::core::v1::{Container, ContainerState, ContainerStatus, Pod};

/// Which run of a container's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    Current,
    Previous,
}

/// What there is to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Of {
        pod: String,
        container: String,
    },
    NoPod,
    /// The pod has these instead.
    NoContainer {
        container: String,
        others: Vec<String>,
    },
    /// It is there and has printed nothing; `before` is the one that it waits for.
    NotStarted {
        container: String,
        before: Option<String>,
    },
}

impl Choice {
    /// Why there is nothing to read, `state` being that of the agent.
    pub(super) fn sentence(&self, state: &str) -> String {
        match self {
            Self::Of { pod, container } => format!("container {container} of pod {pod}"),
            Self::NoPod => format!("the agent has no pod: {state}"),
            Self::NoContainer { container, others } => format!(
                "the agent's pod has no container {container:?}; it has: {}",
                others.join(", ")
            ),
            Self::NotStarted { container, before: None } => {
                format!("container {container} has not started yet: {state}")
            }
            Self::NotStarted { container, before: Some(before) } => format!(
                "container {container} has not started yet: {state}; it waits for {before}, whose \
                 logs are printed with -c {before}"
            ),
        }
    }
}

/// The container in the newest of an agent's `pods`; one that is ending only where there is no other.
pub(super) fn choose(pods: &[Pod], container: &str, run: Run) -> Choice {
    let newest = pods.iter().max_by_key(|pod| {
        let is_living = pod.metadata.deletion_timestamp.is_none();
        (is_living, pod.metadata.creation_timestamp.as_ref().map(|at| at.0))
    });
    let Some(pod) = newest else { return Choice::NoPod };
    let others: Vec<String> = containers(pod).map(|one| one.name.clone()).collect();
    let container = container.to_owned();
    if !others.contains(&container) {
        return Choice::NoContainer { container, others };
    }
    if run == Run::Current && !has_run(pod, &container) {
        let before = running_init(pod).filter(|init| *init != container);
        return Choice::NotStarted { container, before };
    }
    Choice::Of { pod: pod.metadata.name.clone().unwrap_or_default(), container }
}

/// In the order in which they start.
fn containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    let spec = pod.spec.as_ref();
    let init = spec.and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
    let main = spec.map(|spec| spec.containers.as_slice()).unwrap_or_default();
    init.iter().chain(main)
}

/// Whether the container has something to print. One that is started again and again has.
fn has_run(pod: &Pod, container: &str) -> bool {
    statuses(pod).find(|one| one.name == container).is_some_and(|one| {
        let runs = |state: &ContainerState| state.running.is_some() || state.terminated.is_some();
        one.state.as_ref().is_some_and(runs) || one.last_state.as_ref().is_some_and(runs)
    })
}

/// The init container that is at work, or fails again and again. One that is restarted whenever it
/// ends runs beside the others, and none waits for it.
fn running_init(pod: &Pod) -> Option<String> {
    let init = pod.spec.as_ref()?.init_containers.as_deref()?;
    let is_done = |name: &str| {
        let found = statuses(pod).find(|one| one.name == name);
        let ended = found.and_then(|one| one.state.as_ref()?.terminated.as_ref());
        ended.is_some_and(|ended| ended.exit_code == 0)
    };
    let mut steps = init.iter().filter(|one| one.restart_policy.as_deref() != Some("Always"));
    let name = &steps.find(|one| !is_done(&one.name))?.name;
    has_run(pod, name).then(|| name.clone())
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_deref());
    let main = status.and_then(|status| status.container_statuses.as_deref());
    init.unwrap_or_default().iter().chain(main.unwrap_or_default())
}

#[cfg(test)]
mod tests;
