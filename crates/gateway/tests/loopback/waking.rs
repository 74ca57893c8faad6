//! Visitors of an agent that sleeps: who wakes it, and that nobody does so unawares.

use std::time::Duration;

use api_types::{Agent, condition::reason};
use fixtures::{asleep, demo};
use share::Links;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tonic::Status;

use crate::{
    client::{Answer, eventually, get, open, request, request_at},
    log,
    test_gateway::{PATIENCE, TestGateway, link, token, wrong_token},
};

type Headers<'a> = &'a [(&'a str, &'a str)];

const JSON: Headers<'_> = &[("content-type", "application/json")];

/// [`demo`], on its way up.
fn starting(message: &str) -> Agent {
    fixtures::starting(reason::PROGRESSING, message)
}

async fn sleeping(flags: &[&str]) -> TestGateway {
    TestGateway::with(flags, Links::with([asleep()])).await
}

async fn wake(gateway: &TestGateway) -> Answer {
    request(gateway, "POST", &link("/wake"), JSON).await
}

/// What a visitor is answered whose wish the broker answers so.
async fn answered(gateway: &mut TestGateway, answer: Result<(), Status>) -> Answer {
    let path = link("/wake");
    let (address, links) = (gateway.address, gateway.links.clone());
    let visitor = request_at(address, "POST", &path, JSON);
    let broker = async {
        let asking = gateway.broker.asked().await;
        assert_eq!(asking.request.token, token().expose());
        assert_eq!(asking.request.client_address, "127.0.0.1");
        if answer.is_ok() {
            links.apply(&starting(""));
        }
        asking.answer(answer);
    };
    tokio::join!(visitor, broker).0
}

#[tokio::test]
async fn a_visitor_wakes_the_agent_and_then_reads_what_it_does() {
    let mut gateway = sleeping(&[]).await;
    let info = get(&gateway, &link("/info")).await;
    assert_eq!((info.status.as_u16(), info.json()["reason"].as_str()), (503, Some("Asleep")));
    assert_eq!(get(&gateway, &link("")).await.status, 503, "the page, which has the button");

    let woken = answered(&mut gateway, Ok(())).await;
    assert_eq!((woken.status.as_u16(), woken.json()["reason"].as_str()), (202, Some("Waking")));
    gateway.links.apply(&starting("the agent is cloning its repositories"));
    let info = get(&gateway, &link("/info")).await.json();
    assert_eq!(info["message"], "The agent is cloning its repositories");
    assert_eq!(info["reason"], "NotReady");
    assert!(log::text().contains("agent woken by a visitor"));
    let counted = gateway.metrics();
    assert!(counted.contains("http_requests_total{route=\"wake\",status=\"202\"} 1"), "{counted}");
}

#[tokio::test]
async fn of_a_conditions_text_a_guest_reads_our_own_sentences_only() {
    let secret = "https://user:hunter2@git.example.com";
    let gateway = TestGateway::with(&[], Links::with([starting(secret)])).await;
    let info = get(&gateway, &link("/info")).await;
    assert_eq!(info.json()["message"], "The agent is not ready yet; try again in a moment");
    assert!(!get(&gateway, &link("")).await.body.contains("hunter2"));
}

#[tokio::test]
async fn nothing_but_a_post_wakes() {
    let mut gateway = sleeping(&[]).await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let answer = request(&gateway, method, &link("/wake"), JSON).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"), "{method}");
    }
    for path in ["", "/info", "/terminal"] {
        get(&gateway, &link(path)).await;
    }
    assert!(gateway.broker.is_unasked());
}

