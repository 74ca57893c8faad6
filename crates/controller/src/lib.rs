//! Reconciles Agents and their templates into the objects that run them, and writes each Agent's
//! status. It talks to the API server, to the terminal brokers (who is there) and to agents' own
//! servers (whether they are busy): it never execs, reads a log, or fetches what a user names. Of
//! Secrets it reads those of its agents, and those that Agents and their templates name: of these
//! it keeps digests only.

pub mod activity;
pub mod apply;
pub mod args;
pub mod busy;
pub mod contents;
pub mod desired;
pub mod error;
pub mod fetch;
pub mod guard;
pub mod held;
pub mod kinds;
pub mod lease;
pub mod merge;
pub mod metrics;
pub mod observe;
pub mod platform;
pub mod publish;
pub mod queue;
pub mod random;
pub mod reconcile;
pub mod refusal;
pub mod requeue;
pub mod resolve;
pub mod retry;
pub mod rollout;
pub mod secret;
mod spans;
pub mod standby;
pub mod status;
pub mod stores;
pub mod templates;

#[cfg(test)]
mod fake_api;
#[cfg(test)]
mod fixture;

use std::time::Duration;

use daemon::Daemon;
use kube::Client;
use tokio::time::sleep;

use crate::{
    args::Args,
    error::ControllerError,
    lease::{Candidate, Role},
    metrics::Metrics,
    resolve::Defaults,
};

/// Leads when it can, and reconciles while it leads. Returns when the daemon shuts
/// down, or with an error when the lease is lost.
pub async fn run(args: Args, daemon: Daemon) -> Result<(), ControllerError> {
    let config = kube::Config::infer().await;
    let config = config.map_err(|error| ControllerError::Config(Box::new(error)))?;
    let client = daemon::cluster::watching(&config, &daemon.metrics);
    let client = client.map_err(|error| ControllerError::Connect(Box::new(error)))?;
    let defaults = Defaults {
        images: args.images(),
        user_ids: platform::user_ids(&client, args.user_ids).await?,
        server_password: args.server_password(),
        secrets: args.secrets(),
    };
    let metrics = Metrics::new(&daemon.metrics);
    let api_server = daemon.readiness.gate("api-server");

    let mut candidate =
        Candidate::new(client.clone(), &args.lease_namespace, &args.lease_name, &args.pod_name);
    tracing::info!(identity = args.pod_name, "waiting to lead");
    if candidate.acquire(&daemon.shutdown, || api_server.set_ready()).await == Role::Follower {
        // It may have become its own while the answer was awaited.
        candidate.release().await;
        return Ok(());
    }
    tracing::info!("leading");
    metrics.leads(true);
    let result = lead(&args, defaults, &daemon, client, &metrics, &mut candidate).await;
    metrics.leads(false);
    result
}

/// How long reconciles that have begun may go on once the process is to end. With
/// [`lease::RELEASE_DEADLINE`] it is less than [`daemon::SHUTDOWN_GRACE`].
const FINISH_GRACE: Duration = Duration::from_secs(5);

/// No request is made any more once this returns. One that was sent and not answered may still be
/// carried out: it is guarded by the object that was seen, and the next leader's watch tells of it.
async fn lead(
    args: &Args,
    defaults: Defaults,
    daemon: &Daemon,
    client: Client,
    metrics: &Metrics,
    candidate: &mut Candidate,
) -> Result<(), ControllerError> {
    let work = queue::work(args, defaults, client, metrics, daemon.shutdown.clone());
    let late = async {
        daemon.shutdown.cancelled().await;
        sleep(FINISH_GRACE).await;
    };
    tokio::select! {
        // A lost lease stops the work at once: another replica may be writing.
        biased;
        () = candidate.keep() => return Err(ControllerError::LeaseLost),
        () = work => {}
        () = late => tracing::warn!("reconciles were stopped: the API server is slow"),
    }
    candidate.release().await;
    Ok(())
}

#[cfg(test)]
mod tests;
