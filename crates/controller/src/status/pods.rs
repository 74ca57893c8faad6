//! Why a pod does not start, according to its status. Pure: no log is read.

use api_types::{condition::reason, names};
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod,
};

use crate::refusal::shorten;

/// The longest quotation of a container's output, in characters.
const MAX_QUOTE: usize = 300;

/// A reason of the condition `Ready`, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub reason: &'static str,
    pub message: String,
}

/// Which of its containers a pod is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Init,
    Main,
}

/// What is wrong with the newest pod that is not ending, if anything is.
pub(super) fn problem(pods: &[&Pod]) -> Option<Problem> {
    let pod = newest(pods)?;
    let status = pod.status.as_ref()?;
    let init = status.init_container_statuses.iter().flatten().map(|one| (Role::Init, one));
    let main = status.container_statuses.iter().flatten();
    // A sidecar ends to report, and its failures are no obstacle to the agent.
    let main = main.filter(|one| !one.name.starts_with(names::GIT_SYNC_PREFIX) || !has_run(one));
    let main = main.map(|one| (Role::Main, one));
    unschedulable(pod).or_else(|| init.chain(main).find_map(|(role, one)| failing(role, one)))
}

/// The newest pod that is not ending.
pub fn newest<'a>(pods: &[&'a Pod]) -> Option<&'a Pod> {
    let living = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    living.max_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|at| at.0)).copied()
}

fn unschedulable(pod: &Pod) -> Option<Problem> {
    let conditions = pod.status.as_ref()?.conditions.as_deref()?;
    let refused = conditions.iter().find(|one| {
        one.type_ == "PodScheduled"
            && one.status == "False"
            && one.reason.as_deref() == Some("Unschedulable")
    })?;
    let why = refused.message.as_deref().unwrap_or("no node takes the pod");
    Some(Problem { reason: reason::UNSCHEDULABLE, message: why.to_owned() })
}

fn has_run(container: &ContainerStatus) -> bool {
    container.restart_count > 0 || last_end(container).is_some()
}

fn failing(role: Role, container: &ContainerStatus) -> Option<Problem> {
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        return waits(role, container, waiting);
    }
    let ended = state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
    Some(failed(role, &container.name, Some(ended)))
}

fn waits(
    role: Role,
    container: &ContainerStatus,
    waiting: &ContainerStateWaiting,
) -> Option<Problem> {
    let name = &container.name;
    let problem = |reason| {
        let why = waiting.message.as_deref().or(waiting.reason.as_deref()).unwrap_or_default();
        let message = format!("container {name}: {}", shorten(cause_of_back_off(why), MAX_QUOTE));
        Some(Problem { reason, message })
    };
    match waiting.reason.as_deref()? {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "ImageInspectError"
        | "RegistryUnavailable" => problem(reason::IMAGE_PULL_FAILED),
        "CreateContainerConfigError" if names_a_reference(waiting) => {
            problem(reason::REFERENCE_NOT_FOUND)
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => match role {
            Role::Init => problem(reason::INIT_FAILED),
            Role::Main => problem(reason::CRASH_LOOP),
        },
        "CrashLoopBackOff" => Some(failed(role, name, last_end(container))),
        _ => None,
    }
}

/// A ConfigMap, a Secret or a key of one, rather than a user or a path that cannot be had.
fn names_a_reference(waiting: &ContainerStateWaiting) -> bool {
    let message = waiting.message.as_deref().unwrap_or_default();
    ["not found", "couldn't find key", "non-existent config key"]
        .iter()
        .any(|part| message.contains(part))
}

/// The kubelet reports the same failure in two alternating ways, at the attempt and during the
/// back-off; a status that followed would be written at each step.
fn cause_of_back_off(message: &str) -> &str {
    match message.split_once("ErrImagePull: ") {
        Some((back_off, cause)) if back_off.starts_with("Back-off pulling image") => cause,
        _ => message,
    }
}

fn last_end(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let last: &ContainerState = container.last_state.as_ref()?;
    last.terminated.as_ref()
}

fn failed(role: Role, name: &str, ended: Option<&ContainerStateTerminated>) -> Problem {
    let reason = match role {
        Role::Init => reason::INIT_FAILED,
        Role::Main => reason::CRASH_LOOP,
    };
    let code = ended.map_or_else(String::new, |ended| format!(" (exit code {})", ended.exit_code));
    let cause = ended.and_then(|ended| ended.reason.as_deref()).filter(|cause| *cause != "Error");
    let output = ended.and_then(|ended| ended.message.as_deref()).and_then(last_line);
    let details =
        cause.into_iter().chain(output).map(|detail| format!(": {}", shorten(detail, MAX_QUOTE)));
    Problem {
        reason,
        message: format!("container {name} failed{code}{}", details.collect::<String>()),
    }
}

fn last_line(output: &str) -> Option<&str> {
    output.lines().map(str::trim).rfind(|line| !line.is_empty())
}

#[cfg(test)]
mod tests;
