//! `cargo xtask alerts`: each alert by one fault of the real programs, on a real Prometheus. It brings up what the test
//! needs, a control plane without a node among it; the faults are in `e2e/tests/alerts`.

use anyhow::{Context, Result};

use crate::{
    cluster::Wanted,
    images, interrupt, paths,
    prometheus::{self, Pace, Prometheus},
    scale, sccache,
    shell::Cmd,
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The Kubernetes to use: a minor such as 1.34, or a version [default: the newest].
    #[arg(long, value_name = "VERSION|MINOR")]
    kubernetes: Option<Wanted>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    interrupt::listen()?;
    images::installation()?;
    prometheus::ensure()?;
    test(arguments.kubernetes)
}

/// With the programs that were built last.
pub(crate) fn test(kubernetes: Option<Wanted>) -> Result<()> {
    let plane = scale::installed(kubernetes)?;
    let prometheus = Prometheus::start(Pace::Fast)?;
    let gateway = images::program("gateway")?;
    eprintln!("alerts");
    sccache::wrap(Cmd::new("cargo"))
        .args(["test", "--locked", "--features", "e2e/cluster", "--test", "alerts"])
        .args(["--", "--nocapture"])
        .current_dir(paths::repository())
        .env("KUBECONFIG", plane.kubeconfig())
        .env("E2E_AUDIT_LOG", plane.audit_log())
        .env("E2E_PROGRAMS", gateway.parent().context("programs lie in a folder")?)
        .env("E2E_PROMETHEUS", prometheus.url())
        .env("E2E_PROMETHEUS_FOLDER", prometheus.folder())
        .show()
}
