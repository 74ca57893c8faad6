//! One viewer's terminal from its opening to its end. It is one task, which owns both sides and moves
//! bytes between them; whatever ends it, the terminal's slot is kept until the exec is gone.

use std::{
    future::poll_fn,
    ops::ControlFlow::{self, Break, Continue},
    pin::{Pin, pin},
    time::Duration,
};

use daemon::clock;
use futures::{FutureExt, Stream, StreamExt, future::FusedFuture};
use screen_wire::PING_INTERVAL;
use share::Visit;
use terminal_proto::v1::AttachRequest;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    leave, registry::SessionSlot, relay::Relay, rights::Rights, spans::FirstOutput, typist::Typist,
};
use crate::{
    closing::{End, Lost},
    exec::{Event, Exec, Over},
    viewer::{OutputWindow, ResponseSender},
};

/// Everything one session is made of.
pub(crate) struct Session<S, Io> {
    /// Its place among the open sessions, free again when dropped.
    pub(crate) slot: SessionSlot,
    pub(crate) visit: Visit,
    pub(crate) requests: S,
    pub(crate) responses: ResponseSender,
    pub(crate) exec: Exec<Io>,
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
        let Self { slot, mut visit, requests, responses, exec, output, typist, first, shutdown } =
            self;
        let opened = Instant::now();
        slot.opened();

        let rights = Rights::of(visit.grant());
        let mut cut = pin!(cut(&mut visit, &slot, &rights, &shutdown).fuse());
        let counters = slot.counters();
        let mut relay = Relay::new(responses, exec, output, typist, counters, &rights, first);
        let end = serve(&mut relay, requests, cut.as_mut(), &slot).await;
        let dismissal = slot.dismissal().filter(|_| end == End::Closed);
        let resumption = relay.resumption();
        let exec = relay.finish(end, dismissal);
        slot.closed(end, dismissal, opened.elapsed());
        leave::leave(exec, end, resumption, cut, &shutdown).await;
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
            _ = life.ticks.tick() => life.tick(&mut relay.exec),
            request = requests.next() => match request {
                Some(Ok(request)) => relay.request(request),
                // A viewer may leave by ending its stream, or by giving up the call.
                Some(Err(_)) | None => Break(End::ViewerLeft),
            },
            event = relay.exec.next() => {
                if let Some(round_trip) = life.heard(&event) {
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

/// Asks the screen for signs of life, and notices when none come. It counts ticks of its timer and
/// judges by no clock, so that a process that was stopped for a while takes no screen for dead.
struct LifeSigns {
    ticks: Interval,
    number: u32,
    quiet_ticks: u32,
    /// The last ping, unless it was answered.
    pinged_at: Option<Instant>,
}

impl LifeSigns {
    /// Half of [`PING_INTERVAL`]: silence is noticed 25 to 30 s after the last frame.
    const TICKS_PER_PING: u32 = 2;
    /// [`screen_wire::SILENCE_MAX`] is over with the last of so many: five intervals lie between six.
    const QUIET_TICKS_MAX: u32 = 6;

    fn new() -> Self {
        let mut ticks = interval(PING_INTERVAL / Self::TICKS_PER_PING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, number: 0, quiet_ticks: 0, pinged_at: None }
    }

    /// The screen sent something; how long its answer to a ping took, if it is one.
    fn heard(&mut self, event: &Result<Event, Over>) -> Option<Duration> {
        self.quiet_ticks = 0;
        let is_answer = matches!(event, Ok(Event::Alive));
        let pinged_at = self.pinged_at.take_if(|_| is_answer)?;
        Some(pinged_at.elapsed())
    }

    fn tick<Io>(&mut self, exec: &mut Exec<Io>) -> ControlFlow<End> {
        self.quiet_ticks += 1;
        if self.quiet_ticks >= Self::QUIET_TICKS_MAX {
            return Break(End::Lost(Lost::Silent));
        }
        if self.number.is_multiple_of(Self::TICKS_PER_PING) {
            exec.outgoing.ping();
            self.pinged_at = Some(Instant::now());
        }
        self.number = self.number.wrapping_add(1);
        Continue(())
    }
}

#[cfg(test)]
mod tests;
