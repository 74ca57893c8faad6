//! gRPC's length-prefixed messages in an HTTP/2 body, one DATA frame each
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>). tonic's own streams keep a
//! buffer of their largest message in each direction for as long as they last; these keep nothing
//! between messages, and hand out bytes where they arrived.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::Stream;
use http::HeaderMap;
use http_body::Body;
use prost::Message;
use tonic::{Code, Status};

/// The most of one message, in bytes: 64 KiB of terminal, and room for what is around them.
pub const MESSAGE_BYTES_MAX: usize = 128 * 1024;

/// A flag for compression, and the message's length in four bytes, the highest first.
const PREFIX_BYTES: usize = 5;

/// `message` with its prefix.
pub(crate) fn encode(message: &impl Message) -> Result<Bytes, Status> {
    let bytes = message.encoded_len();
    if bytes > MESSAGE_BYTES_MAX {
        return Err(Status::internal("a message is too long to be sent"));
    }
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + bytes);
    framed.put_u8(0);
    #[expect(clippy::cast_possible_truncation, reason = "at most 128 KiB")]
    framed.put_u32(bytes as u32);
    message.encode_raw(&mut framed);
    Ok(framed.freeze())
}

/// The messages of a body, to their last one. After an error there are none.
#[derive(Debug)]
pub struct Messages<M, B> {
    body: Option<B>,
    arrived: Arrived,
    message: PhantomData<fn() -> M>,
}

impl<M, B> Messages<M, B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body: Some(body), arrived: Arrived::default(), message: PhantomData }
    }
}

impl<M, B> Messages<M, B>
where
    M: Message + Default,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<M>, Status>> {
        loop {
            if let Some(framed) = self.arrived.next()? {
                let message = M::decode(framed).map_err(|error| {
                    Status::internal(format!("a message cannot be decoded: {error}"))
                });
                return Poll::Ready(message.map(Some));
            }
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(None)) };
            match ready!(Pin::new(body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.arrived.chunk = data,
                    Err(frame) => return Poll::Ready(self.ended(frame.trailers_ref())),
                },
                Some(Err(error)) => return Poll::Ready(Err(Status::from_error(error.into()))),
                None => return Poll::Ready(self.ended(None)),
            }
        }
    }

    /// What the other side's trailers say. A client sends none.
    fn ended(&self, trailers: Option<&HeaderMap>) -> Result<Option<M>, Status> {
        match trailers.and_then(Status::from_header_map) {
            Some(status) if status.code() != Code::Ok => Err(status),
            _ if !self.arrived.is_empty() => Err(Status::internal("the last message is not whole")),
            _ => Ok(None),
        }
    }
}

impl<M, B> Stream for Messages<M, B>
where
    M: Message + Default,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Item = Result<M, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.poll(context)).transpose();
        if !matches!(next, Some(Ok(_))) {
            (self.body, self.arrived) = (None, Arrived::default());
        }
        Poll::Ready(next)
    }
}

/// Bytes of messages that arrived and were not taken.
#[derive(Debug, Default)]
struct Arrived {
    /// The beginning of a message whose rest is in `chunk` or has not come. It grows to the
    /// message's length and no further.
    begun: BytesMut,
    /// Comes after `begun`; replaced once it is empty.
    chunk: Bytes,
}

impl Arrived {
    fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.chunk.is_empty()
    }

    /// The next message if all of it is there: not copied where one chunk holds it.
    fn next(&mut self) -> Result<Option<Bytes>, Status> {
        if self.begun.is_empty()
            && let Some(bytes) = framed_bytes(&self.chunk)?
            && bytes <= self.chunk.len()
        {
            return Ok(Some(message(self.chunk.split_to(bytes))));
        }
        while !self.chunk.is_empty() {
            let known = framed_bytes(&self.begun)?;
            let missing = known.unwrap_or(PREFIX_BYTES) - self.begun.len();
            let part = self.chunk.split_to(missing.min(self.chunk.len()));
            self.begun.reserve(missing);
            self.begun.extend_from_slice(&part);
            if framed_bytes(&self.begun)? == Some(self.begun.len()) {
                return Ok(Some(message(std::mem::take(&mut self.begun).freeze())));
            }
        }
        // Not an empty part of what the transport read.
        self.chunk = Bytes::new();
        Ok(None)
    }
}

/// How long the message that begins here is, its prefix included, as soon as that can be told.
fn framed_bytes(mut begin: &[u8]) -> Result<Option<usize>, Status> {
    if begin.len() < PREFIX_BYTES {
        return Ok(None);
    }
    if begin.get_u8() != 0 {
        return Err(Status::unimplemented("compressed messages are not supported"));
    }
    let bytes = begin.get_u32() as usize;
    if bytes > MESSAGE_BYTES_MAX {
        let told = format!("a message of {bytes} bytes: at most {MESSAGE_BYTES_MAX} are allowed");
        return Err(Status::out_of_range(told));
    }
    Ok(Some(PREFIX_BYTES + bytes))
}

/// What comes after the prefix.
fn message(mut framed: Bytes) -> Bytes {
    framed.advance(PREFIX_BYTES);
    framed
}

#[cfg(test)]
mod tests;
