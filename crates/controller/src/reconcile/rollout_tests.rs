//! An agent is restarted for a newer commit of its repositories, and not under whoever may use it.

use api_types::labels;
use daemon::clock;
use serde_json::{Value, json};
use time::{Duration, format_description::well_known::Rfc3339};
use tokio::net::TcpListener;

use super::{
    Activities,
    standby_tests::{id, pod, running, serve},
    tests::TestController,
};

/// The annotation of the pods that the Deployment makes.
fn revision(controller: &TestController) -> Value {
    let deployment = controller.api.get("deployments/demo-server").unwrap();
    deployment["spec"]["template"]["metadata"]["annotations"][labels::GIT_REVISION].clone()
}

fn moved_to(commit: &str) -> Value {
    reported(&json!({ "pending": { "commit": commit } }))
}

fn reported(state: &Value) -> Value {
    reported_at(state, 0)
}

/// Reported so many seconds ago.
fn reported_at(state: &Value, seconds: i64) -> Value {
    let at = (clock::now() - Duration::seconds(seconds)).truncate_to_second();
    let at = at.format(&Rfc3339).unwrap();
    let report = json!({ "name": "code", "commit": "0a", "lastSynced": at, "state": state });
    let ended =
        json!({ "terminated": { "exitCode": 0, "message": report.to_string(), "finishedAt": at } });
    json!([{ "name": "git-sync-0", "state": { "running": {} }, "lastState": ended, "image": "",
             "imageID": "", "ready": true, "restartCount": 1 }])
}

/// A running agent whose repository restarts it for newer commits.
async fn following(port: u16) -> TestController {
    following_with(port, json!({})).await
}

async fn following_with(port: u16, persistence: Value) -> TestController {
    let sync = json!({ "enabled": true, "policy": "Rollout" });
    let git = json!({ "repository": "https://git.example/code.git", "sync": sync });
    let context = json!({ "name": "code", "type": "Git", "mountPath": "code", "git": git });
    Box::pin(running(port, json!({ "contexts": [context], "persistence": persistence }))).await
}

