//! Certificates by which the broker and its callers know each other: made, and renewed where they are about to end,
//! as `kubeoc certificates renew` does it.

use anyhow::{Context, Result, bail};
use api_types::names::SERVER_NAMESPACE;
use k8s_openapi::api::core::v1::Secret;
use pki::{Adoption, Done, Settings};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use crate::cluster::Cluster;

/// Nothing renews them here but the next install.
const VALIDITY: Duration = Duration::days(365);
const RENEW_BEFORE: Duration = Duration::days(60);

/// How often another's write is made room for.
const ATTEMPTS: usize = 3;

pub(super) enum State {
    Kept,
    Made,
}

/// Makes what is missing or about to end. Secrets of an earlier install, whose authority has no key any more, are
/// taken over: they work on, and are replaced by an install an hour later or more.
pub(super) fn ensure(cluster: &Cluster) -> Result<State> {
    let settings = Settings {
        namespace: SERVER_NAMESPACE.to_owned(),
        validity: VALIDITY,
        renew_before: RENEW_BEFORE,
        adopt: Adoption::Allowed,
        tools: vec![],
    };
    let mut attempt = 1;
    loop {
        match renew(cluster, &settings) {
            Err(_) if attempt < ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

fn renew(cluster: &Cluster, settings: &Settings) -> Result<State> {
    #[allow(
        clippy::disallowed_methods,
        reason = "a task, not a daemon: it has no clock of its own"
    )]
    let renewal = pki::renew(&observed(cluster)?, settings, OffsetDateTime::now_utc())?;
    if let Some(left) = renewal.outcomes.iter().find_map(|outcome| match &outcome.done {
        Done::Left(why) => Some(format!("Secret {}: {why}; delete it", outcome.secret)),
        _ => None,
    }) {
        bail!(left);
    }
    for secret in &renewal.writes {
        write(cluster, secret)?;
    }
    Ok(if renewal.writes.is_empty() { State::Kept } else { State::Made })
}

#[derive(Deserialize)]
struct Secrets {
    items: Vec<Secret>,
}

fn observed(cluster: &Cluster) -> Result<Vec<Secret>> {
    let found = cluster
        .kubectl()?
        .args(["--namespace", SERVER_NAMESPACE, "get", "secrets", "--ignore-not-found"])
        .args(["--output", "json"])
        .args(pki::secret_names(&[]))
        .read()?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let found: Secrets = serde_json::from_str(&found).context("the Secrets of certificates")?;
    Ok(found.items)
}

/// Fails where somebody else wrote it since it was read.
fn write(cluster: &Cluster, secret: &Secret) -> Result<()> {
    let verb = if secret.metadata.resource_version.is_some() { "replace" } else { "create" };
    let manifest = serde_json::to_string(secret)?;
    cluster.kubectl()?.args([verb, "--filename", "-"]).input(manifest).run()
}
