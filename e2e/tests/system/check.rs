//! What an administrator asks of an installation: whether an agent gets ready in it, and its link opens.

use anyhow::{Context, Result};
use api_types::{Agent, names};
use e2e::{cluster::Space, settings};
use kube::api::ListParams;
use serde_json::Value;
use tokio::process::Command;

/// Runs `kubeoc check` with an agent in the test's namespace; what it found of it, and of its link.
async fn findings(space: &Space, flags: &[&str]) -> Result<Vec<Value>> {
    let output = Command::new(settings::kubeoc()?)
        .args(["check", "--namespace", names::SERVER_NAMESPACE, "--output", "json"])
        .args(["--scratch-agent", &space.name, "--scratch-timeout", "3m"])
        .args(flags)
        .output()
        .await
        .context("kubeoc does not start")?;
    let all: Vec<Value> = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let ours = |finding: &Value| {
        finding["subject"].as_str().is_some_and(|subject| subject.contains("/kubeoc-check-"))
    };
    Ok(all.into_iter().filter(ours).collect())
}

#[tokio::test]
async fn a_scratch_agent_gets_ready_its_link_opens_and_nothing_of_it_stays() -> Result<()> {
    let space = Space::new("check").await?;
    let findings = findings(&space, &[]).await?;
    assert_eq!(findings.len(), 3, "{findings:?}");
    for finding in &findings {
        assert_eq!(finding["level"], "ok", "{finding}");
    }
    assert_eq!(findings[1]["message"], "opens through the API server");
    let left = space.api::<Agent>().list(&ListParams::default()).await?;
    let left = left.items.iter().filter(|agent| agent.metadata.deletion_timestamp.is_none());
    assert_eq!(left.count(), 0);
    space.delete().await
}

#[tokio::test]
async fn a_url_that_leads_nowhere_is_told_of_and_the_agent_is_deleted_all_the_same() -> Result<()> {
    let space = Space::new("check-url").await?;
    let findings = findings(&space, &["--external-url", "http://127.0.0.1:1"]).await?;
    let levels: Vec<_> = findings.iter().map(|finding| finding["level"].clone()).collect();
    assert_eq!(levels, ["ok", "failed", "ok"], "{findings:?}");
    assert!(
        findings[1]["fix"].as_str().is_some_and(|fix| fix.starts_with("curl ")),
        "{findings:?}"
    );
    space.delete().await
}
