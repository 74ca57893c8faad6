use api_types::{AgentId, Target};
use fixtures::{demo, token};
use futures::{FutureExt, future::BoxFuture, stream};
use http::{Request, Response};
use kube::client::Body;
use tokio::time::{sleep_until, timeout};
use tower_test::mock::{self, Handle};

use super::*;
use crate::{
    activity::Event,
    fixture::sessions,
    viewer::{Encoding, OutputWindow, Size},
};

/// Every agent has the same pod.
struct OnePod;

impl FindPod for OnePod {
    fn find<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Target, FindError>> {
        let namespace = agent.namespace.clone();
        async move { Ok(Target { namespace, pod: "demo-1".into(), port: 4096 }) }.boxed()
    }
}

/// A broker whose API server takes requests and never answers.
fn broker() -> (Broker, Handle<Request<Body>, Response<Body>>) {
    let (service, api) = mock::pair();
    let (sessions, metrics) = sessions();
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let exec = Client::new(service, "default");
    let trunks = Trunks::new(exec.clone(), metrics.clone(), tasks.clone(), shutdown.clone());
    let broker = Broker {
        replica: "broker-1".into(),
        links: Links::with([demo()]),
        exec,
        trunks,
        pods: Arc::new(OnePod),
        sessions,
        metrics,
        stale_grace: Duration::from_mins(10),
        screen_idle: None,
        tasks,
        shutdown,
    };
    (broker, api)
}

fn opening() -> Opening {
    Opening {
        token: token(1),
        client: share::ClientAddress::known([203, 0, 113, 9].into()),
        size: Size { columns: 80, rows: 24 },
        output: OutputWindow::new(0),
        encoding: Encoding::Plain,
        join: None,
    }
}

#[tokio::test(start_paused = true)]
async fn an_exec_that_may_have_started_keeps_its_place_until_its_screen_must_have_left() {
    let (broker, _api) = broker();
    let start = Instant::now();
    let refused = broker.open(opening(), stream::pending(), Span::none()).await.err();
    assert_eq!((refused, start.elapsed().as_secs()), (Some(Refusal::Unreachable), 15));

    sleep_until(start + Duration::from_secs(39)).await;
    assert_eq!(broker.sessions.list().len(), 1);
    sleep_until(start + Duration::from_secs(41)).await;
    assert_eq!(broker.sessions.list().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_take_the_place_with_it() {
    let (broker, _api) = broker();
    let given_up =
        timeout(Duration::from_secs(1), broker.open(opening(), stream::pending(), Span::none()))
            .await;
    assert!(given_up.is_err());
    assert_eq!(broker.sessions.list().len(), 1);
    let mut watch = broker.sessions.activity().watch().unwrap();
    let in_use = Event::Snapshot(vec![(AgentId::of(&demo()), 1)]);
    assert_eq!(watch.next().await, Ok(in_use), "an agent whose terminal is only opening is in use");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_goes_away_opens_nothing_more() {
    let (broker, _api) = broker();
    broker.shutdown.cancel();
    let refused = broker.open(opening(), stream::pending(), Span::none()).await.err();
    assert_eq!(refused, Some(Refusal::Draining));
    assert_eq!(broker.sessions.list().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_nobody_has_is_refused_after_2_s() {
    let (broker, _api) = broker();
    broker.links.remove(&AgentId::of(&demo()));
    let start = Instant::now();
    let refused = broker.open(opening(), stream::pending(), Span::none()).await.err();
    assert_eq!(refused, Some(Refusal::Denied(share::Denial::Unknown)));
    assert_eq!(start.elapsed(), ADMISSION_PATIENCE);
}
