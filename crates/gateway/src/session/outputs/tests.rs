use futures::{StreamExt, stream};
use screen_wire::Compressor;
use terminal_proto::v1::CloseReason;

use super::*;

type Item = Result<AttachResponse, Status>;

#[allow(clippy::unnecessary_wraps, reason = "as the stream has it")]
fn response(response: Response) -> Item {
    Ok(AttachResponse { response: Some(response) })
}

fn output(bytes: &[u8]) -> Item {
    response(Response::Output(Bytes::copy_from_slice(bytes)))
}

fn closed() -> Item {
    let closed = Closed { reason: CloseReason::Ended.into(), ..Closed::default() };
    response(Response::Closed(closed))
}

/// What can be received without waiting.
fn received(responses: impl Stream<Item = Item> + Unpin) -> Vec<Received> {
    let mut outputs = Outputs::new(responses);
    let mut context = Context::from_waker(std::task::Waker::noop());
    let mut received = Vec::new();
    while let Poll::Ready(next) = outputs.poll_next(&mut context) {
        let last = next == Received::Lost;
        received.push(next);
        if last {
            break;
        }
    }
    received
}

fn terminal(output: &'static [u8], input_credit: u64) -> Received {
    Received::Terminal(Gathered { output: Bytes::from_static(output), input_credit })
}

#[test]
fn what_is_there_goes_out_together() {
    let credit = |bytes| response(Response::InputCredit(bytes));
    let pieces = [credit(1), output(b"a"), output(b"bc"), credit(2), output(b"def")];
    let expected = [terminal(b"abcdef", 3)];
    assert_eq!(received(stream::iter(pieces).chain(stream::pending())), expected);
}

#[test]
fn nothing_is_gathered_across_a_position() {
    let at = |position| OutputPosition { position, screen_bytes: 3 };
    let credit = |bytes| response(Response::InputCredit(bytes));
    let position = |at| response(Response::Position(at));
    let pieces = [
        position(at(7)),
        output(b"a"),
        credit(1),
        output(b"b"),
        position(at(9)),
        position(at(10)),
        credit(2),
        output(b"c"),
    ];
    let expected = [
        Received::Position(at(7)),
        terminal(b"ab", 1),
        Received::Position(at(9)),
        Received::Position(at(10)),
        terminal(b"c", 2),
    ];
    assert_eq!(received(stream::iter(pieces).chain(stream::pending())), expected);
}

#[test]
fn a_size_comes_before_what_is_meant_for_it() {
    let presence = Presence { viewers: 2, ..Presence::default() };
    let pieces = [output(b"a"), response(Response::Presence(presence)), output(b"b")];
    let expected = [terminal(b"a", 0), Received::Presence(presence), terminal(b"b", 0)];
    assert_eq!(received(stream::iter(pieces).chain(stream::pending())), expected);
}

#[tokio::test]
async fn what_still_comes_of_any_kind_delays_an_end_and_is_not_taken_for_one() {
    let position = response(Response::Position(OutputPosition::default()));
    let presence = response(Response::Presence(Presence::default()));
    let mut rest = stream::iter([output(b"a"), position, presence, output(b"b"), closed()]);
    Outputs::new(&mut rest).ended().await;
    assert!(rest.next().await.is_none(), "something was not awaited");
}

#[test]
fn large_pieces_pass_as_they_are() {
    const LARGE: &[u8] = &[0; GATHER_BYTES_MAX];
    let pieces = [output(b"a"), output(LARGE), output(b"b")];
    let expected = [terminal(b"a", 0), terminal(LARGE, 0), terminal(b"b", 0)];
    assert_eq!(received(stream::iter(pieces).chain(stream::pending())), expected);
}

#[test]
fn what_was_compressed_comes_out_as_it_was_and_what_was_not_ends_the_session() {
    let line = b"warning: unused variable\r\n".repeat(40);
    let mut compressor = Compressor::default();
    let block = Bytes::copy_from_slice(compressor.compress(&line).unwrap());
    let bytes = u32::try_from(line.len()).unwrap();
    let compressed = |bytes| {
        response(Response::CompressedOutput(CompressedOutput { bytes, lz4: block.clone() }))
    };

    let pieces = stream::iter([output(b"a"), compressed(bytes)]).chain(stream::pending());
    let whole = Bytes::from([&b"a"[..], &line].concat());
    let gathered = Gathered { output: whole, input_credit: 0 };
    assert_eq!(received(pieces), [Received::Terminal(gathered)]);

    for claimed in [0, bytes + 1, u32::MAX] {
        assert_eq!(received(stream::iter([compressed(claimed)])), [Received::Lost]);
    }
}

#[test]
fn what_only_a_newer_broker_says_is_passed_over() {
    let unknown = || Ok(AttachResponse { response: None });
    let pieces = [unknown(), output(b"a"), unknown(), output(b"b")];
    let expected = [terminal(b"ab", 0)];
    assert_eq!(received(stream::iter(pieces).chain(stream::pending())), expected);
}

#[test]
fn an_end_comes_after_what_came_before_it() {
    let pieces = [output(b"a"), output(b"b"), closed()];
    let ended = received(stream::iter(pieces));
    assert!(matches!(&ended[..], [Received::Terminal(_), Received::Closed(_), Received::Lost]));

    let broken = Err(Status::unavailable("gone"));
    let lost = received(stream::iter([output(b"a"), broken]));
    assert_eq!(lost, [terminal(b"a", 0), Received::Lost]);
}
