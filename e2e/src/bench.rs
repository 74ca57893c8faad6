//! How fast a terminal's path is: from a guest's WebSocket to a program on a PTY in the pod and back, beside a
//! direct exec of the same program in the same pod. It judges nothing: there is no target.

use std::fs;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use serde_json::json;

use crate::{agents, cluster::Space, kubeoc, pods};

mod broker;
mod check;
mod exec;
mod figures;
mod guest;
mod measure;
mod openings;
mod pace;
mod programs;
mod relays;
mod sessions;
mod table;
mod terminal;
mod ways;

use exec::Target;
use figures::Samples;
use measure::Lane;
use programs::Programs;
use ways::Ways;

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
    /// Hold as many idle sessions, and measure their memory
    #[arg(long, value_name = "SESSIONS")]
    pub idle: Option<u16>,
    /// Terminals opened anew by each way
    #[arg(long, default_value_t = 20)]
    pub openings: u16,
    /// MiB of output in each turn
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u8).range(1..))]
    pub mib: u8,
}

/// Measures in a namespace of its own, which is gone afterwards, and returns a table.
pub async fn path(plan: &Plan, progress: impl Fn(&str)) -> Result<String> {
    let space = Space::new("bench").await?;
    progress(&format!("namespace {}", space.name));
    // On the heap: watches and terminals are large.
    let measured = Box::pin(interruptible(in_space(&space, plan, &progress))).await;
    progress("the namespace is deleted");
    if let Err(error) = space.delete_whole().await {
        // Not at the cost of the figures.
        progress(&format!("{error:#}"));
    }
    measured
}

/// A user who loses patience must not leave a namespace behind.
async fn interruptible<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        done = work => done,
    }
}

async fn in_space(space: &Space, plan: &Plan, progress: &impl Fn(&str)) -> Result<String> {
    agents::ready(space, AGENT, json!({ "agentImage": plan.agent_image })).await?;
    let token = kubeoc::share(space, AGENT, &[]).await?;
    let pod = pods::of_agent(space, AGENT).await?;
    progress(&format!("the agent is ready: pod {pod}"));
    let target = Target { namespace: &space.name, pod: &pod };
    let ways = Ways::find(space, &plan.agent_image, target, &token).await?;
    let mut samples = Box::pin(take_turns(space, &ways, plan, progress)).await?;
    progress(&format!("{} openings{}", plan.openings, load()));
    Box::pin(openings::measure(&ways, plan.openings, &mut samples)).await?;
    let mut report = report(samples, plan);
    if let Some(count) = plan.idle {
        let memory = Box::pin(memory(space, &token, count.into(), progress)).await?;
        report = format!("{report}\n\n{memory}");
    }
    Ok(report)
}

async fn take_turns(
    space: &Space,
    ways: &Ways<'_>,
    plan: &Plan,
    progress: &impl Fn(&str),
) -> Result<Vec<Samples>> {
    let mut lanes = vec![];
    for way in ways.all() {
        lanes.push(Lane::open(way, ways.open(way).await?).await?);
    }
    let programs = Programs::find(&space.client).await?;
    for round in 0..usize::from(plan.rounds) {
        progress(&format!("round {} of {}{}", round + 1, plan.rounds, load()));
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

/// With the limits lifted meanwhile.
async fn memory(
    space: &Space,
    token: &str,
    count: usize,
    progress: &impl Fn(&str),
) -> Result<String> {
    progress("limits are lifted: gateway and broker restart");
    programs::lift_limits(&space.client).await?;
    let held = async {
        let programs = Programs::find(&space.client).await?;
        sessions::hold(token, count, &programs, progress).await
    };
    let held = Box::pin(held).await;
    progress("limits are restored");
    programs::restore_limits(&space.client).await?;
    Ok(held?.map_or_else(
        || "Memory of idle sessions: gateway and broker run on another machine.".to_owned(),
        |memory| memory.to_string(),
    ))
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

/// How busy the machine is (`proc_loadavg(5)`), for who reads the figures.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().map(|load| format!(", load {load}")).unwrap_or_default()
}
