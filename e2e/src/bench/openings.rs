//! How long a terminal takes to open: from the first packet of its connection to the first byte of its program.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bench_terminal::orders::BANNER;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{
    figures::Samples,
    sessions::drain,
    terminal::Terminal,
    ways::{Way, Ways},
};

/// A gateway lets 30 terminals a minute open through a link, and one of each round is.
const ROUND: Duration = Duration::from_secs(2);
/// An opening that takes longer is stuck, and the benchmark fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens `count` terminals by each way, one after the other; what was measured before a failure is kept.
pub(super) async fn measure(ways: &Ways<'_>, count: u16, samples: &mut [Samples]) -> Result<()> {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 0..count {
        rounds.tick().await;
        for samples in &mut *samples {
            let took = timeout(PATIENCE, one(ways, samples.way)).await.context("stuck");
            let name = samples.way.name();
            let took = took.flatten().with_context(|| format!("{name}: opening {round}"))?;
            samples.openings.push(took);
        }
        // Another is the first after the pause.
        samples.rotate_left(1);
    }
    Ok(())
}

/// Opens one terminal `count` times while somebody looks at it already: a page's as one more viewer, and beside that a direct
/// exec, to which it makes no difference.
pub(super) async fn further(ways: &Ways<'_>, count: u16, samples: &mut [Samples]) -> Result<()> {
    let mut audience = ways.page().await?;
    let opened = async {
        for round in 0..count {
            for samples in &mut *samples {
                let took = match samples.way {
                    Way::Direct => one(ways, Way::Direct).await,
                    Way::Page => one_more(ways).await,
                    _ => continue,
                };
                samples.further.push(took.with_context(|| format!("viewer {round}"))?);
            }
        }
        anyhow::Ok(())
    };
    tokio::select! {
        biased;
        opened = timeout(PATIENCE * u32::from(count), opened) => opened.context("stuck")??,
        ended = drain(&mut audience) => ended?,
    }
    Terminal::Guest(Box::new(audience)).end().await
}

async fn one_more(ways: &Ways<'_>) -> Result<Duration> {
    let started = Instant::now();
    let mut guest = ways.page().await?;
    guest.receive().await?;
    let took = started.elapsed();
    guest.leave().await?;
    Ok(took)
}

/// Opens a terminal, and ends it before anything else is opened.
async fn one(ways: &Ways<'_>, way: Way) -> Result<Duration> {
    let started = Instant::now();
    let mut terminal = ways.open(way).await?;
    let first = terminal.receive().await?;
    let took = started.elapsed();
    // Who shares a terminal may come when the program has begun, and is drawn its screen.
    ensure!(
        way == Way::Page || BANNER.starts_with(&first),
        "it begins with {}",
        first.escape_ascii()
    );
    terminal.end().await?;
    Ok(took)
}
