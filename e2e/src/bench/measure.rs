//! One way to the terminal, measured turn by turn.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bench_terminal::{
    orders::{self, BANNER, MARKER},
    pattern::Pattern,
};
use tokio::time::timeout;

use super::{
    Plan,
    check::Check,
    figures::{Samples, mb_per_s},
    terminal::Terminal,
};

/// After so long without a byte the terminal is stuck, and the benchmark fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// Echoes before the first that counts: buffers grow and caches fill.
const WARM_UP_ECHOES: u16 = 50;

pub(super) struct Lane {
    pub(super) name: &'static str,
    terminal: Terminal,
    pattern: Pattern,
    samples: Samples,
}

impl Lane {
    /// Waits until the program at the far end obeys, and warms up.
    pub(super) async fn open(name: &'static str, terminal: Terminal) -> Result<Self> {
        let samples = Samples { name, ..Samples::default() };
        let mut lane = Self { name, terminal, pattern: Pattern::new(), samples };
        lane.warm_up().await.context(name)?;
        Ok(lane)
    }

    async fn warm_up(&mut self) -> Result<()> {
        self.expect(BANNER).await.context("the banner")?;
        for round in 0..WARM_UP_ECHOES {
            self.echo(round).await?;
        }
        self.bulk(1).await.map(drop)
    }

    /// Echoes and bulk output, once.
    pub(super) async fn turn(&mut self, plan: &Plan) -> Result<()> {
        for round in 0..plan.echoes {
            let took = self.echo(round).await.with_context(|| format!("echo {round}"))?;
            self.samples.echoes.push(took);
        }
        let rate = self.bulk(plan.mib).await.context("bulk output")?;
        self.samples.bulk.push(rate);
        Ok(())
    }

    /// Waits while another lane has its turn; returns only when its terminal failed.
    pub(super) async fn idle(&mut self) -> Result<Infallible> {
        self.terminal.idle().await.context(self.name)
    }

    /// Ends the program at the far end, which nobody else might, and hears it out.
    pub(super) async fn close(mut self) -> Result<Samples> {
        self.terminal.send(&orders::quit()).await?;
        while let Ok(_output) = timeout(PATIENCE, self.terminal.receive()).await? {}
        Ok(self.samples)
    }

    /// One byte there and back; another one each time, so that none is taken for an earlier one.
    async fn echo(&mut self, round: u16) -> Result<Duration> {
        let typed = [b'a' + round.to_le_bytes()[0] % 26];
        let started = Instant::now();
        self.terminal.send(&typed).await?;
        self.expect(&typed).await?;
        Ok(started.elapsed())
    }

    /// The rate of one order, from its sending to the last byte of its end mark.
    async fn bulk(&mut self, mib: u8) -> Result<f64> {
        let bytes = usize::from(mib) * 1024 * 1024;
        let mut check = Check::new(&self.pattern, bytes);
        let started = Instant::now();
        self.terminal.send(&orders::bulk(mib)).await?;
        while !check.is_done() {
            let received = timeout(PATIENCE, self.terminal.receive()).await;
            let received = received.with_context(|| format!("stuck after {}", check.seen()))??;
            check.take(&received)?;
        }
        Ok(mb_per_s(bytes + MARKER.len(), started.elapsed()))
    }

    /// Exactly these bytes, in whatever pieces.
    async fn expect(&mut self, expected: &[u8]) -> Result<()> {
        let mut rest = expected;
        while !rest.is_empty() {
            let received = timeout(PATIENCE, self.terminal.receive()).await.context("stuck")??;
            rest = rest.strip_prefix(&received[..]).with_context(|| {
                format!("{} came", String::from_utf8_lossy(&received).escape_debug())
            })?;
        }
        ensure!(rest.is_empty());
        Ok(())
    }
}
