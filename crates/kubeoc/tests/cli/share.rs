//! `kubeoc agent share`: the link is printed as soon as there is one.

use serde_json::{Value, json};

use crate::api_server::{
    ApiServer, assert_fails, demo, event, failure, list, ok, secret, starting, stdout,
};

const TOKEN: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
const BASE: &str = "https://agents.example.com";

/// Holds this agent and this Secret, and nothing changes.
fn holding(agent: Value, secret: Option<Value>) -> ApiServer {
    ApiServer::start(move |request| match &secret {
        Some(secret) if request.is_for("/secrets/demo-share") => ok(secret),
        None if request.is_for("/secrets/demo-share") => failure(404, Some("demo-share")),
        _ if request.watches() => event(&agent),
        _ if request.is_for("/agents") => list(std::slice::from_ref(&agent)),
        _ => ok(&agent),
    })
}

fn show(server: &ApiServer, flags: &[&str]) -> std::process::Output {
    server.run(&[&["agent", "share", "demo", "--show"], flags].concat())
}

#[test]
fn a_link_that_was_enabled_is_printed_in_the_words_that_people_know() {
    let server = holding(demo(), Some(secret(None)));
    let printed = stdout(&server.run(&["agent", "share", "demo"]));
    let expected = format!(
        "Share link enabled for agent team-a/demo\n\nAgent:   team-a/demo\nActive:  true\n\
         Token:   {TOKEN}\nPath:    /s/{TOKEN}\nMessage: Share link is active\n"
    );
    assert_eq!(printed, expected);
    let change = json!({ "spec": { "share": { "enabled": true } } });
    assert_eq!(server.changes().iter().map(|(_, body)| body).collect::<Vec<_>>(), [&change]);
}

#[test]
fn showing_prints_the_url_that_the_secret_holds_and_changes_nothing() {
    let server = holding(demo(), Some(secret(Some(BASE))));
    let printed = stdout(&show(&server, &[]));
    assert!(printed.contains(&format!("URL:     {BASE}/s/{TOKEN}\n")), "{printed}");
    let link: Value = stdout(&show(&server, &["-o", "json"])).parse().unwrap();
    let expected = json!({
        "agent": "demo", "namespace": "team-a", "link": null, "access": "Interact", "active": true, "token": TOKEN,
        "path": format!("/s/{TOKEN}"), "url": format!("{BASE}/s/{TOKEN}"), "expiresAt": null,
        "allowedIPs": [], "reason": "Active", "message": "Share link is active",
    });
    assert_eq!(link, expected);
    assert!(server.changes().is_empty());
}

#[test]
fn the_users_own_url_wins() {
    let server = holding(demo(), Some(secret(Some(BASE))));
    for flag in ["--server-url", "--external-url"] {
        let printed = stdout(&show(&server, &[flag, "https://my.example.com"]));
        assert!(printed.contains(&format!("URL:     https://my.example.com/s/{TOKEN}\n")));
        assert!(!printed.contains(BASE), "{printed}");
    }
}

#[test]
fn a_token_is_shown_before_the_agent_is_ready() {
    let server = holding(starting(), Some(secret(Some(BASE))));
    let why = "waiting for the agent to be ready: git-init-0 clones the repository";
    let expected = format!(
        "Agent:   team-a/demo\nActive:  false\nToken:   {TOKEN}\nPath:    /s/{TOKEN}\n\
         URL:     {BASE}/s/{TOKEN}\nMessage: {why}\n"
    );
    assert_eq!(stdout(&show(&server, &[])), expected);
    let link: Value = stdout(&show(&server, &["-o", "json"])).parse().unwrap();
    assert_eq!((&link["active"], &link["message"]), (&json!(false), &json!(why)));
    assert_eq!(link["reason"], json!("AgentNotReady"));
}

