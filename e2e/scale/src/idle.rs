//! What an installation costs that nobody uses: two of each program, and Agents that are shared, ready and idle.

use std::{fmt::Write as _, fs, path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use api_types::Agent;
use kube::{Client, api::ListParams};
use serde_json::json;

use crate::{
    access::{Access, BROKER, CONTROLLER, GATEWAY},
    agents,
    audit::{Audit, Purpose},
    installation::{self, Programs, Replica},
};

const NAMESPACE: &str = "scale";
/// No request for an object for so long is the end of the work.
const QUIET: Duration = Duration::from_secs(3);
const BOUND: Duration = Duration::from_mins(5);

/// What is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Plan {
    #[command(flatten)]
    pub access: Access,
    #[command(flatten)]
    pub programs: Programs,
    /// How many Agents
    #[arg(long, default_value_t = 100)]
    pub agents: u32,
    /// How long nothing happens
    #[arg(long, default_value_t = 60)]
    pub idle_seconds: u16,
    /// The table is appended to this file
    #[arg(long, value_name = "FILE")]
    pub table: PathBuf,
}

/// Of one process, over the idle time.
struct Cost {
    program: &'static str,
    millicores: f64,
    resident_mb: f64,
    /// With a share only of what it has in common with others, such as the program's file.
    proportional_mb: f64,
    /// What is no file's: a pod's resident memory, as its kubelet reports it.
    anonymous_mb: f64,
}

/// Measures, and writes the table.
pub async fn run(plan: &Plan, step: fn(&str)) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let client = plan.access.client().await?;
    let mut logs = [CONTROLLER, GATEWAY, BROKER]
        .into_iter()
        .map(|account| Audit::of(account.user(), &plan.access.audit_log))
        .collect::<Result<Vec<_>>>()?;
    agents::namespace(&client, NAMESPACE).await?;
    step("two of each program start");
    let replicas =
        installation::start(&plan.access, &plan.programs, &client, folder.path(), BOUND).await?;
    step(&format!("{} shared Agents become ready", plan.agents));
    ready_agents(&client, plan.agents, &mut logs[0]).await?;
    let window = Duration::from_secs(plan.idle_seconds.into());
    step(&format!("nothing happens for {window:?}, but probes"));
    for log in &mut logs {
        log.new_requests()?;
    }
    let costs = costs(&replicas, window).await?;
    let mut requests = Vec::new();
    for log in &mut logs {
        requests.extend(log.new_requests()?);
    }
    let count = |purpose: Purpose| {
        requests.iter().filter(|request| request.purpose() == purpose).count() as u64
    };
    let others = count(Purpose::Read) + count(Purpose::Write);
    let mut table = fs::read_to_string(&plan.table).unwrap_or_default();
    table.push_str(&of(&costs, plan.agents)?);
    writeln!(
        table,
        "\nRequests in {} s: {} of leases, {} of watches, {others} others.\n",
        plan.idle_seconds,
        count(Purpose::Lease),
        count(Purpose::Watch),
    )?;
    fs::write(&plan.table, table)?;
    Ok(())
}

/// Agents whose servers run, as far as the control plane knows.
async fn ready_agents(client: &Client, count: u32, audit: &mut Audit) -> Result<()> {
    let spec = json!({ "workspaceDir": "/workspace", "config": {}, "share": { "enabled": true } });
    let names = (0..count).map(|number| format!("agent-{number:03}"));
    agents::create(client, NAMESPACE, names, &spec).await?;
    audit.until_quiet(QUIET, BOUND).await?;
    agents::run_servers(client, NAMESPACE).await?;
    audit.until_quiet(QUIET, BOUND).await?;
    let all = agents::dynamic::<Agent>(client, NAMESPACE).list(&ListParams::default()).await?;
    let ready = all.iter().filter(|agent| agent.data["status"]["ready"] == true).count();
    ensure!(ready == count as usize, "{ready} of {count} Agents are ready");
    Ok(())
}

async fn costs(replicas: &[Replica], window: Duration) -> Result<Vec<Cost>> {
    let before = replicas
        .iter()
        .map(|replica| replica.process.processor_time())
        .collect::<Result<Vec<_>>>()?;
    installation::probe(replicas, window).await?;
    let cost = |(replica, before): (&Replica, Duration)| {
        let spent = replica.process.processor_time()?.saturating_sub(before);
        let resident_mb = megabytes(replica.process.resident_kib()?);
        let proportional_mb = megabytes(replica.process.proportional_kib()?);
        let anonymous_mb = megabytes(replica.process.anonymous_kib()?);
        let millicores = spent.as_secs_f64() * 1000.0 / window.as_secs_f64();
        let program = replica.program;
        Ok(Cost { program, millicores, resident_mb, proportional_mb, anonymous_mb })
    };
    replicas.iter().zip(before).map(cost).collect()
}

#[expect(clippy::cast_precision_loss, reason = "for people, with few digits")]
fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

/// A row for each process, and their sum.
fn of(costs: &[Cost], agents: u32) -> Result<String> {
    let mut table = format!(
        "| With {agents} idle shared Agents | CPU, millicores | resident, MB | … its share of it, MB \
         | … no file's, MB |\n|---|---:|---:|---:|---:|\n"
    );
    let sum = |of: fn(&Cost) -> f64| costs.iter().map(of).sum();
    let all = Cost {
        program: "all",
        millicores: sum(|cost| cost.millicores),
        resident_mb: sum(|cost| cost.resident_mb),
        proportional_mb: sum(|cost| cost.proportional_mb),
        anonymous_mb: sum(|cost| cost.anonymous_mb),
    };
    for cost in costs.iter().chain([&all]) {
        let memory = [cost.resident_mb, cost.proportional_mb, cost.anonymous_mb];
        let [resident, share, anonymous] = memory.map(|megabytes| format!("{megabytes:.1}"));
        let (program, millicores) = (cost.program, format!("{:.2}", cost.millicores));
        writeln!(table, "| {program} | {millicores} | {resident} | {share} | {anonymous} |")?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_is_the_sum_of_all_processes() {
        let cost = |millicores, resident_mb| Cost {
            program: "gateway",
            millicores,
            resident_mb,
            proportional_mb: resident_mb - 3.0,
            anonymous_mb: resident_mb - 4.5,
        };
        let table = of(&[cost(0.25, 8.0), cost(0.5, 9.5)], 100).unwrap();
        let end = "| gateway | 0.50 | 9.5 | 6.5 | 5.0 |\n| all | 0.75 | 17.5 | 11.5 | 8.5 |\n";
        assert!(table.ends_with(end), "{table}");
    }
}
