//! What ends this process from outside, kept until it is asked for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

pub(super) struct Interrupt {
    by_keyboard: Signal,
    by_others: Signal,
}

impl Interrupt {
    /// From now on neither ends the process.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            by_keyboard: signal(SignalKind::interrupt())?,
            by_others: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn heard(&mut self) {
        tokio::select! {
            _ = self.by_keyboard.recv() => {}
            _ = self.by_others.recv() => {}
        }
    }
}
