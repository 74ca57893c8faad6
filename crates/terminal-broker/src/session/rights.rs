//! What a viewer may do at present, and since when it has done nothing: the visit writes it, and what
//! moves the bytes reads it, in one task.

use std::{
    future::pending,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use api_types::Access;
use share::Grant;
use tokio::time::{Instant, sleep_until};

/// The rights of one session.
#[derive(Debug)]
pub(super) struct Rights {
    may_act: AtomicBool,
    opened: Instant,
    /// Milliseconds from the opening to the last input.
    typed_after: AtomicU64,
}

impl Rights {
    pub(super) fn of(grant: Grant) -> Self {
        let may_act = AtomicBool::new(grant.access == Access::Interact);
        Self { may_act, opened: Instant::now(), typed_after: AtomicU64::new(0) }
    }

    pub(super) fn set(&self, grant: Grant) {
        self.may_act.store(grant.access == Access::Interact, Relaxed);
    }

    pub(super) fn access(&self) -> Access {
        if self.may_act.load(Relaxed) { Access::Interact } else { Access::View }
    }

    /// There was input, and it counts.
    pub(super) fn typed(&self) {
        let after = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.typed_after.store(after, Relaxed);
    }

    /// Waits until there was no input for so long; without a time-out for ever. Cancel safe.
    pub(super) async fn idle(&self, timeout: Option<Duration>) {
        let Some(timeout) = timeout else { return pending().await };
        loop {
            let typed_after = Duration::from_millis(self.typed_after.load(Relaxed));
            let Some(due) = self.opened.checked_add(typed_after + timeout) else {
                return pending().await;
            };
            if due <= Instant::now() {
                return;
            }
            sleep_until(due).await;
        }
    }
}
