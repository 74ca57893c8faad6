//! Restarts the pod for a newer commit of a repository that asks for it, once nobody uses the agent.

use std::sync::Arc;

use api_types::AgentId;
use k8s_openapi::api::core::v1::Pod;
use time::{Duration, OffsetDateTime};

use super::{Reconciler, standby::Standing};
use crate::{
    fetch,
    resolve::ResolvedAgent,
    rollout::revision,
    standby::{Activity, RECONNECT_GRACE, Sessions},
    status::{self, Moved, moved, newest},
};

/// After this long a server that was busy is asked again; nobody tells when it is not any more.
const BUSY_WAIT: Duration = Duration::minutes(1);

/// How long a look at the agent's work counts where that work ends with the pod: as long as it may take the kubelet to
/// tell of it.
const LOOK_COUNTS: Duration = Duration::seconds(30);

#[derive(Default)]
pub(super) struct Rollout {
    /// The annotation of the pod's template.
    pub(super) revision: Option<String>,
    pub(super) waiting: status::Rollout,
    /// When to look again though nothing is reported.
    pub(super) next: Option<OffsetDateTime>,
}

impl Reconciler {
    pub(super) async fn rollout(
        &self,
        identity: &AgentId,
        resolved: &ResolvedAgent,
        standing: &Standing,
    ) -> Rollout {
        let deployment = self.deployment(identity);
        let held = deployment.and_then(|held| held.kept.revision.as_deref().map(str::to_owned));
        let pods = fetch::pods(&self.stores, identity);
        let pods: Vec<&Pod> = pods.iter().map(Arc::as_ref).collect();
        let moved = newest(&pods).map(|pod| moved(pod, &resolved.checkouts)).unwrap_or_default();
        let commits: Vec<(&str, &str)> =
            moved.iter().map(|one| (&*one.checkout.name, &*one.commit)).collect();
        let Some(new) = revision(held.as_deref(), &commits) else {
            return Rollout { revision: held, ..Rollout::default() };
        };
        let waiting = |next| Rollout { revision: held, waiting: status::Rollout::Waiting, next };
        let closed = match standing.view.activity {
            Activity::Unknown | Activity::Open => return waiting(None),
            Activity::Closed(Some(at)) if standing.now < at + RECONNECT_GRACE => {
                return waiting(Some(at + RECONNECT_GRACE));
            }
            Activity::Closed(at) => at,
        };
        // Work that came after the look would be lost. Another look is taken after each interval, and is an event.
        let counts = |one: &Moved<'_>| {
            let is_young = |at: &OffsetDateTime| standing.now <= *at + LOOK_COUNTS;
            resolved.outlives_pod(&one.checkout.place)
                || one.seen.filter(is_young).is_some_and(|at| closed.is_none_or(|end| at >= end))
        };
        if !moved.iter().all(counts) {
            return waiting(None);
        }
        match self.sessions(identity, resolved.port).await {
            Sessions::Idle => Rollout { revision: Some(new), ..Rollout::default() },
            Sessions::Busy | Sessions::Refused | Sessions::NoAnswer | Sessions::NotAsked => {
                waiting(Some(standing.now + BUSY_WAIT))
            }
        }
    }
}
