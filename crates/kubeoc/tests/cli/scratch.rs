//! `kubeoc check --scratch-agent` against an API server that keeps the agent.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::{
    api_server::{
        Answer, ApiServer, Request, demo, event, failure, list, listen, ok, read, secret, starting,
        token,
    },
    check::empty,
};

const CHECK: [&str; 3] = ["check", "--scratch-agent", "team-a"];
const AGENTS: &str = "/apis/kubeopencode.io/v1alpha1/namespaces/team-a/agents";

/// What the gateway says of the agent through the API server, and of the page's other visitors.
fn info(name: &str) -> Value {
    json!({ "name": name, "namespace": "team-a" })
}

/// A cluster in which the agent becomes `state`, and in which `change` may answer in its place; it is
/// given the agent's name.
fn cluster(
    state: fn() -> Value,
    change: impl Fn(&Request, &str) -> Option<Answer> + Send + 'static,
) -> ApiServer {
    let made = Arc::new(Mutex::new(String::new()));
    ApiServer::start(move |request| {
        let mut name = made.lock().unwrap();
        if let Some(answer) = change(request, &name) {
            return answer;
        }
        // None where the command was ended before it asked.
        let path = request.line.split(['?', ' ']).nth(1).unwrap_or_default();
        if request.line.starts_with("POST") && path == AGENTS {
            let mut agent: Value = serde_json::from_str(&request.body).unwrap();
            agent["metadata"]["name"].as_str().unwrap().clone_into(&mut name);
            agent["metadata"]["uid"] = json!("uid-1");
            return ok(&agent);
        }
        let mut agent = state();
        agent["metadata"]["name"] = json!(*name);
        match path {
            path if path.contains("/proxy/") => ok(&info(&name)),
            path if path.ends_with("-share") => ok(&secret(None)),
            path if path == AGENTS && request.watches() => event(&agent),
            path if path == AGENTS => list(&[agent]),
            path if path.starts_with(AGENTS) => ok(&agent),
            _ => empty(request),
        }
    })
}

/// What was printed about the agent and its link. It never holds the token.
#[track_caller]
fn told(output: &Output) -> String {
    let (printed, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!printed.contains(token().expose()) && !errors.contains(token().expose()));
    // The rest of the cluster is empty.
    let name = printed.find("kubeoc-check-");
    assert!(name.is_some(), "{printed}{errors}");
    let begin = name.unwrap();
    let begin = printed[..begin].rfind('\n').map_or(0, |newline| newline + 1);
    printed[begin..].to_owned()
}

/// The name of the agent, if one was made, and whether it was deleted.
fn agent(server: &ApiServer) -> (Option<String>, bool) {
    let changes = server.changes();
    let find =
        |line: String| changes.iter().find(|(change, _)| change.split('?').next() == Some(&line));
    let made = find(format!("POST {AGENTS}"));
    let name = made.map(|(_, body)| body["metadata"]["name"].as_str().unwrap().to_owned());
    let deleted =
        name.as_ref().is_some_and(|name| find(format!("DELETE {AGENTS}/{name}")).is_some());
    (name, deleted)
}

#[test]
fn an_agent_is_made_visited_and_deleted() {
    let server = cluster(demo, |_, _| None);
    let told = told(&server.run(&CHECK));
    let (Some(name), true) = agent(&server) else { panic!("{:?}", server.lines()) };
    let expected = format!(
        "ok       Agent team-a/{name}: is ready after 0s\n\
         ok       Link of team-a/{name}: opens through the API server\n\
         ok       Agent team-a/{name}: is deleted\n"
    );
    assert_eq!(told, expected);
    let visited = format!(
        "GET /api/v1/namespaces/kubeopencode-system/services/http:kubeopencode-server:2746/proxy/s/{}/info",
        token().expose()
    );
    assert!(server.lines().contains(&visited), "{:?}", server.lines());
    let changes = server.changes();
    let made = changes.iter().find(|(line, _)| line.starts_with(&format!("POST {AGENTS}")));
    let spec = &made.unwrap().1["spec"];
    assert_eq!(spec["share"]["enabled"], true);
    assert!(spec["share"]["expiresAt"].is_string(), "{spec}");
    // Another run makes another agent.
    told_of_another(&server, &name);
}

