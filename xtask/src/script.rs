//! What stands in the cluster for what an agent has elsewhere: an endpoint that answers in the place of a model, and says
//! that it is a script, and a git server. The demo and the end-to-end tests talk to them.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{cluster::Cluster, images::Image, install, step};

/// As `e2e/demo` has it.
pub(crate) const NAMESPACE: &str = "demo";

/// The repository of the git server, as agents of every namespace reach it.
pub(crate) fn repository() -> String {
    format!("http://git-server.{NAMESPACE}.svc:8080/cgi-bin/git/repo.git")
}

/// Puts both and their namespace into the cluster.
pub(crate) fn up(cluster: &Cluster, images: &[Image]) -> Result<()> {
    step::run("scripted model, git server", |_| {
        install::apply(cluster, "--kustomize", &install::overlay::demo(images)?)?;
        install::rollout(cluster, NAMESPACE, "scripted-model")?;
        install::rollout(cluster, NAMESPACE, "git-server")
    })
}

/// `OpenCode`'s configuration for it. `OpenCode` bundles the client for endpoints like OpenAI's; nothing is
/// fetched at run time.
pub(crate) fn config() -> Value {
    json!({
        "model": "script/script",
        "small_model": "script/script",
        "autoupdate": false,
        "share": "disabled",
        "provider": {
            "script": {
                "name": "A script, not a model",
                "npm": "@ai-sdk/openai-compatible",
                "options": { "baseURL": format!("http://scripted-model.{NAMESPACE}.svc/v1"), "apiKey": "none" },
                "models": { "script": { "name": "Script" } },
            },
        },
    })
}
