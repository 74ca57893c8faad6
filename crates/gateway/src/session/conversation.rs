//! Moves one session's bytes between its viewer and the broker, in one task that polls both ends
//! itself: nothing wakes or waits for another part of it. It does not judge the visit.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::Stream;
use terminal_proto::v1::AttachResponse;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;
use tonic::Status;

use super::{
    ending::{Ending, Violation},
    message::{ClientMessage, ServerMessage},
    outputs::{Outputs, Received},
    viewer::Viewer,
};
use crate::{spans::FirstOutput, upgrade::Protocol};

/// How long our own page may take for its first message: its size.
const SIZE_DEADLINE: Duration = Duration::from_secs(9);
/// How long an older page may, which may know no such message.
const LEGACY_SIZE_DEADLINE: Duration = Duration::from_millis(250);

/// Takes the viewer's size. Our page sends it first; an older one may type at once, or say
/// nothing.
pub(super) async fn receive_size<S>(viewer: &mut Viewer<S>) -> Result<(), Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let protocol = viewer.protocol();
    let deadline = match protocol {
        Protocol::V1 => SIZE_DEADLINE,
        Protocol::Legacy => LEGACY_SIZE_DEADLINE,
    };
    match (timeout(deadline, first_message(viewer)).await, protocol) {
        (Ok(first), _) => first,
        (Err(_late), Protocol::V1) => Err(Ending::Violation(Violation::NoSize)),
        (Err(_late), Protocol::Legacy) => Ok(()),
    }
}

async fn first_message<S>(viewer: &mut Viewer<S>) -> Result<(), Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let message = poll_fn(|context| viewer.poll_message(context)).await?;
        let may_be_first = match &message {
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => true,
            Message::Text(text) => match ClientMessage::parse(text) {
                Ok(ClientMessage::Resize { join, .. }) => {
                    join.map_or(Ok(()), |join| viewer.join(join))?;
                    true
                }
                _ => false,
            },
            Message::Binary(_) | Message::Frame(_) => false,
        };
        if viewer.protocol() == Protocol::V1 && !may_be_first {
            return Err(Ending::Violation(Violation::SizeNotFirst));
        }
        return viewer.take(message);
    }
}

/// Waits for `opening` while the viewer may type.
pub(super) async fn while_opening<S, T>(
    viewer: &mut Viewer<S>,
    opening: impl Future<Output = Result<T, Ending>>,
) -> Result<T, Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut opening = pin!(opening);
    poll_fn(|context| match viewer.poll(context) {
        Poll::Ready(ending) => Poll::Ready(Err(ending)),
        Poll::Pending => opening.as_mut().poll(context),
    })
    .await
}

/// Passes bytes both ways until either end is over. `first` is over with the first output.
pub(super) async fn relay<S, R>(
    viewer: &mut Viewer<S>,
    outputs: &mut Outputs<R>,
    first: FirstOutput,
) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
    R: Stream<Item = Result<AttachResponse, Status>> + Unpin,
{
    let mut first = Some(first);
    let ending = poll_fn(|context| poll_relay(viewer, outputs, &mut first, context)).await;
    if let Ending::Ended { exit_code, message } = &ending {
        // The close frame follows and says the rest.
        let _ = viewer.tell(&ServerMessage::Exit { code: *exit_code, message });
    }
    ending
}

fn poll_relay<S, R>(
    viewer: &mut Viewer<S>,
    outputs: &mut Outputs<R>,
    first: &mut Option<FirstOutput>,
    context: &mut Context<'_>,
) -> Poll<Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
    R: Stream<Item = Result<AttachResponse, Status>> + Unpin,
{
    loop {
        // Input and control first: they never wait behind output.
        if let Poll::Ready(ending) = viewer.poll(context) {
            return Poll::Ready(ending);
        }
        if !viewer.is_flushed() {
            // No further output is taken from the broker before this is with the socket.
            return Poll::Pending;
        }
        match ready!(outputs.poll_next(context)) {
            Received::Terminal(gathered) => {
                if let Err(ending) = viewer.show(gathered) {
                    return Poll::Ready(ending);
                }
                drop(first.take());
            }
            Received::Position(position) => {
                if let Err(ending) = viewer.tell(&position.into()) {
                    return Poll::Ready(ending);
                }
            }
            Received::Presence(presence) => {
                for message in ServerMessage::of_presence(presence) {
                    if let Err(ending) = viewer.tell(&message) {
                        return Poll::Ready(ending);
                    }
                }
            }
            Received::Closed(closed) => return Poll::Ready(Ending::of_closed(closed)),
            Received::Lost => return Poll::Ready(Ending::Lost { message: None }),
        }
    }
}

#[cfg(test)]
mod tests;
