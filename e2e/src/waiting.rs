//! Waiting for what has no event to wait on: a condition asked for again and again, with a bound.

use std::{future::Future, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

/// How often a condition is asked for.
const PACE: Duration = Duration::from_millis(50);

/// What needs nothing to be started is done within this, on two busy cores.
pub const SOON: Duration = Duration::from_secs(30);

/// Returns what `ask` finds, and how long it took; fails after `bound` with what it waited for.
pub async fn until<T, F, Fut>(what: &str, bound: Duration, mut ask: F) -> Result<(T, Duration)>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let started = Instant::now();
    loop {
        let left = bound.saturating_sub(started.elapsed());
        let answer = tokio::time::timeout(left.max(PACE), ask()).await;
        if let Ok(found) = answer
            && let Some(found) = found.with_context(|| what.to_owned())?
        {
            return Ok((found, started.elapsed()));
        }
        if started.elapsed() >= bound {
            bail!("{what}: not within {bound:?}");
        }
        sleep(PACE).await;
    }
}
