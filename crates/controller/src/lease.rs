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
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use rule::Step;

/// How long a lease is valid without a renewal.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How often the leader renews the lease.
pub const RENEW_INTERVAL: Duration = Duration::from_secs(5);
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
        loop {
            sleep(RENEW_INTERVAL.min(RENEW_DEADLINE.saturating_sub(renewed.elapsed()))).await;
            let asked = Instant::now();
            let left = RENEW_DEADLINE.saturating_sub(renewed.elapsed());
            match timeout(left, self.attempt()).await {
                Ok(Ok(Role::Leader)) => renewed = asked,
                Ok(Ok(Role::Follower)) => return,
                Ok(Err(error)) => tracing::warn!(%error, "cannot renew the lease"),
                Err(_) => tracing::warn!("the request for the lease timed out"),
            }
            if renewed.elapsed() >= RENEW_DEADLINE {
                return;
            }
        }
    }

    /// Releases the lease, so that the next leader need not wait for it to expire.
    pub async fn release(&mut self) -> Result<(), kube::Error> {
        let Some(seen) = self.seen.take() else { return Ok(()) };
        let Some(spec) = rule::released(seen.lease.spec.as_ref(), &self.identity, clock::now())
        else {
            return Ok(());
        };
        // The version that was read goes along: a lease that somebody took stays theirs.
        let lease = Lease { spec: Some(spec), ..seen.lease };
        self.leases.replace(&self.name, &PostParams::default(), &lease).await.map(drop)
    }

    /// Reads the lease once, and takes or renews it where the rule allows that.
    async fn attempt(&mut self) -> Result<Role, kube::Error> {
        let now = Instant::now();
        if let Some(found) = self.leases.get_opt(&self.name).await? {
            self.observe(found, now);
        } else {
            self.seen = None;
        }
        let unchanged_for = self.seen.as_ref().map_or(Duration::ZERO, |seen| now - seen.since);
        let spec = self.seen.as_ref().and_then(|seen| seen.lease.spec.as_ref());
        if rule::step(spec, unchanged_for, &self.identity) == Step::Wait {
            return Ok(Role::Follower);
        }

        let claim = rule::claim(spec, &self.identity, clock::now());
        match self.write(claim).await {
            Ok(written) => {
                self.observe(written, now);
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

    fn observe(&mut self, lease: Lease, now: Instant) {
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        match &mut self.seen {
            Some(seen) if version(&seen.lease) == version(&lease) => {}
            seen => *seen = Some(Seen { lease, since: now }),
        }
    }
}

#[cfg(test)]
mod failover_tests;
#[cfg(test)]
mod tests;
