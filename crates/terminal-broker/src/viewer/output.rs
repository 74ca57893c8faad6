//! Output that waits for the viewer, some of it compressed. Pure. It bounds nothing: the window
//! does.

use std::collections::VecDeque;

use bytes::Bytes;
use screen_wire::Compressed;
use terminal_proto::v1::{CompressedOutput, attach_response::Response};

use crate::pieces::Pieces;

/// Output in its order, taken off as it is said.
#[derive(Debug, Default)]
pub(super) struct Output(VecDeque<Run>);

/// What can be taken off without looking at what comes after.
#[derive(Debug)]
enum Run {
    Plain(Pieces),
    Compressed(Compressed),
}

impl Output {
    pub(super) fn push(&mut self, bytes: Bytes) {
        if let Some(Run::Plain(pieces)) = self.0.back_mut() {
            return pieces.push(bytes);
        }
        let mut pieces = Pieces::default();
        pieces.push(bytes);
        self.0.push_back(Run::Plain(pieces));
    }

    pub(super) fn push_compressed(&mut self, output: Compressed) {
        self.0.push_back(Run::Compressed(output));
    }

    /// The next response, and how many bytes of output it is.
    pub(super) fn pop(&mut self) -> Option<(Response, usize)> {
        let response = match self.0.pop_front()? {
            Run::Plain(mut pieces) => {
                let Some(piece) = pieces.pop() else { return self.pop() };
                if !pieces.is_empty() {
                    self.0.push_front(Run::Plain(pieces));
                }
                let bytes = piece.len();
                (Response::Output(piece), bytes)
            }
            Run::Compressed(output) => {
                let bytes = output.output_bytes();
                let output = CompressedOutput { bytes, lz4: output.into_block() };
                (Response::CompressedOutput(output), bytes as usize)
            }
        };
        if self.0.is_empty() {
            // Not kept for its capacity: a session that once was behind would hold it for ever.
            self.0 = VecDeque::new();
        }
        Some(response)
    }

    pub(super) fn clear(&mut self) {
        self.0 = VecDeque::new();
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
}
