//! url-fetch against real servers: what it asks, what it takes, and what it refuses.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use agent_jobs::{BODY_BYTES_MAX, UrlJob};

use super::{
    Ended, Pod,
    context::target,
    server::{Server, broken, closed, endless, redirect, stalled, text},
    tree,
};

pub(crate) fn job(pod: &Pod, source: &str) -> UrlJob {
    UrlJob {
        label: "spec.contexts[0] \"api\"".into(),
        source: source.into(),
        headers: [].into(),
        credentials: None,
        insecure_skip_tls_verify: false,
        timeout_seconds: 30,
        target: target(pod, "docs/api.md"),
        mode: 0o640,
    }
}

pub(crate) fn fetch(pod: &Pod, job: &UrlJob) -> Ended {
    pod.run(&mut command(pod, job))
}

pub(crate) fn command(pod: &Pod, job: &UrlJob) -> Command {
    pod.command("url-fetch", job)
}

/// A Secret as it is mounted.
fn secret(pod: &Pod, keys: &[(&str, &str)]) -> String {
    let name = "secret";
    let _ = fs::remove_dir_all(pod.path(name));
    fs::create_dir(pod.path(name)).unwrap();
    for (key, value) in keys {
        pod.put(&format!("{name}/{key}"), value);
    }
    pod.text(name)
}

