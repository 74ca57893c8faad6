//! Credentials, certificates, redirects, and servers that fail.

use super::{
    clone::server,
    origin::Origin,
    pod::Pod,
    server::{Asked, Scheme, Server, bind},
};

pub(crate) const PRIVATE: [(&str, &str); 2] = [("username", "bot"), ("password", "s3cret")];

pub(crate) fn pod(server: &Server, how: &str) -> Pod {
    Pod::new(&server.url(how, "repo")).trusting(&server.ca())
}

#[test]
fn a_user_name_with_a_password_and_a_token_alone_open_a_private_repository() {
    let (server, origin) = server();
    assert_eq!(pod(&server, "private").secret(&PRIVATE).init().synced(), origin.head());
    assert_eq!(
        pod(&server, "token").secret(&[("token", "t0ken\n")]).init().synced(),
        origin.head()
    );
}

#[test]
fn no_credential_is_left_in_any_file_or_log() {
    let (server, _origin) = server();
    let pod = pod(&server, "private").secret(&PRIVATE);
    let ended = pod.init();
    assert!(!ended.log.contains("s3cret"));
    ended.synced();
    let found = std::process::Command::new("grep")
        .args(["-rlE", "s3cret|Ym90OnMzY3JldA", "volume", "state", "log"])
        .current_dir(pod.folder.path())
        .output();
    assert_eq!(String::from_utf8(found.unwrap().stdout).unwrap(), "");
}

#[test]
fn refused_credentials_name_the_keys_that_are_wanted() {
    let (server, _origin) = server();
    let url = server.url("private", "repo");
    assert_eq!(
        pod(&server, "private").init().refused(),
        format!(
            "docs: {url} refused the credentials: it wants some; name a Secret with username and password, or token, in secretRef"
        )
    );
    let wrong = pod(&server, "private").secret(&[("username", "bot"), ("password", "wr0ng")]);
    let ended = wrong.init();
    assert!(!ended.log.contains("wr0ng"));
    assert_eq!(
        ended.refused(),
        format!(
            "docs: {url} refused the credentials: check username and password, or token, in the Secret of secretRef"
        )
    );
}

#[test]
fn what_does_not_exist_is_said_with_the_field_to_check() {
    let (server, _origin) = server();
    let refused = Pod::new(&server.url("open", "none")).trusting(&server.ca()).init().refused();
    let ending =
        "does not exist, or is hidden from these credentials: check repository and secretRef";
    assert!(refused.ends_with(ending), "{refused}");
    let missing = "f".repeat(40);
    for reference in ["none", "refs/tags/none", "abcdef1", &missing] {
        let refused = pod(&server, "open").with("reference", reference).init().refused();
        let ending = "check ref (a commit needs its whole name)";
        assert!(refused.ends_with(ending) && refused.contains(reference), "{refused}");
    }
    let refused = pod(&server, "open").with("path", "sub/none").init().refused();
    let sentence =
        "docs: 'sub/none' does not exist in the repository at ref 'HEAD': check path and names";
    assert_eq!(refused, sentence);
    let refused = pod(&server, "strange").init().refused();
    assert!(refused.contains("does not speak git's protocol"), "{refused}");
    Origin::new(server.srv(), "empty");
    let refused = Pod::new(&server.url("open", "empty")).trusting(&server.ca()).init().refused();
    assert!(refused.ends_with("is empty: it has no commit yet"), "{refused}");
}

#[test]
fn an_unknown_authority_points_to_the_bundle() {
    let (server, _origin) = server();
    let refused = Pod::new(&server.url("open", "repo")).init().refused();
    let sentence = "docs: the certificate of localhost is not trusted (its issuer is unknown): \
                    give its certificate authority in caBundle";
    assert_eq!(refused, sentence);
    let missing = Pod::new(&server.url("open", "repo")).trusting("/nowhere/ca.pem".as_ref());
    let sentence = "docs: cannot read the certificates of spec.caBundle at /nowhere/ca.pem";
    assert!(missing.init().refused().starts_with(sentence));
    for variable in ["SSL_CERT_FILE", "GIT_SSL_CAINFO"] {
        let pod = Pod::new(&server.url("open", "repo"));
        pod.variable(variable, server.ca().to_str().unwrap()).init().synced();
    }
}

