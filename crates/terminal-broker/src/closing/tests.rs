use super::*;

#[test]
fn every_end_has_its_reason_and_its_fate_of_pending_output() {
    use Pending::{Deliver, Drop};
    let cases = [
        (End::Exited(3), CloseReason::Ended, Deliver),
        (End::Denied(Denial::Unknown), CloseReason::Revoked, Drop),
        (End::Denied(Denial::Expired), CloseReason::Revoked, Drop),
        (End::Denied(Denial::Network), CloseReason::Forbidden, Drop),
        (End::Denied(Denial::Suspended), CloseReason::NotReady, Drop),
        (End::Draining, CloseReason::Draining, Drop),
        (End::Lost(Lost::Broken), CloseReason::Lost, Deliver),
        (End::Closed, CloseReason::Closed, Drop),
        (End::Idle, CloseReason::Closed, Drop),
    ];
    for (end, reason, pending) in cases {
        let closed = end.closing_message().unwrap();
        assert_eq!((closed.reason(), end.pending()), (reason, pending), "{end:?}");
        assert!(!closed.message.is_empty(), "{end:?}");
    }
}

#[test]
fn a_guest_who_is_denied_reads_what_a_stranger_may_not() {
    let closed = End::Denied(Denial::Expired).closing_message().unwrap();
    assert_eq!(closed.message, Denial::Expired.to_guest());
    assert_eq!(closed.category, "expired");
}

#[test]
fn only_what_a_viewer_typed_before_it_left_is_delivered() {
    assert_eq!(End::ViewerLeft.typed(Resumption::Impossible), Typed::Deliver);
    let denied = End::Denied(Denial::Unknown);
    let lost = End::Lost(Lost::Broken);
    for end in [End::Draining, lost, End::Closed, End::ViewerCut, denied, End::Exited(0)] {
        assert_eq!(end.typed(Resumption::Impossible), Typed::Drop, "{end:?}");
    }
}

#[test]
fn what_a_viewer_typed_that_comes_again_is_delivered_where_only_the_way_ended() {
    for end in [End::ViewerLeft, End::Draining, End::Lost(Lost::Silent)] {
        assert_eq!(end.typed(Resumption::Possible), Typed::Deliver, "{end:?}");
    }
    let violation = End::Violation(Violation::Typed);
    let denied = End::Denied(Denial::Unknown);
    for end in [denied, End::Closed, End::Idle, End::ViewerCut, End::Exited(0), violation] {
        assert_eq!(end.typed(Resumption::Possible), Typed::Drop, "{end:?}");
    }
}

#[test]
fn only_a_program_that_ended_has_an_exit_code() {
    assert_eq!(End::Exited(130).closing_message().unwrap().exit_code, Some(130));
    assert_eq!(End::Lost(Lost::NotStarted).closing_message().unwrap().exit_code, None);
}

#[test]
fn who_is_dismissed_reads_the_reason_which_is_one_short_line() {
    let dismissal = |reason: &str| Dismissal::new("nightly".into(), reason.to_owned());
    let message = |reason: &str| dismissal(reason).unwrap().message();
    assert_eq!(message(""), "an administrator closed the session");
    assert_eq!(message("upgrade"), "an administrator closed the session: upgrade");
    // As a WebSocket's last frame takes it.
    assert!(message(&"x".repeat(80)).len() <= 123);
    for bad in [&"é".repeat(81), "two\nlines", "\u{1b}[31mred"] {
        assert_eq!(dismissal(bad), Err(Violation::DismissalReason), "{bad:?}");
    }
}

#[test]
fn a_broken_contract_is_an_error_of_the_call() {
    let violation = Violation::OpenedTwice;
    assert_eq!(End::Violation(violation).closing_message(), Err(violation));
}
