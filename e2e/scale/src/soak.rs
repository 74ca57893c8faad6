//! Agents are created, edited and deleted at random while the controller is killed every half minute. Afterwards
//! everything must be as the last edits want it, nothing may be left of what was deleted, no object of others may
//! have been touched, and no pod template may have changed without a cause.

mod check;
mod foreign;
mod model;
mod rollouts;

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use kube::Client;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::{
    access::{Access, CONTROLLER},
    agents,
    audit::{Audit, Purpose},
    clock, controller,
    process::{Process, Program},
};
use foreign::Foreign;
use model::Model;
use rollouts::Rollouts;

const NAMESPACE: &str = "soak";
/// How long the controller lives.
const LIFE: Duration = Duration::from_secs(30);
/// From one change to the next, at least.
const PACE: Duration = Duration::from_millis(20);
/// How soon everything is as it should be, once nothing changes any more.
const CONVERGENCE: Duration = Duration::from_mins(2);
const QUIET: Duration = Duration::from_secs(5);

/// How much changes, and for how long.
#[derive(clap::Args, Clone, Debug)]
pub struct Plan {
    #[command(flatten)]
    pub access: Access,
    /// Agents at the same time, at most
    #[arg(long, default_value_t = 200)]
    pub agents: u16,
    /// How long they change
    #[arg(long, default_value_t = 5)]
    pub minutes: u16,
    /// Of the changes [default: random]
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Fails with the names of the objects that are not as they should be.
pub async fn run(plan: &Plan, step: fn(&str)) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let client = plan.access.client().await?;
    let program = controller::program(&plan.access, &client, folder.path()).await?;
    let seed = plan.seed.unwrap_or_else(|| clock::now().microsecond().into());
    step(&format!("seed {seed}"));
    agents::namespace(&client, NAMESPACE).await?;
    let foreign = Foreign::place(&client).await?;
    let rollouts = Rollouts::default();
    tokio::select! {
        biased;
        ended = rollouts.watch(&client) => ended,
        done = Box::pin(disturb_and_check(plan, seed, &client, &program, &foreign, &rollouts, step)) => done,
    }
}

async fn disturb_and_check(
    plan: &Plan,
    seed: u64,
    client: &Client,
    program: &Program,
    foreign: &Foreign,
    rollouts: &Rollouts,
    step: fn(&str),
) -> Result<()> {
    let mut model = Model::new(client, plan.agents.into()).await?;
    let length = Duration::from_secs(u64::from(plan.minutes) * 60);
    let controller = disturb(&mut model, seed, length, program, step).await?;
    let started = Instant::now();
    converge(&model, foreign, rollouts, |_| 0..=u32::MAX).await?;
    step(&format!(
        "{} changes; all is as it should be {:.1} s after the last: {} Agents, {} rollouts for {} causes",
        model.changes,
        started.elapsed().as_secs_f64(),
        model.agents.len(),
        rollouts.all(),
        model.causes(),
    ));
    rollouts.none_without_cause(&model)?;
    controller.end().await?;
    settled(plan, program, &mut model, foreign, rollouts, step).await
}

/// Gives the controller that is alive at the end.
async fn disturb(
    model: &mut Model,
    seed: u64,
    length: Duration,
    program: &Program,
    step: fn(&str),
) -> Result<Process> {
    let (mut random, started) = (StdRng::seed_from_u64(seed), Instant::now());
    let (mut controller, mut born) = (program.start()?, Instant::now());
    while started.elapsed() < length {
        model.change(random.random_range(0..100), random.random_range(0..u32::MAX)).await?;
        sleep(PACE).await;
        if born.elapsed() > LIFE {
            step(&format!("{} changes, {} Agents; killed", model.changes, model.agents.len()));
            controller.kill().await?;
            (controller, born) = (program.start()?, Instant::now());
        }
    }
    Ok(controller)
}

/// A restart writes nothing, and one more edit of what Agents use is one rollout of each that uses it.
async fn settled(
    plan: &Plan,
    program: &Program,
    model: &mut Model,
    foreign: &Foreign,
    rollouts: &Rollouts,
    step: fn(&str),
) -> Result<()> {
    let mut audit = Audit::of(CONTROLLER.user(), &plan.access.audit_log)?;
    audit.new_requests()?;
    let controller = program.start()?;
    let all = model.agents.len() + foreign.agents();
    controller::has_reconciled(&controller, all as u64, CONVERGENCE).await?;
    let requests = audit.until_quiet(QUIET, CONVERGENCE).await?;
    // What is refused is tried again after a restart, and nothing else.
    let writes: Vec<String> = requests
        .iter()
        .filter(|request| request.purpose() == Purpose::Write && !foreign::is_agents(&request.name))
        .map(|request| {
            format!("{} {} {} ({})", request.verb, request.resource, request.name, request.code)
        })
        .collect();
    step(&format!("a restart wrote {} times", writes.len()));
    ensure!(writes.is_empty(), "a restart wrote: {}", writes[..writes.len().min(10)].join(", "));

    let before = rollouts.counts();
    model.label_all().await?;
    model.edit_all_contexts().await?;
    let wanted = |agent: &str| {
        let rollouts = before.get(agent).copied().unwrap_or(0);
        let wanted = rollouts + u32::from(model.agents[agent].context.is_some());
        wanted..=wanted
    };
    converge(model, foreign, rollouts, wanted).await?;
    audit.until_quiet(QUIET, CONVERGENCE).await?;
    converge(model, foreign, rollouts, wanted).await?;
    step("an edited ConfigMap restarted those that use it once, and a label none");
    controller.end().await
}

async fn converge(
    model: &Model,
    foreign: &Foreign,
    rollouts: &Rollouts,
    wanted: impl Fn(&str) -> std::ops::RangeInclusive<u32>,
) -> Result<()> {
    let started = Instant::now();
    loop {
        let mut problems = check::problems(model).await?;
        problems.extend(foreign.problems().await?);
        problems.extend(rollouts.problems(model, &wanted));
        if problems.is_empty() {
            return Ok(());
        }
        if started.elapsed() > CONVERGENCE {
            let first = problems[..problems.len().min(20)].join("\n");
            bail!("{} problems {CONVERGENCE:?} after the last change:\n{first}", problems.len());
        }
        sleep(Duration::from_millis(500)).await;
    }
}
