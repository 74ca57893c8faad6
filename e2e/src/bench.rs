//! How fast a terminal's path is: from a guest's WebSocket to a program on a PTY in the pod and back, beside a
//! direct exec of the same program in the same pod. It judges nothing: there is no target.

use std::fs;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use serde_json::json;

use crate::{agents, cluster::Space, kubeoc, pods, settings};

mod broker;
mod check;
mod exec;
mod figures;
mod guest;
mod measure;
mod pace;
mod programs;
mod relays;
mod sessions;
mod table;
mod terminal;

use figures::Samples;
use measure::Lane;
use programs::Programs;
use terminal::Terminal;

const AGENT: &str = "measured";

/// The ways to the terminal, in the order of the table.
const LANES: [&str; 5] = ["direct exec", "two relays", "screen, exec", "broker", "whole path"];

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
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
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
    let lanes = open(space, plan, &pod, &token).await?;
    let samples = Box::pin(take_turns(space, lanes, plan, progress)).await?;
    let mut report = report(&samples, plan);
    if let Some(count) = plan.idle {
        let memory = Box::pin(memory(space, &token, count.into(), progress)).await?;
        report = format!("{report}\n\n{memory}");
    }
    Ok(report)
}

/// All ways to the terminal; those through pods where this machine has a route to pods.
async fn open(space: &Space, plan: &Plan, pod: &str, token: &str) -> Result<Vec<Lane>> {
    let target = exec::Target { namespace: &space.name, pod };
    let client = exec::client(None).await?;
    let mut lanes = vec![Lane::open(LANES[0], Terminal::direct(&client, target).await?).await?];
    if settings::reaches_pods()? {
        let relay = Box::pin(relays::start(space, &plan.agent_image)).await?;
        let relayed = exec::client(Some(relay)).await?;
        lanes.push(Lane::open(LANES[1], Terminal::direct(&relayed, target).await?).await?);
    }
    lanes.push(Lane::open(LANES[2], Terminal::screen(&client, target).await?).await?);
    if settings::reaches_pods()? {
        let at = programs::broker(&space.client).await?;
        let terminal = Terminal::broker(&space.client, at, token).await?;
        lanes.push(Lane::open(LANES[3], terminal).await?);
    }
    lanes.push(Lane::open(LANES[4], Terminal::guest(token).await?).await?);
    Ok(lanes)
}

async fn take_turns(
    space: &Space,
    mut lanes: Vec<Lane>,
    plan: &Plan,
    progress: &impl Fn(&str),
) -> Result<Vec<Samples>> {
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

fn report(samples: &[Samples], plan: &Plan) -> String {
    let of = |name| samples.iter().find(|samples| samples.name == name);
    let columns: Vec<&Samples> = LANES.into_iter().filter_map(of).collect();
    format!(
        "{}\n{} echoes of one byte, {} and {} keys at a rate, {} × {} MiB of output, in turns; a ratio is to the \
         direct exec.",
        table::render(&columns),
        u32::from(plan.echoes) * u32::from(plan.rounds),
        u32::from(plan.slow_keys) * u32::from(plan.rounds),
        u32::from(plan.fast_keys) * u32::from(plan.rounds),
        plan.rounds,
        plan.mib
    )
}

/// How busy the machine is (`proc_loadavg(5)`), for who reads the figures.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().map(|load| format!(", load {load}")).unwrap_or_default()
}
