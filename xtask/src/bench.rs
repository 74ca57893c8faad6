//! `cargo xtask bench`: how fast the system is. It measures and judges nothing: there is no target to miss.

use anyhow::Result;
use clap::Subcommand;

use crate::{
    cluster::{Choice, Cluster},
    images::{self, Image, find},
    interrupt, scale,
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
    /// How soon a revoked link is dead for guests who do not cooperate: the last byte that their sockets are given,
    /// and the last one that the programs in the pods read. Restarts gateway and broker.
    Revocation(RevocationArguments),
    /// How long a user waits for an agent: from its creation, and from a click on the page of one that sleeps, with a
    /// repository on its volume and without.
    Starts(StartsArguments),
    /// What 1, 10 and 100 viewers of one terminal cost the pod, the API server and our programs, and what one that stalls does
    /// to the others.
    Viewers(ViewersArguments),
    /// What Agents cost the API server and the controller: requests, time, memory, a restart. Needs no cluster: it
    /// starts a control plane without a node.
    Reconcile(scale::ReconcileArguments),
    /// What an installation costs that nobody uses, two of each program, and what an index of very many links holds
    /// and takes. Needs no cluster, but root: it starts a control plane without a node in a network of its own.
    Scale(scale::ScaleArguments),
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

#[derive(clap::Args)]
pub(crate) struct RevocationArguments {
    #[command(flatten)]
    cluster: Choice,
    /// Sessions, spread over agents.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    sessions: u16,
    /// Kinds of guests, which have a like share of the sessions: of `pours`, `types` and `floods`.
    #[arg(long, value_name = "KINDS", default_value = "pours,types,floods")]
    guests: String,
    /// Seconds of harm before the links are revoked.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=60))]
    seconds: u8,
    /// Bytes that a session types, or acknowledges, at once. What a machine can bear is soon reached.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u16).range(1..=32768))]
    piece_bytes: u16,
    /// Milliseconds from one such piece to the next.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    period_ms: u16,
}

#[derive(clap::Args)]
pub(crate) struct StartsArguments {
    #[command(flatten)]
    cluster: Choice,
    /// How often each agent is put to sleep and woken.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
}

#[derive(clap::Args)]
pub(crate) struct ViewersArguments {
    #[command(flatten)]
    cluster: Choice,
    /// Seconds of typing for each number of viewers.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u8).range(1..))]
    seconds: u8,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.what {
        What::Path(arguments) => measured("path", &arguments.cluster, |driver| {
            let idle = arguments.idle.iter();
            driver
                .args(["--rounds", &arguments.rounds.to_string()])
                .args(idle.flat_map(|count| ["--idle".to_owned(), count.to_string()]))
        }),
        What::Revocation(arguments) => measured("revocation", &arguments.cluster, |driver| {
            driver
                .args(["--sessions", &arguments.sessions.to_string()])
                .args(["--guests", &arguments.guests])
                .args(["--seconds", &arguments.seconds.to_string()])
                .args(["--piece-bytes", &arguments.piece_bytes.to_string()])
                .args(["--period-ms", &arguments.period_ms.to_string()])
        }),
        What::Starts(arguments) => drive("starts", &arguments.cluster, |driver, _, _| {
            Ok(driver.args(["--rounds", &arguments.rounds.to_string()]))
        }),
        What::Viewers(arguments) => measured("viewers", &arguments.cluster, |driver| {
            driver.args(["--seconds", &arguments.seconds.to_string()])
        }),
        What::Reconcile(arguments) => scale::reconcile(arguments),
        What::Scale(arguments) => scale::scale(arguments),
    }
}

/// The same with agents that run the program which is measured in OpenCode's place.
fn measured(name: &str, cluster: &Choice, plan: impl FnOnce(Cmd) -> Cmd) -> Result<()> {
    drive(name, cluster, |driver, cluster, images| {
        images::load(images, cluster)?;
        Ok(plan(driver.args(["--agent-image", find(images, "bench-terminal")?])))
    })
}

/// Runs a benchmark's driver, with what `plan` adds to its command line, against the system of this checkout.
fn drive(
    name: &str,
    cluster: &Choice,
    plan: impl FnOnce(Cmd, &Cluster, &[Image]) -> Result<Cmd>,
) -> Result<()> {
    // The driver takes down what it made: it must not be left alone with that.
    interrupt::listen()?;
    let (cluster, _) = system::up(cluster)?;
    // With the drivers.
    let images = images::bench()?;
    let driver = Cmd::new(images::program(&format!("bench-{name}"))?);
    let driver = plan(driver, &cluster, &images)?;
    eprintln!("benchmark {name}");
    system::told(driver, &cluster)?.show()
}
