//! How soon a revoked link is dead for guests who do not cooperate: when their sockets were given the last byte, and
//! when the programs in the pods read the last one. It judges nothing: there is no target.

use std::{collections::HashMap, num::NonZeroU8, time::Duration};

use anyhow::{Context, Result};
use bench_terminal::readings::{FOLDER, Reading};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Limits, Output,
    hosts::{self, Host},
    machine::{Ticks, load},
    programs::Programs,
};
use crate::{cluster::Space, pods};

mod frames;
mod hostile;
mod report;
mod revoke;
mod socket;

pub use hostile::Role;
use hostile::{Hostile, Seen};
use report::{Course, Outcome};

/// Sessions that open at once: each starts a process in a pod.
const AT_ONCE: usize = 8;
/// Of an opening.
const PATIENCE: Duration = Duration::from_mins(1);
/// Longer than a gateway waits for a page that answers no close frame, and a screen for a program that stays.
const WATCHED: Duration = Duration::from_secs(3);

/// What is measured, and how.
#[derive(clap::Args, Clone, Debug)]
pub struct Plan {
    /// The image that installs the stand-in for `OpenCode`
    #[arg(long)]
    pub agent_image: String,
    /// Sessions, spread over agents
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    pub sessions: u16,
    /// Seconds of harm before the links are revoked; who never reads is cut off after some
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=60))]
    pub seconds: u8,
    /// Bytes that are typed, or acknowledged, at once
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u16).range(1..=32768))]
    pub piece_bytes: u16,
    /// Milliseconds from one piece of a session to the next
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    pub period_ms: u16,
    /// Kinds of guests, which have a like share of the sessions
    #[arg(long, value_enum, value_delimiter = ',', default_value = "pours,types,floods")]
    pub guests: Vec<Role>,
    /// How many times 256 bytes a flooded program reads, every 20 ms
    #[arg(long, default_value = "2")]
    pub read_steps: NonZeroU8,
}

/// What all sessions wait for.
#[derive(Clone, Debug, Default)]
struct Stages {
    begin: CancellationToken,
    revoke: CancellationToken,
    end: CancellationToken,
}

/// Measures in a namespace of its own, without limits of terminals.
pub async fn run(plan: &Plan, output: Output) -> Result<()> {
    // On the heap: watches and sessions are large.
    let measure = async |space: &Space| Box::pin(measure(space, plan, output)).await;
    super::in_own_space("revocation", Limits::Lifted, output, measure).await
}

async fn measure(space: &Space, plan: &Plan, output: Output) -> Result<()> {
    let count = usize::from(plan.sessions);
    let hosts = super::hosts(space, &plan.agent_image, count, output).await?;
    let programs = Programs::find(&space.client).await?;
    (output.step)(&format!("{count} sessions open"));
    let stages = Stages::default();
    let sessions = open(&hosts, plan, &stages).await?;
    let (seconds, machine) = (plan.seconds, Ticks::now());
    (output.step)(&format!("they do harm for {seconds} s{}", load()));
    stages.begin.cancel();
    sleep(Duration::from_secs(seconds.into())).await;

    let (before, busy, cpu) = (load(), Ticks::now(), programs.cpu());
    stages.revoke.cancel();
    let revoked = revoke::all(space, &hosts).await?;
    sleep(WATCHED).await;
    let machine = [busy.since(machine), Ticks::now().since(busy)];
    let cpu = programs.cpu().since(cpu);
    stages.end.cancel();
    let seen = sessions.join_all().await;
    (output.step)("their links are revoked; the programs' readings are fetched");
    let mut readings = readings(space, &hosts).await?;
    let outcome = |(number, role, seen): (u16, Role, Seen)| Outcome {
        role,
        revoked: revoked[usize::from(number) % hosts.len()],
        seen,
        reading: readings.remove(&number),
    };
    let outcomes: Vec<Outcome> = seen.into_iter().map(outcome).collect();
    let course = Course { revoked: &revoked, cpu, machine, load: &before };
    (output.figures)(&report::render(&outcomes, course));
    hosts::left_by_all(space, &hosts).await
}

/// Sessions whose programs obey; they begin and end with the stages.
async fn open(hosts: &[Host], plan: &Plan, stages: &Stages) -> Result<JoinSet<(u16, Role, Seen)>> {
    // Each pod has as many of each kind as of another.
    let role = |number: u16| plan.guests[usize::from(number) / hosts.len() % plan.guests.len()];
    let mut opened = stream::iter((0..plan.sessions).zip(hosts.iter().cycle()))
        .map(|(number, host)| async move {
            let opening = Hostile::open(&host.token, number, role(number));
            timeout(PATIENCE, opening).await.context("an opening")?
        })
        .buffer_unordered(AT_ONCE);
    let mut sessions = JoinSet::new();
    while let Some(guest) = opened.try_next().await? {
        sessions.spawn(guest.run(plan.clone(), stages.clone()));
    }
    Ok(sessions)
}

/// What the programs that count have read, by the numbers of their sessions.
async fn readings(space: &Space, hosts: &[Host]) -> Result<HashMap<u16, Reading>> {
    let mut all = HashMap::new();
    let script = format!("cat {FOLDER}/*");
    for host in hosts {
        let lines = pods::exec(space, &host.pod, &["/bin/bash", "-c", &script]).await?;
        for line in lines.lines() {
            let reading: Reading = line.parse().with_context(|| host.pod.clone())?;
            all.insert(reading.session, reading);
        }
    }
    Ok(all)
}