#[test]
fn a_gateway_that_ends_tls_itself_is_visited_by_tls() {
    let server = cluster(demo, |request, _| {
        let of_gateway = "GET /api/v1/namespaces/kubeopencode-system/services/kubeopencode-server";
        (request.line.split('?').next() == Some(of_gateway)).then(|| {
            let ports = json!([{ "name": "https", "port": 443, "protocol": "TCP" }]);
            ok(&json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": { "name": "kubeopencode-server" }, "spec": { "ports": ports },
            }))
        })
    });
    told(&server.run(&CHECK));
    let visited = "/services/https:kubeopencode-server:443/proxy/s/";
    assert!(server.lines().iter().any(|line| line.contains(visited)), "{:?}", server.lines());
}

fn told_of_another(server: &ApiServer, name: &str) {
    let told = told(&server.run(&CHECK));
    assert!(!told.contains(name), "{told}");
}

#[test]
fn scripts_read_it_with_the_other_findings() {
    let server = cluster(demo, |_, _| None);
    let output = server.run(&[&CHECK[..], &["-o", "json"]].concat());
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let last: Vec<_> = findings.iter().rev().take(3).map(|it| &it["message"]).collect();
    assert_eq!(last, ["is deleted", "opens through the API server", "is ready after 0s"]);
    assert!(findings.len() > 10);
}

#[test]
fn a_gateway_that_learns_of_the_link_later_is_asked_again() {
    let refusal = json!({ "message": "This link is unknown", "reason": "NotFound" });
    let asked = Mutex::new(0);
    let server = cluster(demo, move |request, _| {
        let mut asked = asked.lock().unwrap();
        *asked += u32::from(request.line.contains("/proxy/"));
        (request.line.contains("/proxy/") && *asked == 1).then(|| (404, refusal.to_string()))
    });
    let output = server.run(&CHECK);
    assert!(told(&output).contains(": opens through the API server\n"), "{output:?}");
    let waited = "waiting for the gateway to open the link\n";
    assert!(String::from_utf8_lossy(&output.stderr).contains(waited), "{output:?}");
}

#[test]
fn whoever_may_not_go_through_the_api_server_is_told_the_other_way() {
    let server =
        cluster(demo, |request, _| request.line.contains("/proxy/").then(|| failure(403, None)));
    let told = told(&server.run(&CHECK));
    let (name, deleted) = agent(&server);
    let says = format!(
        "unknown  Link of team-a/{}: you are not allowed to get services/proxy of the gateway\n         \
         give the URL of links with --external-url, such as https://agents.example.com\n",
        name.unwrap()
    );
    assert!(told.contains(&says), "{told}");
    assert!(deleted);
}

#[test]
fn whoever_may_not_make_agents_is_told_and_nothing_is_deleted() {
    let server = cluster(demo, |request, _| {
        request.line.starts_with(&format!("POST {AGENTS}")).then(|| failure(403, Some("x")))
    });
    let told = told(&server.run(&CHECK));
    assert!(told.contains("you are not allowed to create agents.kubeopencode.io"), "{told}");
    assert!(
        told.contains("kubectl auth can-i create agents.kubeopencode.io -n team-a\n"),
        "{told}"
    );
    assert!(!server.changes().iter().any(|(line, _)| line.starts_with("DELETE")));
}

#[test]
fn an_agent_that_is_not_ready_in_time_is_told_of_and_deleted() {
    let server = cluster(starting, |_, _| None);
    let output = server.run(&[&CHECK[..], &["--scratch-timeout", "1s"]].concat());
    let told = told(&output);
    let says = "is not ready: timed out after 1s waiting for the agent to be ready: git-init-0 clones \
                the repository\n         give it longer with --scratch-timeout";
    assert!(told.contains(says), "{told}");
    assert!(agent(&server).1, "{:?}", server.lines());
    let progress = "waiting for the agent to be ready: git-init-0 clones the repository\n";
    assert!(String::from_utf8_lossy(&output.stderr).contains(progress), "{output:?}");
}

