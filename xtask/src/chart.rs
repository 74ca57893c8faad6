//! `cargo xtask chart`: Helm's chart linted, rendered and tried on the API server of a control plane without a node. It
//! brings up what the tests need; what must hold is in `e2e/chart`.

use anyhow::Result;

use crate::{
    cluster::{self, ControlPlane, Controllers, Wanted},
    interrupt, paths, sccache,
    shell::Cmd,
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The Kubernetes to try it on: a minor such as 1.34, or a version [default: the newest].
    #[arg(long, value_name = "VERSION|MINOR")]
    kubernetes: Option<Wanted>,
    /// What the test runner is told, such as a part of a test's name.
    #[arg(last = true, value_name = "ARGUMENTS")]
    runner: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    interrupt::listen()?;
    tests(arguments.kubernetes, &arguments.runner)
}

/// All tests of the chart.
pub(crate) fn test(kubernetes: Option<Wanted>) -> Result<()> {
    tests(kubernetes, &[])
}

fn tests(kubernetes: Option<Wanted>, runner: &[String]) -> Result<()> {
    let helm = cluster::ensure_helm()?;
    let plane = ControlPlane::up(kubernetes, Controllers::Absent)?;
    eprintln!("tests of the chart");
    sccache::wrap(Cmd::new("cargo"))
        .args([
            "test",
            "--locked",
            "--package",
            "chart",
            "--features",
            "tools",
            "--test",
            "chart",
            "--",
        ])
        .args(runner)
        .current_dir(paths::repository())
        .env("HELM", helm)
        .env("KUBECTL", plane.kubectl_program())
        .env("KUBECONFIG", plane.kubeconfig())
        .show()
}
