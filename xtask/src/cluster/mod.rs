//! The cluster that demo and tests run on: `cargo xtask cluster up|down|status`.

use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> Result<()> {
    anyhow::bail!("not built yet")
}
