use std::future::poll_fn;

use futures::{FutureExt, StreamExt};
use share::Denial;
use terminal_proto::v1::CloseReason;

use super::*;
use crate::closing::Violation;

fn opened() -> (ResponseSender, Responses) {
    let (sender, mut responses) = channel(Opened::default());
    assert_eq!(next(&mut responses), Some(Response::Opened(Opened::default())));
    (sender, responses)
}

/// What can be said at once.
fn next(responses: &mut Responses) -> Option<Response> {
    responses.next().now_or_never()?.unwrap().unwrap().response
}

fn output(bytes: &'static [u8]) -> Response {
    Response::Output(Bytes::from_static(bytes))
}

#[test]
fn the_last_output_of_a_program_comes_before_its_end() {
    let (sender, mut responses) = opened();
    sender.output(Bytes::from_static(b"bye"));
    sender.finish(End::Exited(3), None);
    assert_eq!(next(&mut responses), Some(output(b"bye")));
    let Some(Response::Closed(closed)) = next(&mut responses) else { panic!("not closed") };
    assert_eq!((closed.reason(), closed.exit_code), (CloseReason::Ended, Some(3)));
    assert!(matches!(responses.next().now_or_never(), Some(None)));
}

#[test]
fn a_viewer_that_is_cut_sees_nothing_but_its_end() {
    let (sender, mut responses) = opened();
    sender.output(Bytes::from_static(b"secret"));
    sender.input_credit(5);
    sender.finish(End::Denied(Denial::Unknown), None);
    assert!(matches!(next(&mut responses), Some(Response::Closed(_))));
    assert!(matches!(responses.next().now_or_never(), Some(None)));
}

#[test]
fn a_violation_and_a_session_that_failed_are_errors_of_the_call() {
    let (sender, mut responses) = opened();
    sender.finish(End::Violation(Violation::InputWindow), None);
    let error = responses.next().now_or_never().unwrap().unwrap().unwrap_err();
    assert_eq!(error.code(), tonic::Code::InvalidArgument);

    let (sender, mut responses) = opened();
    drop(sender);
    let error = responses.next().now_or_never().unwrap().unwrap().unwrap_err();
    assert_eq!(error.code(), tonic::Code::Internal);
}

#[test]
fn credit_is_added_up_and_overtakes_output() {
    let (sender, mut responses) = opened();
    sender.output(Bytes::from_static(b"x"));
    sender.input_credit(2);
    sender.input_credit(3);
    assert_eq!(next(&mut responses), Some(Response::InputCredit(5)));
    assert_eq!(next(&mut responses), Some(output(b"x")));
}

#[test]
fn of_those_who_look_only_the_last_is_told_and_before_output_that_waits() {
    let (sender, mut responses) = opened();
    let presence = |viewers| Presence { viewers, ..Presence::default() };
    sender.output(Bytes::from_static(b"x"));
    sender.presence(presence(2));
    sender.presence(presence(3));
    assert_eq!(next(&mut responses), Some(Response::Presence(presence(3))));
    assert_eq!(next(&mut responses), Some(output(b"x")));
    sender.presence(presence(2));
    sender.finish(End::Denied(Denial::Unknown), None);
    assert!(matches!(next(&mut responses), Some(Response::Closed(_))), "a viewer that is cut");
}

#[test]
fn a_position_keeps_its_place_and_is_nothing_to_acknowledge() {
    let (sender, mut responses) = opened();
    let position = OutputPosition { position: 7, screen_bytes: 0 };
    sender.output(Bytes::from_static(b"before"));
    sender.position(position).unwrap();
    sender.output(Bytes::from_static(b"after"));
    assert_eq!(next(&mut responses), Some(output(b"before")));
    assert_eq!(next(&mut responses), Some(Response::Position(position)));
    assert_eq!(next(&mut responses), Some(output(b"after")));
    assert_eq!(sender.acknowledge(u64::MAX), 11);
}

#[test]
fn a_lying_viewer_gains_no_credit_for_what_it_was_not_given() {
    let (sender, mut responses) = opened();
    sender.output(Bytes::from_static(b"shown"));
    assert_eq!(sender.acknowledge(5), 0);
    assert_eq!(next(&mut responses), Some(output(b"shown")));
    assert_eq!(sender.acknowledge(3), 3);
    assert_eq!(sender.acknowledge(u64::MAX), 2);
    assert_eq!(sender.acknowledge(1), 0);
}

#[tokio::test]
async fn the_session_hears_that_the_viewer_left() {
    let (sender, responses) = opened();
    let left = poll_fn(|context| sender.poll_left(context));
    let leaving = async { drop(responses) };
    tokio::join!(left, leaving);
}
