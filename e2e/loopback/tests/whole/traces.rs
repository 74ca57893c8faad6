//! One visit is one trace over both programs, and no token is ever in it.

use std::net::{IpAddr, Ipv4Addr};

use api_types::ShareToken;
use fixtures::{Collector, ReceivedSpan, agent, published};
use http::StatusCode;

use crate::{
    guest::Guest,
    program::{Program, READY},
    system::{BROKER, GATEWAY, TestSystem, token},
    telemetry::Telemetry,
    visitor::Visitor,
};

/// A stranger's, which asks to be recorded.
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Opened, with the spans of one visit: two for the call, and eight around it.
const SPANS: usize = 10;

/// Each span in its place below `parent`, in the order in which they began.
fn tree(spans: &[ReceivedSpan], parent: &[u8], depth: usize, lines: &mut Vec<String>) {
    let mut children: Vec<_> =
        spans.iter().filter(|received| received.span.parent_span_id == parent).collect();
    children.sort_by_key(|received| received.span.start_time_unix_nano);
    for ReceivedSpan { service, span } in children {
        let call = span.name.rsplit('.').next().unwrap();
        lines.push(format!("{:depth$}{service}: {call}", "", depth = 2 * depth));
        tree(spans, &span.span_id, depth + 1, lines);
    }
}

#[tokio::test]
async fn a_visit_is_one_trace_from_the_request_to_the_first_output_and_goes_on_untraced() {
    let mut collector = Collector::start().await;
    let telemetry = Telemetry::to(&collector);
    let mut system = TestSystem::start_recorded(Program::echoes(), &telemetry).await;
    let (gateway, source) = (system.gateway.address, Ipv4Addr::LOCALHOST.into());
    let headers = [("traceparent", TRACEPARENT), ("tracestate", "stranger=1")];
    let mut guest = Guest::connects_with(gateway, source, &token(), &headers).await;
    guest.sees(READY.as_bytes()).await;

    // While the session lasts: none of them waits for its end.
    let spans = collector.spans(|spans| spans.len() >= SPANS).await;
    let mut lines = Vec::new();
    tree(&spans, &[], 0, &mut lines);
    let (g, b) = (GATEWAY, BROKER);
    let expected = [
        format!("{g}: GET /s/{{token}}/terminal"),
        format!("  {g}: verdict"),
        format!("  {g}: WebSocket"),
        format!("  {g}: TerminalBroker/Attach"),
        format!("    {b}: TerminalBroker/Attach"),
        format!("      {b}: verdict"),
        format!("      {b}: find pod"),
        format!("      {b}: exec"),
        format!("      {b}: first output"),
        format!("  {g}: first output"),
    ];
    assert_eq!(lines, expected);
    let trace = &spans[0].span.trace_id;
    assert!(spans.iter().all(|received| received.span.trace_id == *trace), "{spans:#?}");
    let root = spans.iter().find(|received| received.span.parent_span_id.is_empty()).unwrap();
    assert_eq!(root.attribute("http.response.status_code").as_deref(), Some("101"));
    assert_eq!(root.attribute("kubeopencode.agent.name").as_deref(), Some("demo"));
    // The stranger's trace is not ours, and its state goes no further.
    assert!(root.span.trace_state.is_empty(), "{root:?}");
    assert_ne!(trace[..2], [0x0a, 0xf7], "the visitor chose the trace");

    guest.types(b"k").await;
    guest.sees(b"k").await;
    system.gateway.terminate().await;
    system.broker.terminate().await;
    assert!(collector.rest().is_empty(), "a key was traced");
}

#[tokio::test]
async fn the_trace_of_a_trusted_proxy_is_gone_on_with_where_that_was_asked_for() {
    let mut collector = Collector::start().await;
    let mut telemetry = Telemetry::to(&collector);
    telemetry.trusts_this_host = true;
    let mut system = TestSystem::start_recorded(Program::echoes(), &telemetry).await;
    let (gateway, token) = (system.gateway.address, token());
    for source in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        let headers = [("traceparent", TRACEPARENT)];
        let mut guest = Guest::connects_with(gateway, source.into(), &token, &headers).await;
        guest.sees(READY.as_bytes()).await;
    }
    system.gateway.terminate().await;
    system.broker.terminate().await;

    let spans = collector.rest();
    let of_the_proxy = |received: &&ReceivedSpan| received.span.trace_id[..2] == [0x0a, 0xf7];
    assert_eq!(spans.len(), 2 * SPANS);
    assert_eq!(spans.iter().filter(of_the_proxy).count(), SPANS, "those of one of the two");
}

/// Where each tries from: one address alone would be turned away after some.
fn source(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 1, number).into()
}

#[tokio::test]
async fn none_of_a_hundred_tokens_is_in_a_span_a_metric_or_a_line_of_the_log() {
    const SHARED: u8 = 6;
    let tokens: Vec<ShareToken> = (1..=100).map(fixtures::token).collect();
    let mut collector = Collector::start().await;
    let telemetry = Telemetry::to(&collector);
    let mut system = TestSystem::start_recorded(Program::echoes(), &telemetry).await;
    for number in 2..=100 {
        let (name, uid) = (format!("agent-{number}"), format!("uid-{number}"));
        let mut agent = agent(&name, &uid, published(number, &uid));
        if number > SHARED {
            agent.spec.share.as_mut().unwrap().allowed_ips = vec!["192.0.2.1".to_owned()];
        }
        system.apply(&agent);
    }

    let gateway = system.gateway.address;
    let mut guests = Vec::new();
    for (number, token) in (1..=100).zip(&tokens) {
        let mut visitor = Visitor::new(gateway, source(number)).await;
        let text = token.expose();
        let paths = [format!("/s/{text}"), format!("/s/{text}/info?token={text}")];
        for path in paths {
            visitor.get(&path).await.unwrap();
        }
        if number <= SHARED {
            let state = format!("t={text}");
            let headers = [("traceparent", TRACEPARENT), ("tracestate", &*state)];
            let mut guest = Guest::connects_with(gateway, source(number), token, &headers).await;
            guest.sees(READY.as_bytes()).await;
            guest.types(text.as_bytes()).await;
            guest.sees(text.as_bytes()).await;
            guests.push(guest);
        } else {
            let (status, _) = visitor.get(&format!("/s/{text}/terminal?{text}")).await.unwrap();
            assert_eq!(status, StatusCode::FORBIDDEN);
        }
    }
    let unknown = fixtures::token(101);
    let mut visitor = Visitor::new(gateway, source(101)).await;
    let (status, _) = visitor.get(&format!("/s/{}/terminal", unknown.expose())).await.unwrap();
    assert_eq!(status, StatusCode::NOT_FOUND);
    system.gateway.terminate().await;
    system.broker.terminate().await;

    let spans = collector.rest();
    let roots = spans.iter().filter(|received| received.span.name == "GET /s/{token}/terminal");
    assert_eq!(roots.count(), 100, "each but the one by a link that does not exist");
    let said = [
        format!("{spans:?}"),
        telemetry.lines(),
        system.gateway.daemon.metrics.encode().unwrap(),
        system.broker.daemon.metrics.encode().unwrap(),
    ];
    assert!(said.iter().all(|said| said.len() > 1000), "nothing was looked through");
    for token in &tokens {
        assert!(said.iter().all(|said| !said.contains(token.expose())), "token {token:?} is there");
    }
}
