//! Persistent volumes are made before what mounts them, outlive the wish for them, and hold nothing up.

use api_types::{AgentSpec, condition};
use serde_json::{Value, json};

use super::tests::TestController;
use crate::requeue::Requeue;

fn persistent(size: &str) -> AgentSpec {
    serde_json::from_value(json!({ "persistence": { "workspace": { "size": size } } })).unwrap()
}

fn condition(controller: &TestController) -> (String, String, String) {
    let found = controller.condition(condition::VOLUMES_READY).unwrap();
    (found.status, found.reason, found.message)
}

fn size(controller: &TestController) -> Value {
    let claim = controller.api.get("persistentvolumeclaims/demo-server-workspace").unwrap();
    claim["spec"]["resources"]["requests"]["storage"].clone()
}

#[tokio::test]
async fn a_claim_is_made_before_what_mounts_it_and_grows_with_the_wish() {
    let controller = TestController::of(persistent("5Gi"));
    let requests = controller.reconcile().await;
    let place = |name: &str| requests.iter().position(|request| request == name).unwrap();
    let claim = place("PATCH persistentvolumeclaims/demo-server-workspace");
    assert!(claim < place("PATCH deployments/demo-server"));
    assert_eq!(condition(&controller).1, "AsRequested");
    assert_eq!(controller.reconcile().await, [""; 0]);

    controller.edit(|spec| spec.persistence = persistent("6Gi").persistence);
    controller.reconcile().await;
    assert_eq!(size(&controller), "6Gi");
}

#[tokio::test]
async fn a_claim_that_is_not_asked_for_any_more_is_kept_and_named() {
    let controller = TestController::of(persistent("5Gi"));
    controller.reconcile().await;
    controller.edit(|spec| spec.persistence = None);
    let requests = controller.reconcile().await;
    assert!(!requests.iter().any(|request| request.starts_with("DELETE")), "{requests:?}");
    assert_eq!(size(&controller), "5Gi");
    let (status, reason, message) = condition(&controller);
    assert_eq!((status.as_str(), reason.as_str()), ("True", "Kept"));
    assert!(message.contains("kubectl delete pvc demo-server-workspace -n team-a"), "{message}");
}

#[tokio::test]
async fn a_size_that_kubernetes_refuses_holds_up_nothing() {
    let controller = TestController::of(persistent("5Gi"));
    controller.reconcile().await;
    let why = r#"PersistentVolumeClaim "demo-server-workspace" is invalid: spec: Forbidden: field can not be less than status.capacity"#;
    controller.api.refuse("persistentvolumeclaims/demo-server-workspace", 422, "Invalid", why);
    controller.edit(|spec| {
        spec.persistence = persistent("1Gi").persistence;
        spec.executor_image = Some("devbox:new".into());
    });
    let requests = controller.reconcile().await;
    assert!(requests.contains(&"PATCH deployments/demo-server".to_owned()), "{requests:?}");
    assert_eq!(size(&controller), "5Gi");
    let (status, reason, message) = condition(&controller);
    assert_eq!((status.as_str(), reason.as_str()), ("False", "ChangeRefused"));
    assert!(message.contains("can not be less"), "{message}");
    assert!(message.contains("Ask for what it has in spec.persistence"), "{message}");
}

/// A quota has room again some day: nobody should delete a volume for that.
#[tokio::test]
async fn a_size_that_a_rule_of_the_cluster_refuses_is_asked_for_again_and_costs_no_data() {
    let controller = TestController::of(persistent("5Gi"));
    controller.reconcile().await;
    let why = r#"persistentvolumeclaims "demo-server-workspace" is forbidden: exceeded quota: q"#;
    controller.api.refuse("persistentvolumeclaims/demo-server-workspace", 403, "Forbidden", why);
    controller.edit(|spec| spec.persistence = persistent("6Gi").persistence);
    let next = controller.reconcile_by(controller.stores()).await.unwrap();
    assert!(matches!(next, Requeue::After(wait) if wait.as_secs() <= 5), "{next:?}");
    let (status, reason, message) = condition(&controller);
    assert_eq!((status.as_str(), reason.as_str()), ("False", "ChangeRefused"));
    assert!(message.contains("exceeded quota") && message.contains("retrying"), "{message}");
    assert!(!message.contains("delete"), "{message}");

    controller.api.answer_all();
    controller.reconcile().await;
    assert_eq!((size(&controller), condition(&controller).1), (json!("6Gi"), "AsRequested".into()));
}

