//! Output that was compressed, each frame for itself. Pure. LZ4, since it costs less than the bytes
//! that it saves: every hop of an exec copies, frames, encrypts and hands on each of them.

use std::fmt;

use bytes::Bytes;
use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size,
};

use crate::MAX_PAYLOAD_BYTES;

/// The length before compression, a u32 in front of the block.
pub(crate) const LENGTH_BYTES: usize = 4;
/// Less is sent as it is: one segment of TCP holds it anyhow.
const WORTH_BYTES: usize = 512;
/// Unless one byte in so many is saved, the receiver is spared the work.
const SAVED_SHARE: usize = 8;

/// Output as one block of LZ4, by its block format, without a dictionary.
#[derive(Clone, PartialEq, Eq)]
pub struct Compressed {
    /// How long the output is, in bytes: at most [`MAX_PAYLOAD_BYTES`].
    bytes: u32,
    block: Bytes,
}

/// The block is not that of output of the length that it claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("compressed output that is none")]
pub struct BadBlock;

impl Compressed {
    /// `bytes` is the length of the output. What is inside is seen by [`Self::decompress`] only. A block
    /// that is no shorter is refused: windows count the output, and so bound what is held of it.
    pub fn new(bytes: u32, block: Bytes) -> Result<Self, BadBlock> {
        let output = bytes as usize;
        if output <= MAX_PAYLOAD_BYTES && (1..output).contains(&block.len()) {
            Ok(Self { bytes, block })
        } else {
            Err(BadBlock)
        }
    }

    /// How long the output is, in bytes.
    pub fn output_bytes(&self) -> u32 {
        self.bytes
    }

    pub fn into_block(self) -> Bytes {
        self.block
    }

    pub(crate) fn block(&self) -> &[u8] {
        &self.block
    }

    /// The output.
    pub fn decompress(&self) -> Result<Bytes, BadBlock> {
        let mut output = vec![0; self.bytes as usize];
        match decompress_into(&self.block, &mut output) {
            Ok(bytes) if bytes == output.len() => Ok(output.into()),
            Ok(_) | Err(_) => Err(BadBlock),
        }
    }
}

/// Says how much was drawn, never what.
impl fmt::Debug for Compressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compressed({} bytes in {})", self.bytes, self.block.len())
    }
}

/// Compresses one frame after the other. It keeps its tables, and no output.
pub struct Compressor {
    table: CompressTable,
    block: Box<[u8]>,
    /// Of the last block.
    block_bytes: usize,
}

impl Default for Compressor {
    fn default() -> Self {
        // The library asks for the worst case, whatever comes.
        let block = vec![0; get_maximum_output_size(MAX_PAYLOAD_BYTES)].into_boxed_slice();
        Self { table: CompressTable::large(), block, block_bytes: 0 }
    }
}

impl Compressor {
    /// The block of `output`, or `None` where it is not worth its while.
    pub fn compress(&mut self, output: &[u8]) -> Option<&[u8]> {
        if !(WORTH_BYTES..=MAX_PAYLOAD_BYTES).contains(&output.len()) {
            return None;
        }
        let bytes = compress_into_with_table(output, &mut self.block, &mut self.table).ok()?;
        self.block_bytes = bytes;
        (bytes <= output.len() - output.len() / SAVED_SHARE).then_some(self.block())
    }

    /// The last block.
    pub fn block(&self) -> &[u8] {
        &self.block[..self.block_bytes]
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn compressed(output: &[u8]) -> Option<Compressed> {
        let mut compressor = Compressor::default();
        let block = Bytes::copy_from_slice(compressor.compress(output)?);
        Some(Compressed::new(u32::try_from(output.len()).unwrap(), block).unwrap())
    }

    #[test]
    fn a_listing_shrinks_to_less_than_half_and_noise_is_left_as_it_is() {
        let line =
            |i| format!("\x1b[0m-rw-r--r-- 1 agent agent {i:5} \x1b[01;34mfile-{i}.rs\x1b[0m\r\n");
        let listing = (0..1000).map(line).collect::<Vec<_>>().concat();
        let listing = &listing.as_bytes()[..MAX_PAYLOAD_BYTES / 2];
        let compressed = compressed(listing).unwrap();
        assert!(compressed.block().len() < listing.len() / 2, "{}", compressed.block().len());
        assert_eq!(compressed.decompress().unwrap(), listing);

        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        });
        let noise: Vec<u8> = noise.take(MAX_PAYLOAD_BYTES).collect();
        assert!(Compressor::default().compress(&noise).is_none());
    }

    #[test]
    fn keystrokes_are_left_as_they_are() {
        assert!(compressed(&[b'x'; WORTH_BYTES - 1]).is_none());
        assert!(compressed(&[b'x'; WORTH_BYTES]).is_some());
    }

    #[test]
    fn a_block_of_another_length_is_refused() {
        let Compressed { bytes, block } = compressed(&[b'x'; 1000]).unwrap();
        for claimed in [bytes - 1, bytes + 1] {
            let claim = Compressed::new(claimed, block.clone()).unwrap();
            assert_eq!(claim.decompress(), Err(BadBlock));
        }
        let oversize = u32::try_from(MAX_PAYLOAD_BYTES + 1).unwrap();
        for claimed in [0, oversize, u32::MAX] {
            assert_eq!(Compressed::new(claimed, block.clone()).err(), Some(BadBlock));
        }
        assert_eq!(Compressed::new(1, Bytes::new()).err(), Some(BadBlock));
        for bytes in [1, 1000] {
            let longer = Bytes::from(vec![0; bytes]);
            assert_eq!(
                Compressed::new(u32::try_from(bytes).unwrap(), longer).err(),
                Some(BadBlock)
            );
        }
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(
            word in vec(any::<u8>(), 1..40),
            times in 1_usize..3000,
            tail in vec(any::<u8>(), 0..300),
        ) {
            let mut output = [word.repeat(times), tail].concat();
            output.truncate(MAX_PAYLOAD_BYTES);
            if let Some(compressed) = compressed(&output) {
                prop_assert_eq!(compressed.decompress().unwrap(), output);
            }
        }

        #[test]
        fn no_block_makes_it_panic(bytes in 1_u32..70_000, block in vec(any::<u8>(), 0..200)) {
            if let Ok(compressed) = Compressed::new(bytes, block.into()) {
                let _ = compressed.decompress();
            }
        }
    }
}
