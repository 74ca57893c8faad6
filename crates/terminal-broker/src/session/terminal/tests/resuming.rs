//! Viewers that may come again: what the screen is told of their input, whatever becomes of it on its way.

use api_types::{Access, Agent};
use fixtures::linked;
use screen_wire::{Join, Joined, Viewer as ViewerId};
use terminal_proto::v1::{OutputPosition, Typed as SaidTyped};

use super::*;
use crate::closing::Violation;

/// The viewer had typed and interrupted so much when it came.
pub(super) const TYPED: u64 = 5;
pub(super) const INTERRUPTS: u32 = 2;

pub(super) fn qa(access: Access) -> Agent {
    linked(2, |link| link.access = access)
}

pub(super) async fn start(access: Access) -> Around {
    let (mut exec, mut pod) = fake::exec().await;
    let answer = Joined { terminal: 7, typed: TYPED };
    pod.say(Frame::Joined(answer)).await;
    let joined = exec.joined().await.unwrap();
    let join = Join { interrupts: INTERRUPTS, ..Join::new(ViewerId::from_bytes([1; 16])) };
    let passed = match access {
        Access::Interact => join,
        Access::View => join.looking(),
    };
    let typist = Typist::new(&join, &passed, joined);
    Around::start_on((exec, pod), Some(typist), Links::with([qa(access)]), 2).await
}

pub(super) fn so_far(position: u64, interrupts: u32) -> Request {
    Request::Typed(SaidTyped { position, interrupts })
}

