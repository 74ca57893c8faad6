use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use terminal_proto::v1::{Interrupt, Typed};

use super::*;

fn size(columns: u32) -> Size {
    Size { columns, rows: 24 }
}

fn opening(columns: u32) -> Request {
    Request::Open(Open { size: Some(size(columns)), ..Open::default() })
}

fn input(text: &'static str) -> Request {
    Request::Input(Bytes::from_static(text.as_bytes()))
}

fn demo() -> Upstream {
    Upstream::new(Open { size: Some(size(80)), ..Open::default() })
}

/// An open terminal, whose `open` was sent.
fn opened() -> (Upstream, Requests) {
    let upstream = demo();
    let mut requests = upstream.attempts().next();
    assert_eq!(taken(&mut requests), [opening(80)]);
    upstream.opened(None);
    (upstream, requests)
}

fn taken(requests: &mut Requests) -> Vec<Request> {
    std::iter::from_fn(|| requests.next().now_or_never().flatten()?.request).collect()
}

#[test]
fn control_overtakes_input() {
    let (upstream, mut requests) = opened();
    upstream.input(b"typed");
    upstream.resize(size(90));
    upstream.ack(7);
    let expected = [Request::Ack(7), Request::Resize(size(90)), input("typed")];
    assert_eq!(taken(&mut requests), expected);
}

#[test]
fn only_the_last_size_counts_and_acknowledgements_and_input_add_up() {
    let (upstream, mut requests) = opened();
    for columns in 80..90 {
        upstream.resize(size(columns));
        upstream.ack(10);
        upstream.input(b"x");
    }
    let expected = [Request::Ack(100), Request::Resize(size(89)), input("xxxxxxxxxx")];
    assert_eq!(taken(&mut requests), expected);
}

#[test]
fn an_interrupt_drops_what_was_typed_before_it_and_nothing_after() {
    let (upstream, mut requests) = opened();
    upstream.input(b"dropped");
    assert_eq!(upstream.interrupt(), 7);
    upstream.input(b"kept");
    assert_eq!(taken(&mut requests), [Request::Interrupt(Interrupt {}), input("kept")]);
}

#[test]
fn input_leaves_once_the_terminal_is_open_and_each_attempt_begins_with_the_newest_size() {
    let upstream = demo();
    let attempts = upstream.attempts();
    let mut first = attempts.next();
    upstream.input(b"early");
    upstream.resize(size(90));
    assert_eq!(taken(&mut first), [opening(90)]);
    upstream.resize(size(100));
    assert_eq!(taken(&mut first), [Request::Resize(size(100))]);

    let mut second = attempts.next();
    assert_eq!(first.next().now_or_never(), Some(None), "the first attempt is over");
    assert_eq!(taken(&mut second), [opening(100)]);
    upstream.opened(None);
    assert_eq!(taken(&mut second), [input("early")]);
}

#[tokio::test]
async fn a_viewer_that_was_cut_says_nothing_more() {
    let (upstream, mut requests) = opened();
    upstream.input(b"typed");
    upstream.interrupt();
    upstream.input(b"typed");
    upstream.ack(10);
    upstream.hang_up();
    assert_eq!(taken(&mut requests), [Request::HangUp(HangUp {})]);
    assert_eq!(requests.next().await, None);
}

#[tokio::test]
async fn what_was_typed_before_the_end_still_leaves() {
    let (upstream, mut requests) = opened();
    upstream.input(b"last");
    drop(upstream);
    assert_eq!(taken(&mut requests), [input("last")]);
    assert_eq!(requests.next().await, None);
}

/// Of a viewer that has interrupted twice, in a terminal that it goes on with at 100.
fn resumed() -> (Upstream, Requests) {
    let upstream = demo();
    upstream.join(Join { interrupts: 2, ..Join::default() });
    let mut requests = upstream.attempts().next();
    assert_eq!(taken(&mut requests).len(), 1);
    let resumed = Resumed { terminal: 7, typed: 100 };
    assert_eq!(upstream.opened(Some(resumed)), Some(resumed));
    (upstream, requests)
}

fn typed(position: u64, interrupts: u32) -> Request {
    Request::Typed(Typed { position, interrupts })
}

#[test]
fn each_attempt_says_where_the_viewer_is() {
    let upstream = demo();
    let attempts = upstream.attempts();
    let join = Join { terminal: 7, drawn: Some(5), ..Join::default() };
    upstream.join(join.clone());
    for columns in [80, 90] {
        upstream.resize(size(columns));
        let open = Open { size: Some(size(columns)), join: Some(join.clone()), ..Open::default() };
        assert_eq!(taken(&mut attempts.next()), [Request::Open(open)]);
    }
}

#[test]
fn an_interrupt_of_a_terminal_that_is_resumed_overtakes_input_and_says_how_far_that_is() {
    let (upstream, mut requests) = resumed();
    upstream.input(b"left");
    assert_eq!(taken(&mut requests), [input("left")]);
    upstream.input(b"dropped");
    upstream.ack(7);
    assert_eq!(upstream.interrupt(), 7);
    upstream.input(b"kept");
    assert_eq!(taken(&mut requests), [Request::Ack(7), typed(111, 3), input("kept")]);
}

#[test]
fn input_that_follows_what_was_dropped_on_the_way_says_so() {
    let (upstream, mut requests) = resumed();
    upstream.input(b"a");
    upstream.skip(5);
    assert_eq!(taken(&mut requests), [input("a")]);
    upstream.input(b"b");
    assert_eq!(taken(&mut requests), [typed(106, 2), input("b")]);
}

#[test]
fn who_does_not_say_where_it_is_resumes_nothing_whatever_the_broker_says() {
    let upstream = demo();
    let mut requests = upstream.attempts().next();
    assert_eq!(upstream.opened(Some(Resumed { terminal: 7, typed: 100 })), None);
    upstream.skip(5);
    upstream.input(b"a");
    upstream.interrupt();
    upstream.skip(5);
    upstream.input(b"b");
    let expected = [opening(80), Request::Interrupt(Interrupt {}), input("b")];
    assert_eq!(taken(&mut requests), expected);
}

#[test]
fn a_viewer_that_was_cut_does_not_say_how_far_it_was() {
    let (upstream, mut requests) = resumed();
    upstream.input(b"typed");
    upstream.interrupt();
    upstream.hang_up();
    assert_eq!(taken(&mut requests), [Request::HangUp(HangUp {})]);
}
