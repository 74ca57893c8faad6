//! Flow control: how many bytes of a terminal may be under way in each direction. Pure arithmetic;
//! nobody waits here.

use std::ops::RangeInclusive;

use screen_wire::{INPUT_WINDOW_BYTES, OUTPUT_WINDOW_BYTES};

/// Least and greatest output window that a viewer may ask for, in bytes.
const OUTPUT_BOUNDS: RangeInclusive<usize> = 4 * 1024..=1024 * 1024;

/// A sender used more than its window, or was given back more than it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more bytes than the window allows")]
pub struct Exceeded;

/// Output that the screen sent and the viewer has not acknowledged, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputWindow {
    window: usize,
    under_way: usize,
    /// Of these, what the viewer has taken and the screen was not told of.
    owed: usize,
}

impl OutputWindow {
    /// `asked` is the viewer's wish in bytes; 0 means the default, and the bounds always hold.
    pub fn new(asked: u32) -> Self {
        let window = match asked as usize {
            0 => OUTPUT_WINDOW_BYTES,
            asked => asked.clamp(*OUTPUT_BOUNDS.start(), *OUTPUT_BOUNDS.end()),
        };
        Self { window, under_way: 0, owed: 0 }
    }

    pub fn window_bytes(&self) -> usize {
        self.window
    }

    /// The screen sent so many bytes.
    pub fn sent(&mut self, bytes: usize) -> Result<(), Exceeded> {
        spend(&mut self.under_way, bytes, self.window)
    }

    /// The viewer has taken so many bytes, which it was given before. Returns what the screen is to be
    /// told of: nothing, until it is a quarter of the window. The screen has the rest of it
    /// meanwhile, and a message for each few bytes would cost every hop as much as they do.
    pub fn taken(&mut self, bytes: usize) -> Option<u32> {
        self.owed = self.under_way.min(self.owed + bytes);
        if self.owed < self.window / 4 {
            return None;
        }
        self.under_way -= self.owed;
        u32::try_from(std::mem::take(&mut self.owed)).ok()
    }
}

/// Input that the viewer sent and the screen has not credited, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputWindow {
    under_way: usize,
}

impl InputWindow {
    /// The viewer sent so many bytes.
    pub fn sent(&mut self, bytes: usize) -> Result<(), Exceeded> {
        spend(&mut self.under_way, bytes, INPUT_WINDOW_BYTES)
    }

    /// The program took so many bytes, or they were dropped.
    pub fn credited(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.under_way = self.under_way.checked_sub(bytes).ok_or(Exceeded)?;
        Ok(())
    }
}

fn spend(under_way: &mut usize, bytes: usize, window: usize) -> Result<(), Exceeded> {
    let spent = under_way.saturating_add(bytes);
    if spent > window {
        return Err(Exceeded);
    }
    *under_way = spent;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_the_default_or_within_bounds() {
        let cases = [
            (0, OUTPUT_WINDOW_BYTES),
            (1, 4096),
            (65_536, 65_536),
            (u32::MAX, *OUTPUT_BOUNDS.end()),
        ];
        for (asked, window) in cases {
            assert_eq!(OutputWindow::new(asked).window_bytes(), window, "asked for {asked}");
        }
    }

    #[test]
    fn output_beyond_the_window_is_noticed_and_what_was_taken_may_be_sent_anew() {
        let mut output = OutputWindow::new(4096);
        assert_eq!(output.sent(4096), Ok(()));
        assert_eq!(output.sent(1), Err(Exceeded));
        assert_eq!(output.taken(1023), None, "a quarter is owed at once, and no less");
        assert_eq!(output.sent(1), Err(Exceeded), "the screen was not told");
        assert_eq!(output.taken(1), Some(1024));
        assert_eq!(output.sent(1025), Err(Exceeded));
        assert_eq!(output.sent(1024), Ok(()));
    }

    #[test]
    fn a_viewer_that_takes_all_it_was_given_leaves_room_for_more() {
        let mut output = OutputWindow::new(4096);
        for _ in 0..1000 {
            output.sent(1000).unwrap();
            output.taken(1000);
        }
    }

    #[test]
    fn input_beyond_the_window_is_noticed() {
        let mut input = InputWindow::default();
        assert_eq!(input.sent(INPUT_WINDOW_BYTES), Ok(()));
        assert_eq!(input.sent(1), Err(Exceeded));
        assert_eq!(input.credited(10), Ok(()));
        assert_eq!(input.sent(11), Err(Exceeded));
        assert_eq!(input.sent(10), Ok(()));
    }

    #[test]
    fn a_screen_cannot_credit_what_was_never_typed() {
        let mut input = InputWindow::default();
        input.sent(5).unwrap();
        assert_eq!(input.credited(6), Err(Exceeded));
    }
}
