//! Whatever dies, and whatever is rolled out: fifty sessions go on, and no byte of them is lost, doubled or reordered.
#![allow(clippy::print_stderr, reason = "how long each took is for people")]

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use api_types::names::{BROKER_SERVICE, SERVER_SERVICE};
use e2e::{
    cluster::{PATIENCE, Space, api_server},
    limits::{self, Terminals},
    network, pods,
    replica::Replica,
    rollout, settings, stand_in,
    temporary::Temporary,
    waiting,
};
use pages::{Door, Report, Work};
use screen_wire::PING_INTERVAL;
use tokio::time::sleep;

const AGENTS: usize = 2;
const PAGES_EACH: u8 = 25;
const TYPES_EVERY: Duration = Duration::from_millis(50);
/// Typed by each page between two deaths, at least.
const ROUND_BYTES: u64 = 70;
/// From a break that a page notices to the next byte on it, for 99 of 100.
const AGAIN: Duration = Duration::from_secs(3);
/// From the return of the API server.
const SOON: Duration = Duration::from_secs(5);
/// How long the API server is gone.
const GONE: Duration = Duration::from_mins(1);
/// How long a broker keeps an exec without viewers, and some.
const KEPT: Duration = Duration::from_secs(65);

const CONTROLLER: &str = "kubeopencode-controller";

#[tokio::test]
async fn fifty_sessions_lose_no_byte_whatever_dies() -> Result<()> {
    let space = Space::new("breaks").await?;
    limits::lift(&space.client, Terminals::Shared).await?;
    let outcome = Box::pin(survive(&space)).await;
    limits::restore(&space.client).await?;
    outcome?;
    space.delete().await
}

async fn survive(space: &Space) -> Result<()> {
    let (mut work, mut pods) = (Work::new(TYPES_EVERY), vec![]);
    for number in 0..AGENTS {
        let (door, pod) = numbered(space, &format!("numbered-{number}")).await?;
        work.open(number, &door, PAGES_EACH).await?;
        pods.push(pod);
    }
    for round in 0..settings::rounds()? {
        kill(space, &pods, round).await.with_context(|| format!("round {round}"))?;
        work.go_on(ROUND_BYTES, PATIENCE).await.with_context(|| format!("after round {round}"))?;
    }
    let killed = work.resumptions();

    roll_out(space).await?;
    work.go_on(ROUND_BYTES, PATIENCE).await.context("after the rollout")?;
    let rolled = work.resumptions();
    let most = rolled.iter().zip(&killed).map(|(now, before)| now - before).max();
    eprintln!("a rollout of all three: at most {most:?} resumptions of a page");

    ensure!(work.redrawn() == 0, "output was missed");

    lose_api_server(space, &mut work).await?;
    let reports = work.end(PING_INTERVAL + PATIENCE).await?;
    is_whole(space, &pods, &reports).await?;
    are_there_again_soon(&reports, &killed)?;
    are_back_soon(&reports)?;
    for pod in &pods {
        pods::left_by_all(space, pod, KEPT).await?;
    }
    ensure!(most <= Some(1), "a rollout broke a page's connection {most:?} times");
    Ok(())
}

/// A shared agent whose terminal shows numbered lines, and its pod.
async fn numbered(space: &Space, name: &str) -> Result<(Door, String)> {
    let script = format!("TYPED=/tmp/typed\n{}", pages::NUMBERED_LINES);
    let (token, pod) = stand_in::agent(space, name, &script).await?;
    let gateway = settings::gateway()?;
    let gateway: SocketAddr = gateway.trim_start_matches("http://").parse()?;
    Ok((Door { gateway, source: None, token, patience: PATIENCE }, pod))
}

/// SIGKILL for one of what a terminal needs, in turns. Of two replicas one after the other, so that the kubelet, which
/// lets a container that ended often wait for its restart, is given time.
async fn kill(space: &Space, pods: &[String], round: usize) -> Result<()> {
    match round % 5 {
        0 => kill_replica(space, "gateway", SERVER_SERVICE, round / 5).await,
        1 => kill_replica(space, "terminal-broker", BROKER_SERVICE, round / 5).await,
        2 => kill_replica(space, "controller", CONTROLLER, 0).await,
        3 => {
            drop(without_api_server(space).await?);
            Ok(())
        }
        _ => {
            for pod in pods {
                let viewers = pods::sessions(space, pod).await?;
                ensure!(!viewers.is_empty(), "nobody looks at {pod}");
                let kill = format!("kill -9 {}", viewers.join(" "));
                pods::exec(space, pod, &["/bin/bash", "-c", &kill]).await?;
            }
            Ok(())
        }
    }
}

