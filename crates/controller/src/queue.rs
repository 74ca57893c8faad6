//! Which agent is looked at when: what the watches name, failures after a wait, and
//! timers that a look asked for. The same agent is never looked at twice at once.

use std::{sync::Arc, time::Duration};

use api_types::Agent;
use futures::{FutureExt, StreamExt, future::BoxFuture};
use kube::{
    Client,
    runtime::{
        controller::{Action, Config, Error},
        reflector::ObjectRef,
    },
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    apply::Applier, args::Args, error::ControllerError, look::Again, metrics::Metrics,
    reconcile::Reconciler, retry::Retries, stores::Stores,
};

/// How many agents are looked at together.
const CONCURRENCY: u16 = 8;
/// How long one look may take; a settled one takes no request at all.
const DEADLINE: Duration = Duration::from_mins(1);

/// What the queue carries from one look to the next.
struct Context {
    reconciler: Reconciler,
    applier: Applier,
    retries: Retries,
    metrics: Metrics,
}

/// Works until `shutdown`, then ends the looks that have begun.
pub async fn work(args: &Args, client: Client, metrics: &Metrics, shutdown: CancellationToken) {
    let (stores, triggers) = Stores::watch(&client, metrics);
    let (agents, applier) = (stores.agents.clone(), Applier::new(client.clone()));
    let (images, external_url) = (args.images(), args.external_url());
    let context = Arc::new(Context {
        reconciler: Reconciler::new(client, stores, applier.clone(), images, external_url),
        applier,
        retries: Retries::default(),
        metrics: metrics.clone(),
    });
    let triggers = triggers.take_until(shutdown.cancelled_owned());
    let config = Config::default().concurrency(CONCURRENCY);
    let looks =
        kube::runtime::applier(look, after_failure, context.clone(), agents, triggers, config);
    looks
        .for_each(|ended| {
            context.ended(ended);
            std::future::ready(())
        })
        .await;
}

fn look(
    agent: Arc<Agent>,
    context: Arc<Context>,
) -> BoxFuture<'static, Result<Action, ControllerError>> {
    let looked = async move {
        let looked = timeout(DEADLINE, context.reconciler.reconcile(&agent)).await;
        Ok(match looked.unwrap_or(Err(ControllerError::TimedOut(DEADLINE)))? {
            Again::OnChange => Action::await_change(),
            Again::After(wait) => Action::requeue(wait),
        })
    };
    looked.boxed()
}

#[expect(clippy::needless_pass_by_value, reason = "the queue hands over its own")]
fn after_failure(agent: Arc<Agent>, error: &ControllerError, context: Arc<Context>) -> Action {
    let agent = ObjectRef::from_obj(&*agent);
    let wait = context.retries.after_failure(&agent);
    context.metrics.reconcile_failed(error.category());
    tracing::warn!(%agent, %error, category = error.category(), ?wait, "failed; trying again");
    Action::requeue(wait)
}

impl Context {
    fn ended<Q>(&self, ended: Result<(ObjectRef<Agent>, Action), Error<ControllerError, Q>>)
    where
        Q: std::error::Error,
    {
        match ended {
            Ok((agent, _)) => {
                self.retries.clear(&agent);
                self.metrics.reconciled();
                tracing::debug!(%agent, "looked at");
            }
            Err(Error::ObjectNotFound(gone)) => {
                let gone = gone.into_kind_unchecked::<Agent>(());
                self.retries.clear(&gone);
                self.applier.forget(&gone);
            }
            // Told by `after_failure` already.
            Err(Error::ReconcilerFailed(..)) => {}
            Err(error @ (Error::QueueError(_) | Error::RunnerError(_))) => {
                tracing::warn!(%error, "the queue stumbled");
                self.metrics.failed("queue");
            }
        }
    }
}
