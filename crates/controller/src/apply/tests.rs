#![allow(clippy::needless_pass_by_value, reason = "cases are written as literals")]

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{client::Body, runtime::reflector::store};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower_test::mock::Handle;

use super::*;
use crate::fixture::resolved;
use api_types::AgentId;

/// On the paused clock of these tests: until no task makes progress any more.
const TIMEOUT: Duration = Duration::from_secs(1);

type ApiServer = Handle<http::Request<Body>, http::Response<Body>>;

fn cluster() -> (Applier, ApiServer) {
    let (service, server) = tower_test::mock::pair();
    (Applier::new(Client::new(service, "team-a")), server)
}

/// Answers one request, and gives what it was: verb, path with query, and body.
async fn answer(server: &mut ApiServer, code: u16, body: Value) -> (String, Value) {
    let asked = timeout(TIMEOUT, server.next_request()).await.expect("a request in time");
    let (request, respond) = asked.expect("a request");
    let asked = format!("{} {}", request.method(), request.uri());
    let sent = request.into_body().collect_bytes().await.unwrap();
    let sent = serde_json::from_slice(&sent).unwrap_or(Value::Null);
    let body = Body::from(serde_json::to_vec(&body).unwrap());
    respond.send_response(http::Response::builder().status(code).body(body).unwrap());
    (asked, sent)
}

fn conflict() -> Value {
    json!({ "kind": "Status", "status": "Failure", "reason": "Conflict", "message": "", "code": 409 })
}

fn identity() -> AgentId {
    resolved(api_types::AgentSpec::default()).identity
}

fn owner(identity: &AgentId) -> Owner<'_> {
    Owner { namespace: &identity.namespace, name: &identity.name, uid: &identity.uid }
}

fn context() -> ConfigMap {
    let metadata = kube::core::ObjectMeta {
        name: Some("demo-server-context".into()),
        owner_references: Some(vec![identity().owner_reference()]),
        ..Default::default()
    };
    ConfigMap { metadata, ..ConfigMap::default() }
}

/// As the server holds it, with the fields it says are ours.
fn held(fields: Value) -> Value {
    let mut held = serde_json::to_value(context()).unwrap();
    held["metadata"]["uid"] = json!("uid-2");
    held["metadata"]["managedFields"] = json!([{
        "manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields,
    }]);
    held
}

fn observed(held: Value) -> Observed<ConfigMap> {
    let object: ConfigMap = serde_json::from_value(held).unwrap();
    Observed::Owned(Arc::new(Held::of(&object)))
}

#[tokio::test(start_paused = true)]
async fn a_free_name_is_taken_only_if_it_still_is_free() {
    let (applier, mut server) = cluster();
    let (cache, _writer) = store();
    let (id, desired) = (identity(), context());
    let (outcome, body) = tokio::join!(applier.ensure(owner(&id), &desired, &cache), async {
        let (asked, body) = answer(&mut server, 201, held(json!({}))).await;
        assert_eq!(
            asked,
            "PATCH /api/v1/namespaces/team-a/configmaps/demo-server-context?&force=true&fieldManager=kubeopencode-controller"
        );
        body
    });
    assert!(matches!(outcome.unwrap(), Outcome::InPlace(_)));
    assert_eq!(body["metadata"]["resourceVersion"], "1");
}

#[tokio::test(start_paused = true)]
async fn an_object_in_place_costs_no_request_and_a_changed_one_is_applied_again() {
    let (applier, mut server) = cluster();
    let (id, desired) = (identity(), context());
    let ours = json!({ "f:data": {} });
    let apply = async |observed: Observed<ConfigMap>| {
        applier.ensure_observed(owner(&id), &desired, &observed).await.unwrap()
    };

    // After a restart nothing is remembered, so it is applied once.
    let (_, (_, body)) = tokio::join!(
        apply(observed(held(ours.clone()))),
        answer(&mut server, 200, held(ours.clone()))
    );
    assert_eq!(body["metadata"]["uid"], "uid-2");

    // No request is answered here.
    let settled = timeout(TIMEOUT, apply(observed(held(ours.clone())))).await;
    settled.expect("no request");

    let (_, (asked, _)) =
        tokio::join!(apply(observed(held(json!({})))), answer(&mut server, 200, held(ours)));
    assert!(asked.starts_with("PATCH"), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_not_the_agents_is_never_written() {
    let (applier, mut server) = cluster();
    let (cache, _writer) = store();
    let (id, desired) = (identity(), context());
    let mut foreign = held(json!({}));
    foreign["metadata"]["ownerReferences"] = json!([]);
    let (outcome, ()) = tokio::join!(applier.ensure(owner(&id), &desired, &cache), async {
        let (asked, body) = answer(&mut server, 409, conflict()).await;
        assert!(asked.starts_with("PATCH") && body["metadata"]["resourceVersion"] == "1");
        let (asked, _) = answer(&mut server, 200, foreign.clone()).await;
        assert_eq!(asked, "GET /api/v1/namespaces/team-a/configmaps/demo-server-context");
    });
    assert!(matches!(outcome.unwrap(), Outcome::Conflict));
    // The next time it is known that the name is taken.
    let (outcome, (asked, _)) = tokio::join!(
        applier.ensure(owner(&id), &desired, &cache),
        answer(&mut server, 200, foreign.clone())
    );
    assert!(matches!(outcome.unwrap(), Outcome::Conflict) && asked.starts_with("GET"));
    drop(applier);
    assert!(server.next_request().await.is_none(), "a request too many");
}

#[tokio::test(start_paused = true)]
async fn rejected_content_is_the_users_mistake() {
    let (applier, mut server) = cluster();
    let (id, desired) = (identity(), context());
    let refused = json!({
        "kind": "Status", "status": "Failure", "reason": "Invalid", "code": 422,
        "message": "data: too long",
    });
    let (outcome, _) = tokio::join!(
        applier.ensure_observed(owner(&id), &desired, &Observed::Absent),
        answer(&mut server, 422, refused)
    );
    assert!(
        matches!(outcome.unwrap(), Outcome::Refused(Refusal::Invalid(why)) if why == "data: too long")
    );
}

#[tokio::test(start_paused = true)]
async fn only_the_object_that_was_seen_is_deleted() {
    let (applier, mut server) = cluster();
    let id = identity();
    let object: ConfigMap = serde_json::from_value(held(json!({}))).unwrap();
    let object = Held::of(&object);
    let (deleted, (asked, body)) = tokio::join!(
        applier.delete(owner(&id), &object),
        answer(
            &mut server,
            409,
            json!({ "kind": "Status", "status": "Failure", "reason": "Conflict", "code": 409, "message": "" })
        )
    );
    deleted.unwrap();
    assert!(asked.starts_with("DELETE"), "{asked}");
    assert_eq!(body["preconditions"]["uid"], "uid-2");
}
