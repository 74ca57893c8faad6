//! `kubeoc certificates renew` and `remove` against an API server that keeps Secrets, and counts their versions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::api_server::{Answer, ApiServer, Request, assert_fails, failure, ok, stdout};

const RENEW: [&str; 2] = ["certificates", "renew"];
const REMOVE: [&str; 2] = ["certificates", "remove"];

type Stored = Arc<Mutex<BTreeMap<String, Value>>>;

/// Keeps what is created and replaced; `before` may change it before each request is answered.
fn server(
    before: impl Fn(&Request, &mut BTreeMap<String, Value>) + Send + 'static,
) -> (ApiServer, Stored) {
    let stored = Stored::default();
    let kept = Arc::clone(&stored);
    let server = ApiServer::start(move |request| {
        let mut secrets = kept.lock().unwrap();
        before(request, &mut secrets);
        answer(request, &mut secrets)
    });
    (server, stored)
}

fn answer(request: &Request, secrets: &mut BTreeMap<String, Value>) -> Answer {
    let (verb, path) = request.line.split_once(' ').unwrap();
    let path = path.split('?').next().unwrap();
    let rest = path.strip_prefix("/api/v1/namespaces/kubeopencode-system/secrets").unwrap();
    let mut body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let name = body["metadata"]["name"].as_str().unwrap_or(rest.trim_start_matches('/')).to_owned();
    let version = secrets.get(&name).map(|secret| secret["metadata"]["resourceVersion"].clone());
    match (verb, version) {
        ("GET" | "DELETE", None) => failure(404, Some(&name)),
        ("GET", Some(_)) => ok(&secrets[&name]),
        ("POST", Some(_)) => failure(409, Some(&name)),
        ("PUT", Some(version)) if version != body["metadata"]["resourceVersion"] => {
            failure(409, Some(&name))
        }
        ("DELETE", Some(version)) if version != body["preconditions"]["resourceVersion"] => {
            failure(409, Some(&name))
        }
        ("DELETE", Some(_)) => ok(&secrets.remove(&name).unwrap()),
        (_, version) => {
            let version: u64 = version.map_or(0, |it| it.as_str().unwrap().parse().unwrap());
            body["metadata"]["resourceVersion"] = json!((version + 1).to_string());
            secrets.insert(name, body.clone());
            ok(&body)
        }
    }
}

/// All Secrets as one bearer's peers have to find them: of one authority.
#[track_caller]
fn assert_whole(stored: &Stored) {
    let secrets = stored.lock().unwrap();
    let data = |name: &str| {
        let secret: Secret = serde_json::from_value(secrets[name].clone()).unwrap();
        secret.data.unwrap()
    };
    let authority = data("kubeopencode-ca");
    for name in ["broker", "gateway", "controller", "operator"] {
        let data = data(&format!("kubeopencode-{name}-tls"));
        assert_eq!(data["ca.crt"], authority["ca.crt"], "{name}");
        assert!(!data["tls.crt"].0.is_empty() && !data["tls.key"].0.is_empty());
    }
    assert_eq!(secrets.len(), 5);
}

#[test]
fn a_new_installation_gets_all_and_a_second_run_writes_nothing() {
    let (server, stored) = server(|_, _| {});
    let first = stdout(&server.run(&RENEW));
    assert_eq!(first.lines().count(), 5);
    assert!(first.lines().all(|line| line.contains(": made, as there was none; valid until ")));
    assert_whole(&stored);
    let writes = server.changes().len();
    let second = stdout(&server.run(&RENEW));
    assert!(second.lines().all(|line| line.contains(": nothing to do; valid until ")), "{second}");
    assert_eq!(server.changes().len(), writes);
    let keys = stored.lock().unwrap()["kubeopencode-broker-tls"]["data"].clone();
    assert_eq!(
        keys.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["ca.crt", "tls.crt", "tls.key"]
    );
}

#[test]
fn two_runs_at_once_leave_one_set() {
    const AUTHORITY: &str = "kubeopencode-ca";
    let (other, theirs) = server(|_, _| {});
    stdout(&other.run(&RENEW));
    let theirs = theirs.lock().unwrap()[AUTHORITY].clone();
    // Another run creates the authority just before this one does.
    let (server, stored) = server(move |request, secrets| {
        if request.line.starts_with("POST") && secrets.is_empty() {
            secrets.insert(AUTHORITY.to_owned(), theirs.clone());
        }
    });
    stdout(&server.run(&RENEW));
    assert_whole(&stored);
}

#[test]
fn what_somebody_else_made_is_told_of_and_adopted_on_request() {
    let (server, stored) = server(|_, _| {});
    stdout(&server.run(&RENEW));
    stored.lock().unwrap().get_mut("kubeopencode-gateway-tls").unwrap()["metadata"]["labels"] =
        json!({});
    let writes = server.changes().len();
    let output = server.run(&RENEW);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    let way_out = "kubeopencode-gateway-tls: left as it is: somebody else made it; take it over \
                   with --adopt, or delete it";
    assert!(told.contains(way_out), "{told}");
    assert_eq!(server.changes().len(), writes);

    stdout(&server.run(&["certificates", "renew", "--adopt"]));
    assert_eq!(server.changes().len(), writes + 1);
    assert!(stdout(&server.run(&RENEW)).lines().all(|line| line.contains(": nothing to do")));
}

