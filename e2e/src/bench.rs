//! How fast a terminal's path is: from a guest's WebSocket to a program on a PTY in the pod and back, beside a
//! direct exec of the same program in the same pod. It judges nothing: there is no target.

use std::fs;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use serde_json::json;

use crate::{agents, cluster::Space, kubeoc, pods};

mod check;
mod exec;
mod figures;
mod guest;
mod measure;
mod table;
mod terminal;

use figures::Samples;
use measure::Lane;
use terminal::Terminal;

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
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    pub echoes: u16,
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
    space.delete_whole().await?;
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

    let target = exec::Target { namespace: &space.name, pod: &pod };
    let client = exec::client().await?;
    let mut lanes = [
        Lane::open("direct exec", Terminal::direct(&client, target).await?).await?,
        Lane::open("screen, exec", Terminal::screen(&client, target).await?).await?,
        Lane::open("whole path", Terminal::guest(&token).await?).await?,
    ];
    for round in 0..usize::from(plan.rounds) {
        progress(&format!("round {} of {}{}", round + 1, plan.rounds, load()));
        // Each is the first in its turn, so that a machine that slows down slows all of them.
        lanes.rotate_left(1);
        for _ in 0..lanes.len() {
            let [lane, others @ ..] = &mut lanes;
            let name = lane.name;
            tokio::select! {
                biased;
                done = lane.turn(plan) => done.context(name)?,
                failed = try_join_all(others.iter_mut().map(Lane::idle)) => drop(failed?),
            }
            lanes.rotate_left(1);
        }
    }
    let mut samples = Vec::with_capacity(lanes.len());
    for lane in lanes {
        samples.push(lane.close().await?);
    }
    Ok(report(&samples, plan))
}

fn report(samples: &[Samples], plan: &Plan) -> String {
    let of = |name| samples.iter().find(|samples| samples.name == name);
    let columns: Vec<&Samples> =
        ["direct exec", "screen, exec", "whole path"].into_iter().filter_map(of).collect();
    let echoes = u32::from(plan.echoes) * u32::from(plan.rounds);
    format!(
        "{}\n{echoes} echoes of one byte, {} × {} MiB of output, in turns; a ratio is to the direct exec.",
        table::render(&columns),
        plan.rounds,
        plan.mib
    )
}

/// How busy the machine is (`proc_loadavg(5)`), for who reads the figures.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().map(|load| format!(", load {load}")).unwrap_or_default()
}
