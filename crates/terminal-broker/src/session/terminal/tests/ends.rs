//! What becomes of the exec, and of the session's place, when the viewer is gone.

use super::*;
use crate::closing::Dismissal;

#[tokio::test(start_paused = true)]
async fn a_viewer_that_is_cut_sees_its_end_alone_and_the_screen_a_hang_up_first() {
    let mut around = Around::start().await;
    assert_eq!(around.pod.frame().await, Some(Frame::Ping));
    around.pod.say(Frame::Output("secret".into())).await;
    // The output has been read once this has come back.
    around.viewer.types("x");
    assert_eq!(around.pod.frame().await, Some(Frame::Input("x".into())));

    around.viewer.types("typed");
    around.turn_off();
    assert_eq!(around.pod.frame().await, Some(Frame::HangUp));
    assert_eq!(around.pod.frame().await, None);
    let closed = around.viewer.closed().await;
    assert_eq!((closed.reason(), closed.category.as_str()), (CloseReason::Revoked, "unknown"));
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_closes_a_session_cuts_it() {
    let mut around = Around::start().await;
    let id = around.sessions.list()[0].id;
    let close = |by: &str, reason: &str| {
        let dismissal = Dismissal::new(by.into(), reason.to_owned()).unwrap();
        around.sessions.close(id, dismissal).unwrap();
    };
    close("nightly", "upgrade");
    // Too late to be the reason.
    close("other", "spite");
    let closed = around.viewer.closed().await;
    assert_eq!(closed.reason(), CloseReason::Closed);
    assert_eq!(closed.message, "an administrator closed the session: upgrade");
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
}

#[tokio::test(start_paused = true)]
async fn what_was_typed_before_a_clean_end_arrives() {
    let mut around = Around::start().await;
    around.viewer.types("exit\n");
    drop(around.viewer);
    assert_eq!(around.pod.word().await, Some(Frame::Input("exit\n".into())));
    assert_eq!(around.pod.word().await, Some(Frame::Leave));
    let start = around.start;
    assert_eq!(around.pod.word().await, None, "the end of stdin, and no hang-up");
    let waited = start.elapsed();
    assert!(
        waited > Duration::from_secs(1),
        "an older screen ends by it, this one before: {waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_only_stops_listening_has_left() {
    let mut around = Around::start().await;
    drop(around.viewer.responses);
    assert_eq!(around.pod.word().await, Some(Frame::Leave));
}

#[tokio::test(start_paused = true)]
async fn the_place_is_kept_until_the_exec_is_seen_to_have_ended() {
    let mut around = Around::start().await;
    around.turn_off();
    around.viewer.closed().await;
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(around.is_listed());
    around.pod.success().await;
    around.ends().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_socket_after_a_hang_up_is_the_end_of_the_exec() {
    let mut around = Around::start().await;
    around.turn_off();
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
    assert_eq!(around.pod.word().await, None);
    let start = around.start;
    let (_open, closed) = fake::exec().await;
    drop(std::mem::replace(&mut around.pod, closed));
    around.ends().await;
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_does_not_leave_is_given_up_after_25_s() {
    let around = Around::start().await;
    around.turn_off();
    let start = around.start;
    around.ends().await;
    assert_eq!(start.elapsed().as_secs(), 25);
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_may_have_missed_the_end_of_its_socket_keeps_its_place_for_25_s() {
    let mut around = Around::start().await;
    assert_eq!(around.pod.frame().await, Some(Frame::Ping));
    let start = around.start;
    let (_open, other) = fake::exec().await;
    drop(std::mem::replace(&mut around.pod, other));
    assert_eq!(around.viewer.closed().await.message, Lost::Broken.to_string());
    assert!(start.elapsed() < Duration::from_secs(1), "the viewer is told at once");
    around.ends().await;
    assert_eq!(start.elapsed().as_secs(), 25);
}

#[tokio::test(start_paused = true)]
async fn a_link_turned_off_while_a_viewer_leaves_still_hangs_up() {
    let mut around = Around::start().await;
    drop(around.viewer);
    assert_eq!(
        around.pod.word().await,
        Some(Frame::Leave),
        "after the end of stdin nothing is heard"
    );
    around.links.remove(&AgentId::of(&demo()));
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_its_caller_cuts_types_nothing_more() {
    let mut around = Around::start().await;
    // All of it is there at once, so nothing has left when the word comes.
    around.viewer.types("typed");
    around.viewer.send(Request::HangUp(HangUp {}));
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
    assert_eq!(around.viewer.closed().await.category, "viewer_cut");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_goes_away_says_so_at_once_and_waits_a_second_for_the_screen() {
    let mut around = Around::start().await;
    around.shutdown.cancel();
    assert_eq!(around.viewer.closed().await.reason(), CloseReason::Draining);
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
    let start = around.start;
    around.ends().await;
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_goes_away_does_not_wait_for_those_who_left_before() {
    let around = Around::start().await;
    around.turn_off();
    tokio::time::sleep(Duration::from_secs(5)).await;
    around.shutdown.cancel();
    let start = around.start;
    around.ends().await;
    assert_eq!(start.elapsed().as_secs(), 6);
}
