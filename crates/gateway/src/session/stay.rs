//! How long a viewer may stay: judged again at each change of its agent, and when
//! its link's time is over. Nothing polls.

use std::time::Duration;

use api_types::ShareToken;
use daemon::clock;
use share::{index::AgentRef, verdict::Denial, watch::Links};
use time::OffsetDateTime;

use crate::client_address::{ClientAddress, judge_visit};

/// The longest sleep before the wall clock is looked at again: it may be set.
const CLOCK_CHECK: Duration = Duration::from_mins(10);

/// Who is looking at what.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) token: ShareToken,
    pub(crate) agent: AgentRef,
    pub(crate) client: ClientAddress,
}

impl Visit {
    /// Waits until the viewer has to go.
    pub(crate) async fn denied(&self, links: &Links) -> Denial {
        let mut changes = links.changes(&self.agent);
        loop {
            // Before the verdict: a change during it shall be seen by the next one.
            changes.borrow_and_update();
            let shared = links.find(&self.token);
            let share = shared.as_ref().map(|shared| &shared.share);
            let grant = match judge_visit(share, self.client, clock::now()) {
                Ok(grant) => grant,
                Err(denial) => return denial,
            };
            tokio::select! {
                biased;
                // An index that is gone changes no more: only the time can still end it.
                Ok(()) = changes.changed() => {}
                () = reached(grant.ends_at) => {}
            }
        }
    }
}

async fn reached(end: Option<OffsetDateTime>) {
    let Some(end) = end else { return std::future::pending().await };
    let left = Duration::try_from(end - clock::now()).unwrap_or_default();
    tokio::time::sleep(left.min(CLOCK_CHECK)).await;
}
