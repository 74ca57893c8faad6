//! What is wrong with one pod. Pure.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

use crate::check::finding::Finding;

/// Of those reasons that go away by themselves.
const PASSING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The worst that can be said of it, if there is anything.
pub(super) fn judge(pod: &Pod, namespace: &str) -> Option<Finding> {
    let name = pod.name_any();
    let subject = format!("Pod {name}");
    let status = pod.status.as_ref()?;
    let describe = format!("kubectl describe pod {name} -n {namespace}");
    let conditions = status.conditions.iter().flatten();
    let mut unscheduled =
        conditions.filter(|it| it.type_ == "PodScheduled" && it.status == "False");
    if let Some(condition) = unscheduled.next() {
        let why = condition.message.clone().unwrap_or_default();
        return Some(Finding::failed(&subject, format!("is not scheduled: {why}"), describe));
    }
    let containers: Vec<_> = status.container_statuses.iter().flatten().collect();
    containers
        .iter()
        .find_map(|container| waits(container, &subject, &name, namespace))
        .or_else(|| containers.iter().find_map(|it| restarted(it, &subject, &name, namespace)))
}

fn waits(
    container: &ContainerStatus,
    subject: &str,
    pod: &str,
    namespace: &str,
) -> Option<Finding> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.clone().unwrap_or_default();
    let text = match waiting.message.as_deref() {
        Some(message) => format!("{}: {reason}: {message}", container.name),
        None => format!("{}: {reason}", container.name),
    };
    let describe = format!("kubectl describe pod {pod} -n {namespace}");
    Some(match reason.as_str() {
        passing if PASSING.contains(&passing) => Finding::warning(subject, text, describe),
        "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" => {
            let fix = format!(
                "correct the image {}, or give the pod's ServiceAccount imagePullSecrets",
                container.image
            );
            Finding::failed(subject, text, fix)
        }
        "CrashLoopBackOff" => {
            let ended = last_end(container).map(|end| format!("; it last ended with {end}"));
            let logs =
                format!("kubectl logs {pod} -n {namespace} -c {} --previous", container.name);
            Finding::failed(subject, text + &ended.unwrap_or_default(), logs)
        }
        _ => Finding::failed(subject, text, describe),
    })
}

fn restarted(
    container: &ContainerStatus,
    subject: &str,
    pod: &str,
    namespace: &str,
) -> Option<Finding> {
    if container.restart_count == 0 {
        return None;
    }
    let end = last_end(container).unwrap_or_else(|| "an unknown reason".to_owned());
    let (name, count) = (&container.name, container.restart_count);
    let text = format!("{name}: restarts: {count}, the last after {end}");
    Some(if end.starts_with("OOMKilled") {
        let fix = "raise resources.limits.memory of its Deployment, or lower --max-terminals";
        Finding::failed(subject, text, fix)
    } else {
        let logs = format!("kubectl logs {pod} -n {namespace} -c {name} --previous");
        Finding::warning(subject, text, logs)
    })
}

fn last_end(container: &ContainerStatus) -> Option<String> {
    let terminated = container.last_state.as_ref()?.terminated.as_ref()?;
    let reason = terminated.reason.as_deref().unwrap_or("Error");
    Some(format!("{reason} (exit code {})", terminated.exit_code))
}