#[test]
fn an_agent_that_cannot_be_deleted_is_named_with_the_command() {
    let server =
        cluster(demo, |request, _| request.line.starts_with("DELETE").then(|| failure(500, None)));
    let told = told(&server.run(&CHECK));
    let name = agent(&server).0.unwrap();
    assert!(told.contains("is not deleted: cannot delete agents.kubeopencode.io"), "{told}");
    assert!(told.ends_with(&format!("kubectl delete agent {name} -n team-a\n")), "{told}");
}

/// Whether the API server made it is not known, so it is deleted.
#[test]
fn an_agent_whose_making_is_in_doubt_is_deleted() {
    let server = cluster(demo, |request, _| {
        request.line.starts_with(&format!("POST {AGENTS}")).then(|| failure(504, None))
    });
    // Until its time is over the command asks again, as whoever waits for a gateway does.
    let told = told(&server.run(&[&CHECK[..], &["--timeout", "2s"]].concat()));
    assert!(told.contains("the API server did not say whether it is made"), "{told}");
    assert!(agent(&server).1, "{:?}", server.lines());
}

#[test]
fn whatever_ends_the_command_the_agent_is_deleted() {
    for signal in ["-INT", "-TERM"] {
        let server = cluster(starting, |_, _| None);
        let mut running =
            server.command(&CHECK).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(running.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(errors.any(|line| line.starts_with("waiting for the agent to be ready")));
        let id = running.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let last = errors.last().unwrap();
        let (name, deleted) = agent(&server);
        let says = format!("error: interrupted; Agent team-a/{}: is deleted", name.unwrap());
        assert_eq!((last, deleted), (says, true), "{signal}");
        assert_eq!(running.wait().unwrap().code(), Some(1), "{signal}");
    }
}

/// A server that is no cluster; it is given the path that is asked for.
fn external(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    listen(move |mut stream| {
        let request = read(&stream);
        let answer = answer(request.line.strip_prefix("GET ").unwrap());
        let _ = write!(stream, "HTTP/1.1 {answer}");
    })
}

#[test]
fn the_link_is_opened_at_the_url_that_guests_use() {
    let names = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&names);
    let gateway = external(move |path| {
        assert_eq!(path, format!("/team/s/{}/info", token().expose()));
        let body = info(&known.lock().unwrap()).to_string();
        format!("200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    });
    let elsewhere = external(|path| {
        let to = format!("https://elsewhere.example{path}");
        format!("301 Moved\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
    });
    let server = cluster(demo, move |_, name| {
        name.clone_into(&mut names.lock().unwrap());
        None
    });
    let told_at = |url: &str| told(&server.run(&[&CHECK[..], &["--external-url", url]].concat()));
    let told = told_at(&format!("{gateway}/team/"));
    assert!(told.contains(&format!(": opens at {gateway}/team\n")), "{told}");
    let told = told_at(&elsewhere);
    let leads = format!("at {elsewhere} leads to https://elsewhere.example\n");
    assert!(
        told.contains(&leads) && told.contains("give that address with --external-url"),
        "{told}"
    );
    let told = told_at("http://127.0.0.1:1");
    assert!(told.contains("onnection refused") && told.contains("curl -v http://127"), "{told}");
    assert!(!server.lines().iter().any(|line| line.contains("/proxy/")));
}

#[test]
fn what_is_about_the_agent_needs_one() {
    let server = cluster(demo, |_, _| None);
    for flags in [["--scratch-timeout", "5m"], ["--external-url", "https://a.example"]] {
        let output = server.run(&[&["check"], &flags[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("--scratch-agent <NAMESPACE>"), "{said}");
    }
    assert!(server.lines().is_empty());
}
