//! The agent that is made, and what to do where it does not get ready. Pure.

use api_types::{Agent, AgentSpec, ShareSpec, condition::reason, names};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::state::{PENDING, STARTING};

/// Begins the name of each agent that is made here.
const PREFIX: &str = "kubeoc-check-";

/// What is left over once nothing deletes it is closed to guests after that.
const SLACK: Duration = Duration::minutes(10);

/// Unlike that of any other agent.
pub(super) fn name(id: &Uuid) -> String {
    let (first, ..) = id.as_fields();
    format!("{PREFIX}{first:08x}")
}

/// The least that an agent needs, with a link that ends soon after `deadline`.
pub(super) fn manifest(name: &str, deadline: OffsetDateTime) -> Agent {
    let end = (deadline + SLACK).replace_nanosecond(0).unwrap_or(deadline);
    let share = ShareSpec { enabled: true, expires_at: Some(end), ..ShareSpec::default() };
    Agent::new(
        name,
        AgentSpec {
            profile: Some("Made by kubeoc check, which deletes it".to_owned()),
            workspace_dir: Some("/workspace".to_owned()),
            service_account_name: Some(names::DEFAULT_SERVICE_ACCOUNT.to_owned()),
            share: Some(share),
            ..AgentSpec::default()
        },
    )
}

pub(super) fn mend_creation(namespace: &str) -> String {
    format!("kubectl auth can-i create agents.kubeopencode.io -n {namespace}")
}

/// The agent itself is gone when this is read, its Events are not.
pub(super) fn mend(state: &str, name: &str, namespace: &str, system: &str) -> String {
    let events =
        format!("kubectl get events -n {namespace} --field-selector involvedObject.name={name}");
    match state {
        PENDING => {
            format!("kubectl logs -n {system} deployment/{}", names::CONTROLLER_DEPLOYMENT)
        }
        STARTING => "give it longer with --scratch-timeout, if images are large".to_owned(),
        reason::IMAGE_PULL_FAILED => format!(
            "correct the images that the controller gives agents (values agents.images of the chart), \
             or give the ServiceAccount {} in namespace {namespace} imagePullSecrets",
            names::DEFAULT_SERVICE_ACCOUNT
        ),
        reason::UNSCHEDULABLE => "kubectl describe nodes".to_owned(),
        _ => events,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_agent_asks_for_the_least_and_its_link_ends_by_itself() {
        let agent = manifest("kubeoc-check-1", datetime!(2026-11-28 12:00:00.5 UTC));
        let expected = json!({
            "profile": "Made by kubeoc check, which deletes it",
            "workspaceDir": "/workspace",
            "serviceAccountName": "default",
            "share": { "enabled": true, "expiresAt": "2026-11-28T12:10:00Z" },
        });
        let spec = serde_json::to_value(&agent.spec).unwrap();
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&spec[field], value, "{field}");
        }
        assert_eq!(name(&Uuid::from_u128(0x00ab_cdef << 96)), "kubeoc-check-00abcdef");
    }

    #[test]
    fn what_to_do_goes_by_the_state() {
        let cases = [
            (PENDING, "kubectl logs -n system deployment/kubeopencode-controller"),
            (STARTING, "--scratch-timeout"),
            (reason::IMAGE_PULL_FAILED, "imagePullSecrets"),
            (reason::UNSCHEDULABLE, "kubectl describe nodes"),
            (
                reason::CRASH_LOOP,
                "kubectl get events -n team-a --field-selector involvedObject.name=x",
            ),
        ];
        for (state, expected) in cases {
            let said = mend(state, "x", "team-a", "system");
            assert!(said.contains(expected), "{state}: {said}");
        }
    }
}
