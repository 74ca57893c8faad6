//! What an agent that starts is doing, from its pod's containers. Pure.

use api_types::{StartPhase, names};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::pods::newest;

/// The phase of the newest pod that is not ending. That of its first init container that has not
/// ended well: between two of them nothing else is told.
pub(super) fn phase(pods: &[&Pod]) -> StartPhase {
    let Some(status) = newest(pods).and_then(|pod| pod.status.as_ref()) else {
        return StartPhase::Scheduling;
    };
    let conditions = status.conditions.iter().flatten();
    let is_scheduled =
        conditions.filter(|one| one.type_ == "PodScheduled").any(|one| one.status == "True");
    let mut init = status.init_container_statuses.iter().flatten().peekable();
    if !is_scheduled || init.peek().is_none() {
        return if is_scheduled { StartPhase::Starting } else { StartPhase::Scheduling };
    }
    init.find(|one| !has_succeeded(one)).map_or(StartPhase::StartingServer, |one| of(&one.name))
}

fn has_succeeded(container: &ContainerStatus) -> bool {
    let ended = container.state.as_ref().and_then(|state| state.terminated.as_ref());
    ended.is_some_and(|ended| ended.exit_code == 0)
}

fn of(container: &str) -> StartPhase {
    match container {
        names::CONTEXT_INIT => StartPhase::WritingContexts,
        names::PLUGIN_INIT => StartPhase::InstallingPlugins,
        name if name.starts_with(names::GIT_INIT_PREFIX) => StartPhase::CloningRepositories,
        name if name.starts_with(names::URL_FETCH_PREFIX) => StartPhase::FetchingUrls,
        // Those that copy programs, which wait for images.
        _ => StartPhase::Starting,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A scheduled pod of which so many init containers have ended.
    fn started(ended: usize) -> Pod {
        let all = [
            "opencode-init",
            "terminal-init",
            "git-init-0",
            "git-init-1",
            "url-fetch-0",
            "context-init",
            "plugin-init",
        ];
        let init = all.iter().enumerate().map(|(index, name)| {
            let state = match index.cmp(&ended) {
                std::cmp::Ordering::Less => json!({ "terminated": { "exitCode": 0 } }),
                std::cmp::Ordering::Equal => json!({ "running": {} }),
                std::cmp::Ordering::Greater => json!({ "waiting": { "reason": "PodInitializing" } }),
            };
            json!({ "name": name, "state": state, "image": "", "imageID": "", "ready": false, "restartCount": 0 })
        });
        let scheduled = json!([{ "type": "PodScheduled", "status": "True" }]);
        pod(&json!({ "conditions": scheduled, "initContainerStatuses": init.collect::<Value>() }))
    }

    fn pod(status: &Value) -> Pod {
        serde_json::from_value(json!({ "metadata": {}, "status": status })).unwrap()
    }

    #[test]
    fn each_step_of_a_start_is_told() {
        use StartPhase::*;
        let expected = [
            Starting,
            Starting,
            CloningRepositories,
            CloningRepositories,
            FetchingUrls,
            WritingContexts,
            InstallingPlugins,
            StartingServer,
        ];
        let phases: Vec<_> = (0..expected.len()).map(|ended| phase(&[&started(ended)])).collect();
        assert_eq!(phases, expected);
    }

    #[test]
    fn before_its_containers_are_known_a_pod_waits_for_its_node() {
        assert_eq!(phase(&[]), StartPhase::Scheduling);
        assert_eq!(phase(&[&pod(&json!({ "phase": "Pending" }))]), StartPhase::Scheduling);
        let scheduled = json!({ "conditions": [{ "type": "PodScheduled", "status": "True" }] });
        assert_eq!(phase(&[&pod(&scheduled)]), StartPhase::Starting);
    }
}
