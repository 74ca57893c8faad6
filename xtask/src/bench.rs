//! `cargo xtask bench`: how fast the system is. It measures and judges nothing: there is no target to miss.

use anyhow::Result;
use clap::Subcommand;

use crate::{
    cluster::Choice,
    images::{self, find},
    interrupt,
    shell::Cmd,
    system,
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Echo, keys at a rate, bulk output and openings through the terminal's whole path and its parts, beside a
    /// direct exec into the same pod.
    Path(PathArguments),
}

#[derive(clap::Args)]
pub(crate) struct PathArguments {
    #[command(flatten)]
    cluster: Choice,
    /// How often each way to the terminal has its turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Also hold as many idle sessions, and measure their memory. Restarts gateway and broker.
    #[arg(long, value_name = "SESSIONS")]
    idle: Option<u16>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.what {
        What::Path(arguments) => path(arguments),
    }
}

fn path(arguments: &PathArguments) -> Result<()> {
    // The driver takes down what it made: it must not be left alone with that.
    interrupt::listen()?;
    let (cluster, _) = system::up(&arguments.cluster)?;
    let images = images::bench()?;
    images::load(&images, &cluster)?;
    eprintln!("benchmark of the terminal's path");
    let driver = Cmd::new(images::program("bench-path")?)
        .args(["--agent-image", find(&images, "bench-terminal")?])
        .args(["--rounds", &arguments.rounds.to_string()])
        .args(arguments.idle.iter().flat_map(|count| ["--idle".to_owned(), count.to_string()]));
    system::told(driver, &cluster)?.show()
}
