//! What the terminal brokers know: which agents have terminals open, and which sleeping ones are
//! asked for. The controller that leads listens to every replica; nobody writes signs of life to
//! the cluster. Nothing here decides what becomes of an agent.

mod channel;
mod endpoints;
mod ledger;
mod listen;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api_types::{Agent, AgentId};
use futures::{StreamExt, stream};
use kube::runtime::reflector::{ObjectRef, Store};
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::{
    guard::Guarded,
    standby::Activity,
    stores::{Trigger, Triggers},
};
use ledger::{Ledger, Pending};

pub use endpoints::{BrokerUrl, BrokerUrlError};
pub use listen::{Brokers, listen};

/// What is known of one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub activity: Activity,
    /// When a visitor last asked for it, lately.
    pub wake: Option<OffsetDateTime>,
    pub hearing: Hearing,
}

/// Whether brokers can be listened to at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hearing {
    /// As far as is known.
    #[default]
    Possible,
    /// There are no certificates to show them.
    Impossible,
}

/// Of all agents. A clone is the same.
#[derive(Clone, Default)]
pub struct Activities(Arc<Shared>);

#[derive(Default)]
struct Shared {
    ledger: Mutex<Ledger>,
    changed: Notify,
}

impl Activities {
    pub fn view(&self, agent: &AgentId, now: OffsetDateTime) -> View {
        self.ledger().view(agent, now)
    }

    /// The agents of which something new is known. Several changes of one may be one trigger.
    pub fn triggers(&self, agents: Store<Guarded<Agent>>) -> Triggers {
        let changes = stream::unfold(self.clone(), |activities| async move {
            let pending = activities.changed().await;
            Some((pending, activities))
        });
        changes.flat_map(move |pending| stream::iter(named(pending, &agents))).map(Ok).boxed()
    }

    async fn changed(&self) -> Pending {
        loop {
            let pending = self.ledger().take_pending();
            if !pending.is_empty() {
                return pending;
            }
            // A change since then has left its permit.
            self.0.changed.notified().await;
        }
    }

    fn update<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> T {
        let changed = change(&mut self.ledger());
        self.0.changed.notify_one();
        changed
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Each change is complete before anything could panic.
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named(pending: Pending, agents: &Store<Guarded<Agent>>) -> Vec<Trigger> {
    match pending {
        Pending::All => agents.state().iter().map(|agent| ObjectRef::from_obj(&**agent)).collect(),
        Pending::Some(named) => {
            let reference = |agent: AgentId| ObjectRef::new(&agent.name).within(&agent.namespace);
            named.into_iter().map(reference).collect()
        }
    }
}

/// For tests of what follows from it.
#[cfg(test)]
impl Activities {
    /// One broker, with these terminals of the agent.
    pub(crate) fn with_terminals(&self, agent: &AgentId, terminals: u32, now: OffsetDateTime) {
        let broker = ([127, 0, 0, 1], 50051).into();
        self.update(|ledger| {
            ledger.list(&[(broker, endpoints::Condition::Serving)].into(), now);
            ledger.snapshot(broker, [(agent.clone(), terminals)].into(), now);
        });
    }

    pub(crate) fn wake(&self, agent: &AgentId, now: OffsetDateTime) {
        self.update(|ledger| ledger.wake(agent.clone(), now));
    }

    pub(crate) fn cannot_hear(&self) {
        self.update(|ledger| ledger.hearing(Hearing::Impossible));
    }
}

#[cfg(test)]
mod tests;
