use fixtures::token;
use http::{Request, Response};
use kube::client::Body;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower_test::mock::{self, Handle};

use super::*;

type Api = Handle<Request<Body>, Response<Body>>;

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

fn demo() -> AgentId {
    AgentId::new("team-a", "demo", "uid-1")
}

fn terminal(session: usize) -> Terminal {
    let session = format!("session-{session}");
    Terminal { agent: demo(), link: token(1).lookup(), link_name: None, client: CLIENT, session }
}

fn qa() -> LinkName {
    LinkName::parse("qa").unwrap()
}

fn drained() -> Summary<'static> {
    let duration = Duration::from_secs(12);
    Summary { reason: "draining", by: None, duration, input_bytes: 34, output_bytes: 56 }
}

fn setup() -> (Audit, Writer, Api) {
    let (service, api) = mock::pair();
    let reporter = Reporter { controller: "broker".into(), instance: Some("broker-1".into()) };
    let (audit, writer) = audit(Client::new(service, "default"), reporter, &Counter::default());
    (audit, writer, api)
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

fn notes(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(_, event)| event["note"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_wake_is_an_event_on_its_agent() {
    let (audit, writer, api) = setup();
    let client = crate::ClientAddress::known(CLIENT);
    audit.woken(&Visitor { agent: demo(), link: token(1).lookup(), link_name: None, client });
    drop(audit);
    let (events, ()) = tokio::join!(accept(api), writer.run(CancellationToken::new()));
    let link = terminal(1).link_id();
    let note = format!("The agent was woken by a visitor of link {link} from 203.0.113.9");
    assert_eq!(notes(&events), [note]);
    assert_eq!(events[0].1["reason"], "AgentWoken");
}

#[tokio::test]
async fn the_events_of_a_link_with_a_name_name_it() {
    let (audit, writer, api) = setup();
    let terminal = Terminal { link_name: Some(qa()), ..terminal(1) };
    audit.opened(&terminal);
    audit.closed(&terminal, drained());
    audit.denied(Some(&demo()), Some(&qa()), CLIENT, Denial::Network);
    drop(audit);
    let (events, ()) = tokio::join!(accept(api), writer.run(CancellationToken::new()));
    let id = terminal.link_id();
    let told = notes(&events);
    assert_eq!(told[0], format!("Link qa ({id}) was opened from 203.0.113.9, session session-1"));
    assert!(told[1].starts_with(&format!("Link qa ({id}) from 203.0.113.9, ")), "{told:?}");
    assert_eq!(told[2], "A visit to the share link qa from 203.0.113.9 was denied: network");
}

#[tokio::test]
async fn who_closed_a_session_is_told_with_its_end() {
    let (audit, writer, api) = setup();
    for saying in ["", "upgrade"] {
        let by = Some(By { name: "kubeopencode-tool-nightly", saying });
        audit.closed(&terminal(1), Summary { reason: "closed", by, ..drained() });
    }
    drop(audit);
    let (events, ()) = tokio::join!(accept(api), writer.run(CancellationToken::new()));
    let told = notes(&events);
    let silent = "session session-1: closed by kubeopencode-tool-nightly after 12 s, ";
    assert!(told[0].contains(silent), "{told:?}");
    let said = "session-1: closed by kubeopencode-tool-nightly (\"upgrade\") after 12 s, ";
    assert!(told[1].contains(said), "{told:?}");
}

#[tokio::test]
async fn every_session_has_events_of_its_own_on_its_agent() {
    let (audit, writer, api) = setup();
    audit.opened(&terminal(1));
    audit.opened(&terminal(2));
    audit.closed(&terminal(1), drained());
    drop(audit);
    let (events, ()) = tokio::join!(accept(api), writer.run(CancellationToken::new()));

    let post = "POST /apis/events.k8s.io/v1/namespaces/team-a/events?";
    assert!(events.iter().all(|(line, _)| post.starts_with(line.as_str())), "{events:?}");
    let link = terminal(1).link_id();
    assert!(token(1).lookup().to_string().starts_with(&link) && link.len() == 8);
    let expected = [
        format!("Link {link} was opened from 203.0.113.9, session session-1"),
        format!("Link {link} was opened from 203.0.113.9, session session-2"),
        format!(
            "Link {link} from 203.0.113.9, session session-1: draining after 12 s, \
             34 bytes typed, 56 bytes shown"
        ),
    ];
    assert_eq!(notes(&events), expected);
    let reasons: Vec<&Value> = events.iter().map(|(_, event)| &event["reason"]).collect();
    assert_eq!(reasons, ["TerminalOpened", "TerminalOpened", "TerminalClosed"]);
    let regarding = serde_json::json!({
        "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent",
        "namespace": "team-a", "name": "demo", "uid": "uid-1",
    });
    assert_eq!(events[0].1["regarding"], regarding);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_denials_is_told_once_at_once_and_once_when_its_minute_ends() {
    let (audit, writer, api) = setup();
    let shutdown = CancellationToken::new();
    for _ in 0..10 {
        audit.denied(Some(&demo()), None, CLIENT, Denial::Network);
    }
    audit.denied(None, None, CLIENT, Denial::Unknown);
    audit.denied(Some(&demo()), None, CLIENT, Denial::NotReady(None));
    let story = async {
        tokio::time::sleep(Duration::from_mins(3)).await;
        drop(audit);
    };
    let (events, (), ()) = tokio::join!(accept(api), writer.run(shutdown), story);
    let expected = [
        "A visit to the share link from 203.0.113.9 was denied: network",
        "9 visits to the share link were denied, the last from 203.0.113.9: network",
    ];
    assert_eq!(notes(&events), expected);
    assert!(events.iter().all(|(_, event)| event["reason"] == "ShareDenied"), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn comings_and_goings_of_many_are_told_as_one() {
    let (audit, writer, api) = setup();
    let shutdown = CancellationToken::new();
    for session in 0..50 {
        audit.opened(&terminal(session));
        audit.closed(&terminal(session), drained());
    }
    let story = async {
        tokio::time::sleep(Duration::from_mins(2)).await;
        audit.opened(&terminal(50));
        drop(audit);
    };
    let (events, (), ()) = tokio::join!(accept(api), writer.run(shutdown), story);
    let reasons = |reason: &str| events.iter().filter(|(_, e)| e["reason"] == reason).count();
    assert_eq!((reasons("TerminalOpened"), reasons("TerminalClosed")), (5 + 1 + 1, 5 + 1));
    let told = notes(&events);
    let opened = "45 terminals were opened, the last by link ";
    assert!(told[10].starts_with(opened) && told[10].ends_with("session session-49"), "{told:?}");
    let closed = "45 terminals were closed, 1530 bytes typed, 2520 bytes shown; the last of link ";
    assert!(told[11].starts_with(closed), "{told:?}");
    assert!(told[12].ends_with("was opened from 203.0.113.9, session session-50"), "{told:?}");
}

/// A terminal of an agent of its own.
fn elsewhere(number: usize) -> Terminal {
    Terminal { agent: AgentId::new("team-a", format!("demo-{number}"), "uid"), ..terminal(number) }
}

#[tokio::test(start_paused = true)]
async fn the_cluster_gets_the_events_of_many_terminals_one_after_the_other() {
    let (audit, writer, api) = setup();
    for number in 0..25 {
        audit.closed(&elsewhere(number), drained());
    }
    drop(audit);
    let start = Instant::now();
    let (events, ()) = tokio::join!(accept(api), writer.run(CancellationToken::new()));
    assert_eq!((events.len(), start.elapsed()), (25, writer::PAUSE * 25));
}

#[tokio::test(start_paused = true)]
async fn all_closings_of_a_drain_are_written() {
    let (audit, writer, api) = setup();
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    for number in 0..1500 {
        audit.closed(&elsewhere(number), drained());
    }
    drop(audit);
    let (events, ()) = tokio::join!(accept(api), writer.run(shutdown));
    assert_eq!(events.len(), 1500, "more agents than are counted apart");
}

#[tokio::test]
async fn a_full_queue_holds_up_nobody_and_is_counted() {
    let (audit, writer, _api) = setup();
    for session in 0..=QUEUED_EVENTS {
        audit.opened(&elsewhere(session));
    }
    assert_eq!((writer.queue.len(), audit.lost.get()), (QUEUED_EVENTS, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_takes_no_events_does_not_keep_the_process() {
    let (audit, writer, _api) = setup();
    audit.opened(&terminal(1));
    audit.opened(&terminal(2));
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let start = Instant::now();
    writer.run(shutdown).await;
    assert_eq!(start.elapsed(), writer::DRAIN_GRACE);
    assert_eq!(audit.lost.get(), 2);
}