#[tokio::test]
async fn another_sites_page_wakes_nobody() {
    let mut gateway = sleeping(&[]).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let json = JSON[0];
    let cases: [(Headers<'_>, u16, &str); 5] = [
        (&[("origin", "https://evil.example"), json], 403, "ForeignOrigin"),
        (&[("origin", "null"), json], 403, "ForeignOrigin"),
        (&[("origin", "https://evil.example"), form], 403, "ForeignOrigin"),
        (&[form], 415, "NotJson"),
        (&[], 415, "NotJson"),
    ];
    for (headers, status, reason) in cases {
        let refused = request(&gateway, "POST", &link("/wake"), headers).await;
        assert_eq!(refused.status, status, "{headers:?}");
        assert_eq!(refused.json()["reason"], reason, "{headers:?}");
        assert!(!refused.headers.contains_key("access-control-allow-origin"));
    }
    assert!(gateway.broker.is_unasked());
}

#[tokio::test]
async fn our_own_page_wakes_whatever_its_content_type() {
    let mut gateway = sleeping(&[]).await;
    let headers = [("origin", "http://gateway.test")];
    let (address, path) = (gateway.address, link("/wake"));
    let visitor = request_at(address, "POST", &path, &headers);
    let broker = async { gateway.broker.asked().await.answer(Ok(())) };
    assert_eq!(tokio::join!(visitor, broker).0.status, 202);
}

#[tokio::test]
async fn each_refusal_of_the_broker_has_its_answer() {
    let cases = [
        (Status::unavailable("no controller"), 503, "NotWoken"),
        (Status::resource_exhausted("too many"), 503, "NotWoken"),
        (Status::not_found("not heard of"), 503, "NotWoken"),
        (Status::unimplemented("an older broker"), 503, "NotWoken"),
        (Status::failed_precondition("suspended"), 503, "Suspended"),
    ];
    for (status, code, reason) in cases {
        let mut gateway = sleeping(&[]).await;
        let refused = answered(&mut gateway, Err(status)).await;
        let seen = (refused.status.as_u16(), refused.json()["reason"].clone());
        assert_eq!(seen, (code, reason.into()));
        assert_eq!(refused.header("retry-after"), "3");
        if reason == "NotWoken" {
            let message = &refused.json()["message"];
            assert_eq!(message, "Nobody woke the agent; try again in a moment");
        }
    }
}

#[tokio::test]
async fn who_may_not_visit_wakes_nobody() {
    let mut elsewhere = asleep();
    elsewhere.spec.share.as_mut().unwrap().allowed_ips = vec!["192.0.2.0/24".into()];
    let mut suspended = asleep();
    suspended.spec.suspend = true;
    let cases = [
        ("another network", Links::with([elsewhere]), 403, "Network"),
        ("suspended by its owner", Links::with([suspended]), 503, "Suspended"),
        ("no such link", Links::with([]), 404, "NotFound"),
        ("not listed yet", Links::new(), 503, "Unavailable"),
    ];
    for (name, links, status, reason) in cases {
        let mut gateway = TestGateway::with(&[], links).await;
        let refused = wake(&gateway).await;
        let seen = (refused.status.as_u16(), refused.json()["reason"].clone());
        assert_eq!(seen, (status, reason.into()), "{name}");
        assert!(gateway.broker.is_unasked(), "{name}");
    }
}

#[tokio::test]
async fn an_agent_that_is_awake_costs_the_broker_nothing() {
    let mut gateway = TestGateway::start(&[]).await;
    assert_eq!(wake(&gateway).await.status, 202);
    gateway.links.apply(&starting(""));
    assert_eq!(wake(&gateway).await.status, 202);
    assert!(gateway.broker.is_unasked());
}

#[tokio::test]
async fn wakes_are_limited_as_openings_are_and_wrong_tokens_are_counted() {
    let flags = ["--link-opening-burst=1", "--link-openings-per-minute=1"];
    let mut gateway = sleeping(&flags).await;
    answered(&mut gateway, Err(Status::unavailable("no controller"))).await;
    let refused = wake(&gateway).await;
    assert_eq!((refused.status.as_u16(), refused.header("connection")), (429, "close"));

    let gateway = sleeping(&["--wrong-tokens-per-minute=1"]).await;
    let wrong = format!("/s/{}/wake", wrong_token().expose());
    let seen = [
        request(&gateway, "POST", &wrong, JSON).await.status.as_u16(),
        request(&gateway, "POST", "/s/nonsense/wake", JSON).await.status.as_u16(),
    ];
    assert_eq!(seen, [404, 429]);
}

#[tokio::test]
async fn a_body_is_never_waited_for() {
    let gateway = TestGateway::with(&[], Links::with([demo()])).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: application/json\r\n\
         Content-Length: 1000000000\r\n\r\n",
        link("/wake")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    timeout(Duration::from_secs(5), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 202");
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "a connection whose body nobody reads is closed");
}

#[tokio::test]
async fn an_agent_that_falls_asleep_ends_its_terminals() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, _attached) = open(&mut gateway).await;
    gateway.links.apply(&asleep());
    let (code, reason) = viewer.closed().await;
    assert_eq!((code, reason.contains("went to sleep")), (1013, true), "{reason}");
}

#[tokio::test]
async fn a_process_that_stops_does_not_wait_for_an_agent_to_wake() {
    let mut gateway = sleeping(&[]).await;
    let (address, path) = (gateway.address, link("/wake"));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let _asking = gateway.broker.asked().await;
    timeout(Duration::from_secs(3), gateway.stop()).await.expect("work goes on");
    eventually("nobody is left", || gateway.daemon.tasks.is_empty()).await;
}
