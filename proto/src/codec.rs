//! protobuf as tonic-prost has it, with buffers for keystrokes. tonic gives each direction of each
//! stream 8 KiB at its start, which one idle terminal then holds four times over.

use std::{fmt, marker::PhantomData};

use prost::Message;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::{ProstDecoder, ProstEncoder};

/// What a stream's buffer begins with, in bytes: a keystroke, an echo, some credit. It grows.
const BUFFER_BYTES: usize = 128;
/// Messages that wait are joined up to this many bytes, tonic's own default.
const JOINED_BYTES: usize = 32 * 1024;

/// Encodes `T` and decodes `U`.
pub(crate) struct SmallBuffers<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for SmallBuffers<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> fmt::Debug for SmallBuffers<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmallBuffers")
    }
}

fn settings() -> BufferSettings {
    BufferSettings::new(BUFFER_BYTES, JOINED_BYTES)
}

impl<T, U> Codec for SmallBuffers<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(settings())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(settings())
    }
}
