use http::{Request, Response};
use kube::client::Body;
use serde_json::Value;
use share::verdict::{Networks, Readiness, Share};
use tower_test::mock;

use super::*;

fn agent(number: usize) -> AgentRef {
    AgentRef::new("qa", format!("agent-{number}"))
}

#[tokio::test(start_paused = true)]
async fn the_first_denial_is_told_at_once_and_a_flood_as_one_number() {
    let mut tally = Tally::default();
    assert_eq!(tally.count(&agent(1), Instant::now()), Some(1));
    for _ in 0..1000 {
        assert_eq!(tally.count(&agent(1), Instant::now()), None);
    }
    tokio::time::advance(REPORT_INTERVAL).await;
    assert_eq!(tally.count(&agent(1), Instant::now()), Some(1001));
    assert_eq!(tally.count(&agent(1), Instant::now()), None);
}

#[tokio::test(start_paused = true)]
async fn the_tally_is_bounded_and_makes_room_again() {
    let mut tally = Tally::default();
    for number in 0..AGENTS_MAX {
        assert_eq!(tally.count(&agent(number), Instant::now()), Some(1));
    }
    assert_eq!(tally.count(&agent(AGENTS_MAX), Instant::now()), None);

    tokio::time::advance(REPORT_INTERVAL).await;
    assert_eq!(tally.count(&agent(AGENTS_MAX), Instant::now()), Some(1));
    assert_eq!(tally.0.len(), 1);
}

#[test]
fn an_event_names_the_agent() {
    let note = "A visit was denied".to_owned();
    let report = Report { agent: agent(1), uid: "uid-1".to_owned(), note };
    let reference = reference(&report);
    assert_eq!(reference.api_version.as_deref(), Some("kubeopencode.io/v1alpha1"));
    assert_eq!(reference.kind.as_deref(), Some("Agent"));
    assert_eq!(event(&report).reason, "ShareDenied");
}

fn shared() -> SharedAgent {
    let readiness = Readiness::Ready;
    let share = Share { expires_at: None, allowed: Networks::Only(vec![]), readiness };
    SharedAgent { agent: agent(1), uid: "uid-1".to_owned(), share }
}

#[tokio::test(start_paused = true)]
async fn each_report_is_one_event_with_its_own_note() {
    let (denials, reports) = Denials::new();
    let client = "203.0.113.9".parse().unwrap();
    for _ in 0..10 {
        denials.count(&shared(), Denial::Network, client);
    }
    tokio::time::advance(REPORT_INTERVAL).await;
    denials.count(&shared(), Denial::Expired, client);

    let (service, mut api) = mock::pair::<Request<Body>, Response<Body>>();
    let shutdown = CancellationToken::new();
    let kube = Client::new(service, "default");
    let publishing = publish(kube, Some("gateway-1".to_owned()), reports, shutdown.clone());
    let accepting = async {
        let mut notes = Vec::new();
        for _ in 0..2 {
            let (request, reply) = api.next_request().await.unwrap();
            assert_eq!(request.method(), "POST");
            assert_eq!(request.uri().path(), "/apis/events.k8s.io/v1/namespaces/qa/events");
            let body = request.into_body().collect_bytes().await.unwrap();
            let event: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(event["regarding"]["uid"], "uid-1");
            notes.push(event["note"].as_str().unwrap().to_owned());
            reply.send_response(Response::new(Body::from(body.to_vec())));
        }
        shutdown.cancel();
        notes
    };
    let ((), notes) = tokio::join!(publishing, accepting);
    assert_eq!(
        notes,
        [
            "A visit to the share link from 203.0.113.9 was denied: network",
            "10 visits to the share link were denied, the last from 203.0.113.9: expired",
        ]
    );
}
