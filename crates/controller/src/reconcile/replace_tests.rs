//! What the Go project left of an agent is taken over.

use api_types::AgentSpec;
use serde_json::{Value, json};

use super::tests::{TestController, shared};

const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn metadata(name: &str, owner: &str, labels: &Value) -> Value {
    json!({
        "name": name, "namespace": "team-a", "labels": labels,
        "ownerReferences": [{
            "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent", "name": "demo", "uid": owner,
            "controller": true, "blockOwnerDeletion": true,
        }],
    })
}

/// An agent that the Go project runs, shares and has published, whose objects `owner` controls.
fn left_behind(owner: &str) -> TestController {
    let controller = TestController::of(shared());
    let labels = json!({
        "app.kubernetes.io/name": "kubeopencode-server", "app.kubernetes.io/instance": "demo",
        "app.kubernetes.io/component": "server", "app.kubernetes.io/managed-by": "kubeopencode",
        "kubeopencode.io/agent": "demo",
    });
    let selector = json!({ "kubeopencode.io/agent": "demo" });
    let deployment = json!({
        "metadata": metadata("demo-server", owner, &labels),
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": selector },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [{
                "name": "opencode-server",
                "readinessProbe": { "httpGet": { "path": "/session/status", "port": 4096 } },
            }] } },
        },
    });
    let service = json!({
        "metadata": metadata("demo", owner, &labels),
        "spec": { "type": "ClusterIP", "clusterIP": "10.0.0.1", "selector": selector, "ports": [
            { "name": "http", "port": 4096, "targetPort": 4096, "protocol": "TCP" },
        ] },
    });
    let volume = json!({
        "metadata": metadata("demo-server-sessions", owner, &labels),
        "spec": { "accessModes": ["ReadWriteOnce"] },
    });
    let encoded = k8s_openapi::ByteString(TOKEN.as_bytes().to_vec());
    let mut share = json!({
        "metadata": metadata("demo-share", owner, &json!({ "kubeopencode.io/share-token": "true" })),
        "data": { "token": encoded },
    });
    share["metadata"]["annotations"] = json!({
        "kubeopencode.io/agent-name": "demo", "kubeopencode.io/agent-namespace": "team-a",
    });
    controller.api.put("deployments/demo-server", &deployment);
    controller.api.put("services/demo", &service);
    controller.api.put("persistentvolumeclaims/demo-server-sessions", &volume);
    controller.api.put("secrets/demo-share", &share);
    let mut agent = controller.api.get("agents/demo").unwrap();
    agent["status"] = json!({ "ready": true, "conditions": [
        { "type": "ServerReady", "status": "True", "reason": "DeploymentReady", "message": "",
          "lastTransitionTime": "2026-11-20T12:00:00Z" },
        { "type": "Queued", "status": "False", "reason": "NoLimit", "message": "",
          "lastTransitionTime": "2026-11-20T12:00:00Z" },
    ] });
    controller.api.put("agents/demo", &agent);
    controller
}

#[tokio::test]
async fn the_deployment_is_replaced_once_and_everything_else_is_kept() {
    let controller = left_behind("uid-1");
    let volume = controller.api.get("persistentvolumeclaims/demo-server-sessions");
    let requests = controller.reconcile().await;
    let deletions: Vec<_> = requests.iter().filter(|one| one.starts_with("DELETE")).collect();
    assert_eq!(deletions, ["DELETE deployments/demo-server"]);
    let events = controller.api.all("events");
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["reason"], &events[0]["regarding"]["name"]),
        (&json!("Replaced"), &json!("demo"))
    );
    assert_eq!(controller.ready().0, "Progressing");

    let requests = controller.reconcile().await;
    assert!(requests.contains(&"PATCH deployments/demo-server".to_owned()), "{requests:?}");
    let deployment = controller.api.get("deployments/demo-server").unwrap();
    assert_eq!(deployment["spec"]["selector"]["matchLabels"].as_object().unwrap().len(), 3);
    assert_eq!(controller.api.get("persistentvolumeclaims/demo-server-sessions"), volume);
    assert_eq!(controller.token().expose(), TOKEN, "links that were handed out go on working");

    assert!(controller.condition("Queued").is_none(), "nobody renews it");
    assert_eq!(controller.reconcile().await, [""; 0]);
    assert_eq!(controller.api.all("events").len(), 1);
}

#[tokio::test]
async fn one_that_waits_for_its_pods_is_left_to_end() {
    let controller = left_behind("uid-1");
    let mut held = controller.api.get("deployments/demo-server").unwrap();
    held["metadata"]["deletionTimestamp"] = json!("2026-11-21T12:00:00Z");
    held["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
    controller.api.put("deployments/demo-server", &held);
    let requests = controller.reconcile().await;
    assert!(!requests.iter().any(|one| one.contains("deployments")), "{requests:?}");
    let (reason, message) = controller.ready();
    assert_eq!(reason, "Progressing");
    assert!(message.contains("is being deleted"), "{message}");
}

#[tokio::test]
async fn one_that_the_agent_does_not_control_is_left_alone() {
    let controller = left_behind("another");
    let before = controller.api.get("deployments/demo-server");
    controller.edit(|spec| *spec = AgentSpec::default());
    controller.reconcile().await;
    assert_eq!(controller.api.get("deployments/demo-server"), before);
    assert_eq!(controller.ready().0, "NameConflict");
    assert_eq!(controller.api.all("events").len(), 0);
}
