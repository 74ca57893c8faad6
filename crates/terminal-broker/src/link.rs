//! Whether a viewer may still be here: judged anew at each change of the agent, and when the time is over.

use std::{net::IpAddr, time::Duration};

use api_types::token::ShareToken;
use daemon::clock;
use share::{Denial, Grant, Links, SharedAgent, judge};
use tokio::sync::watch;

/// The longest sleep; a judgement in between changes nothing.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// One viewer's standing with one link.
#[derive(Debug)]
pub(crate) struct Standing {
    links: Links,
    token: ShareToken,
    client: IpAddr,
    changes: watch::Receiver<u64>,
}

impl Standing {
    /// Admits `client` by `token`, or says why not.
    pub(crate) fn admit(
        links: &Links,
        token: ShareToken,
        client: IpAddr,
    ) -> Result<(SharedAgent, Self), Denial> {
        let (found, changes) = links.find_and_follow(&token).ok_or(Denial::Unknown)?;
        judge(Some(&found.share), client, clock::now())?;
        Ok((found, Self { links: links.clone(), token, client, changes }))
    }

    /// Waits until the viewer may stay no longer.
    pub(crate) async fn lost(mut self) -> Denial {
        loop {
            let found = self.links.find(&self.token);
            match judge(found.as_ref().map(|found| &found.share), self.client, clock::now()) {
                Ok(grant) => self.until_worth_judging(grant).await,
                Err(denial) => return denial,
            }
        }
    }

    async fn until_worth_judging(&mut self, grant: Grant) {
        let left = grant.ends_at.map(|end| end - clock::now());
        let left = left.map_or(LONGEST_WAIT, |left| left.try_into().unwrap_or(Duration::ZERO));
        tokio::select! {
            biased;
            Ok(()) = self.changes.changed() => {}
            () = tokio::time::sleep(left.min(LONGEST_WAIT)) => {}
        }
    }
}
