//! What Agents cost: requests by the API server's audit log, memory by `/proc`, time by both. It judges nothing.

mod bare;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use api_types::Agent;
use kube::Client;
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    access::{Access, CONTROLLER},
    agents,
    audit::{Audit, Purpose, Request},
    controller::{Controller, Program},
    figures::{Row, table},
};

/// Where the Agents are, and one more that is edited.
const NAMESPACE: &str = "scale";
const ONE: &str = "one";
const EDITED: &str = "edited";
/// Where Agents are made and deleted before those that count, and how many: each connection has two.
const EARLIER: &str = "earlier";
const EARLIER_AGENTS: u32 = 16;
/// No request for an object for so long is the end of the work.
const QUIET: Duration = Duration::from_secs(3);
const BOUND: Duration = Duration::from_mins(20);
/// How long an edit may take before the run fails. Five seconds are meant.
const EDIT_BOUND: Duration = Duration::from_mins(2);
const EDITS: u8 = 5;

/// What is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Plan {
    #[command(flatten)]
    pub access: Access,
    /// How many Agents
    #[arg(long)]
    pub agents: u32,
    /// Agents that cannot be resolved, created while another one is edited
    #[arg(long, default_value_t = 10_000)]
    pub invalid: u32,
    /// How long requests of a controller are counted that has nothing to do
    #[arg(long, default_value_t = 60)]
    pub idle_seconds: u16,
    /// Measured rows are collected here, a line of JSON each
    #[arg(long, value_name = "FILE")]
    pub rows: PathBuf,
    /// And the table of all of them is written here
    #[arg(long, value_name = "FILE")]
    pub table: PathBuf,
}

/// One run: everything that its steps share.
struct Run<'a> {
    plan: &'a Plan,
    client: Client,
    program: Program,
    audit: Audit,
    step: fn(&str),
    row: Row,
}

/// Measures, and writes the table of all rows.
pub async fn run(plan: &Plan, step: fn(&str)) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let client = plan.access.client().await?;
    let program = Program::new(&plan.access, &client, folder.path()).await?;
    let audit = Audit::of(CONTROLLER, &plan.access.audit_log)?;
    let row = Row { agents: plan.agents, ..Row::default() };
    let mut run = Run { plan, client, program, audit, step, row };
    let measured = run.measure().await;
    // A failure keeps no earlier figures back.
    run.report()?;
    measured
}

