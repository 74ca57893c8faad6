//! An agent falls asleep, wakes and is restarted for a newer commit, and nothing is written twice.

use api_types::{AgentSpec, labels};
use daemon::clock;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{Activities, AgentId, tests::TestController};

fn id() -> AgentId {
    AgentId { namespace: "team-a".into(), name: "demo".into(), uid: "uid-1".into() }
}

fn spec(spec: Value) -> AgentSpec {
    serde_json::from_value(spec).unwrap()
}

fn ago(minutes: i64) -> String {
    (clock::now() - Duration::minutes(minutes)).format(&Rfc3339).unwrap()
}

/// Answers each question with `body`, for as long as it is polled.
async fn serve(listener: TcpListener, body: &'static str) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![];
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// A running agent whose server is on the loopback, at this port.
async fn running(port: u16, more: Value) -> TestController {
    let mut wanted = json!({ "port": port });
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let controller = TestController::of(spec(wanted));
    controller.activities.with_terminals(&id(), 0, clock::now());
    controller.reconcile().await;
    controller.api.put("pods/demo-server-1", &pod(&json!([])));
    controller
}

fn pod(containers: &Value) -> Value {
    json!({
        "metadata": {
            "name": "demo-server-1", "namespace": "team-a", "labels": { "kubeopencode.io/agent": "demo" },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "demo-server-1", "uid": "r" }],
        },
        "status": { "podIP": "127.0.0.1", "phase": "Running", "containerStatuses": containers },
    })
}

fn set_status(controller: &TestController, field: &str, value: Value) {
    let mut agent = controller.api.get("agents/demo").unwrap();
    agent["status"][field] = value;
    controller.api.put("agents/demo", &agent);
}

fn suspended(controller: &TestController) -> (String, String) {
    let found = controller.condition("Suspended").unwrap();
    (found.status, found.reason)
}

fn idle_since(controller: &TestController) -> Option<OffsetDateTime> {
    controller.agent().status.unwrap().idle_since
}

fn standby() -> Value {
    json!({ "standby": { "idleTimeout": "30m" } })
}

#[tokio::test]
async fn an_idle_agent_falls_asleep_and_a_visitor_wakes_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let controller = running(listener.local_addr().unwrap().port(), standby()).await;
    assert!(idle_since(&controller).is_some(), "a new agent is idle");
    assert_eq!(controller.reconcile().await, ["PATCH agents/demo/status"; 0]);

    set_status(&controller, "idleSince", json!(ago(31)));
    let asked = async {
        assert_eq!(
            controller.reconcile().await,
            ["PATCH deployments/demo-server", "PATCH agents/demo/status"]
        );
    };
    tokio::select! {
        () = serve(listener, "{}") => unreachable!(),
        () = asked => {}
    }
    assert_eq!(controller.replicas(), 0);
    assert_eq!(suspended(&controller), ("True".into(), "Standby".into()));
    let status = controller.agent().status.unwrap();
    assert!(status.suspended && !status.ready && status.service_name.is_some());
    assert!(controller.ready().1.contains("kubeoc agent resume"), "{:?}", controller.ready());
    assert_eq!(controller.reconcile().await, [""; 0], "it costs nothing");
    controller.activities.cannot_hear();
    controller.edit(|spec| {
        spec.standby = serde_json::from_value(json!({ "idleTimeout": "900h" })).unwrap();
    });
    controller.reconcile().await;
    assert_eq!(controller.replicas(), 0, "another time-out does not wake it");

    controller.activities.wake(&id(), clock::now());
    controller.reconcile().await;
    assert_eq!(controller.replicas(), 1);
    assert_eq!(suspended(&controller), ("False".into(), "Active".into()));
    assert_eq!(controller.reconcile().await, [""; 0]);
}

#[tokio::test]
async fn a_busy_agent_and_one_with_a_terminal_stay_awake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let controller = running(listener.local_addr().unwrap().port(), standby()).await;
    set_status(&controller, "idleSince", json!(ago(31)));
    let asked = async { assert_eq!(controller.reconcile().await, ["PATCH agents/demo/status"]) };
    tokio::select! {
        () = serve(listener, r#"{"ses_1":{"type":"busy"}}"#) => unreachable!(),
        () = asked => {}
    }
    assert!(clock::now() - idle_since(&controller).unwrap() < Duration::minutes(1));

    set_status(&controller, "idleSince", json!(ago(31)));
    controller.activities.with_terminals(&id(), 1, clock::now());
    assert_eq!(controller.reconcile().await, ["PATCH agents/demo/status"]);
    assert_eq!((idle_since(&controller), controller.replicas()), (None, json!(1)));
    assert_eq!(controller.reconcile().await, [""; 0]);
    controller.activities.with_terminals(&id(), 0, clock::now());
    assert_eq!(controller.reconcile().await, [""; 0], "a guest may come back");
}

#[tokio::test]
async fn an_owners_suspension_is_not_undone_by_a_visit() {
    let controller = running(1, standby()).await;
    controller.edit(|spec| spec.suspend = true);
    controller.reconcile().await;
    controller.activities.wake(&id(), clock::now());
    let mut agent = controller.api.get("agents/demo").unwrap();
    agent["metadata"]["annotations"] = json!({ labels::LAST_CONNECTION_ACTIVE: ago(0) });
    controller.api.put("agents/demo", &agent);
    assert_eq!(controller.reconcile().await, [""; 0]);
    assert_eq!(suspended(&controller), ("True".into(), "UserRequested".into()));
    // As an earlier release left it.
    set_status(&controller, "idleSince", json!(ago(31)));
    controller.edit(|spec| spec.suspend = false);
    controller.reconcile().await;
    assert_eq!(suspended(&controller), ("False".into(), "Active".into()));
    assert!(clock::now() - idle_since(&controller).unwrap() < Duration::minutes(1));
}

#[tokio::test]
async fn a_standby_that_cannot_work_as_asked_says_so() {
    let controller = running(1, json!({ "standby": { "idleTimeout": "15s" } })).await;
    let warning = || controller.condition("StandbyConfigWarning").map(|found| found.reason);
    assert_eq!(warning().as_deref(), Some("IdleTimeoutTooShort"));
    controller.edit(|spec| {
        spec.standby = serde_json::from_value(json!({ "idleTimeout": "2m" })).unwrap();
    });
    controller.reconcile().await;
    assert_eq!(warning(), None);
    controller.activities.cannot_hear();
    controller.reconcile().await;
    assert_eq!(warning().as_deref(), Some("ActivityUnknown"));
}

/// The annotation of the pods that the Deployment makes.
fn revision(controller: &TestController) -> Value {
    let deployment = controller.api.get("deployments/demo-server").unwrap();
    deployment["spec"]["template"]["metadata"]["annotations"][labels::GIT_REVISION].clone()
}

fn moved_to(commit: &str) -> Value {
    let report = json!({
        "name": "code", "commit": "0a", "lastSynced": ago(1), "state": { "pending": { "commit": commit } },
    });
    let ended = json!({ "terminated": { "exitCode": 0, "message": report.to_string() } });
    json!([{ "name": "git-sync-0", "state": { "running": {} }, "lastState": ended, "image": "",
             "imageID": "", "ready": true, "restartCount": 1 }])
}

/// A running agent whose repository restarts it for newer commits.
async fn following(port: u16) -> TestController {
    let sync = json!({ "enabled": true, "policy": "Rollout" });
    let git = json!({ "repository": "https://git.example/code.git", "sync": sync });
    let context = json!({ "name": "code", "type": "Git", "mountPath": "code", "git": git });
    Box::pin(running(port, json!({ "contexts": [context] }))).await
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
