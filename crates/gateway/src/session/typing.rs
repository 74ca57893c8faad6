//! What a viewer typed and has not left yet, in its order, and how far it is with its input. Pure:
//! it enforces no window.
//!
//! Where the terminal can be resumed, the broker knows for each byte how many were typed before it:
//! those of former connections, and those that were dropped here. It counts along, and is told
//! where it would go wrong.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use terminal_proto::v1::{Interrupt, Typed, attach_request::Request};

/// The most input that one request may hold, in bytes (terminal.proto).
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// Positions within are bytes since the connection's beginning.
#[derive(Debug, Default)]
pub(super) struct Typing {
    /// In bytes, at most the viewer's input window. Empty ones take no memory.
    waiting: VecDeque<Stretch>,
    /// How much was typed, with what was dropped.
    end: u64,
    /// How much of it the broker has, or was told of.
    told: u64,
    /// An interrupt has not left.
    interrupted: bool,
    /// How often the viewer has interrupted, on former connections as well.
    interrupts: u32,
    numbers: Numbers,
}

/// What was typed without a gap.
#[derive(Debug)]
struct Stretch {
    from: u64,
    input: BytesMut,
}

impl Stretch {
    fn end(&self) -> u64 {
        self.from + self.input.len() as u64
    }
}

/// Whether what is typed has its positions in the terminal.
#[derive(Clone, Copy, Debug, Default)]
enum Numbers {
    /// Not in one that cannot be resumed: what was dropped is nobody's business.
    #[default]
    Absent,
    /// Perhaps: its viewer wants to resume it, and it is not open yet.
    Unknown,
    /// Where the first byte of this connection is.
    From(u64),
}

impl Typing {
    /// The viewer wants to resume the terminal, and has interrupted so often before.
    pub(super) fn join(&mut self, interrupts: u32) {
        self.interrupts = interrupts;
        self.numbers = Numbers::Unknown;
    }

    /// The terminal is open: `from` is the position of the first byte, where they are numbered.
    pub(super) fn opened(&mut self, from: Option<u64>) {
        self.numbers = from.map_or(Numbers::Absent, Numbers::From);
    }

    pub(super) fn input(&mut self, input: &[u8]) {
        match self.waiting.back_mut() {
            Some(last) if last.end() == self.end => last.input.extend_from_slice(input),
            _ => self.waiting.push_back(Stretch { from: self.end, input: input.into() }),
        }
        self.end += input.len() as u64;
    }

    /// So many bytes were typed that go no further.
    pub(super) fn skip(&mut self, bytes: u64) {
        if !matches!(self.numbers, Numbers::Absent) {
            self.end += bytes;
        }
    }

    /// Drops the input that has not left, and returns how many bytes that was.
    pub(super) fn interrupt(&mut self) -> u64 {
        self.interrupted = true;
        self.interrupts = self.interrupts.saturating_add(1);
        std::mem::take(&mut self.waiting).iter().map(|stretch| stretch.input.len() as u64).sum()
    }

    /// What leaves next.
    pub(super) fn pop(&mut self) -> Option<Request> {
        let interrupted = std::mem::take(&mut self.interrupted);
        let next = self.waiting.front().map(|stretch| stretch.from);
        let is_news = interrupted || next.is_some_and(|next| next != self.told);
        match self.numbers {
            Numbers::From(first) if is_news => {
                self.told = next.unwrap_or(self.end);
                let position = first.saturating_add(self.told);
                Some(Request::Typed(Typed { position, interrupts: self.interrupts }))
            }
            Numbers::Unknown | Numbers::Absent if interrupted => {
                Some(Request::Interrupt(Interrupt {}))
            }
            _ => self.pop_input().map(Request::Input),
        }
    }

    fn pop_input(&mut self) -> Option<Bytes> {
        let stretch = self.waiting.front_mut()?;
        let input = if stretch.input.len() > INPUT_BYTES_MAX {
            stretch.from += INPUT_BYTES_MAX as u64;
            stretch.input.split_to(INPUT_BYTES_MAX)
        } else {
            // Not split: what is left of it would be held while the viewer is idle.
            std::mem::take(&mut stretch.input)
        };
        if stretch.input.is_empty() {
            self.waiting.pop_front();
        }
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        self.told += input.len() as u64;
        Some(input.freeze())
    }
}

#[cfg(test)]
mod tests;