#[tokio::test]
async fn a_newer_commit_restarts_the_pod_once_and_not_under_its_user() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let controller = following(listener.local_addr().unwrap().port()).await;
    controller.activities.with_terminals(&id(), 1, clock::now() - Duration::minutes(2));
    controller.api.put("pods/demo-server-1", &pod(&moved_to("0b")));

    let test = async {
        assert_eq!(controller.reconcile().await, ["PATCH agents/demo/status"]);
        let pending = || controller.condition("GitSyncPending").unwrap().reason;
        assert_eq!(
            (revision(&controller), pending().as_str()),
            (Value::Null, "WaitingForSessions")
        );

        controller.activities.with_terminals(&id(), 0, clock::now() - Duration::minutes(1));
        let requests = controller.reconcile().await;
        assert_eq!(requests, ["PATCH deployments/demo-server", "PATCH agents/demo/status"]);
        assert_eq!(revision(&controller), r#"{"code":"0b"}"#);
        assert_eq!(pending(), "UpdateAvailable");
        assert_eq!(controller.reconcile().await, [""; 0], "a clone that got an older one is left");

        controller.api.put("pods/demo-server-1", &pod(&json!([])));
        controller.reconcile().await;
        assert_eq!(revision(&controller), r#"{"code":"0b"}"#, "the new pod reports nothing yet");
        controller.api.put("pods/demo-server-1", &pod(&moved_to("0c")));
        controller.reconcile().await;
        assert_eq!(revision(&controller), r#"{"code":"0c"}"#);
    };
    tokio::select! {
        () = serve(listener, "{}") => unreachable!(),
        () = test => {}
    }
}

#[tokio::test]
async fn work_of_the_agents_that_would_be_lost_holds_the_restart_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let controller = following(listener.local_addr().unwrap().port()).await;
    let reconciled = async |containers: Value| {
        controller.api.put("pods/demo-server-1", &pod(&containers));
        controller.reconcile().await;
        (revision(&controller), controller.condition("GitSyncPending").unwrap().reason)
    };
    let why = "'main.rs' was changed here";
    let test = async {
        let diverged = reported(&json!({ "diverged": { "commit": "0b", "why": why } }));
        assert_eq!(reconciled(diverged).await, (Value::Null, "Diverged".into()));
        assert!(controller.condition("GitSyncPending").unwrap().message.ends_with(why));
        let (restarted, _) = reconciled(moved_to("0b")).await;
        assert_eq!(restarted, r#"{"code":"0b"}"#, "it is out of the way");
    };
    tokio::select! {
        () = serve(listener, "{}") => unreachable!(),
        () = test => {}
    }
}

#[tokio::test]
async fn a_pod_that_somebody_may_use_is_not_restarted() {
    const IDLE: &str = "{}";
    let minute_ago = || clock::now() - Duration::minutes(1);
    for (name, closed_at, answer) in [
        ("no broker is heard", None, IDLE),
        ("a guest may come back", Some(clock::now()), IDLE),
        ("its server is busy", Some(minute_ago()), r#"{"ses_1":{"type":"busy"}}"#),
        ("its server does not say it", Some(minute_ago()), ""),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut controller = following(listener.local_addr().unwrap().port()).await;
        controller.activities = Activities::default();
        if let Some(at) = closed_at {
            controller.activities.with_terminals(&id(), 1, at);
            controller.activities.with_terminals(&id(), 0, at);
        }
        controller.api.put("pods/demo-server-1", &pod(&moved_to("0b")));
        tokio::select! {
            () = serve(listener, answer) => unreachable!(),
            _ = controller.reconcile() => {}
        }
        let pending = controller.condition("GitSyncPending").unwrap().reason;
        assert_eq!(
            (revision(&controller), &*pending),
            (Value::Null, "WaitingForSessions"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_old_look_at_work_that_ends_with_the_pod_restarts_nothing() {
    let workspace = || json!({ "workspace": { "size": "1Gi" } });
    for (name, persistence, seen, closed, restarts) in [
        ("too long ago", json!({}), 31, 60, false),
        ("before the last terminal was closed", json!({}), 20, 15, false),
        ("after it", json!({}), 20, 21, true),
        ("the work outlives the pod", workspace(), 300, 60, true),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let controller = following_with(port, persistence).await;
        let closed = clock::now() - Duration::seconds(closed);
        controller.activities.with_terminals(&id(), 1, closed);
        controller.activities.with_terminals(&id(), 0, closed);
        let state = json!({ "pending": { "commit": "0b" } });
        controller.api.put("pods/demo-server-1", &pod(&reported_at(&state, seen)));
        tokio::select! {
            () = serve(listener, "{}") => unreachable!(),
            _ = controller.reconcile() => {}
        }
        assert_eq!(revision(&controller) != Value::Null, restarts, "{name}");
        let pending = controller.condition("GitSyncPending").unwrap().reason;
        assert_eq!(pending == "WaitingForSessions", !restarts, "{name}");
    }
}

/// The edit itself restarts the pod, whose clone is new: to write the annotation again would be
/// another restart.
#[tokio::test]
async fn an_annotation_that_somebody_removed_is_written_again_only_for_a_commit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let controller = following(listener.local_addr().unwrap().port()).await;
    let remove = || {
        let mut deployment = controller.api.get("deployments/demo-server").unwrap();
        let annotations = &mut deployment["spec"]["template"]["metadata"]["annotations"];
        annotations.as_object_mut().unwrap().remove(labels::GIT_REVISION).unwrap();
        controller.api.put("deployments/demo-server", &deployment);
    };
    let reconciled = async |containers: Value| {
        controller.api.put("pods/demo-server-1", &pod(&containers));
        controller.reconcile().await;
        revision(&controller)
    };
    let test = async {
        let first = reconciled(moved_to("0b")).await;
        assert_eq!(first, r#"{"code":"0b"}"#);
        remove();
        assert_eq!(reconciled(json!([])).await, Value::Null, "its clone got what there is");
        assert_eq!(reconciled(moved_to("0b")).await, first, "its clone got an older one");
        assert_eq!(reconciled(moved_to("0b")).await, first);
        assert_eq!(controller.reconcile().await, [""; 0], "and no other restart");
    };
    tokio::select! {
        () = serve(listener, "{}") => unreachable!(),
        () = test => {}
    }
}
