//! What a browser gets: the page, its files and its information.

use crate::{
    client::{V1, Viewer, get, raw, request},
    test_gateway::{TestGateway, link, only_from, until, wrong_token},
};
use fixtures::{demo, in_state};
use share::Links;
use time::macros::datetime;

const HEADERS: [(&str, &str); 8] = [
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex, nofollow"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
    ("permissions-policy", "camera=()"),
];

#[tokio::test]
async fn a_link_shows_the_page_and_whose_it_is() {
    let gateway = TestGateway::start(&[]).await;

    let page = get(&gateway, &link("")).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.body.contains("assets/"), "{}", page.body);

    let info = get(&gateway, &link("/info")).await;
    assert_eq!(
        (info.status.as_u16(), info.body.as_str()),
        (200, r#"{"name":"demo","namespace":"team-a","access":"interact"}"#)
    );
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let gateway = TestGateway::start(&["--wrong-tokens-per-minute=1"]).await;
    let wrong = format!("/s/{}", wrong_token().expose());
    let mut answers = vec![
        get(&gateway, &link("")).await,
        get(&gateway, &link("/info")).await,
        get(&gateway, &link("/terminal")).await,
        get(&gateway, "/").await,
        request(&gateway, "POST", &link(""), &[]).await,
    ];
    let granted = Viewer::connect(&gateway, V1).await.granted;
    answers.push(get(&gateway, &wrong).await);
    answers.push(get(&gateway, &wrong).await);

    let seen: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(seen, [200, 200, 426, 404, 405, 404, 429]);
    let all = answers.iter().map(|answer| &answer.headers).chain([&granted]);
    for headers in all {
        for (name, start) in HEADERS {
            let value = headers.get(name).map_or("", |value| value.to_str().unwrap());
            assert!(value.starts_with(start), "{name}: {headers:?}");
        }
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[tokio::test]
async fn the_pages_files_are_kept_by_browsers() {
    let gateway = TestGateway::start(&[]).await;
    let page = get(&gateway, &link("")).await.body;
    let script = page.split('"').find(|part| part.starts_with("assets/main-"));
    let path = format!("/s/{}", script.expect("the page has a script"));

    let file = get(&gateway, &path).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");

    let again = request(&gateway, "GET", &path, &[("if-none-match", file.header("etag"))]).await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
    assert_eq!(get(&gateway, "/s/assets/no-such.js").await.status, 404);
}

#[tokio::test]
async fn the_pages_files_come_compressed_as_the_browser_accepts_it() {
    let gateway = TestGateway::start(&[]).await;
    let page = get(&gateway, &link("")).await.body;
    let script = page.split('"').find(|part| part.starts_with("assets/main-"));
    let path = format!("/s/{}", script.expect("the page has a script"));

    let plain = get(&gateway, &path).await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
    let cases = [("gzip, deflate, br, zstd", "br"), ("gzip, br;q=0.5", "gzip"), ("br;q=0", "")];
    let mut etags = vec![plain.header("etag").to_owned()];
    for (accepted, expected) in cases {
        let accepted = ("accept-encoding", accepted);
        let file = request(&gateway, "GET", &path, &[accepted]).await;
        assert_eq!((file.status.as_u16(), file.header("content-encoding")), (200, expected));
        assert_eq!(file.header("vary"), "accept-encoding");
        assert_eq!(file.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        let length: usize = file.header("content-length").parse().unwrap();
        let plain_length: usize = plain.header("content-length").parse().unwrap();
        assert!(if expected.is_empty() {
            length == plain_length
        } else {
            length * 3 < plain_length
        });
        etags.push(file.header("etag").to_owned());

        let etag = ("if-none-match", file.header("etag"));
        let again = request(&gateway, "GET", &path, &[accepted, etag]).await;
        assert_eq!((again.status.as_u16(), again.header("vary")), (304, "accept-encoding"));
        let head = request(&gateway, "HEAD", &path, &[accepted]).await;
        assert_eq!(head.header("content-length"), file.header("content-length"));
    }
    assert!(etags[0] == etags[3] && etags[0] != etags[1] && etags[1] != etags[2], "{etags:?}");
    for form in [".br", ".gz"] {
        assert_eq!(get(&gateway, &format!("{path}{form}")).await.status, 404, "{form}");
    }
}

#[tokio::test]
async fn a_head_request_gets_the_headers_alone() {
    let gateway = TestGateway::start(&[]).await;
    let page = get(&gateway, &link("")).await;
    let head = request(&gateway, "HEAD", &link(""), &[]).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), page.body.len().to_string());
}

#[tokio::test]
async fn nothing_can_be_written() {
    let gateway = TestGateway::start(&[]).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = request(&gateway, method, &link("/info"), &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, "GET, HEAD"),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_stranger_cannot_tell_an_expired_link_from_a_wrong_one() {
    let over = until(datetime!(2020-01-01 00:00 UTC));
    let expired = TestGateway::with(&[], Links::with([over])).await;
    let unknown = TestGateway::with(&[], Links::with([])).await;
    for rest in ["", "/info", "/terminal"] {
        for accept in ["text/html", "application/json", "*/*"] {
            let answer = raw(&expired, &link(rest), accept).await;
            assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
            assert_eq!(answer, raw(&unknown, &link(rest), accept).await, "{rest} {accept}");
            let malformed = format!("/s/not-a-token{rest}");
            assert_eq!(answer, raw(&unknown, &malformed, accept).await, "{rest} {accept}");
        }
    }
}

#[tokio::test]
async fn a_visitor_from_elsewhere_is_told_so() {
    let gateway = TestGateway::with(&[], Links::with([only_from("192.0.2.0/24")])).await;
    let page = get(&gateway, &link("")).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("may not be used from your network"), "{}", page.body);
    assert!(page.header("content-security-policy").contains("style-src 'sha256-"));

    let info = get(&gateway, &link("/info")).await;
    assert_eq!((info.status.as_u16(), info.json()["reason"].as_str()), (403, Some("Network")));
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_visitor_is() {
    let links = Links::with([only_from("203.0.113.0/24")]);
    let gateway = TestGateway::with(&["--trusted-proxies=127.0.0.0/8,10.0.0.0/8"], links).await;
    let cases = [
        (None, 403),
        (Some("203.0.113.9"), 200),
        (Some("203.0.113.9, 10.0.0.7"), 200),
        (Some("203.0.113.9, 198.51.100.1"), 403),
        (Some("::ffff:203.0.113.9"), 200),
        (Some("203.0.113.9, rubbish"), 403),
    ];
    for (forwarded, expected) in cases {
        let headers: Vec<_> = forwarded.iter().map(|hops| ("x-forwarded-for", *hops)).collect();
        let answer = request(&gateway, "GET", &link("/info"), &headers).await;
        assert_eq!(answer.status, expected, "{forwarded:?}");
    }
}

#[tokio::test]
async fn nobody_else_says_who_the_visitor_is() {
    let gateway = TestGateway::with(&[], Links::with([only_from("203.0.113.0/24")])).await;
    for name in ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip"] {
        let answer = request(&gateway, "GET", &link(""), &[(name, "203.0.113.9")]).await;
        assert_eq!(answer.status, 403, "{name}");
    }
}

#[tokio::test]
async fn an_agent_that_is_not_ready_has_a_page_that_waits() {
    let cases = [
        (in_state(|status| status.ready = false), "NotReady"),
        (in_state(|status| (status.ready, status.suspended) = (false, true)), "Suspended"),
    ];
    for (agent, reason) in cases {
        let gateway = TestGateway::with(&[], Links::with([agent])).await;
        let page = get(&gateway, &link("")).await;
        assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "3"));
        assert!(page.body.contains("assets/"), "{}", page.body);

        let info = get(&gateway, &link("/info")).await;
        assert_eq!((info.status.as_u16(), info.header("retry-after")), (503, "3"));
        assert_eq!(info.json()["reason"], reason);

        gateway.links.apply(&demo());
        assert_eq!(get(&gateway, &link("")).await.status, 200);
    }
}

#[tokio::test]
async fn no_link_is_called_dead_before_the_cluster_was_heard() {
    let gateway = TestGateway::with(&[], Links::new()).await;
    let info = get(&gateway, &link("/info")).await;
    assert_eq!((info.status.as_u16(), info.json()["reason"].as_str()), (503, Some("Unavailable")));
}
