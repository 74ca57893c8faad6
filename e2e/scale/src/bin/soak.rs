//! The command line of [`scale::soak`], and nothing else; `cargo xtask soak` runs it.
#![allow(clippy::print_stderr, reason = "a command line tool talks to its terminal")]

use clap::Parser;
use scale::soak::{self, Plan};

/// Changes Agents at random while the controller is killed, and checks what must hold
#[derive(Parser)]
#[command(name = "soak", version)]
struct Cli {
    #[command(flatten)]
    plan: Plan,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    soak::run(&Cli::parse().plan, |step| eprintln!("- {step}")).await
}