#[test]
fn a_url_becomes_a_file_with_its_mode() {
    let (pod, server) = (Pod::new(), Server::http(|_| text(200, "# API\n")));
    let headers = [("X-Team", "a"), ("accept", "text/markdown")];
    let headers = headers.map(|(name, value)| (name.into(), value.into())).into();
    fetch(&pod, &UrlJob { headers, ..job(&pod, &server.url("/api?v=1#part")) }).succeeded();

    assert_eq!(pod.read("workspace/docs/api.md"), "# API\n");
    let mode = fs::metadata(pod.path("workspace/docs/api.md")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    let [asked] = &server.asked()[..] else { panic!("{:?}", server.asked()) };
    assert_eq!(asked.uri, "/api?v=1");
    assert_eq!(asked.header("x-team"), Some("a"));
    assert_eq!(asked.header("accept"), Some("text/markdown"));
    assert!(asked.header("user-agent").unwrap().starts_with("kubeopencode/"));
    assert_eq!(asked.header("accept-encoding"), None);
    assert_eq!(asked.header("authorization"), None);
}

#[test]
fn the_secret_wins_over_a_header_and_a_token_over_a_password() {
    let (pod, server) = (Pod::new(), Server::http(|_| text(200, "")));
    let all = [("token", "t0ken\n"), ("username", "me"), ("password", "pass")];
    let empty = [("token", "\n"), ("username", "me\n"), ("password", "pass\r\n")];
    for (keys, expected) in [
        (&all[..], "Bearer t0ken"),
        (&all[1..], "Basic bWU6cGFzcw=="),
        (&empty, "Basic bWU6cGFzcw=="),
    ] {
        let headers = [("AUTHORIZATION".into(), "Bearer of the header".into())].into();
        let credentials = Some(secret(&pod, keys));
        fetch(&pod, &UrlJob { headers, credentials, ..job(&pod, &server.url("/")) }).succeeded();
        let last = server.asked().pop().unwrap();
        assert_eq!(last.header("authorization"), Some(expected));
        assert_eq!(last.headers.get_all("authorization").iter().count(), 1);
    }
}

#[test]
fn a_secret_without_its_keys_is_refused_and_never_shown() {
    let (pod, server) = (Pod::new(), Server::http(|_| text(200, "")));
    for (keys, expected) in [
        (&[][..], "has neither a token nor a username and a password"),
        (&[("username", "me")], "has neither a token nor a username and a password"),
        (&[("password", "s3cret")], "has neither a token nor a username and a password"),
        (&[("token", "s3cret\nInjected: yes")], "token of the Secret of url.secretRef contains a"),
        (&[("token", "s3cret\0")], "token of the Secret of url.secretRef contains a character"),
    ] {
        let credentials = Some(secret(&pod, keys));
        let ended = fetch(&pod, &UrlJob { credentials, ..job(&pod, &server.url("/")) });
        assert!(ended.refused().contains(expected), "{ended:?}");
        assert!(!format!("{ended:?}").contains("s3cret"), "{ended:?}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn the_longest_body_is_taken_and_one_byte_more_is_not() {
    let most = usize::try_from(BODY_BYTES_MAX).unwrap();
    let pod = Pod::new();
    let server = Server::http(move |asked| match asked.uri.as_str() {
        "/most" => text(200, vec![b'a'; most]),
        "/more" => text(200, vec![b'a'; most + 1]),
        _ => endless(),
    });
    fetch(&pod, &job(&pod, &server.url("/most"))).succeeded();
    let before = tree(&pod.path("workspace"));
    assert_eq!(before[1].1.len(), most);
    for path in ["/more", "/endless"] {
        let url = server.url(path);
        let ended = fetch(&pod, &job(&pod, &url));
        assert_eq!(
            ended.refused(),
            format!(
                "spec.contexts[0] \"api\": {url} has more than 8 MiB, which is the most that a context may have"
            )
        );
    }
    assert!(tree(&pod.path("workspace")) == before, "the older file stays");
    assert_eq!(server.asked().len(), 3, "none is tried again");
}

#[test]
fn nothing_is_decompressed() {
    let bomb = b"\x1f\x8b\x08 as it came";
    let pod = Pod::new();
    let server = Server::http(|_| {
        let mut reply = text(200, &bomb[..]);
        reply.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        reply
    });
    let headers = [("Accept-Encoding".into(), "gzip".into())].into();
    fetch(&pod, &UrlJob { headers, ..job(&pod, &server.url("/")) }).succeeded();
    assert_eq!(fs::read(pod.path("workspace/docs/api.md")).unwrap(), bomb);
}

#[test]
fn the_timeout_is_that_of_the_whole_download() {
    let (pod, server) = (Pod::new(), Server::http(|_| stalled()));
    let url = server.url("/slow?token=s3cret");
    let ended = fetch(&pod, &UrlJob { timeout_seconds: 1, ..job(&pod, &url) });
    let shown = server.url("/slow");
    assert_eq!(
        ended.refused(),
        format!(
            "spec.contexts[0] \"api\": {shown} was not downloaded within 1 s: set a longer url.timeout"
        )
    );
    assert!(!format!("{ended:?}").contains("s3cret"), "{ended:?}");
    assert_eq!(tree(&pod.path("workspace")), []);
}

#[test]
fn what_may_pass_is_tried_again() {
    let pod = Pod::new();
    let server = Server::http(|asked| match asked.number {
        0 => text(503, "starting"),
        1 => broken(),
        2 => text(429, ""),
        _ => text(200, "here"),
    });
    fetch(&pod, &job(&pod, &server.url("/"))).succeeded();
    assert_eq!(pod.read("workspace/docs/api.md"), "here");
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn what_does_not_pass_is_told_when_the_time_is_over() {
    let (pod, server) = (Pod::new(), Server::http(|_| text(503, "starting")));
    let (nowhere, _held) = closed();
    let run = |url: &str| {
        let ended = fetch(&pod, &UrlJob { timeout_seconds: 3, ..job(&pod, url) });
        ended.refused().strip_prefix("spec.contexts[0] \"api\": ").unwrap().to_owned()
    };
    let url = server.url("/");
    assert_eq!(run(&url), format!("{url} answers 503 Service Unavailable, still so after 3 s"));
    assert!(server.asked().len() > 1);

    let origin = nowhere.trim_end_matches('/');
    let refusal = "tcp connect error: Connection refused (os error 111)";
    assert_eq!(run(&nowhere), format!("cannot connect to {origin}: {refusal}, still so after 3 s"));
}

#[test]
fn any_other_status_is_told_at_once_with_the_way_out() {
    for (status, expected) in [
        (404, "answers 404 Not Found: check url.source"),
        (401, "answers 401 Unauthorized: check url.headers and the Secret of url.secretRef"),
        (403, "answers 403 Forbidden: check url.headers and the Secret of url.secretRef"),
        (500, "answers 500 Internal Server Error"),
        (304, "answers 304 Not Modified"),
        (300, "answers 300 Multiple Choices"),
    ] {
        let (pod, server) = (Pod::new(), Server::http(move |_| text(status, "a page")));
        let ended = fetch(&pod, &job(&pod, &server.url("/")));
        assert!(ended.refused().ends_with(expected), "{ended:?}");
        assert_eq!(server.asked().len(), 1);
        assert_eq!(tree(&pod.path("workspace")), []);
    }
}

#[test]
fn a_redirect_without_a_place_is_a_status() {
    let (pod, server) = (Pod::new(), Server::http(|_| text(302, "")));
    let ended = fetch(&pod, &job(&pod, &server.url("/")));
    assert!(ended.refused().ends_with("answers 302 Found"), "{ended:?}");
    let server = Server::http(|asked| redirect(302, &format!("/{}", asked.number)));
    let ended = fetch(&pod, &job(&pod, &server.url("/")));
    assert!(ended.refused().ends_with("redirects more than 10 times"), "{ended:?}");
    assert_eq!(server.asked().len(), 11);
}

#[test]
fn a_signal_ends_it_while_it_waits_for_the_server() {
    let (sent, asked) = std::sync::mpsc::channel();
    let server = Server::http(move |_| {
        sent.send(()).unwrap();
        stalled()
    });
    let pod = Pod::new();
    let mut tool =
        command(&pod, &job(&pod, &server.url("/"))).stderr(Stdio::piped()).spawn().unwrap();
    asked.recv().unwrap();
    let pid = rustix::process::Pid::from_child(&tool);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(tool.wait().unwrap().code(), Some(1));
    assert_eq!(pod.read("termination-log"), "stopped by SIGTERM before the work was done");
}
