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
    verdict::{Grant, judge, judge_stay},
    watch::{Links, News},
};

/// Timers cannot be set for much longer; one that is over early is set anew.
const LONGEST_TIMER: Duration = Duration::from_hours(24);

/// A visit that was admitted.
#[derive(Debug)]
pub struct Visit {
    visitor: Visitor,
    share: watch::Receiver<News>,
    time: TimeBase,
    /// As it was judged last.
    grant: Grant,
    /// When the link last changed, or the visit's time was over.
    changed_at: Instant,
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

    /// When the expiry is, on the monotonic clock.
    fn end(&self) -> Option<Instant> {
        let left: Duration = (self.expires_at? - self.wall).try_into().unwrap_or_default();
        self.monotonic.checked_add(left)
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
        let monotonic = Instant::now();
        let time = TimeBase { wall, monotonic, expires_at: found.expires_at };
        Ok((Self { visitor, share, time, grant, changed_at: monotonic }, grant))
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
                        self.changed_at = self.time.end().unwrap_or_else(Instant::now);
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
        let news = self.share.borrow_and_update();
        self.changed_at = news.told_at;
        let share = news.share.as_ref().ok_or(Denial::Unknown)?;
        if share.expires_at != self.time.expires_at {
            let expires_at = share.expires_at;
            self.time = TimeBase { wall: clock(), monotonic: Instant::now(), expires_at };
        }
        let grant = judge_stay(share, self.visitor.client, self.time.now())?;
        self.grant = grant;
        Ok(grant)
    }

    /// What the visit may do, as [`Self::changed`] last told.
    pub fn grant(&self) -> Grant {
        self.grant
    }

    /// When what [`Self::changed`] last told of came about: the watch told of it, or the link expired.
    pub fn changed_at(&self) -> Instant {
        self.changed_at
    }

    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }
}

#[cfg(test)]
mod tests;
