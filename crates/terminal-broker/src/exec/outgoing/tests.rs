use tokio_util::codec::Decoder;

use super::*;

/// The frames of all messages that wait, `None` standing for the end of stdin.
fn written(outgoing: &mut Outgoing) -> Vec<Option<Frame>> {
    let (mut frames, mut stdin) = (Vec::new(), BytesMut::new());
    while let Some(message) = outgoing.pop(Protocol::V5).unwrap() {
        let Message::Binary(message) = message else { panic!("{message:?}") };
        match message[..] {
            [0, ref data @ ..] => stdin.extend_from_slice(data),
            [255, 0] => frames.push(None),
            ref other => panic!("{other:?}"),
        }
        while let Some(frame) = FrameCodec.decode(&mut stdin).unwrap() {
            frames.push(Some(frame));
        }
    }
    assert!(outgoing.is_empty());
    frames
}

#[test]
fn control_overtakes_input_in_one_message_and_in_its_order() {
    let mut outgoing = Outgoing::default();
    outgoing.input("typed".into());
    outgoing.size(Size { columns: 80, rows: 24 });
    outgoing.size(Size { columns: 81, rows: 25 });
    outgoing.output_credit(3);
    outgoing.output_credit(4);
    outgoing.ping();
    outgoing.end_stdin();
    let expected = [
        Some(Frame::Ping),
        Some(Frame::OutputCredit { bytes: 7 }),
        Some(Frame::Resize { columns: 81, rows: 25 }),
        Some(Frame::Input("typed".into())),
        None,
    ];
    assert_eq!(written(&mut outgoing), expected);
}

#[test]
fn an_interrupt_drops_what_was_typed_before_and_not_what_comes_after() {
    let mut outgoing = Outgoing::default();
    outgoing.input("rm -rf".into());
    assert_eq!(outgoing.interrupt(), 6);
    outgoing.input("ls".into());
    let expected = [Some(Frame::Interrupt), Some(Frame::Input("ls".into()))];
    assert_eq!(written(&mut outgoing), expected);
}

fn typed(position: u64, interrupts: u32) -> TypedSoFar {
    TypedSoFar { position, interrupts }
}

#[test]
fn how_far_a_viewer_is_comes_between_the_input_that_it_was_said_between() {
    let mut outgoing = Outgoing::default();
    outgoing.input("a".into());
    outgoing.typed(typed(4, 0));
    outgoing.typed(typed(5, 0));
    outgoing.input("b".into());
    outgoing.ping();
    outgoing.leave();
    let expected = [
        Frame::Ping,
        Frame::Input("a".into()),
        Frame::Typed { position: 5, interrupts: 0 },
        Frame::Input("b".into()),
        Frame::Leave,
    ];
    assert_eq!(written(&mut outgoing), expected.map(Some));
}

#[test]
fn a_viewer_that_comes_again_interrupts_by_saying_how_far_it_is() {
    let mut outgoing = Outgoing::default();
    outgoing.input("rm".into());
    outgoing.typed(typed(5, 0));
    outgoing.input(" -rf".into());
    assert_eq!(outgoing.interrupt_at(typed(9, 1)), 6);
    outgoing.input("ls".into());
    let expected =
        [Some(Frame::Typed { position: 9, interrupts: 1 }), Some(Frame::Input("ls".into()))];
    assert_eq!(written(&mut outgoing), expected);

    outgoing.interrupt_at(typed(11, 2));
    outgoing.interrupt_at(typed(11, 3));
    assert_eq!(written(&mut outgoing), [Some(Frame::Typed { position: 11, interrupts: 3 })]);
}

#[test]
fn a_hang_up_comes_before_everything_and_leaves_only_the_end() {
    let mut outgoing = Outgoing::default();
    outgoing.input("typed".into());
    outgoing.ping();
    outgoing.interrupt();
    outgoing.hang_up();
    assert_eq!(written(&mut outgoing), [Some(Frame::HangUp), None]);
}

#[test]
fn the_end_is_said_once() {
    let mut outgoing = Outgoing::default();
    outgoing.end_stdin();
    assert_eq!(written(&mut outgoing), [None]);
    outgoing.hang_up();
    assert_eq!(written(&mut outgoing), [Some(Frame::HangUp)]);
}

#[test]
fn a_viewer_that_left_can_still_be_hung_up() {
    let mut outgoing = Outgoing::default();
    outgoing.input("exit".into());
    outgoing.leave();
    let expected = [Some(Frame::Input("exit".into())), Some(Frame::Leave)];
    assert_eq!(written(&mut outgoing), expected);
    outgoing.leave();
    outgoing.hang_up();
    assert_eq!(written(&mut outgoing), [Some(Frame::HangUp), None]);
}

#[test]
fn v4_has_no_end_of_stdin_but_the_sockets() {
    let mut outgoing = Outgoing::default();
    outgoing.end_stdin();
    assert_eq!(outgoing.pop(Protocol::V4).unwrap(), Some(Message::Close));
    assert!(outgoing.is_empty());
}
