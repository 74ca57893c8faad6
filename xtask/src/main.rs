//! `cargo xtask`: every development task of the project. It parses arguments and hands over; the work is in the modules.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to its terminal"
)]

mod alerts;
mod bench;
mod cargo_tool;
mod chart;
mod crds;
mod demo;
mod deny;
mod dependencies;
mod disk;
mod fuzz;
mod images;
mod install;
mod prometheus;
mod python;
mod release;
mod scale;
mod script;
mod system;
mod test;
mod web;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use task::{apt, buildah, cache, interrupt, paths, shell, step};
use test_cluster as cluster;

/// The development tasks of KubeOpenCode.
#[derive(Parser)]
#[command(name = "cargo xtask", version, max_term_width = 120)]
struct Arguments {
    /// Install missing Debian packages without asking.
    #[arg(long, global = true)]
    yes: bool,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Bring up, take down or look at the cluster that demo and tests run on.
    Cluster(cluster::Arguments),
    /// The product's main job: a cluster, the system, a live agent, and a link to open.
    Demo(demo::Arguments),
    /// Lints and tests; then a cluster and the end-to-end tests.
    Test(test::Arguments),
    /// Build the terminal's page, which the gateway embeds.
    Web,
    /// Generate the custom resource definitions under manifests/crds, the chart's copies of them, and docs/reference.
    Crds,
    /// Lint and render Helm's chart, and try it on an API server without a node.
    Chart(chart::Arguments),
    /// Bring one fault after the other to the programs, and see a real Prometheus fire the alert that is for it.
    Alerts(alerts::Arguments),
    /// Build the container images.
    Images(images::Arguments),
    /// Put the system into a cluster.
    Install(install::Arguments),
    /// Everything that a release is made of: chart, definitions, kubeoc, checksums, bills of materials, provenance; images
    /// and chart into a registry.
    Release(release::Arguments),
    /// How fast the system is, in figures.
    Bench(bench::Arguments),
    /// Try what a hostile program or pod could say, at random: libFuzzer, with the nightly toolchain.
    Fuzz(fuzz::Arguments),
    /// Agents that change at random while the controller is killed again and again: what must hold afterwards.
    Soak(scale::SoakArguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.yes {
        apt::agree();
    }
    match paths::program().and_then(|_| run(arguments.task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Cluster(arguments) => cluster::run(&arguments),
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Web => web::run(),
        Task::Crds => crds::run(),
        Task::Chart(arguments) => chart::run(&arguments),
        Task::Alerts(arguments) => alerts::run(&arguments),
        Task::Images(arguments) => images::run(&arguments),
        Task::Install(arguments) => install::run(&arguments),
        Task::Release(arguments) => release::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Soak(arguments) => scale::soak(&arguments),
    }
}
