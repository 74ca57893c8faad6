//! One viewer's terminal from its opening to its end. It is one task, which owns both sides and moves
//! bytes between them; whatever ends it, the terminal's slot is kept until the exec is gone.

use std::{
    future::poll_fn,
    ops::ControlFlow::{Break, Continue},
    pin::{Pin, pin},
};

use daemon::clock;
use futures::{FutureExt, Stream, StreamExt, future::FusedFuture};
use share::Visit;
use terminal_proto::v1::AttachRequest;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    leave, registry::SessionSlot, relay::Relay, rights::Rights, spans::FirstOutput, typist::Typist,
};
use crate::{
    closing::{End, Lost},
    exec::{Connection, Due, Event, LifeSigns, Outgoing},
    viewer::{OutputWindow, ResponseSender},
};

/// Everything one session is made of.
pub(crate) struct Session<S, Io> {
    /// Its place among the open sessions, free again when dropped.
    pub(crate) slot: SessionSlot,
    pub(crate) visit: Visit,
    pub(crate) requests: S,
    pub(crate) responses: ResponseSender,
    pub(crate) connection: Connection<Io>,
    pub(crate) output: OutputWindow,
    /// Of a viewer that may come again.
    pub(crate) typist: Option<Typist>,
    pub(crate) first: FirstOutput,
    pub(crate) shutdown: CancellationToken,
}

impl<S, Io> Session<S, Io>
where
    S: Stream<Item = Result<AttachRequest, Status>> + Unpin,
    Io: AsyncRead + AsyncWrite + Unpin,
{
    /// Serves the viewer until anything ends that, and then waits for the exec's end.
    pub(crate) async fn run(self) {
        let Self { slot, mut visit, requests, responses, connection, output, typist, .. } = self;
        let Self { first, shutdown, .. } = self;
        let opened = Instant::now();
        slot.opened();

        let rights = Rights::of(visit.grant());
        let mut cut = pin!(cut(&mut visit, &slot, &rights, &shutdown).fuse());
        let counters = slot.counters();
        let mut relay = Relay::new(responses, connection, output, typist, counters, &rights, first);
        let end = serve(&mut relay, requests, cut.as_mut(), &slot).await;
        let dismissal = slot.dismissal().filter(|_| end == End::Closed);
        let resumption = relay.resumption();
        let connection = relay.finish(end, dismissal);
        slot.closed(end, dismissal, opened.elapsed());
        leave::leave(connection, end, resumption, cut, &shutdown).await;
    }
}

/// Waits until the viewer may look no longer. What else it may do is in `rights`, before anything that
/// it asks for is looked at.
async fn cut(
    visit: &mut Visit,
    slot: &SessionSlot,
    rights: &Rights,
    shutdown: &CancellationToken,
) -> End {
    loop {
        rights.set(visit.grant());
        let idle = rights.idle(visit.grant().limits.idle_timeout);
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return End::Draining,
            () = slot.close_requested() => return End::Closed,
            judged = visit.changed(clock::now) => if let Err(denial) = judged {
                slot.revoked(visit.changed_at());
                return End::Denied(denial);
            },
            () = idle => return End::Idle,
        }
    }
}

/// In the order of their rights: what may end the session, what the viewer asks for, what it is shown.
/// The viewer's requests are taken to their last one before it counts as gone.
async fn serve<S, Io>(
    relay: &mut Relay<'_, Io>,
    mut requests: S,
    mut cut: Pin<&mut impl FusedFuture<Output = End>>,
    slot: &SessionSlot,
) -> End
where
    S: Stream<Item = Result<AttachRequest, Status>> + Unpin,
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let mut life = LifeSigns::new();
    loop {
        let next = tokio::select! {
            biased;
            end = &mut cut => Break(end),
            due = life.due(), if relay.connection.is_own() => match due {
                Due::Nothing => Continue(()),
                Due::Ping => {
                    relay.connection.say(Outgoing::ping);
                    Continue(())
                }
                Due::Silence => Break(End::Lost(Lost::Silent)),
            },
            request = requests.next() => match request {
                Some(Ok(request)) => relay.request(request),
                // A viewer may leave by ending its stream, or by giving up the call.
                Some(Err(_)) | None => Break(End::ViewerLeft),
            },
            event = relay.connection.next() => {
                if let Some(round_trip) = life.heard(event == Ok(Event::Alive)) {
                    slot.round_trip(round_trip);
                }
                relay.event(event)
            }
            () = poll_fn(|context| relay.responses.poll_left(context)) => Break(End::ViewerLeft),
        };
        if let Break(end) = next {
            return end;
        }
    }
}

#[cfg(test)]
mod tests;
