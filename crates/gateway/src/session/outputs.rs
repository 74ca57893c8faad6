//! What comes from the broker for one viewer, decompressed, and small pieces gathered into one
//! message. It never waits for more: whatever is there goes out.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use screen_wire::Compressed;
use terminal_proto::v1::{AttachResponse, Closed, CompressedOutput, attach_response::Response};
use tonic::Status;

/// Up to this many bytes are copied together, to save messages; larger pieces pass as they are.
const GATHER_BYTES_MAX: usize = 16 * 1024;

/// The responses of one `Attach`, in their order.
pub(super) struct Outputs<S> {
    responses: S,
    /// The response that did not fit into the last gathered ones.
    held: Option<Result<Option<Response>, Status>>,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    Terminal(Gathered),
    Closed(Closed),
    /// The stream ended without a word.
    Lost,
}

/// Terminal bytes, and input credit in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Gathered {
    pub(super) output: Bytes,
    pub(super) input_credit: u64,
}

impl<S> Outputs<S>
where
    S: Stream<Item = Result<AttachResponse, Status>> + Unpin,
{
    pub(super) fn new(responses: S) -> Self {
        Self { responses, held: None }
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let first = match self.held.take() {
            Some(held) => held,
            None => ready!(self.poll_response(context)),
        };
        Poll::Ready(match first {
            Ok(Some(Response::Closed(closed))) => Received::Closed(closed),
            Ok(Some(response)) => Received::Terminal(self.gather(response, context)),
            Ok(None) => Received::Lost,
            Err(status) => {
                tracing::warn!(code = ?status.code(), message = status.message(), "terminal lost");
                Received::Lost
            }
        })
    }

    /// Waits until the broker has ended the stream, whatever else it says.
    pub(super) async fn ended(&mut self) {
        while let Received::Terminal(_) = poll_fn(|context| self.poll_next(context)).await {}
    }

    fn gather(&mut self, first: Response, context: &mut Context<'_>) -> Gathered {
        let mut gathered = Gathered::default();
        let mut joined = BytesMut::new();
        let mut next = first;
        loop {
            match next {
                Response::Output(piece) if gathered.output.is_empty() => gathered.output = piece,
                Response::Output(piece) => {
                    if joined.is_empty() {
                        joined.extend_from_slice(&gathered.output);
                    }
                    joined.extend_from_slice(&piece);
                }
                Response::InputCredit(bytes) => gathered.input_credit += u64::from(bytes),
                Response::Opened(_) | Response::CompressedOutput(_) | Response::Closed(_) => {}
            }
            let room = GATHER_BYTES_MAX.saturating_sub(joined.len().max(gathered.output.len()));
            if room == 0 {
                break;
            }
            match self.poll_response(context) {
                Poll::Ready(Ok(Some(Response::Output(piece)))) if piece.len() <= room => {
                    next = Response::Output(piece);
                }
                Poll::Ready(Ok(Some(Response::InputCredit(bytes)))) => {
                    next = Response::InputCredit(bytes);
                }
                Poll::Ready(other) => {
                    self.held = Some(other);
                    break;
                }
                Poll::Pending => break,
            }
        }
        if !joined.is_empty() {
            gathered.output = joined.freeze();
        }
        gathered
    }

    /// A message without a known response is of a later broker, and skipped.
    fn poll_response(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Response>, Status>> {
        loop {
            match ready!(Pin::new(&mut self.responses).poll_next(context)).transpose()? {
                Some(AttachResponse { response: None }) => {}
                Some(AttachResponse { response: Some(response) }) => {
                    return Poll::Ready(plain(response).map(Some));
                }
                None => return Poll::Ready(Ok(None)),
            }
        }
    }
}

/// The program of the pod is in the hands of its user, and so may be what it compressed.
fn plain(response: Response) -> Result<Response, Status> {
    let Response::CompressedOutput(CompressedOutput { bytes, lz4 }) = response else {
        return Ok(response);
    };
    let output = Compressed::new(bytes, lz4).and_then(|output| output.decompress());
    output.map(Response::Output).map_err(|bad| Status::data_loss(bad.to_string()))
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use screen_wire::Compressor;
    use terminal_proto::v1::CloseReason;

    use super::*;

    type Item = Result<AttachResponse, Status>;

    #[allow(clippy::unnecessary_wraps, reason = "as the stream has it")]
    fn response(response: Response) -> Item {
        Ok(AttachResponse { response: Some(response) })
    }

    fn output(bytes: &[u8]) -> Item {
        response(Response::Output(Bytes::copy_from_slice(bytes)))
    }

    fn closed() -> Item {
        let closed = Closed { reason: CloseReason::Ended.into(), ..Closed::default() };
        response(Response::Closed(closed))
    }

    /// What can be received without waiting.
    fn received(responses: impl Stream<Item = Item> + Unpin) -> Vec<Received> {
        let mut outputs = Outputs::new(responses);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut received = Vec::new();
        while let Poll::Ready(next) = outputs.poll_next(&mut context) {
            let last = next == Received::Lost;
            received.push(next);
            if last {
                break;
            }
        }
        received
    }

    fn terminal(output: &'static [u8], input_credit: u64) -> Received {
        Received::Terminal(Gathered { output: Bytes::from_static(output), input_credit })
    }

    #[test]
    fn what_is_there_goes_out_together() {
        let credit = |bytes| response(Response::InputCredit(bytes));
        let pieces = [credit(1), output(b"a"), output(b"bc"), credit(2), output(b"def")];
        let expected = [terminal(b"abcdef", 3)];
        assert_eq!(received(stream::iter(pieces).chain(stream::pending())), expected);
    }

    #[test]
    fn large_pieces_pass_as_they_are() {
        const LARGE: &[u8] = &[0; GATHER_BYTES_MAX];
        let pieces = [output(b"a"), output(LARGE), output(b"b")];
        let expected = [terminal(b"a", 0), terminal(LARGE, 0), terminal(b"b", 0)];
        assert_eq!(received(stream::iter(pieces).chain(stream::pending())), expected);
    }

    #[test]
    fn what_was_compressed_comes_out_as_it_was_and_what_was_not_ends_the_session() {
        let line = b"warning: unused variable\r\n".repeat(40);
        let mut compressor = Compressor::default();
        let block = Bytes::copy_from_slice(compressor.compress(&line).unwrap());
        let bytes = u32::try_from(line.len()).unwrap();
        let compressed = |bytes| {
            response(Response::CompressedOutput(CompressedOutput { bytes, lz4: block.clone() }))
        };

        let pieces = stream::iter([output(b"a"), compressed(bytes)]).chain(stream::pending());
        let whole = Bytes::from([&b"a"[..], &line].concat());
        let gathered = Gathered { output: whole, input_credit: 0 };
        assert_eq!(received(pieces), [Received::Terminal(gathered)]);

        for claimed in [0, bytes + 1, u32::MAX] {
            assert_eq!(received(stream::iter([compressed(claimed)])), [Received::Lost]);
        }
    }

    #[test]
    fn what_only_a_newer_broker_says_is_passed_over() {
        let unknown = || Ok(AttachResponse { response: None });
        let pieces = [unknown(), output(b"a"), unknown(), output(b"b")];
        let expected = [terminal(b"ab", 0)];
        assert_eq!(received(stream::iter(pieces).chain(stream::pending())), expected);
    }

    #[test]
    fn an_end_comes_after_what_came_before_it() {
        let pieces = [output(b"a"), output(b"b"), closed()];
        let ended = received(stream::iter(pieces));
        assert!(matches!(&ended[..], [Received::Terminal(_), Received::Closed(_), Received::Lost]));

        let broken = Err(Status::unavailable("gone"));
        let lost = received(stream::iter([output(b"a"), broken]));
        assert_eq!(lost, [terminal(b"a", 0), Received::Lost]);
    }
}
