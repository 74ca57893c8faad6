//! Certificates by which gateway and broker know each other, made at install. Their authority's key is
//! thrown away: renewing one of them means making both anew.

use anyhow::Result;
use api_types::names::{BROKER_SERVICE, SERVER_NAMESPACE, SERVER_SERVICE};
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    cluster::Cluster,
    pki::{Authority, Identity, Subject, Usage},
};

const BROKER_SECRET: &str = "kubeopencode-broker-tls";
const GATEWAY_SECRET: &str = "kubeopencode-gateway-tls";

pub(super) enum State {
    Kept,
    Made,
}

/// Makes both Secrets where one is missing.
pub(super) fn ensure(cluster: &Cluster) -> Result<State> {
    if exists(cluster, BROKER_SECRET)? && exists(cluster, GATEWAY_SECRET)? {
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
    let subject = Subject { name: SERVER_SERVICE, dns: &[SERVER_SERVICE], ..Subject::default() };
    apply(cluster, GATEWAY_SECRET, &authority, &authority.issue(&subject, Usage::Client)?)?;
    Ok(State::Made)
}

fn exists(cluster: &Cluster, secret: &str) -> Result<bool> {
    let found = cluster
        .kubectl()?
        .args(["--namespace", SERVER_NAMESPACE, "get", "secret", secret])
        .args(["--ignore-not-found", "--output", "name"])
        .read()?;
    Ok(!found.is_empty())
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
