use api_types::token::ShareToken;
use http::{Request, Response};
use kube::client::Body;
use prometheus_client::registry::Registry;
use serde_json::Value;
use share::AgentRef;
use time::macros::datetime;
use tower_test::mock::{self, Handle};
use uuid::Uuid;

use super::*;

type Api = Handle<Request<Body>, Response<Body>>;

fn facts(session: u128) -> Facts {
    Facts {
        id: Uuid::from_u128(session),
        link: ShareToken::from_bytes(&[1; 32]).lookup(),
        agent: AgentRef::new("team-a", "demo"),
        client: "203.0.113.9".parse().unwrap(),
        opened_at: datetime!(2026-11-21 12:00 UTC),
    }
}

fn setup() -> (Journal, Writer, Api) {
    let (service, api) = mock::pair();
    let reporter = Reporter { controller: "broker".into(), instance: Some("broker-1".into()) };
    let metrics = BrokerMetrics::register(&mut Registry::default());
    let (journal, writer) = journal(Client::new(service, "default"), reporter, metrics);
    (journal, writer, api)
}

/// Accepts every Event, and returns them with the requests' methods and paths.
async fn accept(mut api: Api) -> Vec<(String, Value)> {
    let mut events = Vec::new();
    while let Some((request, reply)) = api.next_request().await {
        let line = format!("{} {}", request.method(), request.uri().path());
        let body = request.into_body().collect_bytes().await.unwrap();
        events.push((line, serde_json::from_slice(&body).unwrap()));
        reply.send_response(Response::new(Body::from(body.to_vec())));
    }
    events
}

#[tokio::test]
async fn every_session_has_events_of_its_own_on_its_agent() {
    let (journal, writer, api) = setup();
    let sum = Sum {
        end: End::Draining,
        duration: Duration::from_secs(12),
        input_bytes: 34,
        output_bytes: 56,
    };
    journal.opened(&facts(1), "uid-1");
    journal.opened(&facts(2), "uid-1");
    journal.closed(&facts(1), "uid-1", sum);
    drop(journal);
    let (events, ()) = tokio::join!(accept(api), writer.run(CancellationToken::new()));

    let post = "POST /apis/events.k8s.io/v1/namespaces/team-a/events?";
    assert!(events.iter().all(|(line, _)| post.starts_with(line.as_str())), "{events:?}");
    let link = facts(1).link_id();
    let notes: Vec<&str> =
        events.iter().map(|(_, event)| event["note"].as_str().unwrap()).collect();
    assert_eq!(
        notes,
        [
            format!("Link {link} was opened from 203.0.113.9, session {}", Uuid::from_u128(1)),
            format!("Link {link} was opened from 203.0.113.9, session {}", Uuid::from_u128(2)),
            format!(
                "Link {link} from 203.0.113.9, session {}: draining after 12 s, 34 bytes typed, 56 bytes shown",
                Uuid::from_u128(1)
            ),
        ]
    );
    let reasons: Vec<&Value> = events.iter().map(|(_, event)| &event["reason"]).collect();
    assert_eq!(reasons, ["TerminalOpened", "TerminalOpened", "TerminalClosed"]);
    let regarding = serde_json::json!({
        "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent",
        "namespace": "team-a", "name": "demo", "uid": "uid-1",
    });
    assert_eq!(events[0].1["regarding"], regarding);
}

#[tokio::test]
async fn a_full_queue_holds_up_nobody() {
    let (journal, writer, _api) = setup();
    for session in 0..=QUEUED_EVENTS as u128 {
        journal.opened(&facts(session), "uid-1");
    }
    assert_eq!(writer.queue.len(), QUEUED_EVENTS);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_takes_no_events_does_not_keep_the_process() {
    let (journal, writer, _api) = setup();
    journal.opened(&facts(1), "uid-1");
    journal.opened(&facts(2), "uid-1");
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let start = tokio::time::Instant::now();
    writer.run(shutdown).await;
    assert_eq!(start.elapsed(), FAREWELL);
}
