//! No log line, at any level, repeats a token or what passed through a terminal. Alone in its process: what
//! is logged is decided once for all threads of a process.

#[cfg(test)]
#[allow(dead_code, reason = "shared with the other tests of the broker")]
#[path = "../broker/pod.rs"]
mod pod;
#[cfg(test)]
#[allow(dead_code, unused_imports, reason = "shared with the other tests of the broker")]
#[path = "../broker/test_broker.rs"]
mod test_broker;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use daemon::telemetry::sealed;
use fixtures::{asleep, demo, token};
use terminal_proto::v1::{Open, WakeRequest, attach_request::Request};
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::test_broker::{TestBroker, open};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn neither_tokens_nor_terminals_are_logged_at_any_level() {
    let log = Log::default();
    // As the process does it, at the finest level.
    let lines = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_ansi(false);
    tracing_subscriber::registry().with(sealed(lines)).init();

    let mut broker = TestBroker::start().await;
    let wrong = token(9).expose().to_owned();
    broker.attach(Open { token: wrong.clone(), ..open() }).await.err().unwrap();
    let wake = |token: &str| WakeRequest {
        token: token.to_owned(),
        client_address: "203.0.113.9".to_owned(),
    };
    let mut gateway = broker.client().await;
    gateway.wake(wake(&wrong)).await.unwrap_err();
    broker.links.apply(&asleep());
    gateway.wake(wake(token(1).expose())).await.unwrap_err();
    let mut watch = broker.watch().await;
    let woken = async {
        let asked = watch.next().await;
        broker.links.apply(&demo());
        asked
    };
    let (answered, asked) = tokio::join!(gateway.wake(wake(token(1).expose())), woken);
    answered.unwrap();
    assert!(!format!("{asked:?}").contains(token(1).expose()));
    let mut viewer = broker.attach(open()).await.unwrap();
    let mut exec = broker.pods.exec().await;
    viewer.send(Request::Input("sesame".into())).await;
    exec.stdin.frame().await.unwrap();
    exec.stdout.output("treasure").await;
    viewer.output(8).await;
    drop(exec);
    viewer.closed().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("terminal opened") && log.contains("terminal closed"), "{log}");
    assert!(log.contains("agent woken by a visitor"), "{log}");
    for secret in [token(1).expose(), &wrong, "sesame", "treasure"] {
        assert!(!log.contains(secret), "{secret} was logged");
    }
}
