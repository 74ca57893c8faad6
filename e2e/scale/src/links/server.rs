//! An API server that knows nothing but many shared Agents, and is a function. It stands in for a real one, which needs
//! gigabytes for as many; what it answers is as the real one writes it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use api_types::ShareToken;
use bytes::Bytes;
use futures::stream;
use http::{Request, Response, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout},
};
use tower::service_fn;

/// The body of an answer: at once, or as it comes.
type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// Of namespaces that have links.
const AGENTS_OF_NAMESPACE: u32 = 100;

/// The driver's side of it.
pub(super) struct Server {
    /// How long each listing took, as soon as the watch begins after it.
    listings: mpsc::UnboundedReceiver<Duration>,
    /// Ends the watch of that number.
    expired: watch::Sender<u32>,
}

/// The client's side.
struct State {
    count: u32,
    template: String,
    begun: watch::Sender<Option<Instant>>,
    listings: mpsc::UnboundedSender<Duration>,
    expired: watch::Receiver<u32>,
}

impl Server {
    /// Of as many links, and a client that talks to nothing else.
    pub(super) fn new(count: u32) -> (Self, Client) {
        let (told, listings) = mpsc::unbounded_channel();
        let (expired, receiver) = watch::channel(0);
        let begun = watch::Sender::new(None);
        let template = template().to_string();
        let state = Arc::new(State { count, template, begun, listings: told, expired: receiver });
        let answer = move |request: Request<Body>| {
            let state = state.clone();
            async move { Ok::<_, Infallible>(state.answer(request.uri())) }
        };
        (Self { listings, expired }, Client::new(service_fn(answer), "default"))
    }

    /// Waits until a whole listing was taken in, and tells how long that took from its first request on.
    pub(super) async fn listed(&mut self, bound: Duration) -> Result<Duration> {
        let listing = timeout(bound, self.listings.recv()).await;
        listing.context("no listing ended")?.context("the watch has ended")
    }

    /// Tells the watch that its version is too old, so that all is listed anew.
    pub(super) fn expire(&self) {
        self.expired.send_modify(|number| *number += 1);
    }
}

impl State {
    fn answer(&self, uri: &Uri) -> Response<Answer> {
        let query = uri.query().unwrap_or_default().as_bytes();
        let text = |name: &str| {
            let mut parameters = form_urlencoded::parse(query);
            parameters.find_map(|(key, value)| (key == name).then_some(value))
        };
        let parameter = |name: &str| text(name).and_then(|value| value.parse().ok());
        if text("watch").as_deref() == Some("true") {
            return self.watch();
        }
        let first = parameter("continue").unwrap_or(0);
        if first == 0 {
            self.begun.send_replace(Some(Instant::now()));
        }
        let limit = parameter("limit").unwrap_or(self.count);
        Response::new(Full::from(self.page(first, limit)).boxed_unsync())
    }

    fn page(&self, first: u32, limit: u32) -> String {
        let end = first.saturating_add(limit).min(self.count);
        let next = if end < self.count { end.to_string() } else { String::new() };
        let agents: Vec<String> = (first..end).map(|number| self.agent(number)).collect();
        format!(
            r#"{{"apiVersion":"kubeopencode.io/v1alpha1","kind":"AgentList","metadata":{{"resourceVersion":"1","continue":"{next}"}},"items":[{}]}}"#,
            agents.join(",")
        )
    }

    fn agent(&self, number: u32) -> String {
        let (uid, token) = (uid(number), token(number));
        self.template
            .replace("$name", &format!("agent-{number:06}"))
            .replace("$namespace", &format!("team-{:04}", number / AGENTS_OF_NAMESPACE))
            .replace("$uid", &uid)
            .replace("$lookup", &token.lookup().to_string())
            .replace("$proof", &token.proof(&uid).to_string())
    }

    /// It tells of nothing until it expires.
    fn watch(&self) -> Response<Answer> {
        if let Some(begun) = *self.begun.borrow() {
            // Nobody listens any more when the run is over.
            let _ = self.listings.send(begun.elapsed());
        }
        let mut expired = self.expired.clone();
        expired.mark_unchanged();
        let events = stream::once(async move {
            if expired.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let status = json!({ "type": "ERROR", "object": {
                "apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "Expired",
                "message": "too old resource version", "code": 410,
            }});
            Ok::<_, Infallible>(Frame::data(format!("{status}\n").into()))
        });
        Response::new(StreamBody::new(events).boxed_unsync())
    }
}

/// The token of a link.
pub(super) fn token(number: u32) -> ShareToken {
    let mut bytes = [0x5a; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    ShareToken::from_bytes(&bytes)
}

fn uid(number: u32) -> String {
    format!("6f1c2d3e-4b5a-4978-8796-{number:012x}")
}

/// An Agent as an API server keeps one that is shared and ready, managed fields and all.
fn template() -> Value {
    let condition = |type_: &str, reason: &str, message: &str| {
        json!({ "type": type_, "status": "True", "reason": reason, "message": message,
            "observedGeneration": 1, "lastTransitionTime": "2026-11-28T06:00:00Z" })
    };
    let set = json!({ ".": {} });
    let owned = |fields: &[&str]| -> Value {
        fields.iter().map(|field| (format!("f:{field}"), set.clone())).collect()
    };
    json!({
        "apiVersion": "kubeopencode.io/v1alpha1",
        "kind": "Agent",
        "metadata": {
            "name": "$name", "namespace": "$namespace", "uid": "$uid", "generation": 1,
            "resourceVersion": "123456", "creationTimestamp": "2026-11-28T06:00:00Z",
            "managedFields": [
                { "apiVersion": "kubeopencode.io/v1alpha1", "fieldsType": "FieldsV1",
                  "fieldsV1": { "f:spec": owned(&["workspaceDir", "config", "share", "profile"]) },
                  "manager": "kubectl", "operation": "Apply", "time": "2026-11-28T06:00:00Z" },
                { "apiVersion": "kubeopencode.io/v1alpha1", "fieldsType": "FieldsV1",
                  "fieldsV1": { "f:status": owned(&["conditions", "deploymentName", "observedGeneration",
                      "ready", "serviceName", "share", "url"]) },
                  "manager": "kubeopencode-controller", "operation": "Apply",
                  "subresource": "status", "time": "2026-11-28T06:00:00Z" },
            ],
        },
        "spec": {
            "workspaceDir": "/workspace", "profile": "An agent of a team", "config": { "model": "example/model" },
            "share": { "enabled": true, "allowedIPs": ["192.0.2.0/24", "198.51.100.0/24"] },
        },
        "status": {
            "observedGeneration": 1, "ready": true, "deploymentName": "$name-server", "serviceName": "$name",
            "url": "http://$name.$namespace.svc.cluster.local:4096",
            "share": { "active": true, "secretName": "$name-share", "tokenLookup": "$lookup", "tokenProof": "$proof" },
            "conditions": [
                condition("Ready", "DeploymentReady", "The agent's server answers"),
                condition("ShareActive", "Active", "Share link is active"),
                condition("ConfigValid", "Valid", "The configuration is valid"),
            ],
        },
    })
}
