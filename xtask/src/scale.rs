//! `cargo xtask bench reconcile` and `cargo xtask soak`: the real controller among many Agents, as a process beside a
//! control plane without a node. It brings up what the drivers need; what they measure and check is in `e2e/scale`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_yaml_ng::Value;

use crate::{
    cluster::{ControlPlane, Controllers, Wanted},
    images, interrupt, paths,
    shell::Cmd,
    step,
};

/// The namespace of the controller's account.
const SYSTEM: &str = "kubeopencode-system";

#[derive(clap::Args)]
pub(crate) struct ReconcileArguments {
    /// Counts of Agents, each measured on a control plane of its own.
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000", value_name = "COUNTS")]
    agents: Vec<u32>,
    /// Seconds without any change, in which requests are counted.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..))]
    idle_seconds: u16,
    /// Write the table into this file too.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The Kubernetes to measure with: a minor such as 1.34, or a version [default: the newest].
    #[arg(long, value_name = "VERSION|MINOR")]
    kubernetes: Option<Wanted>,
}

#[derive(clap::Args)]
pub(crate) struct SoakArguments {
    /// How many Agents there are at the same time, at most.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(10..))]
    agents: u16,
    /// How long they change.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    minutes: u16,
    /// Repeats the changes of an earlier run, as far as the machine keeps its pace [default: random].
    #[arg(long)]
    seed: Option<u64>,
    /// The Kubernetes to use: a minor such as 1.34, or a version [default: the newest].
    #[arg(long, value_name = "VERSION|MINOR")]
    kubernetes: Option<Wanted>,
}

pub(crate) fn reconcile(arguments: &ReconcileArguments) -> Result<()> {
    interrupt::listen()?;
    images::scale()?;
    let folder = tempfile::tempdir()?;
    let (rows, table) = (folder.path().join("rows"), folder.path().join("table"));
    for count in &arguments.agents {
        let plane = ground(arguments.kubernetes, Controllers::Absent)?;
        driver("bench-reconcile", &plane)?
            .args(["--agents", &count.to_string()])
            .args(["--idle-seconds", &arguments.idle_seconds.to_string()])
            .arg("--rows")
            .arg(&rows)
            .arg("--table")
            .arg(&table)
            .show()?;
    }
    let table = fs::read_to_string(&table).context("nothing was measured")?;
    println!("{table}");
    match &arguments.out {
        Some(out) => fs::write(out, table).with_context(|| out.display().to_string()),
        None => Ok(()),
    }
}

pub(crate) fn soak(arguments: &SoakArguments) -> Result<()> {
    interrupt::listen()?;
    images::scale()?;
    let plane = ground(arguments.kubernetes, Controllers::Present)?;
    driver("soak", &plane)?
        .args(["--agents", &arguments.agents.to_string()])
        .args(["--minutes", &arguments.minutes.to_string()])
        .args(arguments.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]))
        .show()
}

/// A control plane with the definitions and the rights that an installation has.
fn ground(kubernetes: Option<Wanted>, controllers: Controllers) -> Result<ControlPlane> {
    let plane = ControlPlane::up(kubernetes, controllers)?;
    step::run("definitions and the controller's rights", |_| {
        let manifests = paths::repository().join("manifests");
        for (namespace, file) in
            [("default", "namespace.yaml"), ("default", "crds"), (SYSTEM, "controller/rbac.yaml")]
        {
            plane
                .kubectl()
                .args(["apply", "--server-side", "--namespace", namespace, "-f"])
                .arg(manifests.join(file))
                .run()?;
        }
        plane.kubectl().args(["wait", "--for=condition=Established", "crd", "--all"]).run()
    })?;
    Ok(plane)
}

/// The driver, told of the control plane and of the controller that it is to start.
fn driver(name: &str, plane: &ControlPlane) -> Result<Cmd> {
    let mut driver = Cmd::new(images::program(name)?);
    for (name, value) in allocator()? {
        driver = driver.env(&name, value);
    }
    Ok(driver
        .arg("--kubeconfig")
        .arg(plane.kubeconfig())
        .arg("--audit-log")
        .arg(plane.audit_log())
        .arg("--controller")
        .arg(images::program("controller")?))
}

/// What the controller's Deployment tells its allocator.
fn allocator() -> Result<Vec<(String, String)>> {
    let file = paths::repository().join("manifests/controller/deployment.yaml");
    let deployment: Value = serde_yaml_ng::from_str(&fs::read_to_string(&file)?)
        .with_context(|| file.display().to_string())?;
    let env = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_sequence();
    let variables = env.context("the controller's container has no env")?.iter();
    Ok(variables
        .filter_map(|variable| Some((variable["name"].as_str()?, variable["value"].as_str()?)))
        .filter(|(name, _)| name.starts_with("MIMALLOC_"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controller_that_is_measured_has_the_allocator_of_an_installation() {
        let names: Vec<String> = allocator().unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["MIMALLOC_PURGE_DELAY", "MIMALLOC_PAGE_FULL_RETAIN"]);
    }
}
