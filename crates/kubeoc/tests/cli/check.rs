//! `kubeoc check` against API servers that answer little.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api_server::{ApiServer, Request, assert_fails, failure, list, ok, stdout};

/// Answers as a cluster in which nothing is installed and the user may do everything.
pub(crate) fn empty(request: &Request) -> crate::api_server::Answer {
    let line = &request.line;
    if line.starts_with("POST") {
        let mut review: Value = serde_json::from_str(&request.body).unwrap();
        review["status"] = json!({ "allowed": true });
        return ok(&review);
    }
    if request.is_for("/version") {
        return ok(&json!({
            "major": "1", "minor": "34", "gitVersion": "v1.34.4", "buildDate": "", "compiler": "",
            "gitCommit": "", "gitTreeState": "", "goVersion": "", "platform": "",
        }));
    }
    let is_list = ["/pods", "/networkpolicies", "/endpointslices"];
    if is_list.iter().any(|list| request.is_for(list)) {
        list(&[])
    } else {
        failure(404, Some("x"))
    }
}

#[test]
fn a_cluster_without_an_installation_fails_and_says_how_to_install() {
    let server = ApiServer::start(empty);
    let mut output = server.run(&["check"]);
    let printed = String::from_utf8(std::mem::take(&mut output.stdout)).unwrap();
    assert_fails(&output, 1, "checks failed");
    for line in [
        "ok       Kubernetes: v1.34.4\n",
        "failed   CRD agents.kubeopencode.io: is not installed\n         kubectl apply --server-side",
        "failed   Deployment kubeopencode-server: is not in namespace \"kubeopencode-system\"\n",
        "failed   Secret kubeopencode-gateway-tls: is missing\n         kubeoc certificates renew",
        "ok       your own rights: ",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
}

#[test]
fn what_may_not_be_read_is_unknown_and_no_failure() {
    let server = ApiServer::start(|_| failure(403, Some("x")));
    let printed = stdout(&server.run(&["check", "-o", "json"]));
    let findings: Vec<Value> = serde_json::from_str(&printed).unwrap();
    assert!(findings.len() > 10);
    for finding in &findings {
        assert_eq!(finding["level"], "unknown", "{finding}");
    }
    let message = "you are not allowed to get deployments.apps";
    assert!(findings.iter().any(|finding| finding["message"] == message), "{findings:?}");
    assert!(server.changes().iter().all(|(line, _)| line.contains("accessreviews")));
}

#[test]
fn a_server_that_fails_is_no_finding() {
    assert_fails(
        &ApiServer::start(|_| failure(500, None)).run(&["check"]),
        1,
        "as the server says",
    );
}

/// The namespaces of all rights of ServiceAccounts that `check` asks for, with `arguments`; an empty one is all.
fn asked_of(told: &'static str, arguments: &[&str]) -> BTreeSet<String> {
    let server = ApiServer::start(move |request| {
        if !request.line.contains("/deployments/") {
            return empty(request);
        }
        let env = json!([{ "name": "WATCH_NAMESPACES", "value": told }]);
        let pod =
            json!({ "serviceAccountName": "a", "containers": [{ "name": "main", "env": env }] });
        let spec =
            json!({ "selector": { "matchLabels": { "a": "b" } }, "template": { "spec": pod } });
        ok(&json!({ "metadata": { "name": "x" }, "spec": spec }))
    });
    server.run(&[&["check"], arguments].concat());
    let reviews = server.changes().into_iter().filter(|(line, _)| line.contains("/subjectaccess"));
    let attributes = reviews.map(|(_, review)| review["spec"]["resourceAttributes"].clone());
    attributes.map(|of| of["namespace"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_rights_of_programs_are_asked_for_in_the_namespaces_that_they_watch() {
    let own = "kubeopencode-system";
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(asked_of("", &[]), set(&["", own]));
    assert_eq!(asked_of("team-a,team-b", &[]), set(&["team-a", "team-b", own]));
    assert_eq!(asked_of("", &["--watch-namespace", "team-c"]), set(&["team-c", own]));
}
