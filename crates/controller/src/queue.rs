//! Which agent is reconciled when: what the watches name, failures after a back-off, and timers
//! that a reconcile asked for. An agent is never reconciled twice at the same time.

use std::{sync::Arc, time::Duration};

use api_types::Agent;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use kube::{
    Client, Resource,
    runtime::{
        controller::{Action, Config, Error},
        reflector::ObjectRef,
    },
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::{
    activity::{Activities, listen},
    apply::Applier,
    args::Args,
    error::ControllerError,
    guard::Guarded,
    metrics::Metrics,
    reconcile::Reconciler,
    requeue::Requeue,
    resolve::Defaults,
    retry::Retries,
    spans,
    stores::{Stores, Trigger},
    templates::publish_statuses,
};
use turns::Turns;

mod turns;

/// How many agents are reconciled at the same time.
const CONCURRENCY: u16 = 8;
/// How long one reconcile may take; where nothing changed it makes no request at all.
const RECONCILE_TIMEOUT: Duration = Duration::from_mins(1);

/// What every reconcile works with, and what it leaves for the next one.
struct Context {
    reconciler: Reconciler,
    turns: Turns,
    retries: Retries,
    metrics: Metrics,
}

/// Reconciles until `shutdown`, then finishes the reconciles that have begun.
pub async fn work(
    args: &Args,
    defaults: Defaults,
    client: Client,
    metrics: &Metrics,
    shutdown: CancellationToken,
) {
    let (stores, triggers) = Stores::watch(&client, &args.watch_namespaces, metrics);
    metrics.report_agents(&stores.agents);
    let (agents, applier) = (stores.agents.clone(), Applier::new(client.clone()));
    let turns = Turns::new(CONCURRENCY, metrics.clone());
    let templates = publish_statuses(
        client.clone(),
        stores.templates.clone(),
        stores.templates_changed.clone(),
        metrics.clone(),
    );
    let activities = Activities::default();
    let triggers = stream::select(triggers, activities.triggers(agents.clone()));
    let listening = listen(activities.clone(), args.brokers(), client.clone(), metrics);
    let external_url = args.external_url();
    let context = Arc::new(Context {
        reconciler: Reconciler::new(client, stores, applier, defaults, external_url, activities),
        turns: turns.clone(),
        retries: Retries::default(),
        metrics: metrics.clone(),
    });
    let triggers = turns.of(triggers.boxed()).take_until(shutdown.cancelled_owned());
    let config = Config::default().concurrency(CONCURRENCY);
    let reconciles =
        kube::runtime::applier(reconcile, after_failure, context.clone(), agents, triggers, config)
            .for_each(|ended| {
                context.ended(ended);
                std::future::ready(())
            });
    tokio::select! {
        biased;
        () = reconciles => {}
        () = templates => {}
        () = listening => {}
    }
}

fn reconcile(
    agent: Arc<Guarded<Agent>>,
    context: Arc<Context>,
) -> BoxFuture<'static, Result<Action, ControllerError>> {
    let span = spans::reconcile(agent.meta());
    let reconcile = async move {
        let begun = Instant::now();
        let result = timeout(RECONCILE_TIMEOUT, context.reconciler.reconcile(&agent)).await;
        context.metrics.reconcile_took(begun.elapsed());
        let result = result.unwrap_or(Err(ControllerError::TimedOut(RECONCILE_TIMEOUT)));
        let failed = |error: &ControllerError| spans::failed(&Span::current(), error.category());
        Ok(match result.inspect_err(failed)? {
            Requeue::OnChange => Action::await_change(),
            Requeue::After(wait) => Action::requeue(wait),
        })
    };
    reconcile.instrument(span).boxed()
}

#[expect(clippy::needless_pass_by_value, reason = "the queue hands over its own")]
fn after_failure(
    agent: Arc<Guarded<Agent>>,
    error: &ControllerError,
    context: Arc<Context>,
) -> Action {
    let agent = ObjectRef::from_obj(&*agent).into_kind_unchecked(());
    let wait = context.retries.after_failure(&agent);
    context.metrics.reconcile_failed(error.category());
    tracing::warn!(%agent, %error, category = error.category(), ?wait, "reconcile failed; requeued");
    Action::requeue(wait)
}

impl Context {
    fn ended<Q>(&self, ended: Result<(Trigger, Action), Error<ControllerError, Q>>)
    where
        Q: std::error::Error,
    {
        match ended {
            Ok((agent, _)) => {
                self.turns.ended(agent.clone());
                let agent = agent.into_kind_unchecked::<Agent>(());
                self.retries.clear(&agent);
                self.metrics.reconciled();
                tracing::debug!(%agent, "reconciled");
            }
            Err(Error::ObjectNotFound(gone)) => {
                let gone = gone.into_kind_unchecked::<Agent>(());
                self.retries.clear(&gone);
                self.reconciler.forget(&gone);
                self.turns.gone(&gone.into_kind_unchecked(()));
            }
            // Reported by `after_failure` already.
            Err(Error::ReconcilerFailed(_, agent)) => {
                self.turns.ended(agent.into_kind_unchecked(()));
            }
            Err(error @ (Error::QueueError(_) | Error::RunnerError(_))) => {
                tracing::warn!(%error, "the queue failed");
                self.metrics.failed("queue");
            }
        }
    }
}

#[cfg(test)]
mod tests;
