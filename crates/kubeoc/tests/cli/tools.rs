//! The certificates of tools: made, renewed and removed with the others.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use pki::{CERTIFICATE_KEY, Certificate};
use serde_json::json;

use crate::{
    api_server::{ApiServer, assert_fails, failure, stdout},
    certificates::{RENEW, Stored, server},
};

const ISSUE: [&str; 7] = ["certificates", "issue", "nightly", "--role", "list", "--role", "close"];
const SECRET: &str = "kubeopencode-tool-nightly-tls";

/// The DNS names in a stored certificate.
fn names(stored: &Stored) -> BTreeSet<String> {
    let secret: Secret = serde_json::from_value(stored.lock().unwrap()[SECRET].clone()).unwrap();
    let pem = &secret.data.unwrap()[CERTIFICATE_KEY].0;
    Certificate::read(pem, CERTIFICATE_KEY).unwrap().swap_remove(0).dns
}

fn both() -> BTreeSet<String> {
    ["kubeopencode-tool-nightly", "kubeopencode-list", "kubeopencode-close"]
        .map(str::to_owned)
        .into()
}

#[test]
fn a_tool_gets_a_certificate_of_its_own_and_no_other_secret_is_written() {
    let (server, stored) = server(|_, _| {});
    stdout(&server.run(&RENEW));
    let before = server.changes().len();
    let said = stdout(&server.run(&ISSUE));
    assert!(
        said.starts_with(&format!("{SECRET}: made, as there was none; valid until ")),
        "{said}"
    );
    assert!(said.contains("certificates.tools"), "{said}");
    assert_eq!(server.changes().len(), before + 1);
    assert_eq!(names(&stored), both());
    let secrets = stored.lock().unwrap();
    assert_eq!(secrets[SECRET]["data"]["ca.crt"], secrets["kubeopencode-ca"]["data"]["ca.crt"]);
}

#[test]
fn without_an_authority_none_is_made() {
    let (server, stored) = server(|_, _| {});
    assert_fails(&server.run(&ISSUE), 1, "run `kubeoc certificates renew -n kubeopencode-system`");
    assert!(stored.lock().unwrap().is_empty());
}

#[test]
fn the_next_renewal_finds_the_tools_and_a_removal_takes_them_along() {
    let (server, stored) = server(|_, _| {});
    stdout(&server.run(&RENEW));
    stdout(&server.run(&ISSUE));
    stored.lock().unwrap().get_mut(SECRET).unwrap()["data"]["tls.key"] = json!("");
    let said = stdout(&server.run(&RENEW));
    assert!(said.contains(&format!("{SECRET}: made, as it could not be used: ")), "{said}");
    assert_eq!(names(&stored), both());

    let removed = stdout(&server.run(&["certificates", "remove"]));
    assert!(removed.contains(&format!("{SECRET}: deleted\n")), "{removed}");
    assert!(stored.lock().unwrap().is_empty());
}

#[test]
fn a_tool_whose_certificate_tells_no_role_is_left_and_told_of() {
    let (server, stored) = server(|_, _| {});
    stdout(&server.run(&RENEW));
    stdout(&server.run(&ISSUE));
    stored.lock().unwrap().get_mut(SECRET).unwrap()["data"]["tls.crt"] = json!("");
    let output = server.run(&RENEW);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    let way_out = format!(
        "{SECRET}: left as it is: tls.crt is missing; make it anew with: kubeoc certificates issue \
         nightly -n kubeopencode-system --role ROLE\n"
    );
    assert!(told.contains(&way_out), "{told}");
    assert_eq!(stdout(&server.run(&ISSUE)).lines().count(), 2);
    stdout(&server.run(&RENEW));
}

/// As the chart's jobs, whose roles name the Secrets and allow no list.
#[test]
fn a_tool_that_is_named_needs_no_list() {
    let (server, stored) = server(|request, _| {
        assert!(!request.line.contains("labelSelector"), "{}", request.line);
    });
    let tool = ["--no-list", "--tool=nightly=list,close"];
    stdout(&server.run(&[&RENEW[..], &tool].concat()));
    assert_eq!(names(&stored), both());
    // Another choice of roles.
    let fewer = stdout(&server.run(&[&RENEW[..], &["--no-list", "--tool=nightly=list"]].concat()));
    assert!(fewer.contains(SECRET), "{fewer}");
    let removed = stdout(&server.run(&["certificates", "remove", "--no-list", "--tool=nightly"]));
    assert!(removed.contains(&format!("{SECRET}: deleted\n")), "{removed}");
}

#[test]
fn who_may_not_list_secrets_renews_the_others() {
    let (kept, stored) = server(|_, _| {});
    stdout(&kept.run(&RENEW));
    let secrets = stored.lock().unwrap().clone();
    let server = ApiServer::start(move |request| {
        let name = request.line.rsplit('/').next().unwrap().trim_end_matches('?');
        match secrets.get(name) {
            Some(secret) => crate::api_server::ok(secret),
            None => failure(403, None),
        }
    });
    let output = server.run(&RENEW);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("not allowed to list secrets") && told.contains("--tool"), "{told}");
}

#[test]
fn a_bad_name_or_role_is_code_2() {
    let (server, _) = server(|_, _| {});
    for (arguments, says) in [
        (&["issue", "Nightly", "--role", "list"][..], "cannot be a tool's name"),
        (&["issue", "nightly", "--role", "admin"], "use some of attach, list, close"),
        (&["issue", "nightly"], "--role"),
        (&["renew", "--tool", "nightly"], "is no role"),
    ] {
        assert_fails(&server.run(&[&["certificates"], arguments].concat()), 2, says);
    }
    assert!(server.lines().is_empty());
}