#[test]
fn a_qr_code_is_of_the_whole_url() {
    let printed = stdout(&show(&holding(demo(), Some(secret(Some(BASE)))), &["--qr"]));
    let (_, code) = printed.split_once("\n\n").unwrap();
    let given =
        stdout(&show(&holding(demo(), Some(secret(None))), &["--qr", "--server-url", BASE]));
    assert_eq!(given.split_once("\n\n").unwrap().1, code, "the same URL, the same code");
    assert!(code.contains('█'), "{code}");

    let output = show(&holding(demo(), Some(secret(None))), &["--qr"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--server-url https://agents.example.com"), "{said}");
    assert!(said.contains("start the controller with --external-url"), "{said}");
}

#[test]
fn a_link_without_a_token_says_what_it_waits_for() {
    let mut agent = starting();
    agent["status"].as_object_mut().unwrap().remove("share");
    let output = show(&holding(agent, None), &[]);
    assert_fails(&output, 3, "the link has no token yet: waiting for the controller to create");
    assert_fails(&output, 3, "git-init-0 clones the repository");
}

#[test]
fn the_secret_of_an_agent_that_is_gone_is_not_this_ones() {
    let mut other = secret(None);
    other["metadata"]["ownerReferences"][0]["uid"] = json!("uid-0");
    let output = show(&holding(demo(), Some(other)), &[]);
    assert_fails(&output, 3, "the link has no token yet");
}

/// The agent `demo` and its Secret, with a link `qa` beside the default link.
fn with_qa() -> (Value, Value) {
    let linked = serde_json::to_value(fixtures::linked(2, |_| ())).unwrap();
    let (mut agent, mut secret) = (demo(), secret(Some(BASE)));
    agent["spec"]["share"]["links"] = linked["spec"]["share"]["links"].clone();
    agent["status"]["share"]["links"] = linked["status"]["share"]["links"].clone();
    let token = fixtures::token(2).expose().to_owned();
    let of_qa = |text: String| json!(k8s_openapi::ByteString(text.into_bytes()));
    secret["data"]["qa.url"] = of_qa(format!("{BASE}/s/{token}"));
    secret["data"]["qa.token"] = of_qa(token);
    (agent, secret)
}

#[test]
fn a_link_with_a_name_is_printed_with_what_it_allows() {
    let (agent, secret) = with_qa();
    let token = fixtures::token(2).expose().to_owned();
    let server = holding(agent, Some(secret));
    let printed = stdout(&server.run(&["agent", "share", "demo", "--link", "qa", "--view"]));
    assert!(printed.starts_with("Share link qa enabled for agent team-a/demo\n"), "{printed}");
    // The agent of this server stays as it is.
    for line in ["Link:    qa", "Access:  Interact", &format!("URL:     {BASE}/s/{token}")] {
        assert!(printed.contains(&format!("{line}\n")), "{line}: {printed}");
    }
    let change = json!({
        "metadata": { "resourceVersion": "1" },
        "spec": { "share": { "enabled": true, "links": [{ "name": "qa", "access": "View" }] } },
    });
    assert_eq!(server.changes().iter().map(|(_, body)| body).collect::<Vec<_>>(), [&change]);

    let output = show(&server, &["--link", "none"]);
    assert_fails(&output, 3, "the agent has no link none; create it with: kubeoc agent share demo");
    let output = show(&server, &["--link", "QA"]);
    assert_fails(&output, 2, "the name of a link has at most 63 characters");
    let output = server.run(&["agent", "share", "demo", "--view"]);
    assert_fails(&output, 2, "--link <LINK>");
}

#[test]
fn links_are_listed_and_their_urls_only_where_they_are_asked_for() {
    let (agent, secret) = with_qa();
    let server = holding(agent, Some(secret));
    let printed = stdout(&server.run(&["agent", "links", "demo"]));
    insta::assert_snapshot!(printed, @r"
    NAME      ACCESS     ACTIVE   EXPIRES   VIEWERS   IDLE
    default   Interact   true     <none>    <none>    <none>
    qa        Interact   true     <none>    <none>    <none>
    ");
    assert!(server.lines().iter().all(|line| !line.contains("secrets")), "no Secret is read");
    let printed = stdout(&server.run(&["agent", "links", "demo", "--urls", "--no-headers"]));
    for number in [1, 2] {
        let url = format!("{BASE}/s/{}", fixtures::token(number).expose());
        assert!(printed.contains(&url), "{printed}");
    }
    let rows: Value =
        stdout(&server.run(&["agent", "links", "demo", "-o", "json"])).parse().unwrap();
    assert_eq!((&rows[1]["name"], &rows[1]["url"]), (&json!("qa"), &Value::Null));
}

#[test]
fn rotating_takes_away_one_token_and_waits_for_another() {
    let (agent, secret) = with_qa();
    let server = holding(agent, Some(secret));
    let flags = ["agent", "share", "demo", "--link", "qa", "--rotate", "--timeout", "1s"];
    let output = server.run(&flags);
    assert_fails(&output, 4, "the controller to replace the token");
    let gone = json!({ "qa.token": null, "qa.url": null });
    assert_eq!(server.changes()[0].1["data"], gone);
}

#[test]
fn one_link_is_removed_and_the_others_stay() {
    let (agent, mut secret) = with_qa();
    secret["data"].as_object_mut().unwrap().remove("qa.token");
    let server = ApiServer::start(move |request| match () {
        () if request.is_for("/secrets") => list(std::slice::from_ref(&secret)),
        () => ok(&agent),
    });
    let printed = stdout(&server.run(&["agent", "unshare", "demo", "--link", "qa"]));
    assert_eq!(printed, "Share link qa removed from agent team-a/demo\n");
    assert_eq!(server.changes()[0].1["spec"], json!({ "share": { "links": [] } }));
}

/// `unshare` of an Agent whose spec our types cannot read.
#[test]
fn an_odd_agent_can_be_unshared() {
    let mut odd = demo();
    odd["spec"] = json!({ "share": { "enabled": true, "expiresAt": "tomorrow" } });
    let server = ApiServer::start(move |request| match () {
        () if request.is_for("/secrets") => list(&[]),
        () => ok(&odd),
    });
    let printed = stdout(&server.run(&["agent", "unshare", "demo"]));
    assert_eq!(printed, "Share link disabled for agent team-a/demo\n");
    let change = json!({ "spec": { "share": { "enabled": false } } });
    assert_eq!(server.changes()[0].1, change);
}
