//! What is typed into the agent's terminal, by position: what waits to be sent, what was sent and may have to be
//! sent again, and how often it was interrupted. Pure.
//!
//! A position is a number of bytes since the beginning, over all connections. The first byte of a connection is where
//! the screen says, and the screen counts along from there.

use bytes::{Buf, Bytes, BytesMut};
use screen_wire::{INPUT_WINDOW_BYTES, Join, MAX_PAYLOAD_BYTES};

/// What may wait beside what was sent, in bytes; then nothing more is read of the keyboard.
const WAITING_BYTES_MAX: usize = INPUT_WINDOW_BYTES;

#[derive(Debug, Default)]
pub(super) struct Typed {
    /// What was sent on this connection and may not have come, then what waits.
    bytes: BytesMut,
    /// So many of them were sent on this connection.
    sent: usize,
    /// So many of them were sent on any; no fewer than `sent`.
    ever_sent: usize,
    /// Of the first of them.
    position: u64,
    /// Sent on this connection and not credited, dropped or not.
    uncredited: usize,
    connection: Connection,
    interrupts: u32,
    /// How many of them the screen was told of.
    told: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Connection {
    #[default]
    None,
    Open,
}

impl Typed {
    /// Adds to what a screen is told when one comes, perhaps again.
    pub(super) fn join(&mut self, join: Join) -> Join {
        self.told = self.interrupts;
        Join {
            typed_from: self.position,
            typed_to: self.position + self.ever_sent as u64,
            interrupts: self.interrupts,
            ..join
        }
    }

    /// A screen is there that takes what is typed from the position `from` on.
    pub(super) fn open(&mut self, from: u64) {
        let taken = from.saturating_sub(self.position).min(self.ever_sent as u64);
        self.drop_first(usize::try_from(taken).unwrap_or(self.ever_sent));
        (self.sent, self.uncredited, self.connection) = (0, 0, Connection::Open);
    }

    /// The connection is gone: what the program may not have waits again.
    pub(super) fn close(&mut self) {
        (self.sent, self.uncredited, self.connection) = (0, 0, Connection::None);
    }

    pub(super) fn push(&mut self, typed: &[u8]) {
        self.bytes.extend_from_slice(typed);
    }

    /// Whether there is room for more.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() - self.sent < WAITING_BYTES_MAX
    }

