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
        "agent": "demo", "namespace": "team-a", "active": true, "token": TOKEN,
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
