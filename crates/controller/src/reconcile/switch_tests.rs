//! An agent can be suspended, and its link turned off, whatever else is wrong with it; and no cache
//! that is behind makes the controller believe otherwise.

use serde_json::json;

use super::tests::{TestController, digests, shared};
use crate::requeue::Requeue;

/// A controller of an agent that was running and shared before this went wrong with it.
async fn running_then(wrong: impl FnOnce(&TestController)) -> TestController {
    let controller = TestController::of(shared());
    controller.reconcile().await;
    wrong(&controller);
    controller
}

fn no_template(controller: &TestController) {
    controller
        .edit(|spec| spec.template_ref = serde_json::from_value(json!({ "name": "none" })).ok());
}

fn unreadable(controller: &TestController) {
    let mut agent = controller.api.get("agents/demo").unwrap();
    agent["spec"]["maxConcurrentTasks"] = json!(3_000_000_000_u32);
    controller.api.put("agents/demo", &agent);
}

fn refused(controller: &TestController) {
    let message = r#"admission webhook "w" denied the request: no"#;
    controller.api.refuse("secrets/demo-server", 403, "Forbidden", message);
    let mut secret = controller.api.get("secrets/demo-server").unwrap();
    secret["metadata"]["uid"] = json!("another");
    controller.api.put("secrets/demo-server", &secret);
}

fn set(controller: &TestController, field: &str, value: serde_json::Value) {
    let mut agent = controller.api.get("agents/demo").unwrap();
    agent["spec"][field] = value;
    controller.api.put("agents/demo", &agent);
}

fn published(controller: &TestController) -> serde_json::Value {
    controller.api.get("agents/demo").unwrap()["status"].clone()
}

