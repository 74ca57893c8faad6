//! The command line, run as a user would.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::{cluster::Space, settings};

/// What `kubeoc` printed and how it ended.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `kubeoc` with `arguments`, in the test's namespace.
pub async fn run(space: &Space, arguments: &[&str]) -> Result<Outcome> {
    let output = Command::new(settings::kubeoc()?)
        .args(arguments)
        .args(["--namespace", &space.name])
        .output()
        .await
        .context("kubeoc does not start")?;
    Ok(Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Shares an agent, with `flags`, and returns its token.
pub async fn share(space: &Space, agent: &str, flags: &[&str]) -> Result<String> {
    let arguments = [&["agent", "share", agent, "--output", "json"], flags].concat();
    let outcome = run(space, &arguments).await?;
    ensure!(outcome.code == 0, "kubeoc agent share: {}", outcome.stderr);
    let link: Value = serde_json::from_str(&outcome.stdout)?;
    Ok(link["token"].as_str().context("no token was printed")?.to_owned())
}

/// Turns sharing off and waits until the token is dead.
pub async fn unshare(space: &Space, agent: &str) -> Result<()> {
    let outcome = run(space, &["agent", "unshare", agent]).await?;
    ensure!(outcome.code == 0, "kubeoc agent unshare: {}", outcome.stderr);
    Ok(())
}