/// Until all that was asked for was done: only then does the time go on.
pub(super) async fn settled() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn positions_come_in_order_with_output_and_take_nothing_of_its_window() {
    let mut around = start(Access::Interact).await;
    around.pod.say(Frame::Position { position: 9, screen_bytes: 2 }).await;
    around.pod.say(Frame::Output("ab".into())).await;
    around.pod.say(Frame::Position { position: 20, screen_bytes: 0 }).await;
    around.pod.say(Frame::Output(vec![b'x'; WINDOW_BYTES - 2].into())).await;
    let position = |position, screen_bytes| OutputPosition { position, screen_bytes };
    assert_eq!(around.viewer.next().await, Response::Position(position(9, 2)));
    assert_eq!(around.viewer.output().await, "ab");
    assert_eq!(around.viewer.next().await, Response::Position(position(20, 0)));
    assert_eq!(around.viewer.output().await.len(), WINDOW_BYTES - 2);
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_says_nothing_but_positions_is_no_screen() {
    let mut around = start(Access::Interact).await;
    for position in 0..5000 {
        around.pod.say(Frame::Position { position, screen_bytes: 0 }).await;
    }
    let closed = loop {
        match around.viewer.next().await {
            Response::Position(_) => {}
            Response::Closed(closed) => break closed,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(closed.message, Lost::Protocol.to_string());
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_overtakes_what_was_typed_and_says_how_far_that_was() {
    let mut around = start(Access::Interact).await;
    // All of it is there at once, so nothing has left when the interrupt comes.
    around.viewer.types("rm -rf");
    around.viewer.send(so_far(TYPED + 10, INTERRUPTS + 1));
    around.viewer.types("ls");
    let typed = Frame::Typed { position: TYPED + 10, interrupts: INTERRUPTS + 1 };
    assert_eq!(around.pod.word().await, Some(typed));
    assert_eq!(around.pod.word().await, Some(Frame::Input("ls".into())));
    assert_eq!(around.viewer.next().await, Response::InputCredit(6));

    around.viewer.send(Request::Interrupt(Interrupt {}));
    let typed = Frame::Typed { position: TYPED + 12, interrupts: INTERRUPTS + 2 };
    assert_eq!(around.pod.word().await, Some(typed), "however it is said");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_drops_nothing_of_what_was_typed_before() {
    let mut around = start(Access::Interact).await;
    around.viewer.types("one");
    around.viewer.send(so_far(TYPED + 8, INTERRUPTS));
    around.viewer.types("two");
    assert_eq!(around.pod.word().await, Some(Frame::Input("one".into())));
    let typed = Frame::Typed { position: TYPED + 8, interrupts: INTERRUPTS };
    assert_eq!(around.pod.word().await, Some(typed));
    assert_eq!(around.pod.word().await, Some(Frame::Input("two".into())));
}

#[tokio::test(start_paused = true)]
async fn who_only_looked_goes_on_behind_what_it_typed_in_vain_and_interrupts_nothing_by_that() {
    let mut around = start(Access::View).await;
    around.viewer.types("rm -rf");
    around.viewer.send(so_far(TYPED + 9, INTERRUPTS + 1));
    around.viewer.send(Request::Interrupt(Interrupt {}));
    // Nonsense gains nothing, and breaks nothing.
    around.viewer.send(so_far(0, 0));
    around.viewer.send(so_far(u64::MAX, 0));
    assert_eq!(around.viewer.next().await, Response::InputCredit(6));
    settled().await;

    around.links.apply(&qa(Access::Interact));
    around.viewer.types("ls");
    // As a viewer that may only look it joined without any interrupt.
    let typed = Frame::Typed { position: TYPED + 9, interrupts: 0 };
    assert_eq!(around.pod.word().await, Some(typed));
    assert_eq!(around.pod.word().await, Some(Frame::Input("ls".into())));
    around.viewer.send(so_far(TYPED + 11, INTERRUPTS + 3));
    let typed = Frame::Typed { position: TYPED + 11, interrupts: INTERRUPTS + 3 };
    assert_eq!(around.pod.word().await, Some(typed));
}

async fn assert_violates(mut around: Around, request: Request, violation: Violation) {
    around.viewer.send(request);
    let error = around.viewer.responses.next().await.unwrap().unwrap_err();
    let expected = (Code::InvalidArgument, violation.to_string());
    assert_eq!((error.code(), error.message().to_owned()), expected);
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_goes_back_or_cannot_come_again_breaks_the_contract() {
    let typed = || start(Access::Interact);
    assert_violates(typed().await, so_far(TYPED - 1, INTERRUPTS), Violation::Typed).await;
    assert_violates(typed().await, so_far(TYPED, INTERRUPTS - 1), Violation::Typed).await;
    assert_violates(typed().await, so_far(1 << 63, INTERRUPTS), Violation::Position).await;
    assert_violates(Around::start().await, so_far(TYPED, INTERRUPTS), Violation::Typed).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_typed_arrives_although_the_broker_goes_away() {
    let mut around = start(Access::Interact).await;
    // More than lies between the two ends, so that some of it has not left.
    for _ in 0..4 {
        around.viewer.types(vec![b'x'; INPUT_WINDOW_BYTES / 4]);
    }
    settled().await;
    around.shutdown.cancel();
    assert_eq!(around.viewer.closed().await.reason(), CloseReason::Draining);
    let mut typed = 0;
    while typed < INPUT_WINDOW_BYTES {
        let Some(Frame::Input(piece)) = around.pod.word().await else { panic!("no input") };
        typed += piece.len();
    }
    assert_eq!(around.pod.word().await, Some(Frame::Leave));
    around.pod.success().await;
    around.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_stopped_answering_is_left_and_not_hung_up() {
    let mut around = start(Access::Interact).await;
    assert_eq!(around.viewer.closed().await.message, Lost::Silent.to_string());
    assert_eq!(around.pod.word().await, Some(Frame::Leave));
    // Nor is it when the broker goes away as well.
    around.shutdown.cancel();
    assert_eq!(around.pod.word().await, None);
}

#[tokio::test(start_paused = true)]
async fn who_is_denied_is_hung_up_although_it_could_have_come_again() {
    let mut around = start(Access::Interact).await;
    around.viewer.types("typed");
    around.turn_off();
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
}
