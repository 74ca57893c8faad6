//! Trunks: an exec for all who look at one terminal through this broker. What the terminal shows passes the API server
//! once for all of them, and one who comes to an open trunk needs no exec.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api_types::{LinkName, Target};
use futures::task::AtomicWaker;
use kube::Client;
use screen_wire::{Comes, Enter, Join, Joined, OUTPUT_WINDOW_BYTES};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{ExecError, OPEN_DEADLINE, Over, Screen, Shared};
use crate::{closing::Lost, metrics::BrokerMetrics, viewer::Encoding};

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod hub;
mod log;
mod seat;
mod state;
#[cfg(test)]
mod tests;
mod viewer;

pub(crate) use seat::Seat;
use state::{First, Phase, State};

/// How long an open trunk may take to let one enter. Then nobody enters it any more: its connection may be dead, and a
/// new one need not be.
const ENTER_DEADLINE: Duration = Duration::from_secs(3);

/// All trunks of this broker. A clone is the same ones.
#[derive(Clone)]
pub(crate) struct Trunks {
    client: Client,
    open: Arc<Mutex<HashMap<Key, Arc<Trunk>>>>,
    metrics: BrokerMetrics,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// Which terminal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    namespace: String,
    pod: String,
    link: Option<LinkName>,
}

/// What the task of an exec and the sessions that share it both see.
pub(super) struct Trunk {
    state: Mutex<State>,
    /// Wakes the task: there is something to say.
    said: AtomicWaker,
}

/// Why there is no place on a trunk.
#[derive(Debug)]
pub(super) enum NoSeat {
    /// It cannot share one.
    Unsuited,
    /// The pod's program knows no trunks.
    Unknown,
    Failed(ExecError),
}

impl Trunk {
    fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::new()), said: AtomicWaker::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves a viewer half changed, which its screen notices.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is said to the screen.
    fn change<T>(&self, how: impl FnOnce(&mut State) -> T) -> T {
        let changed = how(&mut self.state());
        self.said.wake();
        changed
    }

    fn enter(self: &Arc<Self>, enter: Enter) -> Option<Seat> {
        let number = self.change(|state| state.enter(enter))?;
        Some(Seat::new(Arc::clone(self), number))
    }
}

impl Trunks {
    pub(crate) fn new(
        client: Client,
        metrics: BrokerMetrics,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        Self { client, open: Arc::default(), metrics, tasks, shutdown }
    }

    /// A place on the terminal's trunk, whose screen has let the viewer join. One that could not take the common output as
    /// it passes has none.
    pub(super) async fn enter(
        &self,
        target: &Target,
        screen: &Screen,
    ) -> Result<(Seat, Joined), NoSeat> {
        let Screen { encoding, window_bytes, shared, .. } = screen;
        let takes_it = *encoding == Encoding::Lz4 && *window_bytes >= OUTPUT_WINDOW_BYTES;
        let Some(shared) = shared.as_ref().filter(|_| takes_it) else {
            return Err(NoSeat::Unsuited);
        };
        let Comes::Alone(Some(join)) = shared.comes else { return Err(NoSeat::Unsuited) };
        let entered = timeout(OPEN_DEADLINE, self.try_enter(target, screen, shared, join)).await;
        entered.unwrap_or(Err(NoSeat::Failed(ExecError::Late)))
    }

    async fn try_enter(
        &self,
        target: &Target,
        screen: &Screen,
        shared: &Shared,
        join: Join,
    ) -> Result<(Seat, Joined), NoSeat> {
        let Target { namespace, pod, .. } = target.clone();
        let key = Key { namespace, pod, link: shared.link.clone() };
        let enter = Enter {
            columns: screen.size.columns,
            rows: screen.size.rows,
            window_bytes: u32::try_from(screen.window_bytes).unwrap_or(u32::MAX),
            join,
        };
        loop {
            let trunk = self.trunk(&key, target, screen, shared);
            let was_open = matches!(trunk.state().phase(), Phase::Open);
            let Some(mut seat) = trunk.enter(enter) else {
                if matches!(trunk.state().phase(), Phase::Over(ended) if ended.over == Over::UnknownArguments)
                {
                    return Err(NoSeat::Unknown);
                }
                self.leave_out(&key, &trunk);
                continue;
            };
            let patience = if was_open { ENTER_DEADLINE } else { OPEN_DEADLINE };
            let first = timeout(patience, seat.first()).await;
            let error = match first {
                Ok(First::Joined(joined)) => return Ok((seat, joined)),
                Ok(First::Over(Over::UnknownArguments)) => return Err(NoSeat::Unknown),
                Ok(First::Failed(error)) => ExecError::Trunk(error),
                Ok(First::Over(over)) => ExecError::NotJoined(over.into()),
                Ok(First::Full) => {
                    return Err(NoSeat::Failed(ExecError::NotJoined(Lost::NotStarted)));
                }
                Err(_) => ExecError::Late,
            };
            self.leave_out(&key, &trunk);
            if !was_open {
                return Err(NoSeat::Failed(error));
            }
        }
    }

    /// The one that there is, or another one.
    fn trunk(&self, key: &Key, target: &Target, screen: &Screen, shared: &Shared) -> Arc<Trunk> {
        let mut open = self.open();
        if let Some(trunk) = open.get(key) {
            return Arc::clone(trunk);
        }
        let trunk = Trunk::new();
        open.insert(key.clone(), Arc::clone(&trunk));
        drop(open);
        let shared = Some(Shared { comes: Comes::Trunk, ..shared.clone() });
        let screen = Screen { window_bytes: OUTPUT_WINDOW_BYTES, shared, ..screen.clone() };
        let (trunks, key, target) = (self.clone(), key.clone(), target.clone());
        let opened = Arc::clone(&trunk);
        self.tasks.spawn(async move {
            hub::run(&trunks, &trunk, &target, &screen).await;
            trunks.leave_out(&key, &trunk);
        });
        opened
    }

    /// Nobody enters it any more.
    fn leave_out(&self, key: &Key, trunk: &Arc<Trunk>) {
        let mut open = self.open();
        if open.get(key).is_some_and(|open| Arc::ptr_eq(open, trunk)) {
            open.remove(key);
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Key, Arc<Trunk>>> {
        // Each change is one insertion or removal, so a panic elsewhere left nothing half done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
