//! A token appears in its Secret and in its URL, and nowhere else.

use std::{fs, time::Duration};

use anyhow::{Result, ensure};
use e2e::{agents, cluster::Space, guest::at_work, http, pods, settings};
use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};
use serde_json::json;

const COMPONENTS: [&str; 3] = ["controller", "gateway", "terminal-broker"];

#[tokio::test]
async fn a_token_is_in_no_log_event_metric_or_status() -> Result<()> {
    let space = Space::new("secrecy").await?;
    let (token, guest) = at_work(&space, "discreet", &["--allowed-ips", "0.0.0.0/0"]).await?;
    http::get(&format!("/s/{token}/nonsense"), &[]).await?;
    http::get(&format!("/s/{token}?token={token}"), &[]).await?;
    // Denied as well: the paths that report a refusal must not report too much.
    agents::patch(
        &space,
        "discreet",
        json!({ "spec": { "share": { "allowedIPs": ["192.0.2.1"] } } }),
    )
    .await?;
    guest.says("may not be used from your network", Duration::from_secs(20)).await?;

    for component in COMPONENTS {
        let logs = pods::logs(&space.client, component).await?;
        ensure!(logs.contains('{'), "{component} logs something");
        ensure!(!logs.contains(&token), "{component} logs a token");
        for metrics in pods::metrics(&space.client, component).await? {
            ensure!(metrics.contains("# EOF"), "{component} has metrics: {metrics}");
            ensure!(!metrics.contains(&token), "{component} has a token in its metrics");
        }
    }
    let pod = pods::of_agent(&space, "discreet").await?;
    ensure!(
        !pods::agent_logs(&space, &pod).await?.contains(&token),
        "the agent's pod logs a token"
    );

    let events = Api::<Event>::all(space.client.clone()).list(&ListParams::default()).await?;
    let events = serde_json::to_string(&events)?;
    ensure!(events.contains("TerminalOpened"), "there are Events of terminals");
    ensure!(!events.contains(&token), "an Event has a token");

    let agent = space.api::<api_types::Agent>().get("discreet").await?;
    ensure!(!serde_json::to_string(&agent)?.contains(&token), "the Agent has a token");
    ensure!(
        !fs::read_to_string(settings::audit_log()?)?.contains(&token),
        "the audit log has a token"
    );
    space.delete().await
}