    /// What to send next.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        if self.connection == Connection::None {
            return None;
        }
        let room = INPUT_WINDOW_BYTES.saturating_sub(self.uncredited).min(MAX_PAYLOAD_BYTES);
        let waiting = &self.bytes[self.sent..];
        let next = Bytes::copy_from_slice(&waiting[..waiting.len().min(room)]);
        self.sent += next.len();
        self.ever_sent = self.ever_sent.max(self.sent);
        self.uncredited += next.len();
        (!next.is_empty()).then_some(next)
    }

    /// The program took so many bytes, or an interrupt dropped them.
    pub(super) fn credited(&mut self, bytes: u32) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.uncredited = self.uncredited.saturating_sub(bytes);
        self.drop_first(self.sent.saturating_sub(self.uncredited));
    }

    /// Whether something was typed that the program may not have.
    pub(super) fn is_pending(&self) -> bool {
        !self.bytes.is_empty() || self.uncredited > 0
    }

    /// Ctrl-C that overtakes what was typed before, here and on the way.
    pub(super) fn interrupt(&mut self) {
        // Without a connection the screen may have all that was ever sent; on one it counts what came on that.
        let gone = match self.connection {
            Connection::None => self.ever_sent,
            Connection::Open => self.sent,
        };
        self.position += gone as u64;
        self.bytes.clear();
        (self.sent, self.ever_sent) = (0, 0);
        self.interrupts = self.interrupts.saturating_add(1);
    }

    /// Whether an interrupt is to be said now, which then is.
    pub(super) fn take_interrupt(&mut self) -> bool {
        let untold = self.connection == Connection::Open && self.told < self.interrupts;
        self.told += u32::from(untold);
        untold
    }

    fn drop_first(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes.len());
        self.bytes.advance(bytes);
        self.position += bytes as u64;
        self.sent = self.sent.saturating_sub(bytes);
        self.ever_sent = self.ever_sent.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use screen_wire::Viewer;

    use super::*;

    fn opened() -> Typed {
        let mut typed = Typed::default();
        typed.open(0);
        typed
    }

    fn join(typed: &mut Typed) -> (u64, u64, u32) {
        let join = typed.join(Join::new(Viewer::from_bytes([1; 16])));
        (join.typed_from, join.typed_to, join.interrupts)
    }

    #[test]
    fn nothing_is_sent_before_there_is_a_screen() {
        let mut typed = Typed::default();
        typed.push(b"ls");
        assert_eq!((typed.next(), join(&mut typed)), (None, (0, 0, 0)));
        typed.open(0);
        assert_eq!((typed.next(), typed.next()), (Some(Bytes::from("ls")), None));
    }

    #[test]
    fn no_more_is_sent_than_the_window_allows_and_no_more_is_taken_than_waits() {
        let mut typed = opened();
        typed.push(&vec![b'x'; INPUT_WINDOW_BYTES + 10]);
        assert_eq!(typed.next().unwrap().len(), INPUT_WINDOW_BYTES);
        assert_eq!((typed.next(), typed.has_room()), (None, true));
        typed.push(&vec![b'y'; WAITING_BYTES_MAX]);
        assert!(!typed.has_room());
        typed.credited(10);
        assert_eq!(typed.next().unwrap(), [b'x'; 10][..]);
    }

    #[test]
    fn what_the_program_may_not_have_is_sent_again_and_nothing_else() {
        let mut typed = opened();
        typed.push(b"abcdef");
        typed.next();
        typed.credited(2);
        typed.close();
        typed.push(b"gh");
        assert_eq!(join(&mut typed), (2, 6, 0));
        typed.open(4);
        assert_eq!(typed.next().unwrap(), "efgh");
        typed.credited(4);
        typed.close();
        assert_eq!(join(&mut typed), (8, 8, 0));
    }

    /// As a screen answers that knows nothing of who comes.
    #[test]
    fn what_was_ever_sent_is_lost_with_another_terminal() {
        let mut typed = opened();
        typed.push(b"abc");
        typed.next();
        typed.close();
        typed.push(b"d");
        let (_, to, _) = join(&mut typed);
        typed.open(to);
        assert_eq!(typed.next().unwrap(), "d");
    }

    #[test]
    fn an_interrupt_drops_what_waits_and_is_said_once() {
        let mut typed = opened();
        typed.push(&vec![b'x'; INPUT_WINDOW_BYTES + 10]);
        typed.next();
        assert!(typed.is_pending());
        typed.interrupt();
        assert_eq!((typed.take_interrupt(), typed.take_interrupt()), (true, false));
        assert_eq!((typed.next(), typed.is_pending()), (None, true), "nothing was credited yet");
        typed.push(b"y");
        assert_eq!(typed.next(), None, "the window is full");
        typed.credited(u32::try_from(INPUT_WINDOW_BYTES).unwrap());
        assert_eq!(typed.next().unwrap(), "y");
        typed.close();
        let sent = INPUT_WINDOW_BYTES as u64;
        assert_eq!(join(&mut typed), (sent, sent + 1, 1));
    }

    #[test]
    fn an_interrupt_of_a_break_is_told_by_the_next_join_and_one_after_it_by_a_frame() {
        let mut typed = opened();
        typed.push(b"abc");
        typed.next();
        typed.close();
        typed.interrupt();
        assert!(!typed.take_interrupt(), "there is nobody to tell");
        assert_eq!(join(&mut typed), (3, 3, 1));
        typed.interrupt();
        typed.open(3);
        assert_eq!((typed.take_interrupt(), typed.take_interrupt()), (true, false));
    }
}
