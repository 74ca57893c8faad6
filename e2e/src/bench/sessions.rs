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

use super::{
    guest::{Comes, Guest},
    hosts::{self, Host},
    programs::Programs,
};

/// Sessions that open, or close, at once: each starts a process in a pod, or ends it.
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

/// Holds `count` sessions; they have been closed when it returns.
pub(super) async fn hold(
    hosts: &[Host],
    count: usize,
    programs: &Programs,
    progress: impl Fn(&str),
) -> Result<Option<Memory>> {
    if programs.resident_kib().is_none() {
        return Ok(None);
    }
    progress(
        "a session of each agent, a burst and a minute: what the first ones take is no later one's",
    );
    warm(hosts).await?;
    let before = programs.resident_kib().context("a program ended")?;
    let mut held = Held::open(hosts, count).await?;
    let used = held.measure(count, programs, progress).await;
    held.leave().await;
    let [idle, after_burst] =
        used?.map(|now| [0, 1].map(|of| per_session(now[of], before[of], count)));
    Ok(Some(Memory { sessions: count, idle, after_burst }))
}

/// Has the programs once do all that they will be measured at: the code that runs is read in, connections and pools are
/// made.
async fn warm(hosts: &[Host]) -> Result<()> {
    let mut held = Held::open(hosts, hosts.len()).await?;
    held.burst.cancel();
    let still = held.still().await;
    held.leave().await;
    still
}

/// Sessions whose output is read.
struct Held {
    sessions: JoinSet<Result<Guest>>,
    burst: CancellationToken,
    leave: CancellationToken,
}

impl Held {
    async fn open(hosts: &[Host], count: usize) -> Result<Self> {
        let (burst, leave) = (CancellationToken::new(), CancellationToken::new());
        let mut sessions = JoinSet::new();
        let mut opened = stream::iter(hosts::in_turns(hosts, count))
            .map(|host| async move {
                timeout(PATIENCE, Guest::open(&host.token, Comes::Once))
                    .await
                    .context("an opening")?
            })
            .buffer_unordered(AT_ONCE);
        // The first ones are asked for signs of life while the last ones open.
        while let Some(guest) = opened.try_next().await? {
            sessions.spawn(keep(guest, burst.clone(), leave.clone()));
        }
        Ok(Self { sessions, burst, leave })
    }

    /// KiB of gateways and brokers, idle and after a burst.
    async fn measure(
        &mut self,
        count: usize,
        programs: &Programs,
        progress: impl Fn(&str),
    ) -> Result<[[u64; 2]; 2]> {
        progress(&format!("{count} sessions are open, and idle for a minute"));
        self.still().await?;
        let idle = programs.resident_kib().context("a program ended")?;
        progress(&format!("a burst of {BURST_MIB} MiB in each, and another minute"));
        self.burst.cancel();
        self.still().await?;
        Ok([idle, programs.resident_kib().context("a program ended")?])
    }

    /// A minute in which no session ends.
    async fn still(&mut self) -> Result<()> {
        tokio::select! {
            biased;
            Some(ended) = self.sessions.join_next() => {
                ended?.map(drop).context("a session that was to be held")
            }
            () = sleep(CALM) => Ok(()),
        }
    }

    /// Closes those that are left, as browsers do.
    async fn leave(self) {
        self.leave.cancel();
        let guests = self.sessions.join_all().await.into_iter().filter_map(Result::ok);
        let leave = |guest: Guest| async move {
            // One whose connection broke off has left as well.
            let _ = timeout(PATIENCE, guest.leave()).await;
        };
        stream::iter(guests).for_each_concurrent(AT_ONCE, leave).await;
    }
}

/// Reads what comes, for ever; orders a burst when told, and yields the guest when it is to leave.
async fn keep(
    mut guest: Guest,
    burst: CancellationToken,
    leave: CancellationToken,
) -> Result<Guest> {
    let kept = async {
        if let Some(received) = burst.run_until_cancelled(drain(&mut guest)).await {
            return received;
        }
        guest.send(&orders::bulk(orders::Bulk::Noise, BURST_MIB)).await?;
        drain(&mut guest).await
    };
    leave.run_until_cancelled(kept).await.transpose()?;
    Ok(guest)
}

/// Reads what comes, for ever.
pub(super) async fn drain(guest: &mut Guest) -> Result<()> {
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
        writeln!(f, "| KiB a session, of {:<6} | gateway |  broker | together |", self.sessions)?;
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
