//! A visitor's wish that a sleeping agent wakes: who may have it, and whether there is anything to
//! wake. Gateway and broker judge it alike. It wakes nobody itself, and holds no place of a terminal.

use std::time::Duration;

use api_types::ShareToken;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::{
    client::{ClientAddress, Visitor},
    denial::Denial,
    verdict::{Sleep, judge_wake},
    watch::{Links, News},
};

/// A wish that was admitted.
#[derive(Debug)]
pub struct Wake {
    visitor: Visitor,
    /// When it was asked for.
    sleep: Sleep,
    share: watch::Receiver<News>,
}

impl Wake {
    /// Admits the wish of `client` by `token`, or says why not; `grace` and `clock` are those of
    /// [`Visit::admit`](crate::Visit::admit).
    pub fn admit(
        links: &Links,
        token: &ShareToken,
        client: ClientAddress,
        grace: Duration,
        clock: impl Fn() -> OffsetDateTime,
    ) -> Result<Self, Denial> {
        let (visitor, found, share) = links.look_up(token, client, grace)?;
        let sleep = judge_wake(&found, client, clock())?;
        Ok(Self { visitor, sleep, share })
    }

    /// Waits until the agent is seen not to be asleep, or the wish may not be had any more. Cancel
    /// safe.
    pub async fn awake(&mut self, clock: impl Fn() -> OffsetDateTime) -> Result<(), Denial> {
        loop {
            // A link that was turned off is published as `None` before its channel may close.
            let share = self.share.borrow_and_update().share.clone().ok_or(Denial::Unknown)?;
            if judge_wake(&share, self.visitor.client, clock())? == Sleep::Awake {
                return Ok(());
            }
            self.share.changed().await.map_err(|_| Denial::Unknown)?;
        }
    }

    /// Whether the agent slept when it was asked for.
    pub fn sleep(&self) -> Sleep {
        self.sleep
    }

    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }
}

#[cfg(test)]
mod tests {
    use fixtures::{asleep, changed, demo, starting, token};
    use futures::FutureExt;
    use time::macros::datetime;
    use tokio::time::Instant;

    use super::*;

    const GRACE: Duration = Duration::from_mins(10);

    fn noon() -> OffsetDateTime {
        datetime!(2026-11-21 12:00 UTC)
    }

    fn admit(links: &Links) -> Result<Wake, Denial> {
        let client = ClientAddress::known("203.0.113.9".parse().unwrap());
        Wake::admit(links, &token(1), client, GRACE, noon)
    }

    #[test]
    fn what_is_not_known_wakes_nobody() {
        assert_eq!(admit(&Links::new()).map(|_| ()), Err(Denial::Stale));
        assert_eq!(admit(&Links::with([])).map(|_| ()), Err(Denial::Unknown));
        let broken = Links::with([]);
        broken.broke(None, Instant::now());
        assert_eq!(admit(&broken).map(|_| ()), Err(Denial::Stale));
        let awake = admit(&Links::with([demo()])).unwrap();
        assert_eq!((awake.sleep(), awake.visitor().link), (Sleep::Awake, token(1).lookup()));
    }

    #[test]
    fn an_agent_that_starts_is_awake_and_one_that_sleeps_is_waited_for() {
        let links = Links::with([asleep()]);
        let mut wake = admit(&links).unwrap();
        assert_eq!(wake.sleep(), Sleep::Asleep);
        assert_eq!(wake.awake(noon).now_or_never(), None);
        links.apply(&starting("Progressing", ""));
        assert_eq!(wake.awake(noon).now_or_never(), Some(Ok(())));
    }

    #[test]
    fn what_forbids_the_wish_meanwhile_ends_the_wait() {
        let off = changed(|agent| agent.spec.share.as_mut().unwrap().enabled = false);
        let mut suspended = asleep();
        suspended.spec.suspend = true;
        let mut elsewhere = asleep();
        elsewhere.spec.share.as_mut().unwrap().allowed_ips = vec!["192.0.2.1".into()];
        let cases =
            [(off, Denial::Unknown), (suspended, Denial::Suspended), (elsewhere, Denial::Network)];
        for (after, denial) in cases {
            let links = Links::with([asleep()]);
            let mut wake = admit(&links).unwrap();
            links.apply(&after);
            assert_eq!(wake.awake(noon).now_or_never(), Some(Err(denial)));
        }
    }
}