async fn kill_replica(space: &Space, component: &str, deployment: &str, turn: usize) -> Result<()> {
    rollout::finished(&rollout::deployments(&space.client), deployment).await?;
    let mut replicas = running(space, component).await?;
    replicas.sort_by_key(|replica| replica.address);
    let one = replicas.get(turn % replicas.len().max(1)).context("there is none")?;
    one.processes.kill()
}

/// All replicas of a component, once the process of each runs.
async fn running(space: &Space, component: &str) -> Result<Vec<Replica>> {
    let what = format!("all of {component} run");
    let running = waiting::until(&what, PATIENCE, || async {
        let replicas = Replica::all(&space.client, component).await?;
        Ok(replicas.iter().all(|replica| replica.processes.first().is_ok()).then_some(replicas))
    });
    Ok(running.await?.0)
}

/// Resets all connections of gateways and brokers to the API server, and lets none come about until this is dropped.
async fn without_api_server(space: &Space) -> Result<Vec<Temporary>> {
    let mut replicas = running(space, "gateway").await?;
    replicas.extend(running(space, "terminal-broker").await?);
    let address = api_server(&space.client).await?;
    replicas.iter().map(|replica| network::refused(replica, address)).collect()
}

/// As an upgrade does: all three at once.
async fn roll_out(space: &Space) -> Result<()> {
    let restart = |name| rollout::restart(&space.client, name);
    tokio::try_join!(restart(SERVER_SERVICE), restart(BROKER_SERVICE), restart(CONTROLLER))?;
    for component in ["gateway", "terminal-broker", "controller"] {
        rollout::old_pods_gone(&space.client, component).await?;
    }
    Ok(())
}

/// No program reaches the API server for a while.
async fn lose_api_server(space: &Space, work: &mut Work) -> Result<()> {
    let refused = without_api_server(space).await?;
    sleep(GONE).await;
    drop(refused);
    work.go_on(ROUND_BYTES, PATIENCE).await.context("after the API server was gone")
}

/// All that was typed was read, once and in its order, and nobody missed output.
async fn is_whole(space: &Space, pods: &[String], reports: &[Report]) -> Result<()> {
    for (terminal, pod) in pods.iter().enumerate() {
        let of_it = || reports.iter().filter(|report| report.terminal == terminal);
        let total: u64 = of_it().map(|report| report.typed).sum();
        let (typed, _) = waiting::until("all that is typed is read", PATIENCE, || async {
            let typed = pods::exec(space, pod, &["cat", "/tmp/typed"]).await?;
            Ok((typed.len() as u64 >= total).then_some(typed))
        })
        .await?;
        for report in of_it() {
            report.keys.check(typed.as_bytes(), report.typed)?;
            // The terminal keeps as much output as comes in less than a minute.
            ensure!(report.redrawn <= 1, "it was drawn anew without need: {report:?}");
            ensure!(report.line > 1000 && report.typed > 1000, "it stood still: {report:?}");
        }
    }
    Ok(())
}

/// After each of the deaths, by how often each page has resumed then.
fn are_there_again_soon(reports: &[Report], killed: &[usize]) -> Result<()> {
    let each = reports.iter().zip(killed);
    let mut took: Vec<_> =
        each.flat_map(|(report, killed)| &report.resumptions[..*killed]).copied().collect();
    let late = told("resumptions after a death", &mut took);
    ensure!(late <= AGAIN, "one takes {late:?}");
    let all = reports.iter().flat_map(|report| &report.resumptions);
    let mut took: Vec<_> = all.filter(|took| **took < GONE).copied().collect();
    told("resumptions after a death or a rollout", &mut took);
    Ok(())
}

/// Whoever had no terminal while the API server was gone has one soon after.
fn are_back_soon(reports: &[Report]) -> Result<()> {
    let waited = reports.iter().flat_map(|report| &report.resumptions);
    let mut took: Vec<_> = waited.filter_map(|waited| waited.checked_sub(GONE)).collect();
    ensure!(took.len() == reports.len(), "{} of {} had none", took.len(), reports.len());
    let late = told("resumptions after the API server was gone for a minute", &mut took);
    ensure!(late <= SOON, "one takes {late:?}");
    Ok(())
}

/// Tells people how long they took, and returns what 99 of 100 did at most.
fn told(what: &str, took: &mut [Duration]) -> Duration {
    took.sort_unstable();
    let at = |of: usize| took[(took.len() * of / 100).min(took.len() - 1)];
    let [median, late, latest] = [at(50), at(99), at(100)];
    eprintln!("{} {what}: median {median:?}, p99 {late:?}, slowest {latest:?}", took.len());
    late
}
