//! An API server in memory, for tests: it keeps what is written to it, records each request, and
//! can be silent. It knows one namespace, and of server-side apply only the guards.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
};

use http::{Method, Request, Response};
use kube::{Client, client::Body};
use serde::Serialize;
use serde_json::{Value, json};

/// In the place of this text, responses have an object that is nested 10,000 levels deep.
pub(crate) const NESTED: &str = "an object nested 10,000 levels deep";
const LEVELS: usize = 10_000;

/// A clone is the same server.
#[derive(Clone, Default)]
pub(crate) struct FakeApi(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// By resource and name, such as `secrets/demo-share`.
    objects: BTreeMap<String, Value>,
    /// Since they were last taken, such as `PATCH secrets/demo-share`. Watches are not recorded.
    requests: Vec<String>,
    /// Clients, and objects, whose requests are not answered.
    silent: BTreeSet<String>,
    /// Failures with which writes of objects are answered.
    refusals: BTreeMap<String, (u16, Value)>,
    version: u64,
}

impl FakeApi {
    /// The client of one process.
    pub(crate) fn client(&self, name: &'static str) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.respond(name, request).await) }
        });
        Client::new(service, "team-a")
    }

    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        self.state().objects.get(name).cloned()
    }

    pub(crate) fn put(&self, name: &str, object: &impl Serialize) {
        self.state().store(name, serde_json::to_value(object).unwrap());
    }

    pub(crate) fn delete(&self, name: &str) {
        self.state().objects.remove(name).expect("an object to delete");
    }

    pub(crate) fn all(&self, resource: &str) -> Vec<Value> {
        self.state().all(resource)
    }

    /// The requests since the last call, in their order.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }

    /// Leaves the requests of a client, or for an object, without a response.
    pub(crate) fn silence(&self, name: &str) {
        self.state().silent.insert(name.to_owned());
    }

    /// Answers writes of an object with a failure.
    pub(crate) fn refuse(&self, name: &str, code: u16, reason: &str, message: &str) {
        let refusal = failure_of(code, reason, message);
        self.state().refusals.insert(name.to_owned(), refusal);
    }

    /// Ends all silence and all refusals.
    pub(crate) fn answer_all(&self) {
        let mut state = self.state();
        state.silent.clear();
        state.refusals.clear();
    }

    async fn respond(&self, client: &str, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await.unwrap();
        let sent = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if head.uri.query().is_some_and(|query| query.contains("watch=true")) {
            return pending().await;
        }
        let Some((code, body)) = self.state().request(client, &head, sent) else {
            return pending().await;
        };
        let body = body.to_string().replace(&format!("{NESTED:?}"), &nested());
        let body = Body::from(body.into_bytes());
        Response::builder().status(code).body(body).unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn request(
        &mut self,
        client: &str,
        head: &http::request::Parts,
        sent: Value,
    ) -> Option<(u16, Value)> {
        let name = short(head.uri.path());
        self.requests.push(format!("{} {name}", head.method));
        if self.silent.contains(client) || self.silent.contains(&name) {
            return None;
        }
        if let Some(refusal) = self.refusals.get(&name).filter(|_| head.method != Method::GET) {
            return Some(refusal.clone());
        }
        let merges = head.headers.get("content-type");
        if merges.is_some_and(|merges| merges == "application/merge-patch+json") {
            return Some(self.merge(&name, sent));
        }
        Some(self.answer(&head.method, &name, sent))
    }

    fn answer(&mut self, method: &Method, name: &str, sent: Value) -> (u16, Value) {
        let held = self.objects.get(name).cloned();
        let has = |field: &str| {
            let (sent, held) = (&sent["metadata"][field], held.as_ref());
            sent.is_null() || held.is_some_and(|held| held["metadata"][field] == *sent)
        };
        match (method.as_str(), held.as_ref()) {
            ("GET", _) if !name.contains('/') => (200, list(&self.all(name))),
            ("GET", Some(held)) => (200, held.clone()),
            ("POST", _) => {
                let name = format!("{name}/{}", sent["metadata"]["name"].as_str().unwrap());
                if self.objects.contains_key(&name) {
                    return failure(409);
                }
                (201, self.store(&name, sent))
            }
            ("PUT", Some(_)) if has("resourceVersion") => (200, self.store(name, sent)),
            ("PATCH", None) if sent["metadata"]["uid"].is_null() => (201, self.store(name, sent)),
            ("PATCH", Some(_)) if has("resourceVersion") && has("uid") => {
                (200, self.store(name, sent))
            }
            ("DELETE", Some(held)) => {
                let held = held.clone();
                self.objects.remove(name);
                (200, held)
            }
            ("GET" | "DELETE" | "PATCH", None) => failure(404),
            _ => failure(409),
        }
    }

    /// Of the status, or of everything else.
    fn merge(&mut self, name: &str, mut sent: Value) -> (u16, Value) {
        let of_status = name.strip_suffix("/status");
        let name = of_status.unwrap_or(name);
        let Some(mut object) = self.objects.get(name).cloned() else { return failure(404) };
        let uid = &sent["metadata"]["uid"];
        if !uid.is_null() && *uid != object["metadata"]["uid"] {
            return failure(409);
        }
        if of_status.is_some() {
            merge(&mut object["status"], sent["status"].take());
        } else {
            sent.as_object_mut().unwrap().remove("status");
            merge(&mut object, sent);
        }
        (200, self.store(name, object))
    }

    fn store(&mut self, name: &str, mut object: Value) -> Value {
        self.version += 1;
        let held = self.objects.get(name).map(|held| held["metadata"]["uid"].clone());
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!(self.version.to_string());
        if metadata["uid"].is_null() {
            metadata["uid"] = held.unwrap_or_else(|| json!(format!("uid-of-{}", self.version)));
        }
        self.objects.insert(name.to_owned(), object.clone());
        object
    }

    fn all(&self, resource: &str) -> Vec<Value> {
        let of_it = |name: &str| name.split_once('/').is_some_and(|(kind, _)| kind == resource);
        self.objects
            .iter()
            .filter(|(name, _)| of_it(name))
            .map(|(_, object)| object.clone())
            .collect()
    }
}

/// `/apis/apps/v1/namespaces/team-a/deployments/demo` is `deployments/demo`, and
/// `/api/v1/secrets` is `secrets`.
fn short(path: &str) -> String {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let after_version = if parts[0] == "api" { 2 } else { 3 };
    let namespaced = parts.get(after_version) == Some(&"namespaces");
    parts[after_version + if namespaced { 2 } else { 0 }..].join("/")
}

/// RFC 7396.
fn merge(held: &mut Value, patch: Value) {
    let Value::Object(fields) = patch else {
        *held = patch;
        return;
    };
    if !held.is_object() {
        *held = json!({});
    }
    for (name, value) in fields {
        match (value, held.as_object_mut()) {
            (Value::Null, Some(held)) => drop(held.remove(&name)),
            (value, _) => merge(&mut held[&name], value),
        }
    }
}

fn nested() -> String {
    format!("{}{}", r#"{"a":"#.repeat(LEVELS - 1) + "{}", "}".repeat(LEVELS - 1))
}

fn list(items: &[Value]) -> Value {
    json!({ "metadata": { "resourceVersion": "1" }, "items": items })
}

fn failure(code: u16) -> (u16, Value) {
    failure_of(code, if code == 404 { "NotFound" } else { "Conflict" }, "")
}

fn failure_of(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code,
    });
    (code, status)
}
