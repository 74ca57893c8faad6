//! How much input and output may be between the viewer and the terminal. Pure: it counts bytes, and
//! never sees them.

use screen_wire::INPUT_WINDOW_BYTES;

/// Credit of this much is granted at once; less of it waits for more, or for a sign of life: the
/// viewer always has the rest of its window.
const PORTION_BYTES: usize = 16 * 1024;

/// The viewer sent more input than it was allowed to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {INPUT_WINDOW_BYTES} bytes of input without credit")]
pub struct WindowExceeded;

/// The input that the viewer has sent and that was not credited to it, in bytes.
#[derive(Debug, Default)]
pub(crate) struct InputWindow {
    /// At most [`INPUT_WINDOW_BYTES`].
    uncredited: usize,
    /// Of these, what is no longer ours: the next credit.
    taken: usize,
    /// What is taken first was sent by a connection before, which is told of nothing any more.
    of_before: usize,
    waited: Waited,
}

/// Whether a small credit should wait no longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Waited {
    #[default]
    No,
    Enough,
}

impl InputWindow {
    /// Of a viewer of whose former connection so many bytes still wait.
    pub(crate) fn after(of_before: usize) -> Self {
        Self { of_before, ..Self::default() }
    }

    /// The viewer has sent `bytes` of input.
    pub(crate) fn receive(&mut self, bytes: usize) -> Result<(), WindowExceeded> {
        self.uncredited += bytes;
        if self.uncredited > INPUT_WINDOW_BYTES { Err(WindowExceeded) } else { Ok(()) }
    }

    /// The first `bytes` of what waited were written, or dropped.
    pub(crate) fn take(&mut self, bytes: usize) {
        let of_before = bytes.min(self.of_before);
        self.of_before -= of_before;
        self.taken += bytes - of_before;
    }

    /// Whether there is credit that should wait no longer.
    pub(crate) fn credit_is_due(&self) -> bool {
        self.taken >= PORTION_BYTES || (self.taken > 0 && self.waited == Waited::Enough)
    }

    /// Credit is to wait no longer, however little it is.
    pub(crate) fn make_due(&mut self) {
        self.waited = Waited::Enough;
    }

    /// What is credited now, to be told to the viewer: all there is, or nothing.
    pub(crate) fn due_credit(&mut self) -> Option<u32> {
        let due = self.credit_is_due();
        self.waited = Waited::No;
        if !due {
            return None;
        }
        let bytes = std::mem::take(&mut self.taken);
        self.uncredited -= bytes;
        u32::try_from(bytes).ok()
    }
}

/// The output that was sent and that the viewer has not taken, in bytes.
#[derive(Debug)]
pub(crate) struct OutputWindow {
    window: usize,
    unacknowledged: usize,
}

impl OutputWindow {
    pub(crate) fn new(window_bytes: usize) -> Self {
        Self { window: window_bytes, unacknowledged: 0 }
    }

    /// How much may be sent while nothing is under way.
    pub(crate) fn window(&self) -> usize {
        self.window
    }

    /// How much was sent that the viewer has not taken.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.unacknowledged
    }

    /// How much may be sent.
    pub(crate) fn room(&self) -> usize {
        self.window.saturating_sub(self.unacknowledged)
    }

    pub(crate) fn send(&mut self, bytes: usize) {
        self.unacknowledged += bytes;
    }

    /// So much of all that it was sent, by whatever way, the viewer has not taken.
    pub(crate) fn set_unacknowledged(&mut self, bytes: u32) {
        self.unacknowledged = usize::try_from(bytes).unwrap_or(usize::MAX);
    }

    /// The viewer has taken `bytes`; credit for what was never sent does not widen the window.
    pub(crate) fn acknowledge(&mut self, bytes: u32) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.unacknowledged = self.unacknowledged.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_welcome_up_to_the_window_and_again_after_credit() {
        let mut window = InputWindow::default();
        window.receive(INPUT_WINDOW_BYTES).unwrap();
        window.take(10);
        assert_eq!(window.receive(1), Err(WindowExceeded), "taken, but not credited");

        let mut window = InputWindow::default();
        window.receive(INPUT_WINDOW_BYTES).unwrap();
        window.take(10);
        window.make_due();
        assert_eq!(window.due_credit(), Some(10));
        window.receive(10).unwrap();
        assert_eq!(window.receive(1), Err(WindowExceeded));
    }

    #[test]
    fn what_was_taken_is_credited_once() {
        let mut window = InputWindow::default();
        window.receive(PORTION_BYTES + 1000).unwrap();
        window.take(PORTION_BYTES - 1);
        assert_eq!(window.due_credit(), None);
        window.take(1001);
        assert_eq!(window.due_credit(), u32::try_from(PORTION_BYTES + 1000).ok());
        assert_eq!(window.due_credit(), None);
    }

    #[test]
    fn a_small_credit_is_due_once_it_has_waited() {
        let mut window = InputWindow::default();
        window.receive(2).unwrap();
        window.take(1);
        window.make_due();
        assert_eq!(window.due_credit(), Some(1));
        window.take(1);
        assert_eq!(window.due_credit(), None, "the next one waits anew");
    }

    #[test]
    fn what_a_former_connection_sent_is_credited_to_nobody() {
        let mut window = InputWindow::after(100);
        window.receive(50).unwrap();
        window.take(70);
        window.make_due();
        assert_eq!(window.due_credit(), None);
        window.take(40);
        window.make_due();
        assert_eq!(window.due_credit(), Some(10));
    }

    #[test]
    fn output_is_sent_up_to_the_window_and_never_beyond_it() {
        let mut window = OutputWindow::new(100);
        window.send(70);
        assert_eq!(window.room(), 30);
        window.acknowledge(50);
        assert_eq!(window.room(), 80);
        window.acknowledge(u32::MAX);
        assert_eq!(window.room(), 100);
    }
}
