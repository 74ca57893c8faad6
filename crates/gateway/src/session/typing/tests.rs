use proptest::prelude::*;

use super::*;

fn input(text: &'static str) -> Request {
    Request::Input(Bytes::from_static(text.as_bytes()))
}

fn typed(position: u64, interrupts: u32) -> Request {
    Request::Typed(Typed { position, interrupts })
}

fn popped(typing: &mut Typing) -> Vec<Request> {
    std::iter::from_fn(|| typing.pop()).collect()
}

fn resumed(from: u64, interrupts: u32) -> Typing {
    let mut typing = Typing::default();
    typing.join(interrupts);
    typing.opened(Some(from));
    typing
}

#[test]
fn input_that_follows_what_came_before_needs_no_word() {
    let mut typing = resumed(100, 0);
    typing.input(b"a");
    typing.input(b"b");
    assert_eq!(popped(&mut typing), [input("ab")]);
    typing.input(b"c");
    assert_eq!(popped(&mut typing), [input("c")]);
    assert_eq!(typing.waiting.capacity(), 0, "an idle viewer takes no memory");
}

#[test]
fn an_interrupt_says_how_far_the_viewer_is() {
    let mut typing = resumed(100, 7);
    typing.input(b"left");
    assert_eq!(popped(&mut typing), [input("left")]);
    typing.input(b"dropped");
    assert_eq!(typing.interrupt(), 7);
    typing.input(b"kept");
    assert_eq!(popped(&mut typing), [typed(111, 8), input("kept")]);
    assert_eq!(typing.interrupt(), 0);
    assert_eq!(typing.interrupt(), 0);
    assert_eq!(popped(&mut typing), [typed(115, 10)], "two that had not left are one");
}

#[test]
fn what_was_dropped_here_is_told_before_the_next_input_and_after_that_before() {
    let mut typing = resumed(100, 2);
    typing.skip(10);
    assert_eq!(popped(&mut typing), [], "nobody needs it yet");
    typing.input(b"a");
    typing.skip(5);
    typing.input(b"b");
    typing.input(b"c");
    let expected = [typed(110, 2), input("a"), typed(116, 2), input("bc")];
    assert_eq!(popped(&mut typing), expected);
    typing.skip(1);
    typing.interrupt();
    typing.input(b"d");
    assert_eq!(popped(&mut typing), [typed(119, 3), input("d")], "in one");
}

#[test]
fn what_was_typed_before_the_terminal_was_open_is_numbered_too() {
    let mut typing = Typing::default();
    typing.join(1);
    typing.input(b"early");
    typing.interrupt();
    typing.input(b"a");
    typing.opened(Some(50));
    assert_eq!(popped(&mut typing), [typed(55, 2), input("a")]);
}

#[test]
fn nothing_is_numbered_in_a_terminal_that_cannot_be_resumed() {
    let mut wants_to = Typing::default();
    wants_to.join(3);
    for mut typing in [Typing::default(), wants_to] {
        typing.skip(4);
        typing.input(b"a");
        typing.opened(None);
        typing.skip(4);
        typing.input(b"b");
        assert_eq!(popped(&mut typing), [input("ab")]);
        typing.interrupt();
        typing.input(b"c");
        assert_eq!(popped(&mut typing), [Request::Interrupt(Interrupt {}), input("c")]);
    }
}

#[test]
fn a_paste_leaves_in_requests_that_the_broker_takes() {
    let mut typing = resumed(0, 0);
    typing.input(&vec![b'x'; INPUT_BYTES_MAX + 3]);
    typing.skip(1);
    typing.input(b"y");
    let lengths = popped(&mut typing).into_iter().map(|request| match request {
        Request::Input(input) => (input.len(), None),
        Request::Typed(typed) => (0, Some(typed.position)),
        other => panic!("{other:?}"),
    });
    let after = INPUT_BYTES_MAX as u64 + 4;
    let expected = [(INPUT_BYTES_MAX, None), (3, None), (0, Some(after)), (1, None)];
    assert_eq!(lengths.collect::<Vec<_>>(), expected);
}

#[test]
fn absurd_numbers_of_a_pod_or_a_page_overflow_nothing() {
    let mut typing = resumed(u64::MAX, u32::MAX);
    typing.input(b"a");
    typing.interrupt();
    assert_eq!(popped(&mut typing), [typed(u64::MAX, u32::MAX)]);
}

#[derive(Clone, Debug)]
enum Act {
    Input(u8),
    Skip(u8),
    Interrupt,
    Pop,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (1..9_u8).prop_map(Act::Input),
        (1..9_u8).prop_map(Act::Skip),
        Just(Act::Interrupt),
        Just(Act::Pop),
    ];
    proptest::collection::vec(act, 0..60)
}

proptest! {
    /// Each byte is its own position, so that the broker's count shows where it went wrong.
    #[test]
    fn who_counts_along_knows_each_bytes_position(acts in acts()) {
        let mut typing = resumed(7, 0);
        let (mut end, mut count) = (7_u64, 7_u64);
        let mut follow = |request: Request| match request {
            Request::Typed(typed) => {
                assert!(typed.position >= count, "{typed:?} goes back from {count}");
                count = typed.position;
            }
            Request::Input(input) => for byte in input {
                assert_eq!(byte, count.to_le_bytes()[0]);
                count += 1;
            },
            other => panic!("{other:?}"),
        };
        for act in acts.into_iter().chain(vec![Act::Pop; 200]) {
            match act {
                Act::Input(bytes) => for _ in 0..bytes {
                    typing.input(&[end.to_le_bytes()[0]]);
                    end += 1;
                },
                Act::Skip(bytes) => {
                    typing.skip(bytes.into());
                    end += u64::from(bytes);
                }
                Act::Interrupt => drop(typing.interrupt()),
                Act::Pop => typing.pop().into_iter().for_each(&mut follow),
            }
        }
    }
}