#[test]
fn bad_input_is_code_2_and_names_the_flag() {
    let (server, _) = server(|_, _| {});
    let cases = [
        (&["--validity", "366"][..], "--validity"),
        (&["--validity", "soon"], "--validity"),
        (&["--renew-before", "0"], "--renew-before"),
        (&["--validity", "30"], "--renew-before (30 days) has to be shorter than --validity"),
    ];
    for (flags, says) in cases {
        assert_fails(&server.run(&[&RENEW, flags].concat()), 2, says);
    }
    assert!(server.lines().is_empty());
}

#[test]
fn a_missing_permission_or_namespace_is_named() {
    let forbidden = ApiServer::start(|_| failure(403, Some("x")));
    let says = "not allowed to get secrets in namespace \"kubeopencode-system\"";
    assert_fails(&forbidden.run(&RENEW), 5, says);
    let nowhere = ApiServer::start(|_| failure(404, Some("elsewhere")));
    let output = nowhere.run(&["certificates", "renew", "-n", "elsewhere"]);
    assert_fails(&output, 3, "namespace \"elsewhere\" not found; give the one of the installation");
}

#[test]
fn what_was_made_is_removed_and_a_second_run_finds_nothing() {
    let (server, stored) = server(|_, _| {});
    stdout(&server.run(&RENEW));
    let foreign = json!({ "metadata": { "name": "my-own-tls", "resourceVersion": "1" } });
    stored.lock().unwrap().insert("my-own-tls".to_owned(), foreign);
    let removed = stdout(&server.run(&REMOVE));
    let expected = ["broker-tls", "gateway-tls", "controller-tls", "operator-tls", "ca"];
    let expected = expected.map(|name| format!("kubeopencode-{name}: deleted"));
    assert_eq!(removed.lines().collect::<Vec<_>>(), expected);
    assert_eq!(stored.lock().unwrap().keys().collect::<Vec<_>>(), ["my-own-tls"]);

    let changes = server.changes().len();
    let again = stdout(&server.run(&REMOVE));
    assert!(again.lines().all(|line| line.ends_with(": not there")), "{again}");
    assert_eq!((again.lines().count(), server.changes().len()), (5, changes));
}

/// The role of the chart's job allows no list, and names the Secrets.
#[test]
fn to_remove_takes_get_and_delete_of_the_named_secrets_alone() {
    let (server, _) = server(|_, _| {});
    stdout(&server.run(&RENEW));
    let before = server.lines().len();
    stdout(&server.run(&REMOVE));
    let lines = server.lines();
    let asked = |line: &String| {
        let line = line.replace("/api/v1/namespaces/kubeopencode-system/secrets/kubeopencode-", "");
        let (verb, name) = line.split_once(' ').unwrap();
        (verb.to_owned(), name.trim_end_matches('?').to_owned())
    };
    let asked: Vec<_> = lines[before..].iter().map(asked).collect();
    let expected = ["broker-tls", "gateway-tls", "controller-tls", "operator-tls", "ca"];
    let expected: Vec<_> = expected
        .iter()
        .flat_map(|name| ["GET", "DELETE"].map(|verb| (verb.to_owned(), (*name).to_owned())))
        .collect();
    assert_eq!(asked, expected);
}

#[test]
fn what_somebody_else_made_is_not_removed() {
    let (server, stored) = server(|_, _| {});
    stdout(&server.run(&RENEW));
    {
        let mut secrets = stored.lock().unwrap();
        secrets.get_mut("kubeopencode-gateway-tls").unwrap()["metadata"]["labels"] = json!({});
        secrets.get_mut("kubeopencode-ca").unwrap()["metadata"]["annotations"] =
            json!({ "cert-manager.io/certificate-name": "kubeopencode-ca" });
    }
    let removed = stdout(&server.run(&REMOVE));
    for line in [
        "kubeopencode-gateway-tls: left as it is: somebody else made it; if nobody needs it, delete it \
         with: kubectl delete secret kubeopencode-gateway-tls -n kubeopencode-system\n",
        "kubeopencode-ca: left as it is: cert-manager writes it; delete its Certificate first, and \
         then: kubectl delete secret kubeopencode-ca -n kubeopencode-system\n",
    ] {
        assert!(removed.contains(line), "{removed}");
    }
    let left = stored.lock().unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["kubeopencode-ca", "kubeopencode-gateway-tls"]);
}

/// Somebody takes a Secret over between the read and the deletion.
#[test]
fn a_secret_is_judged_as_it_is_when_it_is_deleted() {
    const GATEWAY: &str = "kubeopencode-gateway-tls";
    let (server, stored) = server(|request, secrets| {
        let secret = secrets.get_mut(GATEWAY);
        if request.line.starts_with("DELETE") && request.line.contains(GATEWAY) {
            secret.unwrap()["metadata"] = json!({ "name": GATEWAY, "resourceVersion": "7" });
        }
    });
    stdout(&server.run(&RENEW));
    let removed = stdout(&server.run(&REMOVE));
    assert!(removed.contains("kubeopencode-gateway-tls: left as it is: somebody"), "{removed}");
    assert_eq!(stored.lock().unwrap().keys().collect::<Vec<_>>(), [GATEWAY]);
}

#[test]
fn who_may_not_remove_is_told_the_right() {
    let (server, _) = server(|_, _| {});
    stdout(&server.run(&RENEW));
    let forbidden = ApiServer::start(|_| failure(403, Some("x")));
    let says = "not allowed to get secrets in namespace \"elsewhere\"";
    assert_fails(&forbidden.run(&["certificates", "remove", "-n", "elsewhere"]), 5, says);
}
