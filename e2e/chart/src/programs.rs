//! helm and kubectl, as `cargo xtask chart` tells where they are. It knows nothing of the chart.

use std::{
    ffi::OsString,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result};

/// How a program ended, and what it said.
pub struct Outcome {
    pub succeeded: bool,
    pub output: String,
    pub errors: String,
}

/// helm, which asks no cluster: its own settings and caches are nobody's.
pub fn helm(arguments: &[&str], paths: &[&Path]) -> Result<Outcome> {
    let home = tempfile::tempdir()?;
    let mut helm = Command::new(program("HELM")?);
    helm.args(arguments).args(paths).env_remove("KUBECONFIG").env("HOME", home.path());
    run(helm, "")
}

/// helm at the API server that `KUBECONFIG` names.
pub fn helm_on_cluster(arguments: &[&str]) -> Result<Outcome> {
    let home = tempfile::tempdir()?;
    let mut helm = Command::new(program("HELM")?);
    helm.args(arguments).env("HOME", home.path());
    run(helm, "")
}

/// kubectl, with `input` on its standard input; `KUBECONFIG` names the API server.
pub fn kubectl(arguments: &[&str], input: &str) -> Result<Outcome> {
    let mut kubectl = Command::new(program("KUBECTL")?);
    kubectl.args(arguments);
    run(kubectl, input)
}

/// Any program, with `input` on its standard input.
pub fn run(mut command: Command, input: &str) -> Result<Outcome> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{command:?} did not start"))?;
    let mut pipe = child.stdin.take().context("standard input is piped")?;
    let output = thread::scope(|scope| {
        // A program that ends without reading its input is judged by how it ended.
        scope.spawn(move || pipe.write_all(input.as_bytes()));
        child.wait_with_output()
    })?;
    Ok(Outcome {
        succeeded: output.status.success(),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Where xtask says that a program is.
#[allow(
    clippy::disallowed_methods,
    reason = "tests have no flags; this is the one place that reads"
)]
pub fn program(name: &str) -> Result<OsString> {
    std::env::var_os(name).with_context(|| {
        format!(
            "{name} is not set: run these tests by `cargo xtask chart`, `release --test artifacts` or `test`"
        )
    })
}
