//! A session's end of its place on a trunk. The place is given back when it is dropped.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::time::Instant;

use super::{
    Trunk,
    state::{Ended, First, Phase, State},
};
use crate::exec::{Event, Over, frames::Outbox, outgoing::Outgoing};

pub(crate) struct Seat {
    trunk: Arc<Trunk>,
    pub(super) number: u32,
}

impl Seat {
    pub(super) fn new(trunk: Arc<Trunk>, number: u32) -> Self {
        Self { trunk, number }
    }

    pub(in crate::exec) fn say<T>(&self, what: impl FnOnce(&mut Outgoing) -> T) -> T {
        let number = self.number;
        self.trunk.change(|state| match state.viewer(number) {
            Some(viewer) => what(&mut viewer.says),
            None => what(&mut Outgoing::default()),
        })
    }

    pub(in crate::exec) fn output_credit(&self, bytes: u32) {
        self.trunk.change(|state| {
            if let Some(viewer) = state.viewer(self.number) {
                viewer.credit(bytes);
            }
            state.grant();
        });
    }

    /// Says the last, and hears nothing more but the end of it.
    pub(in crate::exec) fn end(&self, say: impl FnOnce(&mut Outgoing)) {
        self.trunk.change(|state| {
            if let Some(viewer) = state.viewer(self.number) {
                viewer.hear_the_end_only();
                say(&mut viewer.says);
            }
        });
    }

    pub(in crate::exec) fn has_said_all(&self) -> bool {
        let mut state = self.trunk.state();
        let said = state.viewer(self.number).is_none_or(|viewer| viewer.says.is_empty());
        match state.phase() {
            Phase::Over(Ended { flushed, .. }) => said && *flushed,
            _ => said,
        }
    }

    pub(in crate::exec) fn last_written(&self) -> Instant {
        match self.trunk.state().phase() {
            Phase::Over(Ended { last_written, .. }) => *last_written,
            _ => Instant::now(),
        }
    }

    pub(super) async fn first(&mut self) -> First {
        poll_fn(|context| self.poll(context, |state, number| state.first(number))).await
    }

    /// Waits for what the screen says next. Cancel safe.
    pub(in crate::exec) async fn next(&mut self) -> Result<Event, Over> {
        poll_fn(|context| self.poll(context, State::next)).await
    }

    fn poll<T>(
        &self,
        context: &Context<'_>,
        look: impl FnOnce(&mut State, u32) -> Option<T>,
    ) -> Poll<T> {
        let mut state = self.trunk.state();
        if let Some(found) = look(&mut state, self.number) {
            return Poll::Ready(found);
        }
        if let Some(viewer) = state.viewer(self.number) {
            viewer.wait(context.waker());
        }
        Poll::Pending
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.trunk.change(|state| state.abandon(self.number));
    }
}
