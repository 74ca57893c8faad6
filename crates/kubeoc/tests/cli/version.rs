//! `kubeoc version`: the client's always, and the server's where it can be told.

use serde_json::{Value, json};

use crate::api_server::{ApiServer, assert_fails, failure, ok, stdout};

fn deployment(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": "kubeopencode-system" },
        "spec": {
            "selector": {},
            "template": { "spec": { "containers": [{ "name": "main", "image": image }] } },
        },
    })
}

fn installed() -> ApiServer {
    ApiServer::start(|request| {
        if request.is_for("/namespaces/kubeopencode-system/deployments/kubeopencode-controller") {
            ok(&deployment("kubeopencode-controller", "ghcr.io/kubeopencode/controller:0.9.1"))
        } else if request.is_for("/deployments/kubeopencode-server") {
            ok(&deployment("kubeopencode-server", "ghcr.io/kubeopencode/gateway:latest"))
        } else {
            failure(404, Some("x"))
        }
    })
}

#[test]
fn every_component_has_a_version_of_its_own() {
    let own = env!("CARGO_PKG_VERSION");
    let printed = stdout(&installed().run(&["version"]));
    let expected = [
        format!("Client:           {own}"),
        "Controller:       0.9.1".to_owned(),
        "Gateway:          unknown (image ghcr.io/kubeopencode/gateway:latest)".to_owned(),
        "Terminal broker:  not installed".to_owned(),
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
    let printed = stdout(&installed().run(&["version", "-o", "json"]));
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["client"]["version"], own);
    assert_eq!(printed["server"]["components"][0]["version"], "0.9.1");
    assert_eq!(printed["server"]["components"][2]["version"], Value::Null);
}

#[test]
fn the_clients_asks_no_server() {
    let nobody = ApiServer::start(|_| failure(500, None));
    let printed = stdout(&nobody.run(&["version", "--client", "-o", "json"]));
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["server"], Value::Null);
    assert!(nobody.lines().is_empty());
}

#[test]
fn what_cannot_be_told_is_said_after_what_can() {
    let cases = [
        (404, 3, "KubeOpenCode is not installed in namespace \"kubeopencode-system\""),
        (403, 5, "not allowed to get deployments.apps in namespace \"kubeopencode-system\""),
    ];
    for (answer, code, says) in cases {
        let server = ApiServer::start(move |_| failure(answer, Some("x")));
        let mut output = server.run(&["version"]);
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("Client:"), "{output:?}");
        output.stdout.clear();
        assert_fails(&output, code, says);
    }
}
