//! How fast a terminal's path is: from a guest's WebSocket to a program on a PTY in the pod and back, beside a
//! direct exec of the same program in the same pod. It judges nothing: there is no target.

use anyhow::{Context, Result};
use futures::future::try_join_all;
use serde_json::json;

use crate::{
    agents,
    cluster::Space,
    limits::{self, Terminals},
    pods,
};

mod broker;
mod check;
mod exec;
mod figures;
mod guest;
mod hosts;
mod machine;
mod measure;
mod openings;
mod pace;
mod programs;
mod relays;
pub mod revocation;
mod sessions;
pub mod starts;
mod table;
mod terminal;
pub mod viewers;
mod ways;

use exec::Target;
use figures::Samples;
use hosts::Host;
use machine::load;
use measure::Lane;
use programs::Programs;
use sessions::Memory;
use ways::{Tokens, Ways};

const AGENT: &str = "measured";

/// What is measured, and how often.
#[derive(clap::Args, Clone, Debug)]
pub struct Plan {
    /// The image that installs the stand-in for `OpenCode`
    #[arg(long)]
    pub agent_image: String,
    /// How often each way has its turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
    pub rounds: u8,
    /// Bytes typed and awaited one by one in each turn
    #[arg(long, default_value_t = 200)]
    pub echoes: u16,
    /// Keys at 50 a second in each turn
    #[arg(long, default_value_t = 150)]
    pub slow_keys: u16,
    /// Keys at 1,000 a second in each turn
    #[arg(long, default_value_t = 2000)]
    pub fast_keys: u16,
    /// Hold as many idle sessions, spread over agents, and measure their memory
    #[arg(long, value_name = "SESSIONS")]
    pub idle: Option<u16>,
    /// Terminals opened anew by each way
    #[arg(long, default_value_t = 20)]
    pub openings: u16,
    /// MiB of output in each turn
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u8).range(1..))]
    pub mib: u8,
}

/// Who is told what is done, and what was measured, as soon as it was.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub step: fn(&str),
    /// A table in Markdown.
    pub figures: fn(&str),
}

impl Output {
    /// What is done on standard error, what was measured on standard output.
    #[expect(
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "a command line tool talks to its terminal"
    )]
    pub const STANDARD: Self =
        Self { step: |step| eprintln!("- {step}"), figures: |figures| println!("{figures}\n") };
}

/// Measures in a namespace of its own. A failure keeps no earlier figures back.
pub async fn path(plan: &Plan, output: Output) -> Result<()> {
    // On the heap: watches and terminals are large.
    let measure = async |space: &Space| Box::pin(measure(space, plan, output)).await;
    in_own_space("bench", Limits::Lifted, output, measure).await
}

/// Whether the limits of terminals are lifted meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limits {
    Kept,
    Lifted,
}

/// Works in a namespace that is gone afterwards; limits that were lifted are restored whatever comes of it.
async fn in_own_space(
    purpose: &str,
    limits: Limits,
    output: Output,
    work: impl AsyncFnOnce(&Space) -> Result<()>,
) -> Result<()> {
    let space = Space::new(purpose).await?;
    (output.step)(&format!("namespace {}", space.name));
    let done = interruptible(work(&space)).await;
    let restored = match limits {
        Limits::Lifted => Box::pin(restore_limits(&space, output)).await,
        Limits::Kept => Ok(()),
    };
    (output.step)("the namespace is deleted");
    if let Err(error) = Box::pin(space.delete_whole()).await {
        // It says nothing of the figures.
        (output.step)(&format!("{error:#}"));
    }
    done.and(restored)
}

/// A user who loses patience must not leave a namespace behind.
async fn interruptible<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        done = work => done,
    }
}

