//! `cargo xtask bench reconcile`, `cargo xtask bench scale` and `cargo xtask soak`: the real programs among many Agents,
//! as processes beside a control plane without a node. It brings up what the drivers need; what they measure and check
//! is in `e2e/scale`.

mod own_network;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use api_types::names::BROKER_SERVICE;
use serde_yaml_ng::Value;

use crate::{
    cluster::{ControlPlane, Controllers, Wanted},
    images, interrupt, paths,
    shell::Cmd,
    step,
};

/// The namespace of the programs' accounts.
const SYSTEM: &str = "kubeopencode-system";

/// Where brokers listen: a range that is meant for benchmarks (RFC 2544), in a network of the run's own.
const BROKERS: [&str; 2] = ["198.18.0.1", "198.18.0.2"];

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

#[derive(clap::Args)]
pub(crate) struct ScaleArguments {
    /// Shared Agents, all idle.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    agents: u16,
    /// Seconds without any change, in which processor time and requests are counted.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..))]
    idle_seconds: u16,
    /// Links of the index that is measured in memory.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    links: u32,
    /// Write the tables into this file too.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The Kubernetes to measure with: a minor such as 1.34, or a version [default: the newest].
    #[arg(long, value_name = "VERSION|MINOR")]
    kubernetes: Option<Wanted>,
    /// The run itself, in a network that the task has made.
    #[arg(long, hide = true)]
    in_own_network: bool,
}

pub(crate) fn scale(arguments: &ScaleArguments) -> Result<()> {
    interrupt::listen()?;
    if !arguments.in_own_network {
        images::installation()?;
        ControlPlane::build(arguments.kubernetes)?;
        return own_network::again("--in-own-network");
    }
    let folder = tempfile::tempdir()?;
    own_network::furnish(folder.path(), BROKER_SERVICE, &BROKERS)?;
    let table = folder.path().join("table");
    let plane = installed(arguments.kubernetes)?;
    told(driver("bench-scale")?.arg("idle"), &plane)?
        .arg("--gateway")
        .arg(images::program("gateway")?)
        .arg("--broker")
        .arg(images::program("terminal-broker")?)
        .args(["--broker-addresses", &BROKERS.join(",")])
        .args(["--agents", &arguments.agents.to_string()])
        .args(["--idle-seconds", &arguments.idle_seconds.to_string()])
        .arg("--table")
        .arg(&table)
        .show()?;
    drop(plane);
    driver("bench-scale")?
        .args(["links", "--links", &arguments.links.to_string(), "--table"])
        .arg(&table)
        .show()?;
    show(&table, arguments.out.as_deref())
}

pub(crate) fn reconcile(arguments: &ReconcileArguments) -> Result<()> {
    interrupt::listen()?;
    images::scale()?;
    let folder = tempfile::tempdir()?;
    let (rows, table) = (folder.path().join("rows"), folder.path().join("table"));
    for count in &arguments.agents {
        let plane = ground(arguments.kubernetes, Controllers::Absent)?;
        told(driver("bench-reconcile")?, &plane)?
            .args(["--agents", &count.to_string()])
            .args(["--idle-seconds", &arguments.idle_seconds.to_string()])
            .arg("--rows")
            .arg(&rows)
            .arg("--table")
            .arg(&table)
            .show()?;
    }
    show(&table, arguments.out.as_deref())
}

/// Prints what was measured, and keeps it where that is wanted.
fn show(table: &Path, out: Option<&Path>) -> Result<()> {
    let table = fs::read_to_string(table).context("nothing was measured")?;
    println!("{table}");
    match out {
        Some(out) => fs::write(out, table).with_context(|| out.display().to_string()),
        None => Ok(()),
    }
}

pub(crate) fn soak(arguments: &SoakArguments) -> Result<()> {
    interrupt::listen()?;
    images::scale()?;
    let plane = ground(arguments.kubernetes, Controllers::Present)?;
    told(driver("soak")?, &plane)?
        .args(["--agents", &arguments.agents.to_string()])
        .args(["--minutes", &arguments.minutes.to_string()])
        .args(arguments.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]))
        .show()
}

/// A control plane on which each program of an installation can run.
pub(crate) fn installed(kubernetes: Option<Wanted>) -> Result<ControlPlane> {
    let plane = ground(kubernetes, Controllers::Absent)?;
    for file in ["gateway/rbac.yaml", "terminal-broker/rbac.yaml"] {
        apply(&plane, SYSTEM, file)?;
    }
    Ok(plane)
}

/// A control plane with the definitions and the controller's rights.
fn ground(kubernetes: Option<Wanted>, controllers: Controllers) -> Result<ControlPlane> {
    let plane = ControlPlane::up(kubernetes, controllers)?;
    step::run("definitions and the controller's rights", |_| {
        for (namespace, file) in
            [("default", "namespace.yaml"), ("default", "crds"), (SYSTEM, "controller/rbac.yaml")]
        {
            apply(&plane, namespace, file)?;
        }
        plane.kubectl().args(["wait", "--for=condition=Established", "crd", "--all"]).run()
    })?;
    Ok(plane)
}

/// A file or folder of the manifests.
fn apply(plane: &ControlPlane, namespace: &str, file: &str) -> Result<()> {
    plane
        .kubectl()
        .args(["apply", "--server-side", "--namespace", namespace, "-f"])
        .arg(paths::repository().join("manifests").join(file))
        .run()
}

/// The driver, whose allocator and whose programs' is that of an installation.
fn driver(name: &str) -> Result<Cmd> {
    let mut driver = Cmd::new(images::program(name)?);
    for (name, value) in allocator()? {
        driver = driver.env(&name, value);
    }
    Ok(driver)
}

/// Told of the control plane and of the controller that it is to start.
fn told(driver: Cmd, plane: &ControlPlane) -> Result<Cmd> {
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
