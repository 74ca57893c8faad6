use std::{
    collections::BTreeSet,
    future::{pending, ready},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::time::timeout;
use tracing_subscriber::{fmt, layer::SubscriberExt};

use super::*;
use crate::fake_api::FakeApi;

/// What no log line may hold.
const CANARY: &str = "canary";

/// The log of this thread, as a process writes it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn kept(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let lines = fmt::layer().with_ansi(false).with_writer(move || log.clone());
        let sealed = daemon::telemetry::sealed(lines);
        tracing::subscriber::set_default(tracing_subscriber::registry().with(sealed))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The caches, and the log, after a while.
async fn watched(client: Client) -> (Stores, String) {
    let log = Log::default();
    let _kept = log.kept();
    let (stores, triggers) = Stores::watch(&client, &Namespaces::All, &Metrics::default());
    let for_ever = timeout(Duration::from_secs(5), triggers.for_each(|_| ready(())));
    for_ever.await.unwrap_err();
    (stores, log.text())
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_is_named_and_nothing_of_it_is_logged() {
    let api = FakeApi::default();
    for (name, token) in [("odd", format!("!{CANARY}")), ("sound", "c291bmQ=".to_owned())] {
        let metadata = json!({ "name": name, "namespace": "team-a" });
        let secret = json!({ "metadata": metadata, "data": { "token": token } });
        api.put(&format!("secrets/{name}"), &secret);
    }
    let (stores, log) = watched(api.client("controller")).await;

    let known: Vec<_> =
        stores.secrets.state().iter().map(|secret| secret.name.to_string()).collect();
    assert_eq!(known, ["sound"]);
    assert!(log.contains("odd") && log.contains("data.token"), "{log}");
    assert!(!log.contains(CANARY), "{log}");
}

/// An answer that is no list at all: kube's client logs its whole body.
#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_is_not_logged() {
    let body = json!({ "metadata": 5, "items": [{ "data": { "token": CANARY } }] });
    let answer = move |_: http::Request<kube::client::Body>| {
        let body = kube::client::Body::from(body.to_string().into_bytes());
        ready(Ok::<_, Infallible>(http::Response::new(body)))
    };
    let (_, log) = watched(Client::new(tower::service_fn(answer), "team-a")).await;
    assert!(log.contains("a watch failed"), "{log}");
    assert!(!log.contains(CANARY), "{log}");
}

/// An API server that lists, of each kind, one object in every namespace that it is asked for, and holds the watches
/// open. It keeps each path, with `?watch` for a watch.
fn api_of_namespaces() -> (Client, Arc<Mutex<BTreeSet<String>>>) {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let paths = asked.clone();
    let answer = move |request: http::Request<kube::client::Body>| {
        let path = request.uri().path().to_owned();
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let noted = if is_watch { format!("{path}?watch") } else { path.clone() };
        paths.lock().unwrap().insert(noted);
        async move {
            if is_watch {
                return pending().await;
            }
            let parts: Vec<_> = path.split('/').collect();
            let namespace = parts.iter().position(|part| *part == "namespaces");
            let namespace = namespace.map_or("of-the-cluster", |at| parts[at + 1]);
            let labels = json!({ "kubeopencode.io/agent": "demo" });
            let metadata = json!({ "name": "demo", "namespace": namespace, "labels": labels });
            let (spec, data) = (json!({ "agentImage": "i" }), json!({}));
            let object = json!({ "metadata": metadata, "spec": spec, "data": data });
            let list = json!({ "metadata": { "resourceVersion": "1" }, "items": [object] });
            let body = kube::client::Body::from(list.to_string().into_bytes());
            Ok::<_, Infallible>(http::Response::new(body))
        }
    };
    (Client::new(tower::service_fn(answer), "default"), asked)
}

/// What is listed and watched.
const KINDS: [&str; 8] = [
    "/apis/kubeopencode.io/v1alpha1 agents",
    "/apis/kubeopencode.io/v1alpha1 agenttemplates",
    "/apis/apps/v1 deployments",
    "/api/v1 services",
    "/api/v1 configmaps",
    "/api/v1 persistentvolumeclaims",
    "/api/v1 secrets",
    "/api/v1 pods",
];

fn paths(namespaces: &[&str]) -> BTreeSet<String> {
    let paths = KINDS.iter().flat_map(|kind| {
        let (api, kind) = kind.split_once(' ').unwrap();
        namespaces.iter().flat_map(move |namespace| {
            let path = format!("{api}/namespaces/{namespace}/{kind}");
            [format!("{path}?watch"), path]
        })
    });
    paths.collect()
}

/// So that no Role of another namespace is needed, and no Secret of one is read.
#[tokio::test(start_paused = true)]
async fn only_the_namespaces_that_are_named_are_asked_for() {
    for named in [&["team-a"][..], &["team-a", "team-b"]] {
        let (client, asked) = api_of_namespaces();
        let namespaces = named.join(",").parse().unwrap();
        let (stores, triggers) = Stores::watch(&client, &namespaces, &Metrics::default());
        let for_ever = timeout(Duration::from_secs(5), triggers.for_each(|_| ready(())));
        for_ever.await.unwrap_err();

        assert_eq!(*asked.lock().unwrap(), paths(named));
        stores.ready().await.unwrap();
        let of = |found: Vec<Option<String>>| found.into_iter().flatten().collect::<BTreeSet<_>>();
        let expected: BTreeSet<_> = named.iter().map(ToString::to_string).collect();
        let agents = stores.agents.state();
        assert_eq!(of(agents.iter().map(|one| one.meta().namespace.clone()).collect()), expected);
        let secrets = stores.secrets.state();
        assert_eq!(
            of(secrets.iter().map(|one| Some(one.namespace.to_string())).collect()),
            expected
        );
        for namespace in named {
            assert_eq!(stores.pods_of.of(namespace, "demo"), ["demo"]);
        }
    }
}

/// The check itself.
#[tokio::test(start_paused = true)]
async fn a_cluster_is_asked_for_as_a_whole() {
    let (client, asked) = api_of_namespaces();
    let (stores, triggers) = Stores::watch(&client, &Namespaces::All, &Metrics::default());
    let for_ever = timeout(Duration::from_secs(5), triggers.for_each(|_| ready(())));
    for_ever.await.unwrap_err();
    assert_eq!(asked.lock().unwrap().len(), 2 * KINDS.len());
    assert!(asked.lock().unwrap().iter().all(|path| !path.contains("namespaces")));
    assert_eq!(stores.services.state()[0].namespace.as_ref(), "of-the-cluster");
}