async fn measure(space: &Space, plan: &Plan, output: Output) -> Result<()> {
    agents::ready(space, AGENT, json!({ "agentImage": plan.agent_image })).await?;
    let tokens = Tokens::share(space, AGENT).await?;
    let pod = pods::of_agent(space, AGENT).await?;
    (output.step)(&format!("the agent is ready: pod {pod}"));
    (output.step)("limits are lifted: gateway and broker restart");
    limits::lift(&space.client, Terminals::Shared).await?;
    let target = Target { namespace: &space.name, pod: &pod };
    let ways = Ways::find(space, &plan.agent_image, target, &tokens).await?;
    let mut samples = Box::pin(take_turns(space, &ways, plan, output)).await?;
    (output.step)(&format!("{} openings by each way{}", plan.openings, load()));
    let mut opened = Box::pin(openings::measure(&ways, plan.openings, &mut samples)).await;
    if opened.is_ok() {
        (output.step)("openings of a terminal that somebody looks at");
        opened = Box::pin(openings::further(&ways, plan.openings, &mut samples)).await;
    }
    (output.figures)(&report(samples, plan));
    opened?;
    match plan.idle {
        Some(count) => Box::pin(memory(space, plan, count.into(), output)).await,
        None => Ok(()),
    }
}

async fn take_turns(
    space: &Space,
    ways: &Ways<'_>,
    plan: &Plan,
    output: Output,
) -> Result<Vec<Samples>> {
    let mut lanes = vec![];
    for way in ways.all() {
        lanes.push(Lane::open(way, ways.open(way).await?).await?);
    }
    let programs = Programs::find(&space.client).await?;
    for round in 0..usize::from(plan.rounds) {
        (output.step)(&format!("round {} of {}{}", round + 1, plan.rounds, load()));
        // Each is the first in its turn, so that a machine that slows down slows all of them.
        for _ in 0..lanes.len() {
            lanes.rotate_left(1);
            let (lane, others) = lanes.split_first_mut().context("no lane")?;
            let name = lane.name;
            tokio::select! {
                biased;
                done = lane.turn(plan, &programs) => done.context(name)?,
                ended = try_join_all(others.iter_mut().map(Lane::idle)) => drop(ended?),
            }
        }
        lanes.rotate_left(1);
    }
    let mut samples = Vec::with_capacity(lanes.len());
    for lane in lanes {
        samples.push(lane.close().await?);
    }
    Ok(samples)
}

/// Agents that are to hold `count` sessions. Lifts the limits, which [`in_own_space`] restores.
async fn hosts(space: &Space, image: &str, count: usize, output: Output) -> Result<Vec<Host>> {
    (output.step)("agents start that are to hold the sessions");
    let hosts = hosts::create(space, image, count).await?;
    (output.step)(&format!(
        "{} agents are ready; limits are lifted: gateway and broker restart",
        hosts.len()
    ));
    limits::lift(&space.client, Terminals::Own).await?;
    Ok(hosts)
}

async fn memory(space: &Space, plan: &Plan, count: usize, output: Output) -> Result<()> {
    let hosts = hosts(space, &plan.agent_image, count, output).await?;
    let programs = Programs::find(&space.client).await?;
    let held = sessions::hold(&hosts, count, &programs, output.step).await;
    if let Ok(memory) = &held {
        (output.figures)(&memory.as_ref().map_or_else(
            || "Memory of idle sessions: gateway and broker run on another machine.".to_owned(),
            Memory::to_string,
        ));
    }
    (output.step)("the sessions' programs end");
    let left = hosts::left_by_all(space, &hosts).await;
    held.and(left)
}

async fn restore_limits(space: &Space, output: Output) -> Result<()> {
    (output.step)("limits are restored");
    limits::restore(&space.client).await
}

fn report(mut samples: Vec<Samples>, plan: &Plan) -> String {
    samples.sort_by_key(|samples| samples.way);
    format!(
        "{}\n{} echoes of one byte, {} and {} keys at a rate, {} × {} MiB of output, {} openings, in turns; a ratio is \
         to the direct exec.",
        table::render(&samples),
        u32::from(plan.echoes) * u32::from(plan.rounds),
        u32::from(plan.slow_keys) * u32::from(plan.rounds),
        u32::from(plan.fast_keys) * u32::from(plan.rounds),
        plan.rounds,
        plan.mib,
        plan.openings
    )
}