/// Of the condition `Ready`.
fn message(status: &serde_json::Value) -> String {
    let mut conditions = status["conditions"].as_array().unwrap().iter();
    let ready = conditions.find(|one| one["type"] == "Ready").unwrap();
    ready["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_agent_that_is_invalid_can_be_suspended() {
    for (name, wrong, reason) in [
        ("template", no_template as fn(&TestController), "TemplateNotFound"),
        ("unreadable", unreadable, "InvalidSpec"),
        ("refused", refused, "Rejected"),
    ] {
        let controller = running_then(wrong).await;
        controller.reconcile().await;
        assert_eq!(controller.replicas(), 1, "{name}: what runs is left as it is");
        set(&controller, "suspend", json!(true));
        let requests = controller.reconcile().await;
        assert_eq!(controller.replicas(), 0, "{name}: {requests:?}");
        let template = &controller.api.get("deployments/demo-server").unwrap()["spec"]["template"];
        assert!(template["spec"]["containers"].is_array(), "{name}: only the replicas changed");
        let status = published(&controller);
        assert_eq!(status["suspended"], true, "{name}: {status}");
        let conditions = status["conditions"].as_array().unwrap();
        let ready = conditions.iter().find(|one| one["type"] == "Ready").unwrap();
        assert_eq!(ready["reason"], reason, "{name}");
        let requests = controller.reconcile().await;
        assert!(
            !requests.iter().any(|one| one.starts_with("PATCH deploy")),
            "{name}: {requests:?}"
        );
    }
}

#[tokio::test]
async fn an_agent_that_could_not_be_suspended_does_not_say_that_it_is() {
    let controller = running_then(unreadable).await;
    set(&controller, "suspend", json!(true));
    let refusal = r#"admission webhook "w" denied the request: no"#;
    controller.api.refuse("deployments/demo-server", 403, "Forbidden", refusal);
    let next = controller.reconcile_by(controller.stores()).await.unwrap();
    assert!(matches!(next, Requeue::After(_)), "{next:?}");
    let status = published(&controller);
    assert_ne!(status["suspended"], true, "{status}");
    let ready = message(&status);
    assert!(
        ready.contains("maxConcurrentTasks") && ready.contains("denied the request"),
        "{ready}"
    );

    controller.api.answer_all();
    controller.reconcile().await;
    assert_eq!(
        (controller.replicas(), &published(&controller)["suspended"]),
        (json!(0), &json!(true))
    );
}

#[tokio::test]
async fn a_link_can_be_turned_off_while_the_agent_is_invalid() {
    for (name, wrong) in
        [("template", no_template as fn(&TestController)), ("unreadable", unreadable)]
    {
        let controller = running_then(wrong).await;
        controller.reconcile().await;
        assert!(published(&controller)["share"]["tokenLookup"].is_string(), "{name}");
        set(&controller, "share", json!({ "enabled": false }));
        controller.reconcile().await;
        assert_eq!(controller.api.get("secrets/demo-share"), None, "{name}");
        assert_eq!(published(&controller).get("share"), None, "{name}");
    }
}

#[tokio::test]
async fn no_secret_survives_its_link_though_the_status_does_not_know_of_it() {
    let only_share_label = |controller: &TestController| {
        let mut secret = controller.api.get("secrets/demo-share").unwrap();
        secret["metadata"]["labels"] = json!({ "kubeopencode.io/share-token": "true" });
        controller.api.put("secrets/demo-share", &secret);
    };
    let without_it = |controller: &TestController| {
        let mut secret = controller.api.get("secrets/demo-share").unwrap();
        secret["metadata"]["labels"].as_object_mut().unwrap().remove("kubeopencode.io/share-token");
        controller.api.put("secrets/demo-share", &secret);
    };
    for change in [only_share_label as fn(&TestController), without_it] {
        let controller = running_then(change).await;
        controller.edit(|spec| spec.share = None);
        let mut agent = controller.agent();
        agent.status = None;
        controller.api.put("agents/demo", &agent);
        controller.reconcile().await;
        assert_eq!(controller.api.get("secrets/demo-share"), None);
        assert_eq!(
            controller.reconcile().await,
            [""; 0],
            "an agent without a link costs no request"
        );
    }
}

#[tokio::test]
async fn a_link_is_off_in_the_status_though_its_secret_could_not_be_deleted() {
    let controller = running_then(|_| ()).await;
    controller.edit(|spec| spec.share = None);
    controller.api.refuse("secrets/demo-share", 500, "InternalError", "etcdserver: timeout");
    controller.reconcile_by(controller.stores()).await.unwrap_err();
    assert_eq!(digests(&controller.agent()), None);

    controller.api.answer_all();
    controller.reconcile().await;
    assert_eq!(controller.api.get("secrets/demo-share"), None);
}

#[tokio::test]
async fn a_link_whose_secret_no_watch_has_told_of_yet_is_turned_off() {
    let controller = TestController::of(shared());
    let before = controller.stores();
    controller.api.refuse("agents/demo/status", 500, "InternalError", "etcdserver: timeout");
    controller.reconcile_by(controller.stores()).await.unwrap_err();
    controller.api.answer_all();
    controller.edit(|spec| spec.share = None);
    controller.reconcile_by(before).await.unwrap();
    assert_eq!(controller.api.get("secrets/demo-share"), None);
}

#[tokio::test]
async fn a_token_does_not_come_back_from_a_cache_that_is_behind() {
    let controller = running_then(|_| ()).await;
    let (behind, token) = (controller.stores(), controller.token());
    controller.edit(|spec| spec.share = None);
    controller.reconcile().await;
    controller.edit(|spec| spec.share = shared().share);
    controller.reconcile_by(behind).await.unwrap();
    assert!(controller.token() != token, "the old token came back");
}

#[tokio::test]
async fn a_deployment_from_before_the_last_write_is_not_taken_for_the_one_that_runs() {
    let controller = running_then(|controller| {
        let mut held = controller.api.get("deployments/demo-server").unwrap();
        held["status"] = json!({ "updatedReplicas": 1, "readyReplicas": 1 });
        controller.api.put("deployments/demo-server", &held);
    })
    .await;
    controller.reconcile().await;
    assert!(controller.agent().status.unwrap().ready);

    let behind = controller.stores();
    controller.edit(|spec| spec.executor_image = Some("devbox:next".into()));
    controller.reconcile().await;
    assert!(!controller.agent().status.unwrap().ready);
    controller.api.take_requests();
    controller.reconcile_by(behind).await.unwrap();
    assert!(!controller.agent().status.unwrap().ready, "the new one is not ready yet");
    assert_eq!(controller.api.take_requests(), [""; 0]);
}
