//! url-fetch in a company's network: redirects, private authorities, proxies.

use agent_jobs::UrlJob;

use super::{
    Pod,
    authority::Authority,
    proxy::Proxy,
    server::{Server, redirect, text},
    tree,
    url::{command, fetch, job},
};

/// A job with everything that must not reach another host.
fn secretive(pod: &Pod, source: &str) -> UrlJob {
    pod.put("secret/token", "s3cret");
    UrlJob {
        headers: [("X-Api-Key".into(), "s3cret".into()), ("cookie".into(), "s3cret".into())].into(),
        credentials: Some(pod.text("secret")),
        ..job(pod, source)
    }
}

#[test]
fn a_redirect_within_the_host_keeps_the_headers() {
    for status in [301, 302, 303, 307, 308] {
        let pod = Pod::new();
        let server = Server::http(move |asked| match asked.uri.as_str() {
            "/a/old" => redirect(status, "new?x"),
            _ => text(200, "here"),
        });
        fetch(&pod, &secretive(&pod, &server.url("/a/old"))).succeeded();
        let last = server.asked().pop().unwrap();
        assert_eq!(last.uri, "/a/new?x");
        assert_eq!(last.header("authorization"), Some("Bearer s3cret"));
        assert_eq!(last.header("x-api-key"), Some("s3cret"));
    }
}

#[test]
fn another_host_port_or_scheme_gets_neither_credentials_nor_headers_and_nobody_after_it() {
    let pod = Pod::new();
    let authority = Authority::new("corp");
    let ca = pod.put("ca.crt", authority.pem());
    let foreign = Server::https(authority.server(), |asked| match asked.uri.as_str() {
        "/end" => text(200, "here"),
        _ => redirect(302, "/end"),
    });
    let (there, user) = (foreign.url("/"), foreign.url("/").replace("://", "://who:pass@"));
    let home = Server::http(move |asked| match asked.uri.as_str() {
        "/user" => redirect(302, &user),
        "/back" => redirect(307, &asked.header("x-unused").map_or(there.clone(), Into::into)),
        _ => redirect(302, &there),
    });
    for start in ["/", "/user", "/back"] {
        let mut command = command(&pod, &secretive(&pod, &home.url(start)));
        pod.run(command.env("CUSTOM_CA_CERT_PATH", &ca)).succeeded();
    }
    assert_eq!(foreign.asked().len(), 6);
    for asked in foreign.asked() {
        let shown = format!("{:?}", asked.headers);
        assert!(asked.header("authorization").is_none() && !shown.contains("s3cret"), "{shown}");
        assert!(asked.header("x-api-key").is_none() && asked.header("cookie").is_none());
    }
    assert!(home.asked().iter().all(|asked| asked.header("x-api-key") == Some("s3cret")));
}

#[test]
fn who_comes_back_from_another_host_has_no_credentials_any_more() {
    let pod = Pod::new();
    let (sender, home_url) = std::sync::mpsc::channel::<String>();
    let home_url = std::sync::Mutex::new(home_url);
    let foreign = Server::http(move |_| redirect(302, &home_url.lock().unwrap().recv().unwrap()));
    let there = foreign.url("/");
    let home = Server::http(move |asked| match asked.uri.as_str() {
        "/start" => redirect(302, &there),
        _ => text(401, ""),
    });
    sender.send(home.url("/again")).unwrap();
    let ended = fetch(&pod, &secretive(&pod, &home.url("/start")));
    assert!(
        ended.refused().ends_with(
            "answers 401 Unauthorized, after a redirect that headers and credentials do not follow: use this \
             address as url.source"
        ),
        "{ended:?}"
    );
    let [start, again] = &home.asked()[..] else { panic!("{:?}", home.asked()) };
    assert_eq!(start.header("x-api-key"), Some("s3cret"));
    assert_eq!((again.header("x-api-key"), again.header("authorization")), (None, None));
}

#[test]
fn a_redirect_to_anything_but_http_or_away_from_https_is_refused() {
    let pod = Pod::new();
    let authority = Authority::new("corp");
    let ca = pod.put("ca.crt", authority.pem());
    let plain = Server::http(|_| text(200, "readable by anyone"));
    let down = plain.url("/x?token=s3cret");
    let secure = Server::https(authority.server(), move |_| redirect(302, &down));
    let ended = pod.run(command(&pod, &job(&pod, &secure.url("/"))).env("CUSTOM_CA_CERT_PATH", ca));
    let expected = format!(
        "{} redirects from https to {}, which is not followed: use an address that stays on https",
        secure.url("/"),
        plain.url("/x"),
    );
    assert!(ended.refused().ends_with(&expected), "{ended:?}");
    assert!(plain.asked().is_empty());

    for to in
        ["file:///etc/passwd", "ftp://127.0.0.1/", "data:,x", "http://", "https://[", "gopher://h/"]
    {
        let server = Server::http(|_| redirect(302, to));
        let ended = fetch(&pod, &job(&pod, &server.url("/")));
        let expected = "redirects to a place that is not an http or https URL";
        assert!(ended.refused().ends_with(expected), "{to}: {ended:?}");
    }
    assert!(tree(&pod.path("workspace")).is_empty());
}

