//! Credit that one task waits for and another one earns.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::credit::Credit;

/// One viewer's credit. Exactly one task waits at it.
#[derive(Debug)]
pub(crate) struct Gate {
    credit: Mutex<Credit>,
    earned: Notify,
}

impl Gate {
    pub(crate) fn new(credit: Credit) -> Self {
        Self { credit: Mutex::new(credit), earned: Notify::new() }
    }

    /// Until there is any credit.
    pub(crate) async fn open(&self) {
        while self.credit().left() == 0 {
            // Earned before this line: the notification was stored.
            self.earned.notified().await;
        }
    }

    /// Takes credit for 1 to `wanted` bytes, as soon as there is any; `wanted` is not 0.
    pub(crate) async fn spend(&self, wanted: usize) -> usize {
        self.open().await;
        self.credit().spend(wanted)
    }

    pub(crate) fn acknowledge(&self, bytes: u64) {
        self.credit().acknowledge(bytes);
        self.earned.notify_one();
    }

    fn credit(&self) -> MutexGuard<'_, Credit> {
        // Each change is one subtraction, so a panic elsewhere left nothing half done.
        self.credit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
