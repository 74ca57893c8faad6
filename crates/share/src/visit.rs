//! One visit, from its admission to its end: may this client use this link, and for how long. Both
//! the gateway and the broker hold one for each terminal. It polls nothing: the agent's channel
//! brings each new state of the link, and a monotonic timer ends what expires.

use std::time::Duration;

use api_types::ShareToken;
use time::OffsetDateTime;
use tokio::{sync::watch, time::Instant};

use crate::{
    client::{ClientAddress, Visitor},
    denial::Denial,
    verdict::{Grant, Share, judge, judge_stay},
    watch::Links,
};

/// Timers cannot be set for much longer; one that is over early is set anew.
const LONGEST_TIMER: Duration = Duration::from_hours(24);

/// A visit that was admitted.
#[derive(Debug)]
pub struct Visit {
    visitor: Visitor,
    /// `None` once the token opens nothing any more.
    share: watch::Receiver<Option<Share>>,
    time: TimeBase,
}

/// How a visit knows the time: the wall clock once, and from then on only the monotonic one, so
/// that a clock that is set forward or back neither cuts a visit nor prolongs it.
#[derive(Clone, Copy, Debug)]
struct TimeBase {
    wall: OffsetDateTime,
    monotonic: Instant,
    /// The expiry that was judged last. Another one is judged by a fresh look at the wall clock.
    expires_at: Option<OffsetDateTime>,
}

impl TimeBase {
    fn now(&self) -> OffsetDateTime {
        self.wall + self.monotonic.elapsed()
    }

    /// Until the expiry, or a day if that is less.
    fn left(&self) -> Duration {
        let left = self.expires_at.map(|end| end - self.now());
        left.map_or(LONGEST_TIMER, |left| left.try_into().unwrap_or_default()).min(LONGEST_TIMER)
    }
}

impl Visit {
    /// Admits `client` by `token`, or says why not. `grace` is how long the links are believed
    /// without a working watch, `clock` reads the wall clock.
    pub fn admit(
        links: &Links,
        token: &ShareToken,
        client: ClientAddress,
        grace: Duration,
        clock: impl Fn() -> OffsetDateTime,
    ) -> Result<(Self, Grant), Denial> {
        let (visitor, found, share) = links.look_up(token, client, grace)?;
        let wall = clock();
        let grant = judge(&found, client, wall)?;
        let time = TimeBase { wall, monotonic: Instant::now(), expires_at: found.expires_at };
        Ok((Self { visitor, share, time }, grant))
    }

    /// Waits for the next change of what the visit may do, its end included. After a denial it has
    /// ended. Cancel safe.
    pub async fn changed(&mut self, clock: impl Fn() -> OffsetDateTime) -> Result<Grant, Denial> {
        loop {
            tokio::select! {
                biased;
                Ok(()) = self.share.changed() => return self.judge(clock),
                () = tokio::time::sleep(self.time.left()) => {
                    if self.time.left().is_zero() {
                        return Err(Denial::Expired);
                    }
                }
            }
        }
    }

    /// Waits until the visit may go on no longer.
    pub async fn ended(&mut self, clock: impl Fn() -> OffsetDateTime) -> Denial {
        loop {
            if let Err(denial) = self.changed(&clock).await {
                return denial;
            }
        }
    }

    fn judge(&mut self, clock: impl Fn() -> OffsetDateTime) -> Result<Grant, Denial> {
        let share = self.share.borrow_and_update();
        let share = share.as_ref().ok_or(Denial::Unknown)?;
        if share.expires_at != self.time.expires_at {
            let expires_at = share.expires_at;
            self.time = TimeBase { wall: clock(), monotonic: Instant::now(), expires_at };
        }
        judge_stay(share, self.visitor.client, self.time.now())
    }

    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }
}

#[cfg(test)]
mod tests;
