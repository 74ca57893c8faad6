//! The command line, run as a user would.

use std::fs;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{authentication::v1::TokenRequest, core::v1::ServiceAccount};
use kube::{Api, api::PostParams};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::{
    cluster::Space,
    settings,
    waiting::{self, SOON},
};

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

/// `kubeoc agent attach`, with `flags`, for a terminal of its own.
pub fn attach(space: &Space, agent: &str, flags: &[&str]) -> Result<std::process::Command> {
    let mut command = std::process::Command::new(settings::kubeoc()?);
    command.args(["agent", "attach", agent, "--namespace", &space.name]).args(flags);
    Ok(command)
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

/// A kubeconfig with the rights of a `ServiceAccount`.
pub async fn kubeconfig_of(space: &Space, account: &str) -> Result<NamedTempFile> {
    let accounts: Api<ServiceAccount> = space.api();
    // That of a new namespace is made by the cluster, a moment later.
    let there = || async { Ok(accounts.get_opt(account).await?.map(drop)) };
    waiting::until(&format!("ServiceAccount {account}"), SOON, there).await?;
    let request = TokenRequest::default();
    let token = accounts.create_token_request(account, &PostParams::default(), &request).await?;
    let token = token.status.context("no token was made")?.token;

    let mut config: Value = serde_yaml_ng::from_str(&fs::read_to_string(settings::kubeconfig()?)?)?;
    for user in config["users"].as_array_mut().context("a kubeconfig without users")? {
        user["user"] = json!({ "token": token });
    }
    let file = NamedTempFile::new()?;
    fs::write(file.path(), config.to_string())?;
    Ok(file)
}
