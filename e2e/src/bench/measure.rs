//! One way to the terminal, measured turn by turn.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bench_terminal::{
    orders::{self, BANNER, Bulk, MARKER},
    pattern::Patterns,
};
use tokio::time::timeout;

use super::{
    Plan, Programs,
    check::Check,
    figures::{Samples, mb_per_s},
    pace,
    terminal::{PATIENCE, Terminal},
    ways::Way,
};

/// Echoes before the first that counts: buffers grow and caches fill.
const WARM_UP_ECHOES: u16 = 50;
/// Keys a second: a fast typist's, and as many as a program that types could send.
const RATES: [u16; 2] = [50, 1000];

pub(super) struct Lane {
    pub(super) name: &'static str,
    terminal: Terminal,
    patterns: Patterns,
    samples: Samples,
}

impl Lane {
    /// Waits until the program at the far end obeys, and warms up.
    pub(super) async fn open(way: Way, terminal: Terminal) -> Result<Self> {
        let samples = Samples { way, ..Samples::default() };
        let mut lane = Self { name: way.name(), terminal, patterns: Patterns::default(), samples };
        lane.warm_up().await.context(lane.name)?;
        Ok(lane)
    }

    async fn warm_up(&mut self) -> Result<()> {
        if self.samples.way == Way::Page {
            self.terminal.is_drawn().await.context("the screen")?;
        } else {
            self.terminal.expect(BANNER).await.context("the banner")?;
        }
        for round in 0..WARM_UP_ECHOES {
            self.echo(round).await?;
        }
        self.bulk(Bulk::Noise, 1).await?;
        self.bulk(Bulk::Text, 1).await.map(drop)
    }

    /// Echoes one by one and at each rate, and bulk output, once.
    pub(super) async fn turn(&mut self, plan: &Plan, programs: &Programs) -> Result<()> {
        for round in 0..plan.echoes {
            let took = self.echo(round).await.with_context(|| format!("echo {round}"))?;
            self.samples.echoes.push(took);
        }
        self.paced(0, plan.slow_keys).await.context("50 keys a second")?;
        let before = programs.cpu();
        self.paced(1, plan.fast_keys).await.context("1,000 keys a second")?;
        self.samples.key_cpu += programs.cpu().since(before);

        for kind in [Bulk::Noise, Bulk::Text, Bulk::Listing] {
            let before = programs.cpu();
            let rate = self.bulk(kind, plan.mib).await.context("bulk output")?;
            let bulk = self.samples.bulk_of(kind);
            bulk.cpu += programs.cpu().since(before);
            bulk.rates.push(rate);
            bulk.bytes += usize::from(plan.mib) * 1024 * 1024;
        }
        Ok(())
    }

    /// Keeps the terminal alive while others have their turn: pings are answered.
    pub(super) async fn idle(&mut self) -> Result<()> {
        let output = self.terminal.receive().await.context(self.name)?;
        bail!("{}: {} bytes came by themselves", self.name, output.len())
    }

    pub(super) async fn close(self) -> Result<Samples> {
        self.terminal.end().await.context(self.name)?;
        Ok(self.samples)
    }

    /// One byte there and back; another one each time, so that none is taken for an earlier one.
    async fn echo(&mut self, round: u16) -> Result<Duration> {
        let typed = [key(round)];
        let started = Instant::now();
        self.terminal.send(&typed).await?;
        self.terminal.expect(&typed).await?;
        Ok(started.elapsed())
    }

    /// `count` keys at a rate. A key is sent when it is due, whether or not the one before has returned.
    async fn paced(&mut self, rate: usize, count: u16) -> Result<()> {
        let mut ticks = pace::ticks(RATES[rate], count);
        let (mut sent, mut round, mut due) = (VecDeque::new(), 0, true);
        while due || !sent.is_empty() {
            tokio::select! {
                biased;
                tick = ticks.recv(), if due => match tick {
                    Some(()) => {
                        sent.push_back((key(round), Instant::now()));
                        self.terminal.send(&[key(round)]).await?;
                        round += 1;
                    }
                    None => due = false,
                },
                received = timeout(PATIENCE, self.terminal.receive()) => {
                    let now = Instant::now();
                    for byte in received.context("stuck")?? {
                        let (expected, at) = sent.pop_front().context("a key that nobody typed")?;
                        ensure!(byte == expected, "key {byte} came, and not {expected}");
                        self.samples.paced[rate].push(now - at);
                    }
                }
            }
        }
        Ok(())
    }

    /// The rate of one order, from its sending to the last byte of its end mark.
    async fn bulk(&mut self, kind: Bulk, mib: u8) -> Result<f64> {
        let bytes = usize::from(mib) * 1024 * 1024;
        let mut check = Check::new(self.patterns.of(kind), bytes);
        let started = Instant::now();
        self.terminal.send(&orders::bulk(kind, mib)).await?;
        while !check.is_done() {
            let received = timeout(PATIENCE, self.terminal.receive()).await;
            let received = received.with_context(|| format!("stuck after {}", check.seen()))??;
            check.take(&received)?;
        }
        Ok(mb_per_s(bytes + MARKER.len(), started.elapsed()))
    }
}

/// Another letter for each of 26 keys.
pub(super) fn key(round: u16) -> u8 {
    b'a' + u8::try_from(round % 26).unwrap_or_default()
}