#[test]
fn an_unknown_host_and_a_closed_port_are_told_apart() {
    let refused = Pod::new("https://no-such-host.invalid/repo").init().refused();
    assert!(
        refused.starts_with("docs: cannot resolve the host no-such-host.invalid: check the name"),
        "{refused}"
    );
    let (server, _origin) = server();
    let (listener, address) = bind(server.runtime());
    drop(listener);
    let refused = Pod::new(&format!("https://localhost:{}/repo", address.port())).init().refused();
    assert!(refused.starts_with("docs: cannot reach localhost:"), "{refused}");
    assert!(
        refused.contains("check network policies and, where one is needed, proxy"),
        "{refused}"
    );
}

#[test]
fn a_redirect_is_followed_and_takes_no_credentials_to_another_origin() {
    let (server, origin) = server();
    let other = Server::start(Scheme::Https);
    let copy = Origin::new(other.srv(), "repo");
    copy.write("README.md", "other\n").commit("other");
    let both = server.folder.path().join("both.pem");
    let bundle = [server.ca(), other.ca()].map(|ca| std::fs::read_to_string(ca).unwrap()).concat();
    std::fs::write(&both, bundle).unwrap();
    let away = || Pod::new(&server.url("away", "repo")).trusting(&both).secret(&PRIVATE);

    server.lead_away("/private");
    assert_eq!(away().init().synced(), origin.head(), "the same origin");

    server.lead_away(&format!("https://localhost:{}/open", other.port));
    assert_eq!(away().init().synced(), copy.head());
    let is_anonymous = |asked: &Asked| asked.authorization.is_none();
    assert!(!other.asked().is_empty() && other.asked().iter().all(is_anonymous));

    server.lead_away(&format!("https://localhost:{}/private", other.port));
    assert!(away().init().refused().contains("refused the credentials"));
    assert!(other.asked().iter().all(is_anonymous));
}

#[test]
fn redirects_to_the_clear_to_strange_schemes_and_in_circles_are_refused() {
    let (server, _origin) = server();
    let clear = Server::start(Scheme::Http);
    Origin::new(clear.srv(), "repo").write("a", "a").commit("a");
    for to in [
        format!("http://localhost:{}/open", clear.port),
        "file:///etc".into(),
        "ssh://localhost/open".into(),
        "https://user:pass@localhost/open".into(),
        "/away".into(),
        "//evil".into(),
        "nonsense".into(),
    ] {
        server.lead_away(&to);
        let refused = pod(&server, "away").secret(&PRIVATE).init().refused();
        assert!(
            refused.contains("is not followed: write the repository's own URL"),
            "{to}: {refused}"
        );
    }
    assert!(clear.asked().is_empty());
}

#[test]
fn a_server_that_is_busy_is_tried_again_and_one_that_refuses_is_not() {
    let (server, origin) = server();
    let mut pod = pod(&server, "busy");
    let refused = pod.init().refused();
    assert!(refused.ends_with("is busy (status 503)"), "{refused}");
    pod.retry_seconds = 60;
    let ended = pod.init();
    assert!(ended.log.contains("is busy (status 503); trying again in"), "{}", ended.log);
    assert_eq!(ended.synced(), origin.head());

    let before = server.asked().len();
    let mut refused = Pod::new(&server.url("private", "repo")).trusting(&server.ca());
    refused.retry_seconds = 60;
    refused.init().refused();
    assert_eq!(server.asked().len(), before + 1);
}

#[test]
fn a_transfer_that_breaks_off_is_resumed_and_leaves_nothing_half_done() {
    let (server, origin) = server();
    // More than one buffer, and not to be compressed.
    let noise: String =
        (0..200_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_string()).collect();
    origin.write("noise", &noise).commit("noise");
    let mut pod = pod(&server, "cut");
    let refused = pod.init().refused();
    assert!(refused.contains("broke off"), "{refused}");
    assert!(!pod.docs("").exists());
    pod.retry_seconds = 60;
    assert_eq!(pod.init().synced(), origin.head());
    assert_eq!(std::fs::read_dir(pod.volume()).unwrap().count(), 1);
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let (server, _origin) = server();
    let pod = pod(&server, "hang");
    let output = pod.command("git-init").args(["--stall-seconds", "1"]).output().unwrap();
    let refused = pod.ended(&output).refused();
    assert!(refused.ends_with("broke off: no answer for 1 s"), "{refused}");
    assert!(!pod.docs("").exists());
}
