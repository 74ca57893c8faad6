//! Whether numbered lines come without a gap. Pure.

use anyhow::{Result, ensure};

/// What is heard of lines from somewhere on.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Of a line that is not complete.
    begun: Vec<u8>,
    /// Once one was whole.
    expected: Option<u64>,
}

impl Lines {
    /// Fails at the first line that is not the one after the last. Before the first whole one anything may come.
    pub(crate) fn push(&mut self, output: &[u8]) -> Result<()> {
        let mut pieces = output.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.begun.extend_from_slice(piece);
            if pieces.peek().is_some() {
                self.line()?;
                self.begun.clear();
            }
        }
        Ok(())
    }

    /// The number of the last line that was whole.
    pub(crate) fn last(&self) -> Option<u64> {
        self.expected?.checked_sub(1)
    }

    fn line(&mut self) -> Result<()> {
        let line = String::from_utf8_lossy(&self.begun);
        let number = line.strip_prefix("line ").and_then(|number| number.parse::<u64>().ok());
        if let Some(expected) = self.expected {
            ensure!(number == Some(expected), "{line:?} in the place of line {expected}");
        }
        self.expected = number.map(|number| number + 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pieces: &[&str]) -> Result<Option<u64>> {
        let mut lines = Lines::default();
        for piece in pieces {
            lines.push(piece.as_bytes())?;
        }
        Ok(lines.last())
    }

    #[test]
    fn lines_go_on_wherever_they_are_cut() {
        assert_eq!(
            heard(&["stand-in ready\r\nli", "ne 0\nline", " 1\n", "line 2"]).unwrap(),
            Some(1)
        );
        assert_eq!(heard(&["ne 41\nline 42\n"]).unwrap(), Some(42), "the first one may be cut off");
        assert_eq!(heard(&["nothing\n"]).unwrap(), None);
    }

    #[test]
    fn a_line_that_is_lost_doubled_or_damaged_is_found() {
        for wrong in
            ["line 5\nline 7\n", "line 5\nline 5\n", "line 5\nli\nline 6\n", "line 5\nline 6x\n"]
        {
            heard(&[wrong]).unwrap_err();
        }
    }
}
