//! `agent-tools` as it is, under a name of its own: cargo hands a test only the programs of its own package.

use clap::Parser;

fn main() -> anyhow::Result<()> {
    agent_tools::run(agent_tools::Cli::parse())
}
