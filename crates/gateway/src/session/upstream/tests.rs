use bytes::Bytes;
use futures::{FutureExt, StreamExt};

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
    upstream.opened();
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
    upstream.opened();
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
