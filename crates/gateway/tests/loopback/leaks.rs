//! What is logged: each denial and lockout, and never a token, which stays in the request to the
//! broker.

use share::Links;

use crate::{
    client::{V1, Viewer, get, request},
    log,
    test_gateway::{TestGateway, link, only_from, token, wrong_token},
};

#[tokio::test]
async fn no_token_is_in_any_log_line_or_metric() {
    let mut gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, V1).await;
    viewer.resize(80, 24).await;
    let attached = gateway.broker.attached().await;
    attached.open().await;
    viewer.next().await;

    let wrong = format!("/s/{}", wrong_token().expose());
    get(&gateway, &link("")).await;
    get(&gateway, &wrong).await;
    request(&gateway, "POST", &link("/info"), &[]).await;
    request(&gateway, "POST", &link("/wake"), &[("content-type", "application/json")]).await;
    request(&gateway, "POST", &format!("{wrong}/wake"), &[]).await;
    get(&gateway, &link("/elsewhere")).await;
    gateway.links.apply(&only_from("192.0.2.0/24"));
    get(&gateway, &link("/info")).await;
    viewer.closed().await;
    gateway.stop().await;

    let log = log::text();
    let told = format!("{log}{}", gateway.metrics());
    for secret in [token(), wrong_token()] {
        assert!(!told.contains(secret.expose()), "{told}");
    }
    let link_name = &token().lookup().to_string()[..8];
    assert!(log.contains("terminal opened"), "{log}");
    assert!(log.contains("terminal closed"), "{log}");
    assert!(log.contains("visit denied"), "{log}");
    assert!(log.contains(link_name), "{log}");
}

#[tokio::test]
async fn no_answer_but_the_page_depends_on_the_token() {
    let gateway = TestGateway::with(&[], Links::with([only_from("192.0.2.0/24")])).await;
    for path in [link(""), link("/info"), link("/terminal")] {
        let answer = get(&gateway, &path).await;
        let told = format!("{:?}{}", answer.headers, answer.body);
        assert!(!told.contains(token().expose()), "{told}");
    }
}

#[tokio::test]
async fn each_denial_and_lockout_is_logged() {
    let gateway = TestGateway::start(&["--wrong-tokens-per-minute=1", "--lockout=90s"]).await;
    let wrong = format!("/s/{}", wrong_token().expose());
    for path in [&wrong, &wrong, "/s/not-a-token"] {
        get(&gateway, path).await;
    }
    gateway.links.apply(&only_from("192.0.2.0/24"));
    get(&gateway, &link("")).await;
    let log = log::text();
    assert_eq!(log.matches("visit denied client=127.0.0.1 reason=\"unknown\"").count(), 3, "{log}");
    let network = "visit denied agent=team-a/demo client=127.0.0.1 reason=\"network\"";
    assert!(log.contains(network), "{log}");
    assert_eq!(log.matches("client locked out").count(), 1, "{log}");
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_named_once() {
    let gateway = TestGateway::start(&[]).await;
    for _ in 0..3 {
        request(&gateway, "GET", &link(""), &[("x-forwarded-for", "203.0.113.9")]).await;
    }
    let log = log::text();
    assert_eq!(log.matches("--trusted-proxies").count(), 1, "{log}");
    assert!(log.contains("peer=127.0.0.1"), "{log}");
}
