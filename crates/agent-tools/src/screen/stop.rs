//! The signals that ask the screen to leave.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll},
};

use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Stop {
    /// From now on these signals no longer end the process by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn requested(&mut self) {
        poll_fn(|cx| self.poll_requested(cx)).await;
    }

    pub(crate) fn poll_requested(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let signals = [&mut self.terminate, &mut self.interrupt, &mut self.hang_up];
        if signals.into_iter().any(|signal| signal.poll_recv(cx).is_ready()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
