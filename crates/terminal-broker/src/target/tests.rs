use http::{Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock::{self, Handle};

use super::*;

type Api = Handle<Request<Body>, Response<Body>>;

fn agent() -> AgentId {
    AgentId::new("team-a", "demo", "agent-uid")
}

fn owner(kind: &str, uid: &str) -> Value {
    json!([{ "apiVersion": "v1", "kind": kind, "name": "demo-server-5d8", "uid": uid, "controller": true }])
}

fn meta(name: &str, uid: &str, owners: &Value) -> Value {
    json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": { "name": name, "namespace": "team-a", "uid": uid, "ownerReferences": owners }
    })
}

fn pods() -> Value {
    json!({ "apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": [{
        "metadata": {
            "name": "demo-server-5d8-x", "namespace": "team-a",
            "ownerReferences": owner("ReplicaSet", "set-uid")
        },
        "spec": { "containers": [] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] }
    }] })
}

fn replica_sets() -> Value {
    let set = meta("demo-server-5d8", "set-uid", &owner("Deployment", "deployment-uid"));
    json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": {},
        "items": [set]
    })
}

/// Labelled, and from the API server's cache.
const SELECTED: &str = "labelSelector=kubeopencode.io%2Fagent%3Ddemo&resourceVersion=0&resourceVersionMatch=NotOlderThan";

/// What the cluster has at a path.
fn cluster(path: &str) -> Option<Value> {
    match path.strip_suffix(SELECTED) {
        Some("/apis/apps/v1/namespaces/team-a/replicasets?&") => Some(replica_sets()),
        Some("/api/v1/namespaces/team-a/pods?&") => Some(pods()),
        None if path == DEPLOYMENT => {
            Some(meta("demo-server", "deployment-uid", &owner("Agent", "agent-uid")))
        }
        _ => None,
    }
}

const DEPLOYMENT: &str =
    "/apis/apps/v1/namespaces/team-a/deployments/demo-server?&resourceVersion=0";

/// Answers three requests once all are there, and returns what was asked for.
async fn answer(mut api: Api, have: impl Fn(&str) -> Option<Value>) -> Vec<String> {
    let mut asked = Vec::new();
    let mut requests = Vec::new();
    while requests.len() < 3 {
        requests.push(api.next_request().await.expect("a further request"));
    }
    for (request, reply) in requests {
        let path = request.uri().to_string();
        asked.push(format!("{} {path}", request.method()));
        let (status, body) = match have(&path) {
            Some(body) => (StatusCode::OK, body),
            None => (
                StatusCode::NOT_FOUND,
                json!({ "status": "Failure", "reason": "NotFound", "code": 404 }),
            ),
        };
        let response = Response::builder().status(status);
        reply.send_response(response.body(Body::from(serde_json::to_vec(&body).unwrap())).unwrap());
    }
    assert!(api.next_request().await.is_none(), "there is no further request");
    asked.sort();
    asked
}

async fn find(have: impl Fn(&str) -> Option<Value>) -> (Result<Target, FindError>, Vec<String>) {
    let (service, api) = mock::pair();
    let finding = async {
        // The client goes with the question, and so ends the answering.
        let pods = ClusterPods::new(Client::new(service, "default"));
        pods.find(&agent()).await
    };
    tokio::join!(finding, answer(api, have))
}

#[tokio::test]
async fn a_pod_is_found_by_three_reads_of_one_namespace_at_once() {
    let (found, asked) = find(cluster).await;
    let expected =
        Target { namespace: "team-a".into(), pod: "demo-server-5d8-x".into(), port: 4096 };
    assert_eq!(found.unwrap(), expected);
    assert_eq!(
        asked,
        [
            format!("GET /api/v1/namespaces/team-a/pods?&{SELECTED}"),
            format!("GET {DEPLOYMENT}"),
            format!("GET /apis/apps/v1/namespaces/team-a/replicasets?&{SELECTED}"),
        ]
    );
}

#[tokio::test]
async fn what_is_missing_is_no_failure_of_the_cluster() {
    let without =
        |part: &'static str| move |path: &str| cluster(path).filter(|_| !path.contains(part));
    let (found, _) = find(without("deployments")).await;
    assert_eq!(found.unwrap_err().category(), "no_deployment");
    let none = |path: &str| {
        let mut found = cluster(path)?;
        if let Some(items) = found["items"].as_array_mut() {
            items.clear();
        }
        Some(found)
    };
    let (found, _) = find(none).await;
    assert_eq!(found.unwrap_err().category(), "no_ready_pod");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_does_not_answer_is_given_up() {
    let (service, _api) = mock::pair::<Request<Body>, Response<Body>>();
    let found = ClusterPods::new(Client::new(service, "default")).find(&agent()).await;
    assert_eq!(found.unwrap_err().category(), "cluster_late");
}
