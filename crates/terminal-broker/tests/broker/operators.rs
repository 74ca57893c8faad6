//! What operators and probes see.

use fixtures::{demo, token};
use screen_wire::Frame;
use share::Links;
use terminal_proto::v1::{
    CloseReason, CloseSessionRequest, ListSessionsRequest, Open, attach_request::Request,
};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    pod::V5,
    test_broker::{TestBroker, agent, open},
};

fn everything() -> ListSessionsRequest {
    ListSessionsRequest::default()
}

#[tokio::test]
async fn open_sessions_are_listed_with_their_bytes_and_without_their_token() {
    let mut broker = TestBroker::start().await;
    let mut viewer = broker.attach(open()).await.unwrap();
    let mut exec = broker.pods.exec().await;
    viewer.send(Request::Input("ls".into())).await;
    exec.stdin.frame().await.unwrap();
    exec.stdout.output("README.md").await;
    viewer.output(9).await;

    let mut client = broker.operator().await;
    let listed = client.list_sessions(everything()).await.unwrap().into_inner().sessions;
    assert_eq!(listed.len(), 1);
    let session = &listed[0];
    assert_eq!(session.session_id, viewer.session_id);
    assert_eq!(session.agent.as_ref().unwrap().name, "demo");
    assert_eq!(session.client_address, "203.0.113.9");
    assert_eq!((session.input_bytes, session.output_bytes), (2, 9));
    assert!(session.opened_at.is_some());
    assert!(!format!("{listed:?}").contains(token(1).expose()));
}

#[tokio::test]
async fn lists_are_by_namespace_and_agent() {
    let broker = TestBroker::start().await;
    let second = Open { token: token(2).expose().to_owned(), ..open() };
    let _viewers = (broker.attach(open()).await.unwrap(), broker.attach(second).await.unwrap());
    let mut client = broker.operator().await;
    let cases = [
        (everything(), vec!["demo", "agent-2"]),
        (ListSessionsRequest { agent: "agent-2".into(), ..everything() }, vec!["agent-2"]),
        (ListSessionsRequest { namespace: "team-b".into(), ..everything() }, vec![]),
    ];
    for (request, expected) in cases {
        let listed = client.list_sessions(request).await.unwrap().into_inner().sessions;
        let names: Vec<_> = listed.into_iter().map(|session| session.agent.unwrap().name).collect();
        assert_eq!(names, expected);
    }
}

/// Of a broker that knows the name of its pod.
#[tokio::test]
async fn a_list_is_read_page_by_page_and_says_whose_it_is() {
    let links = Links::with([demo(), agent(2)]);
    let broker = TestBroker::start_with(links, V5, &["--pod-name=broker-1"]).await;
    let other = Open { token: token(2).expose().to_owned(), ..open() };
    let mut viewers = vec![];
    for opening in [open(), other, open(), open()] {
        viewers.push(broker.attach(opening).await.unwrap());
    }
    let mut client = broker.operator().await;
    let (mut seen, mut request) = (vec![], ListSessionsRequest { page_size: 2, ..everything() });
    request.agent = "demo".into();
    loop {
        let page = client.list_sessions(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.replica, "broker-1");
        assert!((1..=2).contains(&page.sessions.len()), "{page:?}");
        seen.extend(page.sessions.into_iter().map(|session| session.session_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let opened: Vec<_> = viewers.iter().map(|viewer| viewer.session_id.clone()).collect();
    assert_eq!(seen, [&*opened[0], &*opened[2], &*opened[3]]);

    let another = ListSessionsRequest { page_token: "0a.2".into(), ..everything() };
    let refused = client.list_sessions(another).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("begin the list anew"), "{refused}");
}

#[tokio::test]
async fn a_session_can_be_closed_by_its_id_and_is_gone_with_its_exec() {
    let mut broker = TestBroker::start().await;
    let mut viewer = broker.attach(open()).await.unwrap();
    let exec = broker.pods.exec().await;
    let mut client = broker.operator().await;
    let this =
        CloseSessionRequest { session_id: viewer.session_id.clone(), reason: "upgrade".into() };
    let long = CloseSessionRequest { reason: "x".repeat(81), ..this.clone() };
    assert_eq!(client.close_session(long).await.unwrap_err().code(), Code::InvalidArgument);
    client.close_session(this.clone()).await.unwrap();
    let closed = viewer.closed().await;
    assert_eq!(closed.reason(), CloseReason::Closed);
    assert_eq!(closed.message, "an administrator closed the session: upgrade");
    exec.hangs_up().await;
    broker.only(0).await;

    let nothing = CloseSessionRequest { session_id: "nothing".into(), ..Default::default() };
    for request in [this, nothing] {
        assert_eq!(client.close_session(request).await.unwrap_err().code(), Code::NotFound);
    }
    assert!(client.list_sessions(everything()).await.unwrap().into_inner().sessions.is_empty());
}

#[tokio::test]
async fn health_follows_the_links() {
    let broker = TestBroker::start().await;
    let mut health = HealthClient::new(broker.channel().await);
    let request = HealthCheckRequest { service: "kubeopencode.terminal.v1.TerminalBroker".into() };
    let mut states = health.watch(request).await.unwrap().into_inner();
    let serving = |response: tonic_health::pb::HealthCheckResponse| {
        response.status() == ServingStatus::Serving
    };
    while !serving(states.message().await.unwrap().unwrap()) {}
    assert!(broker.daemon.readiness.is_ready());
    broker.daemon.shutdown.cancel();
    assert!(!serving(states.message().await.unwrap().unwrap()));
}

#[tokio::test]
async fn a_broker_that_has_not_listed_the_agents_is_not_asked() {
    let broker = TestBroker::start_with(Links::new(), V5, &[]).await;
    let mut health = HealthClient::new(broker.channel().await);
    let checked = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(checked.status(), ServingStatus::NotServing);
    let missing = broker.daemon.readiness.missing().to_string();
    assert!(missing.contains("have not been listed yet"), "{missing}");
}

#[tokio::test]
async fn sessions_are_counted() {
    let mut broker = TestBroker::start().await;
    let mut viewer = broker.attach(open()).await.unwrap();
    let mut exec = broker.pods.exec().await;
    assert!(broker.daemon.metrics.encode().unwrap().contains("\nkubeopencode_terminals_open 1\n"));
    exec.stdin.ping().await;
    exec.stdout.frame(Frame::Alive).await;
    exec.stdout.frame(Frame::Alive).await;
    drop(exec);
    viewer.closed().await;
    broker.attach(Open { token: "wrong".into(), ..open() }).await.err().unwrap();

    let page = broker.daemon.metrics.encode().unwrap();
    for line in [
        "kubeopencode_terminals_open 0",
        "kubeopencode_terminals_opened_total 1",
        "kubeopencode_terminals_closed_total{reason=\"lost\"} 1",
        "kubeopencode_terminals_refused_total{reason=\"unknown\"} 1",
        "kubeopencode_exec_open_seconds_count 1",
        "kubeopencode_screen_round_trip_seconds_count 1",
        "kubeopencode_certificate_end_time_seconds{certificate=\"own\"} 67090118400",
        "kubeopencode_terminal_bytes_total{direction=\"output\"} 0",
    ] {
        assert!(page.contains(&format!("\n{line}\n")), "{line} in {page}");
    }
}
