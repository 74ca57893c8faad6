//! The command line of [`bench_terminal`], and nothing else.

use clap::Parser;

fn main() -> anyhow::Result<()> {
    bench_terminal::run(bench_terminal::Cli::parse())
}
