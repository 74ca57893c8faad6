//! What an agent's status says while the API server refuses or fails.

use std::time::Duration;

use api_types::AgentSpec;
use serde_json::json;

use super::{
    tests::{TestController, digests, shared},
    *,
};

const QUOTA: &str = r#"deployments.apps "demo-server" is forbidden: exceeded quota: few"#;
const PERMISSION: &str = r#"deployments.apps "demo-server" is forbidden: User "system:serviceaccount:kubeopencode-system:kubeopencode-controller" cannot patch resource "deployments" in API group "apps""#;

#[tokio::test]
async fn a_quota_is_reported_in_its_words_and_tried_again() {
    let controller = TestController::of(AgentSpec::default());
    controller.api.refuse("deployments/demo-server", 403, "Forbidden", QUOTA);
    let requeue = controller.reconcile_by(controller.stores()).await.unwrap();
    assert_eq!(requeue, Requeue::After(Duration::from_secs(5)));
    let (reason, message) = controller.ready();
    assert_eq!(
        (reason.as_str(), message),
        ("Rejected", format!("the Deployment was rejected: {QUOTA}"))
    );

    controller.api.take_requests();
    let requests = controller.reconcile().await;
    assert!(!requests.iter().any(|request| request.contains("status")), "{requests:?}");

    controller.api.answer_all();
    controller.reconcile().await;
    assert_eq!(controller.ready().0, "Progressing");
}

#[tokio::test]
async fn a_missing_permission_is_a_failure_and_is_reported_all_the_same() {
    let controller = TestController::of(AgentSpec::default());
    controller.api.refuse("deployments/demo-server", 403, "Forbidden", PERMISSION);
    let failed = controller.reconcile_by(controller.stores()).await.unwrap_err();
    assert_eq!(failed.category(), "forbidden");
    let (reason, message) = controller.ready();
    assert_eq!(reason, "Progressing");
    assert!(message.contains(PERMISSION) && message.ends_with("retrying"), "{message}");
}

#[tokio::test]
async fn a_step_that_fails_holds_up_neither_the_others_nor_the_status() {
    let controller = TestController::of(shared());
    controller.api.refuse("secrets/demo-share", 500, "InternalError", "etcdserver: timeout");
    controller.reconcile_by(controller.stores()).await.unwrap_err();
    assert!(controller.api.get("deployments/demo-server").is_some());
    assert_eq!(controller.condition("ShareReady").unwrap().reason, "AgentNotReady");

    controller.api.answer_all();
    controller.reconcile().await;
    let published = digests(&controller.agent());
    assert!(published.is_some());

    // Not even a change that has to be written touches the link meanwhile.
    let mut secret = controller.api.get("secrets/demo-share").unwrap();
    secret["metadata"]["uid"] = json!("another");
    secret["metadata"]["resourceVersion"] = json!("1000");
    controller.api.put("secrets/demo-share", &secret);
    controller.api.refuse("secrets/demo-share", 500, "InternalError", "etcdserver: timeout");
    controller.edit(|spec| spec.suspend = true);
    controller.reconcile_by(controller.stores()).await.unwrap_err();
    assert_eq!(digests(&controller.agent()), published);
    assert!(controller.agent().status.unwrap().suspended);
}

#[tokio::test]
async fn pods_that_admission_refuses_later_are_reported_without_their_names() {
    let controller = TestController::of(AgentSpec::default());
    controller.reconcile().await;
    let mut held = controller.api.get("deployments/demo-server").unwrap();
    for (name, message, reason, expected) in [
        (
            "a",
            r#"pods "demo-server-a" is forbidden: violates PodSecurity "restricted:latest": hostPath"#,
            "Rejected",
            r#"the pod was rejected: violates PodSecurity "restricted:latest": hostPath"#,
        ),
        (
            "b",
            r#"pods "demo-server-b" is forbidden: violates PodSecurity "restricted:latest": hostPath"#,
            "Rejected",
            r#"the pod was rejected: violates PodSecurity "restricted:latest": hostPath"#,
        ),
        (
            "webhook",
            r#"admission webhook "w" denied the request: no"#,
            "Rejected",
            r#"the pod was rejected: admission webhook "w" denied the request: no"#,
        ),
        (
            "invalid",
            r#"Pod "demo-server-c" is invalid: spec.x: no"#,
            "InvalidSpec",
            "the pod was rejected: spec.x: no",
        ),
        (
            "account",
            r#"pods "demo-server-" is forbidden: error looking up service account team-a/robot: serviceaccount "robot" not found"#,
            "ReferenceNotFound",
            r#"there is no ServiceAccount "robot" (spec.serviceAccountName) in this namespace; create what is missing, and the agent starts"#,
        ),
    ] {
        held["status"]["conditions"] =
            json!([{ "type": "ReplicaFailure", "status": "True", "message": message }]);
        controller.api.put("deployments/demo-server", &held);
        controller.reconcile().await;
        assert_eq!(controller.ready(), (reason.to_owned(), expected.to_owned()), "{name}");
    }
}
