//! The common output of a trunk, as long as somebody who follows it has not taken it. Pure. Positions count its bytes since
//! the trunk began.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use screen_wire::Compressed;

use crate::{exec::Event, pieces::JOINED_BYTES};

/// So that small pieces, which one took as they came, and another one did not, cost no more than their bytes.
const PIECES_MAX: usize = 8192;

#[derive(Debug, Default)]
pub(super) struct Log {
    pieces: VecDeque<Piece>,
    /// Comes after all of `pieces`.
    joined: BytesMut,
    /// After all that has come.
    head: u64,
}

#[derive(Debug)]
struct Piece {
    begins: u64,
    output: Output,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Plain(Bytes),
    Compressed(Compressed),
}

impl Output {
    /// Of the program's output that it is.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Compressed(output) => output.output_bytes() as usize,
        }
    }
}

impl From<Output> for Event {
    fn from(output: Output) -> Self {
        match output {
            Output::Plain(bytes) => Self::Output(bytes),
            Output::Compressed(output) => Self::Compressed(output),
        }
    }
}

impl Log {
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// Of the oldest that is there.
    pub(super) fn tail(&self) -> u64 {
        let joined = self.head - self.joined.len() as u64;
        self.pieces.front().map_or(joined, |piece| piece.begins)
    }

    pub(super) fn push(&mut self, output: Output) {
        let bytes = output.bytes();
        match output {
            Output::Plain(piece) if bytes < JOINED_BYTES && !self.is_empty() => {
                if self.joined.len() + bytes > JOINED_BYTES {
                    self.seal();
                }
                self.joined.extend_from_slice(&piece);
            }
            output => {
                self.seal();
                self.push_piece(Piece { begins: self.head, output });
            }
        }
        self.head += bytes as u64;
    }

    /// What comes at a position, at most so many bytes. What is compressed passes whole.
    pub(super) fn read(&mut self, at: u64, most: usize) -> Option<Output> {
        if at >= self.head || most == 0 {
            return None;
        }
        if at >= self.head - self.joined.len() as u64 {
            self.seal();
        }
        let index = self.pieces.partition_point(|piece| piece.begins <= at).checked_sub(1)?;
        let Piece { begins, output } = self.pieces.get(index)?;
        let skipped = usize::try_from(at - begins).ok()?;
        match output {
            Output::Plain(bytes) => {
                let end = bytes.len().min(skipped.saturating_add(most));
                Some(Output::Plain(bytes.slice(skipped..end)))
            }
            Output::Compressed(output) => {
                let whole = skipped == 0 && output.output_bytes() as usize <= most;
                whole.then(|| Output::Compressed(output.clone()))
            }
        }
    }

    /// Forgets what is before a position.
    pub(super) fn forget(&mut self, before: u64) {
        while let Some(piece) = self.pieces.front()
            && piece.begins + piece.output.bytes() as u64 <= before
        {
            self.pieces.pop_front();
        }
        if before >= self.head {
            self.joined = BytesMut::new();
        }
        if self.pieces.is_empty() {
            // Not kept for its capacity: a trunk that once was behind would hold it for ever.
            self.pieces = VecDeque::new();
        }
    }

    fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.joined.is_empty()
    }

    fn seal(&mut self) {
        if !self.joined.is_empty() {
            let output = Output::Plain(self.joined.split().freeze());
            self.push_piece(Piece { begins: self.head - output.bytes() as u64, output });
        }
    }

    fn push_piece(&mut self, piece: Piece) {
        if self.pieces.len() >= PIECES_MAX {
            self.pieces.pop_front();
        }
        self.pieces.push_back(piece);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(bytes: impl Into<Bytes>) -> Output {
        Output::Plain(bytes.into())
    }

    fn compressed(bytes: u32) -> Output {
        Output::Compressed(Compressed::new(bytes, "block".into()).unwrap())
    }

    #[test]
    fn each_reads_from_where_it_is_and_what_all_have_read_is_gone() {
        let mut log = Log::default();
        log.push(plain("abc"));
        log.push(plain("d"));
        log.push(plain("e"));
        assert_eq!(log.read(1, 10), Some(plain("bc")));
        assert_eq!(log.read(3, 1), Some(plain("d")));
        assert_eq!(log.read(3, 10), Some(plain("de")), "small pieces are joined");
        assert_eq!((log.read(5, 10), log.read(0, 0)), (None, None));
        log.forget(4);
        assert_eq!((log.tail(), log.head(), log.read(0, 10)), (3, 5, None));
        log.forget(5);
        assert_eq!((log.tail(), log.head()), (5, 5));
        log.push(plain("f"));
        assert_eq!(log.read(5, 10), Some(plain("f")));
    }

    #[test]
    fn what_is_compressed_passes_whole_or_waits() {
        let mut log = Log::default();
        log.push(compressed(1000));
        log.push(plain("x"));
        assert_eq!((log.read(0, 999), log.read(1, 2000)), (None, None));
        assert_eq!(log.read(0, 1000), Some(compressed(1000)));
        assert_eq!(log.read(1000, 10), Some(plain("x")));
    }

    #[test]
    fn pieces_that_one_takes_as_they_come_cannot_fill_the_memory() {
        let mut log = Log::default();
        for at in 0..2 * PIECES_MAX as u64 {
            log.push(plain("x"));
            assert_eq!(log.read(at, 1), Some(plain("x")));
        }
        assert!(log.pieces.len() <= PIECES_MAX);
        assert_eq!(log.tail(), log.head() - PIECES_MAX as u64);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_reordered_for_any_reader(
            lengths in prop::collection::vec(1..20_000_usize, 1..20),
            steps in prop::collection::vec((0..3_usize, 1..30_000_usize), 0..40),
        ) {
            let all: Vec<u8> = (0_u32..).flat_map(u32::to_be_bytes).take(lengths.iter().sum()).collect();
            let (mut log, mut pushed) = (Log::default(), 0);
            let mut readers = [0_usize; 3];
            let mut steps = steps.into_iter();
            for length in lengths {
                log.push(plain(all[pushed..pushed + length].to_vec()));
                pushed += length;
                for (reader, most) in steps.by_ref().take(2) {
                    if let Some(Output::Plain(read)) = log.read(readers[reader] as u64, most) {
                        prop_assert!(read.len() <= most);
                        prop_assert_eq!(&read[..], &all[readers[reader]..readers[reader] + read.len()]);
                        readers[reader] += read.len();
                    }
                    log.forget(*readers.iter().min().unwrap() as u64);
                }
            }
            for mut reader in readers {
                while let Some(Output::Plain(read)) = log.read(reader as u64, usize::MAX) {
                    prop_assert_eq!(&read[..], &all[reader..reader + read.len()]);
                    reader += read.len();
                }
                prop_assert_eq!(reader, pushed);
            }
        }
    }
}
