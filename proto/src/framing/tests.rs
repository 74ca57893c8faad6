use futures::{FutureExt, StreamExt};
use http_body::Frame;
use http_body_util::StreamBody;
use proptest::prelude::*;

use super::*;
use crate::v1::{AttachResponse, attach_response::Response};

type Frames = Vec<Result<Frame<Bytes>, Status>>;

fn output(bytes: impl Into<Bytes>) -> AttachResponse {
    AttachResponse { response: Some(Response::Output(bytes.into())) }
}

fn data(bytes: impl Into<Bytes>) -> Frame<Bytes> {
    Frame::data(bytes.into())
}

fn trailers(status: &Status) -> Frame<Bytes> {
    let mut headers = HeaderMap::new();
    status.add_header(&mut headers).unwrap();
    Frame::trailers(headers)
}

/// All that comes of a body of these frames.
fn received(frames: Frames) -> Vec<Result<AttachResponse, Code>> {
    let messages = Messages::new(StreamBody::new(futures::stream::iter(frames)));
    let all = messages.map(|message| message.map_err(|status| status.code()));
    all.collect().now_or_never().expect("every frame is there")
}

#[test]
fn a_message_of_one_frame_is_not_copied_and_nothing_is_kept_of_it() {
    let framed = encode(&output(vec![7; 64 * 1024])).unwrap();
    let body = StreamBody::new(futures::stream::iter([Ok::<_, Status>(data(framed.clone()))]));
    let mut messages = Messages::<AttachResponse, _>::new(body);
    let message = messages.next().now_or_never().flatten().unwrap().unwrap();
    let Some(Response::Output(bytes)) = message.response else { panic!("{message:?}") };
    assert_eq!(bytes.as_ptr_range().end, framed.as_ptr_range().end);
    assert!(messages.arrived.is_empty());
    assert!(matches!(messages.next().now_or_never(), Some(None)));
    assert_eq!(messages.arrived.begun.capacity(), 0);
    drop((messages, bytes));
    assert!(framed.is_unique());
}

#[test]
fn a_message_in_parts_takes_no_more_room_than_itself_and_gives_it_back() {
    let framed = encode(&output(vec![7; 1000])).unwrap();
    let mut arrived = Arrived::default();
    for (index, byte) in framed.iter().enumerate() {
        arrived.chunk = Bytes::copy_from_slice(&[*byte]);
        let message = arrived.next().unwrap();
        assert_eq!(message.is_some(), index + 1 == framed.len());
        assert!(arrived.begun.capacity() <= 2 * framed.len(), "{}", arrived.begun.capacity());
    }
    assert_eq!((arrived.begun.capacity(), arrived.is_empty()), (0, true));
}

#[test]
fn what_is_no_message_is_an_error_and_the_end() {
    let long = [&[0][..], &u32::MAX.to_be_bytes()].concat();
    let good = encode(&output("good")).unwrap();
    let cases = [
        ("too long", vec![Ok(data(long))], Code::OutOfRange),
        ("compressed", vec![Ok(data(&b"\x01\0\0\0\x01x"[..]))], Code::Unimplemented),
        ("not protobuf", vec![Ok(data(&b"\0\0\0\0\x01\xff"[..]))], Code::Internal),
        ("half a message", vec![Ok(data(good.slice(..7)))], Code::Internal),
        (
            "half a message before a good end",
            vec![Ok(data(good.slice(..7))), Ok(trailers(&Status::new(Code::Ok, "")))],
            Code::Internal,
        ),
        ("a broken body", vec![Err(Status::unavailable("gone"))], Code::Unavailable),
        ("a status", vec![Ok(trailers(&Status::not_found("none")))], Code::NotFound),
    ];
    for (name, frames, code) in cases {
        let frames = [Ok(data(good.clone()))].into_iter().chain(frames);
        assert_eq!(received(frames.collect()), [Ok(output("good")), Err(code)], "{name}");
    }
}

#[test]
fn nothing_is_read_after_an_error() {
    let good = encode(&output("good")).unwrap();
    let frames = vec![Ok(data(&b"\0\0\0\0\x01\xff"[..])), Ok(data(good))];
    assert_eq!(received(frames), [Err(Code::Internal)]);
}

#[test]
fn a_message_that_nobody_would_take_is_not_sent() {
    assert!(encode(&output(vec![0; MESSAGE_BYTES_MAX - 16])).is_ok());
    assert!(encode(&output(vec![0; MESSAGE_BYTES_MAX])).is_err());
}

proptest! {
    #[test]
    fn messages_arrive_whole_however_their_bytes_are_cut(
        lengths in prop::collection::vec(0..3000_usize, 0..20),
        cuts in prop::collection::vec(1..4000_usize, 1..50),
    ) {
        let sent: Vec<_> = lengths.iter().map(|&length| output(vec![1; length])).collect();
        let bytes: Vec<u8> = sent.iter().flat_map(|message| encode(message).unwrap()).collect();
        let (mut rest, mut frames) = (Bytes::from(bytes), Frames::new());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            frames.push(Ok(data(rest.split_to((*cut).min(rest.len())))));
        }
        frames.push(Ok(trailers(&Status::new(Code::Ok, ""))));
        prop_assert_eq!(received(frames), sent.into_iter().map(Ok).collect::<Vec<_>>());
    }
}
