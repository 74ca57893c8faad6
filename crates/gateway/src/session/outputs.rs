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
use terminal_proto::v1::{
    AttachResponse, Closed, CompressedOutput, OutputPosition, Presence, attach_response::Response,
};
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
    /// Where in the output one is, with regard to what follows: so nothing is gathered across it.
    Position(OutputPosition),
    /// How the terminal is that is shared, and what size what follows is meant for.
    Presence(Presence),
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
            Ok(Some(Response::Position(position))) => Received::Position(position),
            Ok(Some(Response::Presence(presence))) => Received::Presence(presence),
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
        while let Received::Terminal(_) | Received::Position(_) | Received::Presence(_) =
            poll_fn(|context| self.poll_next(context)).await
        {}
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
                Response::Opened(_)
                | Response::CompressedOutput(_)
                | Response::Position(_)
                | Response::Presence(_)
                | Response::Closed(_) => {}
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
mod tests;
