//! An agent that nobody uses costs the API server nothing.

use std::{collections::BTreeMap, fs, time::Duration};

use anyhow::{Result, ensure};
use e2e::{agents, cluster::Space, kubeoc, settings, waiting};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::ListParams};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

/// One line of the audit log, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    verb: String,
    user: User,
    object_ref: Option<ObjectRef>,
    #[serde(with = "time::serde::rfc3339")]
    request_received_timestamp: OffsetDateTime,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
struct ObjectRef {
    #[serde(default)]
    resource: String,
}

#[tokio::test]
async fn an_idle_shared_agent_costs_no_request() -> Result<()> {
    let space = Space::new("idle").await?;
    agents::ready(&space, "sleeper", json!({})).await?;
    kubeoc::share(&space, "sleeper", &[]).await?;
    others_are_gone(&space).await?;
    // What the last change set off may still be under way: the window opens after five quiet seconds.
    let (quiet_since, _) = waiting::until("five quiet seconds", Duration::from_mins(1), || async {
        let now = now();
        let (recent, _) = requests(now - Duration::from_secs(5), now)?;
        Ok(recent.is_empty().then_some(now))
    })
    .await?;

    let window = settings::idle()?;
    let (seen, lease) = waiting::until("the window is over", window * 2, || async {
        let end = quiet_since + window;
        Ok(if now() < end { None } else { Some(requests(quiet_since, end)?) })
    })
    .await?
    .0;

    ensure!(lease > 0, "the log shows the controller's lease: it was really read");
    assert_eq!(seen, BTreeMap::new(), "requests of our services within {window:?}");
    space.delete().await
}

#[allow(
    clippy::disallowed_methods,
    reason = "compared with the clock of the API server on this machine"
)]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Other tests' agents still cause work while they go away.
async fn others_are_gone(space: &Space) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(space.client.clone());
    let list = ListParams::default().labels("kubeopencode.io/e2e=true");
    waiting::until("other tests' namespaces are gone", Duration::from_mins(3), || async {
        Ok((namespaces.list(&list).await?.items.len() == 1).then_some(()))
    })
    .await?;
    Ok(())
}

/// Our services' requests between two times, counted by user, verb and resource, without watches and
/// the lease; and those of the lease.
fn requests(from: OffsetDateTime, to: OffsetDateTime) -> Result<(BTreeMap<String, usize>, usize)> {
    let (mut seen, mut lease) = (BTreeMap::new(), 0);
    for line in fs::read_to_string(settings::audit_log()?)?.lines() {
        if !line.contains("system:serviceaccount:kubeopencode-system:") {
            continue;
        }
        // The last line may be half written; the next look sees it whole.
        let Ok(entry) = serde_json::from_str::<Entry>(line) else { continue };
        let within = (from..to).contains(&entry.request_received_timestamp);
        let ours = entry.user.username.starts_with("system:serviceaccount:kubeopencode-system:");
        let resource = entry.object_ref.map(|object| object.resource).unwrap_or_default();
        match (within && ours, resource.as_str(), entry.verb.as_str()) {
            (false, ..) | (true, _, "watch") => {}
            (true, "leases", _) => lease += 1,
            (true, ..) => {
                let key = format!("{} {} {resource}", entry.user.username, entry.verb);
                *seen.entry(key).or_default() += 1;
            }
        }
    }
    Ok((seen, lease))
}
