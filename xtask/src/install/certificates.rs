//! Certificates by which the broker and its callers know each other, made at install. Their authority's key is
//! thrown away: renewing one of them means making all anew.

use anyhow::Result;
use api_types::names::{BROKER_SERVICE, CONTROLLER_DEPLOYMENT, SERVER_NAMESPACE, SERVER_SERVICE};
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    cluster::Cluster,
    pki::{Authority, Identity, Subject, Usage},
};

const BROKER_SECRET: &str = "kubeopencode-broker-tls";
const GATEWAY_SECRET: &str = "kubeopencode-gateway-tls";
/// For the controller, which watches who uses which agent.
const CONTROLLER_SECRET: &str = "kubeopencode-controller-tls";
/// For whoever lists and closes terminals; no pod mounts it.
const OPERATOR_SECRET: &str = "kubeopencode-operator-tls";
/// The name by which the broker knows an operator.
const OPERATOR: &str = "kubeopencode-operator";

pub(super) enum State {
    Kept,
    Made,
}

/// Makes all Secrets where one is missing.
pub(super) fn ensure(cluster: &Cluster) -> Result<State> {
    let callers = [
        (GATEWAY_SECRET, SERVER_SERVICE),
        (CONTROLLER_SECRET, CONTROLLER_DEPLOYMENT),
        (OPERATOR_SECRET, OPERATOR),
    ];
    if exist(cluster, &[BROKER_SECRET, GATEWAY_SECRET, CONTROLLER_SECRET, OPERATOR_SECRET])? {
        return Ok(State::Kept);
    }
    #[allow(
        clippy::disallowed_methods,
        reason = "a task, not a daemon: it has no clock of its own"
    )]
    let authority = Authority::new("kubeopencode", OffsetDateTime::now_utc())?;
    let service = format!("{BROKER_SERVICE}.{SERVER_NAMESPACE}.svc");
    let dns = [BROKER_SERVICE, &service, &format!("{service}.cluster.local")];
    let subject = Subject { name: BROKER_SERVICE, dns: &dns, ..Subject::default() };
    apply(cluster, BROKER_SECRET, &authority, &authority.issue(&subject, Usage::Server)?)?;
    for (secret, name) in callers {
        let subject = Subject { name, dns: &[name], ..Subject::default() };
        apply(cluster, secret, &authority, &authority.issue(&subject, Usage::Client)?)?;
    }
    Ok(State::Made)
}

fn exist(cluster: &Cluster, secrets: &[&str]) -> Result<bool> {
    let found = cluster
        .kubectl()?
        .args(["--namespace", SERVER_NAMESPACE, "get", "secrets", "--ignore-not-found"])
        .args(["--output", "name"])
        .args(secrets)
        .read()?;
    Ok(found.lines().count() == secrets.len())
}

fn apply(cluster: &Cluster, name: &str, authority: &Authority, identity: &Identity) -> Result<()> {
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": SERVER_NAMESPACE },
        "type": "kubernetes.io/tls",
        "stringData": {
            "tls.crt": identity.certificate,
            "tls.key": identity.key,
            "ca.crt": authority.identity.certificate,
        },
    });
    cluster
        .kubectl()?
        .args(["apply", "--server-side", "--force-conflicts", "--filename", "-"])
        .input(secret.to_string())
        .run()
}