#[tokio::test]
async fn a_volume_that_is_to_grow_says_how_far_it_is() {
    let controller = TestController::of(persistent("5Gi"));
    controller.reconcile().await;
    let name = "persistentvolumeclaims/demo-server-workspace";
    let mut claim = controller.api.get(name).unwrap();
    let says =
        |type_: &str, message: &str| json!({ "type": type_, "status": "True", "message": message });
    claim["status"] = json!({ "conditions": [
        says("Resizing", ""), says("ControllerResizeError", "the pool is full"),
    ] });
    controller.api.put(name, &claim);
    controller.reconcile().await;
    let (status, reason, message) = condition(&controller);
    assert_eq!((status.as_str(), reason.as_str()), ("True", "AsRequested"));
    assert!(message.ends_with("grows: ControllerResizeError: the pool is full"), "{message}");
}

#[tokio::test]
async fn a_claim_that_cannot_be_made_is_the_agents_problem() {
    let controller = TestController::of(persistent("5Gi"));
    let why = r#"persistentvolumeclaims "demo-server-workspace" is forbidden: exceeded quota: q"#;
    controller.api.refuse("persistentvolumeclaims/demo-server-workspace", 403, "Forbidden", why);
    controller.reconcile().await;
    assert_eq!(controller.ready().0, "Rejected");
    assert_eq!(controller.api.get("deployments/demo-server"), None);
    assert_eq!(controller.condition(condition::VOLUMES_READY), None, "there is no volume");

    controller.api.answer_all();
    controller.reconcile().await;
    assert_eq!(condition(&controller).1, "AsRequested");
}

/// What is known of the volumes is what was known before.
#[tokio::test]
async fn what_stops_before_the_claims_says_nothing_of_them() {
    let invalid = |controller: &TestController| {
        let none = serde_json::from_value(json!({ "name": "none" })).unwrap();
        controller.edit(|spec| spec.template_ref = Some(none));
    };
    let refused = |controller: &TestController| {
        controller.api.delete("secrets/demo-server");
        let why = r#"secrets "demo-server" is forbidden: exceeded quota: q"#;
        controller.api.refuse("secrets/demo-server", 403, "Forbidden", why);
    };
    let unanswered = |controller: &TestController| {
        controller.api.delete("secrets/demo-server");
        controller.api.refuse("secrets/demo-server", 500, "InternalError", "etcdserver: timeout");
    };
    for (name, stop) in [
        ("invalid", invalid as fn(&TestController)),
        ("refused", refused),
        ("unanswered", unanswered),
    ] {
        let claim = "persistentvolumeclaims/demo-server-workspace";
        let why =
            r#"persistentvolumeclaims "demo-server-workspace" is forbidden: exceeded quota: q"#;
        let controller = TestController::of(persistent("5Gi"));
        controller.reconcile().await;
        controller.api.refuse(claim, 403, "Forbidden", why);
        controller.edit(|spec| spec.persistence = persistent("6Gi").persistence);
        controller.reconcile().await;
        let before = condition(&controller);
        assert_eq!(before.1, "ChangeRefused", "{name}");
        stop(&controller);
        let _ = controller.reconcile_by(controller.stores()).await;
        assert_eq!(condition(&controller), before, "{name}");

        let controller = TestController::of(persistent("5Gi"));
        controller.reconcile().await;
        controller.edit(|spec| spec.persistence = None);
        controller.reconcile().await;
        assert_eq!(condition(&controller).1, "Kept", "{name}");
        stop(&controller);
        let _ = controller.reconcile_by(controller.stores()).await;
        assert_eq!(condition(&controller).1, "Kept", "{name}");
    }
}