#[test]
fn a_private_authority_is_trusted_beside_the_public_ones() {
    let pod = Pod::new();
    let authority = Authority::new("corp");
    let server = Server::https(authority.server(), |_| text(200, "here"));
    let job = job(&pod, &server.url("/"));
    let origin = server.url("");
    let untrusted = format!(
        "spec.contexts[0] \"api\": the certificate of {origin} is not trusted (UnknownIssuer): put its CA into \
         spec.caBundle"
    );
    assert_eq!(fetch(&pod, &job).refused(), untrusted);
    assert!(server.asked().is_empty());

    let other = Authority::new("other");
    let both = pod.put("both.crt", format!("# ours\n{}{}", other.pem(), authority.pem()));
    let other = pod.put("other.crt", other.pem());
    let with = |variable: &str, file: &str| {
        pod.run(command(&pod, &job).env(variable, file).env("UNRELATED", ""))
    };
    with("CUSTOM_CA_CERT_PATH", &both).succeeded();
    with("SSL_CERT_FILE", &both).succeeded();
    assert_eq!(with("CUSTOM_CA_CERT_PATH", &other).refused(), untrusted);
    assert_eq!(with("SSL_CERT_FILE", "/no/such/file").refused(), untrusted);
    fetch(&pod, &UrlJob { insecure_skip_tls_verify: true, ..job.clone() }).succeeded();

    for (content, expected) in [
        ("", "spec.caBundle holds no certificate at "),
        ("nonsense", "spec.caBundle holds no certificate at "),
        (
            "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n",
            "that can be used at",
        ),
        ("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n", "that is not PEM at"),
    ] {
        let file = pod.put("bad.crt", content);
        let ended = with("CUSTOM_CA_CERT_PATH", &file);
        assert!(ended.refused().contains(expected), "{content:?}: {ended:?}");
    }
    let ended = with("CUSTOM_CA_CERT_PATH", "/no/such/file");
    assert!(ended.refused().contains("the certificates of spec.caBundle at /no/such"), "{ended:?}");
}

#[test]
fn a_proxy_is_asked_for_everything_but_what_no_proxy_names() {
    let (pod, proxy) = (Pod::new(), Proxy::open());
    let authority = Authority::new("corp");
    let ca = pod.put("ca.crt", authority.pem());
    let plain = Server::http(|_| text(200, "plain"));
    let secure = Server::https(authority.server(), |_| text(200, "secure"));
    let run = |url: &str, variables: &[(&str, &str)]| {
        let mut command = command(&pod, &secretive(&pod, url));
        command.env("CUSTOM_CA_CERT_PATH", &ca).envs(variables.iter().copied());
        pod.run(&mut command).succeeded();
        proxy.heads()
    };
    let address = proxy.with_user("me:pr0xy");
    let both = [("HTTP_PROXY", address.as_str()), ("HTTPS_PROXY", address.as_str())];

    let heads = run(&plain.url("/a"), &both);
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with(&format!("GET {} HTTP/1.1\r\n", plain.url("/a"))), "{heads:?}");
    assert!(heads[0].to_lowercase().contains("proxy-authorization: basic "), "{heads:?}");

    let heads = run(&secure.url("/b"), &both);
    assert_eq!(heads.len(), 2);
    let connect = format!("CONNECT {} HTTP/1.1\r\n", secure.address());
    assert!(heads[1].starts_with(&connect), "{heads:?}");
    assert!(heads[1].to_lowercase().contains("proxy-authorization: basic "), "{heads:?}");
    assert!(!heads[1].contains("s3cret"), "{heads:?}");
    let asked = secure.asked().pop().unwrap();
    assert_eq!(asked.header("authorization"), Some("Bearer s3cret"));
    assert_eq!(asked.header("proxy-authorization"), None);

    let url = proxy.url();
    let lower = [("http_proxy", url.as_str()), ("https_proxy", url.as_str())];
    assert_eq!(run(&plain.url("/"), &lower).len(), 3);
    assert_eq!(run(&secure.url("/"), &lower).len(), 4);

    for none in
        ["127.0.0.1", "127.0.0.0/8", ".svc, .cluster.local,127.0.0.1,::1", "10.0.0.0/8,127.0.0.1"]
    {
        for variable in ["NO_PROXY", "no_proxy"] {
            run(&plain.url("/"), &[both[0], both[1], (variable, none)]);
            run(&secure.url("/"), &[both[0], both[1], (variable, none)]);
        }
    }
    // The rule for all counts for names.
    let by_name = plain.url("/").replace("127.0.0.1", "localhost");
    for none in ["*", "localhost", ".localhost"] {
        run(&by_name, &[both[0], ("NO_PROXY", none)]);
    }
    assert_eq!(proxy.heads().len(), 4, "none of these passed");
    let heads = run(&plain.url("/"), &[both[0], ("NO_PROXY", "10.0.0.0/8,example.com")]);
    assert_eq!(heads.len(), 5);
}

#[test]
fn a_proxy_that_refuses_is_named_without_its_password() {
    let pod = Pod::new();
    for (status, url, expected) in [
        (
            "407 Proxy Authentication Required",
            "http://127.0.0.1:1/",
            "check the user and password in spec.proxy",
        ),
        (
            "407 Proxy Authentication Required",
            "https://127.0.0.1:1/",
            "proxy authorization required",
        ),
        ("403 Forbidden", "https://127.0.0.1:1/", "unsuccessful"),
    ] {
        let proxy = Proxy::closed(status);
        let address = proxy.with_user("me:pr0xy");
        let mut command = command(&pod, &UrlJob { timeout_seconds: 2, ..job(&pod, url) });
        let ended = pod.run(command.env("HTTP_PROXY", &address).env("HTTPS_PROXY", &address));
        assert!(ended.refused().contains(expected), "{ended:?}");
        let named = format!("through the proxy {} of spec.proxy", proxy.address());
        assert!(url.starts_with("http:") || ended.refused().contains(&named), "{ended:?}");
        assert!(!format!("{ended:?}").contains("pr0xy"), "{ended:?}");
    }
}
