//! Leadership among the controller's replicas: one Lease in the cluster, held by
//! one of them. It must not know what the leader does.
//!
//! Fields and meaning are those of `coordination.k8s.io/v1`; the time is judged as
//! client-go judges it: a lease is stale when *this* process has seen no change of
//! it for its duration, so that clocks of two nodes are never compared.

mod rule;

use std::time::Duration;

use daemon::clock;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::{Api, Client, api::PostParams, core::ObjectMeta};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use rule::Step;

/// How long a lease is valid without a renewal.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How often the leader renews the lease.
pub const RENEW_INTERVAL: Duration = Duration::from_secs(5);
/// How long one attempt to renew may take: a server that is silent for longer is asked again.
pub const RENEW_TIMEOUT: Duration = Duration::from_millis(2500);
/// From one attempt to renew that failed to the next.
pub const RENEW_RETRY: Duration = Duration::from_secs(2);
/// From one attempt to release the lease that failed to the next.
const RELEASE_RETRY: Duration = Duration::from_millis(500);
/// How long releasing the lease may take.
pub const RELEASE_DEADLINE: Duration = Duration::from_secs(3);
/// How long a leader that cannot renew goes on. Less than [`LEASE_DURATION`], so that it has
/// stopped before another one starts.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// How often a follower reads the lease.
pub const RETRY_INTERVAL: Duration = Duration::from_secs(3);

/// One replica's part in the election.
#[derive(Debug)]
pub struct Candidate {
    leases: Api<Lease>,
    name: String,
    identity: String,
    seen: Option<Seen>,
    /// A write was sent whose answer was not waited for.
    unanswered: bool,
}

/// The lease as last read or written, and when it was first like that.
#[derive(Debug)]
struct Seen {
    lease: Lease,
    since: Instant,
}

/// Whether the lease is held after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Leader,
    Follower,
}

impl Candidate {
    /// `identity` must be unique among the replicas: the pod's name.
    pub fn new(client: Client, namespace: &str, name: &str, identity: &str) -> Self {
        Self {
            leases: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: identity.to_owned(),
            seen: None,
            unanswered: false,
        }
    }

    /// Waits until this replica leads. `answered` is called after each attempt that
    /// the API server answered. Returns without leading when `shutdown` is cancelled.
    pub async fn acquire(
        &mut self,
        shutdown: &CancellationToken,
        mut answered: impl FnMut(),
    ) -> Role {
        loop {
            let attempt = async { timeout(RENEW_DEADLINE, self.attempt()).await };
            let role = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Role::Follower,
                role = attempt => role,
            };
            match role {
                Ok(Ok(role)) => {
                    answered();
                    if role == Role::Leader {
                        return role;
                    }
                }
                Ok(Err(error)) => tracing::warn!(%error, "cannot read or write the lease"),
                Err(_) => tracing::warn!("the request for the lease timed out"),
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Role::Follower,
                () = sleep(RETRY_INTERVAL) => {}
            }
        }
    }

    /// Renews the lease for as long as that works; returns once it is lost.
    pub async fn keep(&mut self) {
        let mut renewed = Instant::now();
        let mut next = renewed + RENEW_INTERVAL;
        while renewed.elapsed() < RENEW_DEADLINE {
            sleep_until(next.min(renewed + RENEW_DEADLINE)).await;
            let asked = Instant::now();
            let left = RENEW_DEADLINE.saturating_sub(renewed.elapsed());
            match timeout(left.min(RENEW_TIMEOUT), self.attempt()).await {
                Ok(Ok(Role::Leader)) => renewed = asked,
                Ok(Ok(Role::Follower)) => return,
                Ok(Err(error)) => tracing::warn!(%error, "cannot renew the lease"),
                Err(_) => tracing::warn!("the request for the lease timed out"),
            }
            next = asked + if renewed == asked { RENEW_INTERVAL } else { RENEW_RETRY };
        }
    }

    /// Releases the lease, so that the next leader need not wait for it to expire. A lease of
    /// somebody else stays theirs.
    pub async fn release(&mut self) {
        if self.unanswered {
            self.seen = None;
        } else if self.seen.is_none() {
            return;
        }
        let released = async {
            while let Err(error) = self.try_release().await {
                tracing::warn!(%error, "cannot release the lease");
                sleep(RELEASE_RETRY).await;
            }
        };
        if timeout(RELEASE_DEADLINE, released).await.is_err() {
            tracing::warn!("the lease was not released in time; it expires by itself");
        }
    }

    /// By the version that was read last; where that is not the stored one, since the answer to a
    /// renewal was not waited for, by the one that is read now.
    async fn try_release(&mut self) -> Result<(), kube::Error> {
        if self.seen.is_none()
            && let Some(found) = self.leases.get_opt(&self.name).await?
        {
            self.observe(found);
        }
        let Some(seen) = self.seen.take() else { return Ok(()) };
        let Some(spec) = rule::released(seen.lease.spec.as_ref(), &self.identity, clock::now())
        else {
            return Ok(());
        };
        let lease = Lease { spec: Some(spec), ..seen.lease };
        self.leases.replace(&self.name, &PostParams::default(), &lease).await.map(drop)
    }

    /// Reads the lease once, and takes or renews it where the rule allows that.
    async fn attempt(&mut self) -> Result<Role, kube::Error> {
        if let Some(found) = self.leases.get_opt(&self.name).await? {
            self.observe(found);
        } else {
            self.seen = None;
        }
        let now = Instant::now();
        let unchanged_for = self.seen.as_ref().map_or(Duration::ZERO, |seen| now - seen.since);
        let spec = self.seen.as_ref().and_then(|seen| seen.lease.spec.as_ref());
        if rule::step(spec, unchanged_for, &self.identity) == Step::Wait {
            return Ok(Role::Follower);
        }

        let claim = rule::claim(spec, &self.identity, clock::now());
        self.unanswered = true;
        let written = self.write(claim).await;
        self.unanswered = false;
        match written {
            Ok(written) => {
                self.observe(written);
                Ok(Role::Leader)
            }
            // Another replica was faster.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Role::Follower),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, spec: LeaseSpec) -> Result<Lease, kube::Error> {
        let params = PostParams::default();
        if let Some(seen) = &self.seen {
            let lease = Lease { spec: Some(spec), ..seen.lease.clone() };
            return self.leases.replace(&self.name, &params, &lease).await;
        }
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        self.leases.create(&params, &Lease { metadata, spec: Some(spec) }).await
    }

    /// The time is that of the answer, not of the request: the lease may have been renewed between
    /// the two, and a silence that began too early would end too early.
    fn observe(&mut self, lease: Lease) {
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        match &mut self.seen {
            Some(seen) if version(&seen.lease) == version(&lease) => {}
            seen => *seen = Some(Seen { lease, since: Instant::now() }),
        }
    }
}

#[cfg(test)]
mod failover_tests;
#[cfg(test)]
mod tests;
