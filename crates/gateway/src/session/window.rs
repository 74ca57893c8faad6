//! How much input a viewer may have on its way to the program. Pure: it holds no input.

use screen_wire::INPUT_WINDOW_BYTES;

/// The input that was taken from a viewer and not credited by the broker.
#[derive(Debug)]
pub(super) struct InputWindow {
    bytes: u64,
    uncredited: u64,
}

impl InputWindow {
    /// The usual window, until the broker says otherwise.
    pub(super) fn new() -> Self {
        Self { bytes: INPUT_WINDOW_BYTES as u64, uncredited: 0 }
    }

    /// Becomes what the broker grants; 0 is a broker that grants the usual.
    pub(super) fn set(&mut self, bytes: u32) {
        self.bytes = if bytes == 0 { INPUT_WINDOW_BYTES as u64 } else { bytes.into() };
    }

    /// In bytes, as a page is told.
    pub(super) fn size(&self) -> u32 {
        self.bytes.try_into().unwrap_or(u32::MAX)
    }

    /// How many bytes may be taken.
    pub(super) fn room(&self) -> usize {
        self.bytes.saturating_sub(self.uncredited).try_into().unwrap_or(usize::MAX)
    }

    pub(super) fn take(&mut self, bytes: usize) {
        self.uncredited += bytes as u64;
    }

    /// Gives back what the program took or an interrupt dropped; how much of it was under way.
    pub(super) fn credit(&mut self, bytes: u64) -> u64 {
        let credited = bytes.min(self.uncredited);
        self.uncredited -= credited;
        credited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_has_to_come_back_before_more_is() {
        let mut window = InputWindow::new();
        window.set(10);
        window.take(8);
        assert_eq!(window.room(), 2);
        assert_eq!((window.credit(5), window.room()), (5, 7));
        assert_eq!((window.credit(100), window.room()), (3, 10), "no more than was taken");
    }

    #[test]
    fn a_smaller_window_than_was_used_before_leaves_no_room() {
        let mut window = InputWindow::new();
        window.take(1000);
        window.set(10);
        assert_eq!(window.room(), 0);
    }
}
