//! What people may do with agents who have only Kubernetes' own roles in a namespace.

use anyhow::{Context, Result};
use api_types::Agent;
use e2e::{
    agents,
    cluster::Space,
    kubeoc::{self, Outcome},
};
use k8s_openapi::api::{core::v1::ServiceAccount, rbac::v1::RoleBinding};
use kube::api::PostParams;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// Somebody with one of Kubernetes' own roles.
struct Person(NamedTempFile);

impl Person {
    async fn with(space: &Space, role: &str) -> Result<Self> {
        let account = json!({ "metadata": { "name": role } });
        let account: ServiceAccount = serde_json::from_value(account)?;
        space.api().create(&PostParams::default(), &account).await?;
        let binding: RoleBinding = serde_json::from_value(json!({
            "metadata": { "name": role },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
            "subjects": [{ "kind": "ServiceAccount", "name": role, "namespace": space.name }],
        }))?;
        space.api().create(&PostParams::default(), &binding).await?;
        Ok(Self(kubeoc::kubeconfig_of(space, role).await?))
    }

    async fn runs(&self, space: &Space, arguments: &[&str]) -> Result<Outcome> {
        let kubeconfig = self.0.path().to_str().context("a path")?;
        kubeoc::run(space, &[arguments, &["--kubeconfig", kubeconfig]].concat()).await
    }
}

#[tokio::test]
async fn whoever_may_edit_a_namespace_may_use_its_agents() -> Result<()> {
    let space = Space::new("editor").await?;
    agents::ready(&space, "mine", json!({})).await?;
    let editor = Person::with(&space, "edit").await?;
    let commands: [(&[&str], &str); 9] = [
        (&["get", "agents", "-o", "name"], "agent.kubeopencode.io/mine\n"),
        (&["get", "templates"], ""),
        (&["agent", "status", "mine"], "State:        Ready\n"),
        (&["agent", "logs", "mine", "-c", "opencode-init"], ""),
        (&["agent", "share", "mine"], "Share link is active\n"),
        (&["agent", "share", "mine", "--show"], "Token:"),
        (&["agent", "unshare", "mine"], "Share link disabled for agent"),
        (&["agent", "suspend", "mine"], "is suspended\n"),
        (&["agent", "resume", "mine", "--timeout", "120s"], "is ready\n"),
    ];
    for (arguments, says) in commands {
        let outcome = editor.runs(&space, arguments).await?;
        assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stdout.contains(says), "{arguments:?}: {}", outcome.stdout);
    }
    space.delete().await
}

#[tokio::test]
async fn whoever_may_view_a_namespace_sees_its_agents_and_no_token() -> Result<()> {
    let space = Space::new("viewer").await?;
    agents::ready(&space, "mine", json!({ "share": { "enabled": true } })).await?;
    let viewer = Person::with(&space, "view").await?;
    let commands: [(&[&str], i32); 6] = [
        (&["get", "agents"], 0),
        (&["agent", "status", "mine"], 0),
        (&["agent", "logs", "mine"], 0),
        (&["agent", "share", "mine", "--show"], 5),
        (&["agent", "suspend", "mine"], 5),
        (&["agent", "unshare", "mine"], 5),
    ];
    for (arguments, code) in commands {
        let outcome = viewer.runs(&space, arguments).await?;
        assert_eq!(outcome.code, code, "{arguments:?}: {}{}", outcome.stdout, outcome.stderr);
    }
    space.delete().await
}

#[tokio::test]
async fn an_agent_that_cannot_start_says_what_to_do() -> Result<()> {
    let space = Space::new("advice").await?;
    let lost = json!({ "templateRef": { "name": "nowhere" } });
    agents::create(&space, "lost", lost).await?;
    let is_refused = |agent: &Agent| {
        agents::condition_of(agent, "Ready").is_some_and(|(_, reason)| reason == "TemplateNotFound")
    };
    // On the heap: a watch's future is larger than a stack frame should be.
    Box::pin(agents::wait(&space, "lost", "refused", is_refused)).await?;
    let report = kubeoc::run(&space, &["agent", "status", "lost", "-o", "json"]).await?;
    let report: Value = serde_json::from_str(&report.stdout)?;
    assert_eq!(report["state"], "TemplateNotFound", "{report}");
    let advice = report["advice"].as_str().context("no advice")?;
    assert!(advice.contains("Create the AgentTemplate \"nowhere\""), "{advice}");

    let logs = kubeoc::run(&space, &["agent", "logs", "lost"]).await?;
    assert_eq!(logs.code, 3, "{}", logs.stdout);
    assert!(logs.stderr.contains("the agent has no pod: "), "{}", logs.stderr);
    space.delete().await
}
