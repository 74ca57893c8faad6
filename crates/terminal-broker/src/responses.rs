//! What one viewer's stream says: `opened`, output, and at last `closed`.

use bytes::Bytes;
use futures::{StreamExt as _, stream, stream::BoxStream};
use terminal_proto::v1::{AttachResponse, Opened, attach_response::Response};
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

use crate::closing::{End, Pending};

/// Output messages that may wait for the transport, each at most 64 KiB and together within the window.
const QUEUED_OUTPUTS: usize = 16;

pub(crate) type Responses = BoxStream<'static, Result<AttachResponse, Status>>;

/// The session's end of the stream.
pub(crate) struct Speaker {
    pub(crate) outputs: mpsc::Sender<Bytes>,
    end: oneshot::Sender<End>,
}

impl Speaker {
    /// Tells the viewer why the session ends.
    pub(crate) fn finish(self, end: End) {
        // A viewer that left hears nothing.
        let _ = self.end.send(end);
    }
}

/// A stream that begins with `opened`, and what speaks through it.
pub(crate) fn channel(opened: Opened) -> (Speaker, Responses) {
    let (outputs, queue) = mpsc::channel(QUEUED_OUTPUTS);
    let (end, ended) = oneshot::channel();
    let first = Ok(AttachResponse { response: Some(Response::Opened(opened)) });
    let rest = stream::unfold(Rest::Live { queue, ended }, Rest::next);
    (Speaker { outputs, end }, stream::iter([first]).chain(rest).boxed())
}

/// What is still to be said.
enum Rest {
    Live { queue: mpsc::Receiver<Bytes>, ended: oneshot::Receiver<End> },
    Delivering { queue: mpsc::Receiver<Bytes>, end: End },
    Nothing,
}

impl Rest {
    async fn next(mut self) -> Option<(Result<AttachResponse, Status>, Self)> {
        loop {
            self = match self {
                Self::Live { mut queue, mut ended } => tokio::select! {
                    biased;
                    end = &mut ended => match end {
                        Ok(end) if end.pending() == Pending::Deliver => Self::Delivering { queue, end },
                        Ok(end) => return Some((closed(end), Self::Nothing)),
                        Err(_) => return Some((Err(Status::internal("the session failed")), Self::Nothing)),
                    },
                    Some(bytes) = queue.recv() => {
                        return Some((Ok(output(bytes)), Self::Live { queue, ended }));
                    }
                },
                Self::Delivering { mut queue, end } => match queue.recv().await {
                    Some(bytes) => {
                        return Some((Ok(output(bytes)), Self::Delivering { queue, end }));
                    }
                    None => return Some((closed(end), Self::Nothing)),
                },
                Self::Nothing => return None,
            }
        }
    }
}

fn output(bytes: Bytes) -> AttachResponse {
    AttachResponse { response: Some(Response::Output(bytes)) }
}

fn closed(end: End) -> Result<AttachResponse, Status> {
    let closed = end.last_words()?;
    Ok(AttachResponse { response: Some(Response::Closed(closed)) })
}
