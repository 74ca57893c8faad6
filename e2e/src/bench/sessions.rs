//! Many sessions held open at once: what an idle one costs in memory, and a minute after a burst of output.

use std::time::Duration;

use anyhow::{Context, Result};
use bench_terminal::orders;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{guest::Guest, programs::Programs};

/// Openings under way at once: each starts a process in the pod.
const AT_ONCE: usize = 8;
const PATIENCE: Duration = Duration::from_mins(1);
/// How long after a burst its memory is to be gone.
const CALM: Duration = Duration::from_mins(1);
/// Of the burst, for each session.
const BURST_MIB: u8 = 1;

/// KiB of gateways and brokers for each session.
pub(super) struct Memory {
    pub(super) sessions: usize,
    pub(super) idle: [f64; 2],
    pub(super) after_burst: [f64; 2],
}

/// Holds `count` sessions; they are closed when it returns.
pub(super) async fn hold(
    token: &str,
    count: usize,
    programs: &Programs,
    progress: &impl Fn(&str),
) -> Result<Option<Memory>> {
    let Some(before) = programs.resident_kib() else { return Ok(None) };
    let guests: Vec<Guest> = stream::iter(0..count)
        .map(|_| async { timeout(PATIENCE, Guest::open(token)).await.context("an opening")? })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let burst = CancellationToken::new();
    let mut held = JoinSet::new();
    for guest in guests {
        held.spawn(keep(guest, burst.clone()));
    }
    progress(&format!("{count} sessions are open, and idle for a minute"));
    still(&mut held).await?;
    let idle = programs.resident_kib().context("a program ended")?;
    progress(&format!("a burst of {BURST_MIB} MiB in each, and another minute"));
    burst.cancel();
    still(&mut held).await?;
    let after = programs.resident_kib().context("a program ended")?;
    let each = |now: [u64; 2]| [0, 1].map(|of| per_session(now[of], before[of], count));
    Ok(Some(Memory { sessions: count, idle: each(idle), after_burst: each(after) }))
}

/// A minute in which no session ends.
async fn still(held: &mut JoinSet<Result<()>>) -> Result<()> {
    tokio::select! {
        biased;
        Some(ended) = held.join_next() => ended?.context("a session that was to be held"),
        () = sleep(CALM) => Ok(()),
    }
}

/// Reads what comes, for ever; orders a burst when told.
async fn keep(mut guest: Guest, burst: CancellationToken) -> Result<()> {
    if let Some(received) = burst.run_until_cancelled(drain(&mut guest)).await {
        return received;
    }
    guest.send(&orders::bulk(BURST_MIB)).await?;
    drain(&mut guest).await
}

async fn drain(guest: &mut Guest) -> Result<()> {
    loop {
        guest.receive().await?;
    }
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52 KiB")]
fn per_session(now: u64, before: u64, count: usize) -> f64 {
    (now as f64 - before as f64) / count as f64
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "| KiB a session, of {:<5} | gateway |  broker | together |", self.sessions)?;
        writeln!(f, "|--------------------------|--------:|--------:|---------:|")?;
        for (name, [gateway, broker]) in
            [("idle", self.idle), ("a minute after a burst", self.after_burst)]
        {
            let sum = gateway + broker;
            writeln!(f, "| {name:<24} | {gateway:>7.1} | {broker:>7.1} | {sum:>8.1} |")?;
        }
        Ok(())
    }
}
