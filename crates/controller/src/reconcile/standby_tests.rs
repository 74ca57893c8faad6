//! An agent falls asleep and wakes, and nothing is written twice.

use api_types::{AgentSpec, labels};
use daemon::clock;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{AgentId, tests::TestController};

pub(super) fn id() -> AgentId {
    AgentId { namespace: "team-a".into(), name: "demo".into(), uid: "uid-1".into() }
}

fn spec(spec: Value) -> AgentSpec {
    serde_json::from_value(spec).unwrap()
}

/// In whole seconds, as Kubernetes writes times.
pub(super) fn ago(minutes: i64) -> String {
    (clock::now() - Duration::minutes(minutes)).truncate_to_second().format(&Rfc3339).unwrap()
}

/// Answers each question with `body`, for as long as it is polled.
pub(super) async fn serve(listener: TcpListener, body: &'static str) {
    answer_with(&listener, "200 OK", body).await;
}

async fn answer_with(listener: &TcpListener, status: &str, body: &str) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![];
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// A running agent whose server is on the loopback, at this port.
pub(super) async fn running(port: u16, more: Value) -> TestController {
    let mut wanted = json!({ "port": port });
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let controller = TestController::of(spec(wanted));
    controller.activities.with_terminals(&id(), 0, clock::now());
    controller.reconcile().await;
    controller.api.put("pods/demo-server-1", &pod(&json!([])));
    let mut deployment = controller.api.get("deployments/demo-server").unwrap();
    deployment["status"] = json!({ "updatedReplicas": 1, "readyReplicas": 1 });
    controller.api.put("deployments/demo-server", &deployment);
    Box::pin(controller.reconcile()).await;
    controller
}

pub(super) fn pod(containers: &Value) -> Value {
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

/// Nobody has used the agent, whose server is ready, for so many minutes.
fn set_idle(controller: &TestController, minutes: i64) {
    set_status(controller, "idleSince", json!(ago(minutes)));
    let mut agent = controller.api.get("agents/demo").unwrap();
    for condition in agent["status"]["conditions"].as_array_mut().unwrap() {
        condition["lastTransitionTime"] = json!(ago(minutes));
    }
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

    set_idle(&controller, 31);
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

/// Its server answers before its pod is ready, and says that nobody uses it.
#[tokio::test]
async fn an_agent_whose_start_takes_longer_than_its_time_out_is_not_put_to_sleep_by_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let controller = running(listener.local_addr().unwrap().port(), standby()).await;
    let mut deployment = controller.api.get("deployments/demo-server").unwrap();
    deployment["status"] = json!({ "updatedReplicas": 1, "unavailableReplicas": 1 });
    controller.api.put("deployments/demo-server", &deployment);
    controller.reconcile().await;
    set_idle(&controller, 31);
    tokio::select! {
        () = serve(listener, "{}") => unreachable!(),
        _ = controller.reconcile() => {}
    }
    assert_eq!(controller.replicas(), 1);
    assert_eq!(suspended(&controller), ("False".into(), "Active".into()));
}

#[tokio::test]
async fn a_busy_agent_and_one_with_a_terminal_stay_awake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let controller = running(listener.local_addr().unwrap().port(), standby()).await;
    set_idle(&controller, 31);
    let idle = idle_since(&controller);
    let asked = async {
        assert_eq!(controller.reconcile().await, [""; 0], "nobody is connected since then");
    };
    tokio::select! {
        () = serve(listener, r#"{"ses_1":{"type":"busy"}}"#) => unreachable!(),
        () = asked => {}
    }
    assert_eq!((idle_since(&controller), controller.replicas()), (idle, json!(1)));

    set_idle(&controller, 31);
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
    set_idle(&controller, 31);
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

/// Each reconcile is one of a controller that has just started, and so asks.
#[tokio::test]
async fn an_agent_whose_server_does_not_tell_whether_it_is_busy_says_what_follows() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let controller = running(port, standby()).await;
    let warning = || controller.condition("StandbyConfigWarning");
    assert_eq!(warning(), None);
    set_idle(&controller, 31);
    let written = ["PATCH agents/demo/status"];
    let mut listener = Some(listener);
    for (status, reason, says, requests) in [
        ("401 Unauthorized", "ServerRefuses", "Secret \"demo-server\" was replaced", &written[..]),
        ("403 Forbidden", "ServerRefuses", "does not fall asleep", &[]),
        ("", "ServerNotAnswering", "falls asleep 5m after", &written),
        ("", "ServerNotAnswering", "falls asleep 5m after", &[]),
    ] {
        listener = listener.filter(|_| !status.is_empty());
        let asked = async {
            match &listener {
                Some(listener) => answer_with(listener, status, "").await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = asked => unreachable!(),
            took = controller.reconcile() => assert_eq!(took, requests, "{status}"),
        }
        let found = warning().unwrap();
        assert_eq!((found.status.as_str(), found.reason.as_str()), ("True", reason), "{status}");
        assert!(found.message.contains(says), "{}", found.message);
        assert!(found.message.contains(&format!("port {port}")), "{}", found.message);
        assert_eq!(controller.replicas(), 1, "{status}");
    }

    // It stays while nobody asks, and ends with the next answer.
    controller.activities.with_terminals(&id(), 1, clock::now());
    controller.reconcile().await;
    assert_eq!(warning().unwrap().reason, "ServerNotAnswering");
    assert_eq!(controller.reconcile().await, [""; 0]);
    controller.activities.with_terminals(&id(), 0, clock::now() - Duration::minutes(31));
    set_idle(&controller, 31);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::select! {
        () = serve(listener, r#"{"ses_1":{"type":"busy"}}"#) => unreachable!(),
        took = controller.reconcile() => assert_eq!(took, written),
    }
    assert_eq!(warning(), None);
}

/// Nothing is wrong with a server that is not there yet.
#[tokio::test]
async fn a_server_that_is_starting_is_not_called_silent() {
    let controller = running(1, standby()).await;
    let mut deployment = controller.api.get("deployments/demo-server").unwrap();
    deployment["status"] = json!({ "updatedReplicas": 1, "unavailableReplicas": 1 });
    controller.api.put("deployments/demo-server", &deployment);
    controller.reconcile().await;
    set_idle(&controller, 31);
    controller.reconcile().await;
    assert_eq!(controller.condition("StandbyConfigWarning"), None);
}
