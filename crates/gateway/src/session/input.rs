//! What a viewer types, within its window: a page that sends more broke the protocol, and an older
//! one, which knows no window, is not read meanwhile. It reads nothing itself.

use bytes::Bytes;

use super::{ending::Violation, liveness::ReadInterest, upstream::Upstream, window::InputWindow};
use crate::upgrade::Protocol;

pub(super) struct Input {
    protocol: Protocol,
    window: InputWindow,
    /// What of an older page's message did not fit into the window: at most one message.
    held: Bytes,
}

impl Input {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self { protocol, window: InputWindow::new(), held: Bytes::new() }
    }

    /// The broker grants a window of `bytes`; returns what a page is told of it.
    pub(super) fn open(&mut self, bytes: u32, upstream: &Upstream) -> u32 {
        self.window.set(bytes);
        self.release(upstream);
        self.window.size()
    }

    /// Whether more can be taken.
    pub(super) fn read_interest(&self) -> ReadInterest {
        let room = self.protocol == Protocol::V1 || self.window.room() > 0;
        if self.held.is_empty() && room { ReadInterest::Reading } else { ReadInterest::Paused }
    }

    /// Takes one message.
    pub(super) fn take(&mut self, input: Bytes, upstream: &Upstream) -> Result<(), Violation> {
        if self.protocol == Protocol::V1 && input.len() > self.window.room() {
            return Err(Violation::Overrun);
        }
        self.held = input;
        self.release(upstream);
        Ok(())
    }

    /// Gives back what the program took or an interrupt dropped; returns of how many bytes the
    /// page is to be told.
    pub(super) fn credit(&mut self, bytes: u64, upstream: &Upstream) -> u64 {
        let credited = self.window.credit(bytes);
        match self.protocol {
            Protocol::V1 => credited,
            Protocol::Legacy => {
                self.release(upstream);
                0
            }
        }
    }

    /// Passes on as much of what is held as the window takes.
    fn release(&mut self, upstream: &Upstream) {
        let released = self.held.split_to(self.window.room().min(self.held.len()));
        if !released.is_empty() {
            self.window.take(released.len());
            upstream.input(&released);
        }
    }
}