impl Run<'_> {
    async fn measure(&mut self) -> Result<()> {
        for name in [EARLIER, NAMESPACE, ONE, bare::NAMESPACE] {
            agents::namespace(&self.client, name).await?;
        }
        self.alone().await?;
        (self.step)(&format!("{} Agents are created", self.plan.agents));
        self.create(NAMESPACE, self.plan.agents).await?;
        let controller = self.first_reconciles().await?;
        self.idle(&controller).await?;
        controller.end().await?;
        let controller = self.restart().await?;
        self.edits().await?;
        controller.end().await?;
        (self.step)("the same writes are sent bare");
        let bare = bare::measure(&self.client, NAMESPACE).await?;
        self.row.bare_seconds = bare.seconds;
        self.row.objects = bare.objects;
        Ok(())
    }

    /// Agents with every object that most have: so they are shared.
    async fn create(&self, namespace: &str, count: u32) -> Result<()> {
        let spec =
            json!({ "workspaceDir": "/workspace", "config": {}, "share": { "enabled": true } });
        agents::create(&self.client, namespace, (0..count).map(name), &spec).await
    }

    /// The memory of a controller that has no Agent: that never had one, and that had a few. What the first of them
    /// take is no Agent's: connections, and code that is read in when it first runs.
    async fn alone(&mut self) -> Result<()> {
        let controller = self.program.start()?;
        controller.has_reconciled(0, BOUND).await?;
        self.audit.until_quiet(QUIET, BOUND).await?;
        self.row.resident_kib_at_first = kib(&controller)?;
        self.create(EARLIER, EARLIER_AGENTS).await?;
        self.audit.until_quiet(QUIET, BOUND).await?;
        agents::delete_all(&self.client, EARLIER).await?;
        self.audit.until_quiet(QUIET, BOUND).await?;
        self.row.resident_kib_alone = kib(&controller)?;
        controller.end().await
    }

    async fn first_reconciles(&mut self) -> Result<Controller> {
        self.audit.new_requests()?;
        (self.step)("the controller starts");
        let controller = self.program.start()?;
        let requests = self.audit.until_quiet(QUIET, BOUND).await?;
        let work: Vec<&Request> = requests.iter().filter(|request| request.is_work()).collect();
        let published: BTreeSet<&str> = work
            .iter()
            .filter(|request| request.resource == "agents/status" && request.code == 200)
            .map(|request| request.name.as_str())
            .collect();
        ensure!(
            published.len() == self.plan.agents as usize,
            "{} of {} Agents have a status",
            published.len(),
            self.plan.agents
        );
        let per_agent = |wanted: &dyn Fn(&Request) -> bool| {
            ratio(work.iter().filter(|request| wanted(request)).count(), self.plan.agents)
        };
        let is_status = |request: &Request| request.resource == "agents/status";
        let is_write = |request: &Request| request.purpose() == Purpose::Write;
        self.row.reads = per_agent(&|request| request.purpose() == Purpose::Read);
        self.row.status_writes = per_agent(&|request| is_status(request));
        self.row.object_writes = per_agent(&|request| is_write(request) && !is_status(request));
        let writes = || work.iter().filter(|request| is_write(request));
        let first = writes().map(|request| request.received).min().context("no write")?;
        let last = work.iter().map(|request| request.ended).max().context("no work")?;
        self.row.reconcile_seconds = seconds(first, last);
        self.row.first_write_ms = seconds(controller.started, first) * 1000.0;
        let refused = work.iter().filter(|request| request.code >= 400 && request.code != 404);
        (self.step)(&format!("{} requests were refused", refused.count()));
        Ok(controller)
    }

    async fn idle(&mut self, controller: &Controller) -> Result<()> {
        let window = Duration::from_secs(self.plan.idle_seconds.into());
        (self.step)(&format!("nothing changes for {window:?}"));
        self.row.resident_kib = kib(controller)?;
        self.audit.new_requests()?;
        tokio::time::sleep(window).await;
        let requests = self.audit.new_requests()?;
        let count = |purpose: Purpose| {
            requests.iter().filter(|request| request.purpose() == purpose).count() as u64
        };
        self.row.idle_seconds = window.as_secs_f64();
        self.row.idle_requests = count(Purpose::Read) + count(Purpose::Write);
        self.row.idle_watches = count(Purpose::Watch);
        self.row.idle_lease = count(Purpose::Lease);
        Ok(())
    }

    async fn restart(&mut self) -> Result<Controller> {
        self.audit.new_requests()?;
        (self.step)("the controller restarts");
        let controller = self.program.start()?;
        controller.has_reconciled(self.plan.agents.into(), BOUND).await?;
        self.row.restart_seconds = seconds(controller.started, crate::clock::now());
        let requests = self.audit.until_quiet(QUIET, BOUND).await?;
        let count = |purpose: Purpose| {
            requests.iter().filter(|request| request.purpose() == purpose).count() as u64
        };
        self.row.restart_writes = count(Purpose::Write);
        self.row.restart_reads = count(Purpose::Read);
        Ok(controller)
    }

    /// The worst of several edits, alone and among Agents that are refused.
    async fn edits(&mut self) -> Result<()> {
        (self.step)("another Agent is edited");
        let edited = agents::dynamic::<Agent>(&self.client, ONE);
        agents::create_one(&edited, EDITED, json!({ "workspaceDir": "/workspace" })).await?;
        let worst = async || -> Result<f64> {
            let mut worst = Duration::ZERO;
            for _ in 0..EDITS {
                worst = worst.max(agents::edit(&edited, EDITED, EDIT_BOUND).await?);
            }
            Ok(worst.as_secs_f64() * 1000.0)
        };
        self.row.edit_ms = worst().await?;
        (self.step)(&format!("{} invalid Agents are created meanwhile", self.plan.invalid));
        let spec = json!({ "workspaceDir": "/workspace", "templateRef": { "name": "missing" } });
        let names = (0..self.plan.invalid).map(|number| format!("invalid-{number}"));
        let creating = agents::create(&self.client, ONE, names, &spec);
        tokio::pin!(creating);
        loop {
            tokio::select! {
                biased;
                created = &mut creating => break created?,
                edit = worst() => {
                    self.row.edit_among_invalid_ms = self.row.edit_among_invalid_ms.max(edit?);
                }
            }
        }
        // The last of them are still to be judged.
        self.row.edit_among_invalid_ms = self.row.edit_among_invalid_ms.max(worst().await?);
        Ok(())
    }

    fn report(&self) -> Result<()> {
        let mut text = std::fs::read_to_string(&self.plan.rows).unwrap_or_default();
        text.push_str(&serde_json::to_string(&self.row)?);
        text.push('\n');
        std::fs::write(&self.plan.rows, &text)?;
        let rows: Vec<Row> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        std::fs::write(&self.plan.table, table(&rows))?;
        Ok(())
    }
}

fn name(number: u32) -> String {
    format!("agent-{number:05}")
}

#[expect(clippy::cast_precision_loss, reason = "for people, with few digits")]
fn ratio(count: usize, agents: u32) -> f64 {
    count as f64 / f64::from(agents)
}

#[expect(clippy::cast_precision_loss, reason = "for people, with few digits")]
fn kib(controller: &Controller) -> Result<f64> {
    Ok(controller.resident_kib()? as f64)
}

fn seconds(from: OffsetDateTime, to: OffsetDateTime) -> f64 {
    (to - from).as_seconds_f64()
}
