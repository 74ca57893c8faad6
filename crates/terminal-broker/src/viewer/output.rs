//! Output that waits for the viewer, some of it compressed, and where in the program's output that is. Pure. It bounds
//! no bytes: the window does.

use bytes::Bytes;
use screen_wire::Compressed;
use terminal_proto::v1::{CompressedOutput, OutputPosition, attach_response::Response};

use super::windows::Exceeded;
use crate::pieces::{Marked, Next};

/// Positions that may wait. A screen is drawn anew after most of them, so that the output window bounds
/// those of an honest one; they themselves take none of it.
pub(crate) const POSITIONS_MAX: usize = 4096;

/// Output in its order, taken off as it is said.
#[derive(Debug, Default)]
pub(super) struct Output {
    waiting: Marked<Mark>,
    /// How many of the marks are positions.
    positions: usize,
}

/// What is no plain output.
#[derive(Debug)]
enum Mark {
    Compressed(Compressed),
    Position(OutputPosition),
}

impl Output {
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.waiting.push(bytes);
    }

    pub(super) fn push_compressed(&mut self, output: Compressed) {
        self.waiting.mark(Mark::Compressed(output));
    }

    pub(super) fn push_position(&mut self, position: OutputPosition) -> Result<(), Exceeded> {
        if self.positions >= POSITIONS_MAX {
            return Err(Exceeded);
        }
        self.positions += 1;
        self.waiting.mark(Mark::Position(position));
        Ok(())
    }

    /// The next response, and how many bytes of output it is.
    pub(super) fn pop(&mut self) -> Option<(Response, usize)> {
        let response = match self.waiting.pop()? {
            Next::Bytes(piece) => {
                let bytes = piece.len();
                (Response::Output(piece), bytes)
            }
            Next::Mark(Mark::Compressed(output)) => {
                let bytes = output.output_bytes();
                let output = CompressedOutput { bytes, lz4: output.into_block() };
                (Response::CompressedOutput(output), bytes as usize)
            }
            Next::Mark(Mark::Position(position)) => {
                self.positions -= 1;
                (Response::Position(position), 0)
            }
        };
        if self.waiting.is_empty() {
            // Not kept for its capacity: a session that once was behind would hold it for ever.
            self.clear();
        }
        Some(response)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_are_joined_between_those_that_are_compressed() {
        let mut output = Output::default();
        let block = Bytes::from_static(b"block");
        for piece in ["a", "b", "c"] {
            output.push(piece.into());
        }
        output.push_compressed(Compressed::new(1000, block.clone()).unwrap());
        output.push("d".into());

        let said = std::iter::from_fn(|| output.pop()).collect::<Vec<_>>();
        let compressed = CompressedOutput { bytes: 1000, lz4: block };
        let expected = [
            (Response::Output("a".into()), 1),
            (Response::Output("bc".into()), 2),
            (Response::CompressedOutput(compressed), 1000),
            (Response::Output("d".into()), 1),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_position_is_said_between_the_output_that_it_came_between() {
        let mut output = Output::default();
        let position = |position| OutputPosition { position, screen_bytes: 1 };
        output.push_position(position(5)).unwrap();
        output.push("a".into());
        output.push_compressed(Compressed::new(1000, "block".into()).unwrap());
        output.push_position(position(9)).unwrap();
        output.push("b".into());
        output.push("c".into());

        let said = std::iter::from_fn(|| output.pop()).collect::<Vec<_>>();
        let compressed = CompressedOutput { bytes: 1000, lz4: "block".into() };
        let expected = [
            (Response::Position(position(5)), 0),
            (Response::Output("a".into()), 1),
            (Response::CompressedOutput(compressed), 1000),
            (Response::Position(position(9)), 0),
            (Response::Output("b".into()), 1),
            (Response::Output("c".into()), 1),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_screen_cannot_fill_the_memory_with_positions() {
        let mut output = Output::default();
        for _ in 0..POSITIONS_MAX {
            output.push_position(OutputPosition::default()).unwrap();
        }
        assert_eq!(output.push_position(OutputPosition::default()), Err(Exceeded));
        output.pop();
        output.push_position(OutputPosition::default()).unwrap();
        output.clear();
        output.push_position(OutputPosition::default()).unwrap();
    }
}
