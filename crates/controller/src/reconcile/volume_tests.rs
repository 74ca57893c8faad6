//! Persistent volumes are made before what mounts them, outlive the wish for them, and hold nothing up.

use api_types::{AgentSpec, condition};
use serde_json::{Value, json};

use super::tests::TestController;

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
}

#[tokio::test]
async fn a_claim_that_cannot_be_made_is_the_agents_problem() {
    let controller = TestController::of(persistent("5Gi"));
    let why = r#"persistentvolumeclaims "demo-server-workspace" is forbidden: exceeded quota: q"#;
    controller.api.refuse("persistentvolumeclaims/demo-server-workspace", 403, "Forbidden", why);
    controller.reconcile().await;
    assert_eq!(controller.ready().0, "Rejected");
    assert_eq!(controller.api.get("deployments/demo-server"), None);
}
