//! What comes from the broker for one viewer, small pieces gathered into one
//! message. It never waits for more: whatever is there goes out.

use bytes::{Bytes, BytesMut};
use futures::{FutureExt, Stream, StreamExt};
use terminal_proto::v1::{AttachResponse, attach_response::Response};
use tonic::Status;

/// Up to this many bytes are copied together, to save messages; larger pieces
/// pass as they are.
const GATHER_BYTES_MAX: usize = 16 * 1024;

/// The responses of one `Attach`, in their order.
pub(crate) struct Outputs<S> {
    responses: S,
    /// The response that did not fit into the last gathered one.
    held: Option<Result<Option<Response>, Status>>,
}

impl<S> Outputs<S>
where
    S: Stream<Item = Result<AttachResponse, Status>> + Unpin,
{
    pub(crate) fn new(responses: S) -> Self {
        Self { responses, held: None }
    }

    /// The next response; `None` at the end of the stream. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Response>, Status> {
        let first = match self.held.take() {
            Some(held) => held,
            None => receive(&mut self.responses).await,
        };
        match first {
            Ok(Some(Response::Output(piece))) => Ok(Some(Response::Output(self.gather(piece)))),
            other => other,
        }
    }

    fn gather(&mut self, first: Bytes) -> Bytes {
        let mut gathered: Option<BytesMut> = None;
        let mut bytes = first.len();
        while bytes < GATHER_BYTES_MAX {
            match receive(&mut self.responses).now_or_never() {
                Some(Ok(Some(Response::Output(piece))))
                    if bytes + piece.len() <= GATHER_BYTES_MAX =>
                {
                    bytes += piece.len();
                    gathered
                        .get_or_insert_with(|| BytesMut::from(&first[..]))
                        .extend_from_slice(&piece);
                }
                Some(other) => {
                    self.held = Some(other);
                    break;
                }
                None => break,
            }
        }
        gathered.map_or(first, BytesMut::freeze)
    }
}

/// A message without a known response is of a later broker, and skipped.
async fn receive<S>(responses: &mut S) -> Result<Option<Response>, Status>
where
    S: Stream<Item = Result<AttachResponse, Status>> + Unpin,
{
    loop {
        match responses.next().await.transpose()? {
            Some(AttachResponse { response: None }) => {}
            Some(AttachResponse { response }) => return Ok(response),
            None => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use terminal_proto::v1::{CloseReason, Closed};

    use super::*;

    #[allow(clippy::unnecessary_wraps, reason = "as the stream has it")]
    fn output(bytes: &[u8]) -> Result<AttachResponse, Status> {
        let response = Response::Output(Bytes::copy_from_slice(bytes));
        Ok(AttachResponse { response: Some(response) })
    }

    #[allow(clippy::unnecessary_wraps, reason = "as the stream has it")]
    fn closed() -> Result<AttachResponse, Status> {
        let closed = Closed { reason: CloseReason::Ended.into(), ..Closed::default() };
        Ok(AttachResponse { response: Some(Response::Closed(closed)) })
    }

    /// The sizes of the outputs that arrive until the stream ends.
    fn sizes(responses: Vec<Result<AttachResponse, Status>>) -> Vec<usize> {
        let mut outputs = Outputs::new(stream::iter(responses));
        let mut sizes = Vec::new();
        while let Some(Ok(Some(response))) = outputs.next().now_or_never() {
            if let Response::Output(bytes) = response {
                sizes.push(bytes.len());
            }
        }
        sizes
    }

    #[test]
    fn what_is_there_goes_out_together() {
        assert_eq!(sizes(vec![output(b"a"), output(b"bc"), output(b"def")]), [6]);
    }

    #[test]
    fn large_pieces_pass_as_they_are() {
        let large = [0; GATHER_BYTES_MAX];
        assert_eq!(sizes(vec![output(b"a"), output(&large), output(b"b")]), [1, large.len(), 1]);
    }

    #[tokio::test]
    async fn nothing_waits_for_more_and_the_order_is_kept() {
        let pieces = stream::iter([output(b"a"), output(b"b"), closed(), output(b"c")]);
        let mut outputs = Outputs::new(pieces.chain(stream::pending()));

        let ab = Response::Output(Bytes::from_static(b"ab"));
        assert_eq!(outputs.next().await.unwrap(), Some(ab));
        assert!(matches!(outputs.next().await.unwrap(), Some(Response::Closed(_))));
        let c = Response::Output(Bytes::from_static(b"c"));
        assert_eq!(outputs.next().await.unwrap(), Some(c));
        assert!(outputs.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn an_error_comes_after_what_came_before_it() {
        let broken = Err(Status::unavailable("gone"));
        let mut outputs = Outputs::new(stream::iter([output(b"a"), broken]));
        assert!(outputs.next().await.is_ok());
        assert!(outputs.next().await.is_err());
    }
}
