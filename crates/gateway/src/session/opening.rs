//! Opens a viewer's terminal at the broker: at one replica after the other, for a while. Whether
//! the visit still stands is not its business: its caller gives up when it does not.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::{Stream, TryStreamExt};
use terminal_proto::v1::{AttachResponse, CloseReason, Closed, Opened, attach_response::Response};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Code, Status};
use tracing::Span;

use super::{ending::Ending, outputs::Outputs, upstream::Attempts};
use crate::{
    broker::{Attached, Broker, Tried},
    spans,
};

/// From the first attempt to an open terminal.
const OPENING_DEADLINE: Duration = Duration::from_secs(10);
/// Pauses once every replica was asked: with their jitter up to twice as long. They double, so that
/// what fails for good, such as an exec that the cluster forbids, is tried 8 to 13 times and not
/// forty. They end early, so that an API server or an agent that is back is met within 2 s; the
/// page's own pauses go on from there.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What the broker says of one terminal.
pub(super) type Responses = Outputs<Replies>;

/// The responses of an open stream, which counts among its replica's as long as they last.
pub(super) struct Replies(Attached);

impl Stream for Replies {
    type Item = Result<AttachResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0.responses).poll_next(context)
    }
}

/// Why one attempt came to nothing.
enum Failure {
    /// Another replica, or the same one in a moment, may do better.
    Passing(Ending),
    Final(Ending),
}

/// Asks for the terminal until it is open. `Err` says what the viewer is to be told.
pub(super) async fn open(
    broker: &Broker,
    attempts: Attempts,
    visit: &Span,
) -> Result<(Opened, Responses), Ending> {
    let deadline = Instant::now() + OPENING_DEADLINE;
    let mut pauses = pauses();
    let mut tried = Tried::default();
    let mut ending = Ending::Unavailable;
    loop {
        match timeout_at(deadline, attempt(broker, &attempts, &mut tried, visit)).await {
            Ok(Ok(opened)) => return Ok(opened),
            Ok(Err(Failure::Final(ending))) => return Err(ending),
            Ok(Err(Failure::Passing(passing))) => ending = passing,
            Err(_late) => return Err(ending),
        }
        if !broker.untried(&tried) {
            tried = Tried::default();
            let pause = sleep(pauses.next().unwrap_or(LONGEST_PAUSE));
            if timeout_at(deadline, pause).await.is_err() {
                return Err(ending);
            }
        }
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .without_max_times()
        .with_jitter()
        .build()
}

async fn attempt(
    broker: &Broker,
    attempts: &Attempts,
    tried: &mut Tried,
    visit: &Span,
) -> Result<(Opened, Responses), Failure> {
    let failed = |status| failure(&status);
    let mut attached = broker.attach(attempts.next(), tried, visit).await.map_err(failed)?;
    // Not held for as long as the session lasts.
    let span = std::mem::replace(&mut attached.attempt, Span::none());
    let first = attached.responses.try_next().await;
    let first = first.inspect_err(|status| spans::refused(&span, status.code())).map_err(failed)?;
    match first.and_then(|message| message.response) {
        Some(Response::Opened(opened)) => Ok((opened, Outputs::new(Replies(attached)))),
        Some(Response::Closed(closed)) => {
            spans::failed(&span, "closed");
            Err(closed_early(closed))
        }
        _ => Err(Failure::Passing(Ending::Unavailable)),
    }
}

/// A link that the broker does not know is one that it has not heard of yet: ours admits the visit.
fn failure(status: &Status) -> Failure {
    tracing::warn!(code = ?status.code(), message = status.message(), "the broker opened no terminal");
    match status.code() {
        Code::PermissionDenied | Code::InvalidArgument | Code::Unauthenticated => {
            Failure::Final(Ending::Refused)
        }
        Code::ResourceExhausted => Failure::Passing(Ending::Full),
        _ => Failure::Passing(Ending::Unavailable),
    }
}

fn closed_early(closed: Closed) -> Failure {
    match closed.reason() {
        CloseReason::Ended | CloseReason::Closed | CloseReason::Forbidden => {
            Failure::Final(Ending::of_closed(closed))
        }
        _ => Failure::Passing(Ending::Unavailable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of attempts that fail at once.
    #[test]
    fn what_fails_for_good_is_tried_8_to_13_times_and_what_is_back_is_met_within_2_seconds() {
        for _ in 0..1000 {
            let mut waited = Duration::ZERO;
            let within = pauses().take_while(|pause| {
                assert!(*pause <= 2 * LONGEST_PAUSE, "{pause:?}");
                waited += *pause;
                waited < OPENING_DEADLINE
            });
            let attempts = 1 + within.count();
            assert!((8..=13).contains(&attempts), "{attempts}");
        }
    }

    #[test]
    fn only_what_will_not_change_is_final() {
        let cases = [
            (Code::NotFound, None),
            (Code::Unavailable, None),
            (Code::ResourceExhausted, None),
            (Code::Unknown, None),
            (Code::PermissionDenied, Some(1008)),
            (Code::InvalidArgument, Some(1008)),
        ];
        for (code, expected) in cases {
            let seen = match failure(&Status::new(code, "dial 10.0.0.7:50051: refused")) {
                Failure::Passing(ending) => {
                    assert_eq!(u16::from(ending.code()), 1013, "{code:?}");
                    None
                }
                Failure::Final(ending) => Some(u16::from(ending.code())),
            };
            assert_eq!(seen, expected, "{code:?}");
        }
    }
}
