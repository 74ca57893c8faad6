use std::future::ready;
use std::{
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
    let (stores, triggers) = Stores::watch(&client, &Metrics::default());
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
