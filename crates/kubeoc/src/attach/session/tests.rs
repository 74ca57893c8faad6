use screen_wire::Viewer;

use super::*;

const JOINED: Joined = Joined { terminal: 7, typed: 0 };

fn session(access: Access) -> Session {
    let mut session = Session::new(Viewer::from_bytes([1; 16]), access);
    session.join();
    session.open(JOINED);
    session
}

fn said(session: &mut Session) -> Vec<Frame> {
    std::iter::from_fn(|| session.next()).collect()
}

fn input(typed: &'static str) -> Frame {
    Frame::Input(typed.into())
}

fn output(drawn: &'static str) -> Frame {
    Frame::Output(drawn.into())
}

#[test]
fn the_first_join_knows_nothing() {
    let mut session = Session::new(Viewer::from_bytes([1; 16]), Access::Interact);
    assert_eq!(session.join(), Join::new(Viewer::from_bytes([1; 16])));
}

#[test]
fn what_is_typed_is_sent_and_control_before_it() {
    let mut session = session(Access::Interact);
    session.type_in(b"ls");
    session.resize(Size { columns: 100, rows: 30 });
    session.ping();
    let resize = Frame::Resize { columns: 100, rows: 30 };
    assert_eq!(said(&mut session), [resize, Frame::Ping, input("ls")]);
}

#[test]
fn ctrl_c_overtakes_what_waits_and_is_a_byte_where_nothing_does() {
    let mut session = session(Access::Interact);
    session.type_in(b"\x03");
    assert_eq!(said(&mut session), [input("\x03")]);
    session.type_in(b"\x03");
    assert_eq!(said(&mut session), [Frame::Interrupt]);
    session.type_in(b"a\x03b");
    assert_eq!(said(&mut session), [input("a\x03b")]);
}

#[test]
fn who_may_only_look_says_nothing_but_that_it_looks() {
    let mut session = session(Access::View);
    session.receive(output("screen")).unwrap();
    for typed in [&b"ls"[..], b"\x03", b"\x03"] {
        session.type_in(typed);
    }
    session.resize(Size { columns: 100, rows: 30 });
    session.written(6);
    session.ping();
    assert_eq!(said(&mut session), [Frame::OutputCredit { bytes: 6 }, Frame::Ping]);
    session.close();
    let join = session.join();
    assert_eq!((join.typed(), join.interrupts), (0..=0, 0));
}

#[test]
fn after_a_break_it_goes_on_where_it_was() {
    let mut session = session(Access::Interact);
    session.receive(Frame::Position { position: 0, screen_bytes: 0 }).unwrap();
    session.receive(output("hello")).unwrap();
    session.type_in(b"abc");
    said(&mut session);
    session.receive(Frame::InputCredit { bytes: 1 }).unwrap();
    session.close();
    session.type_in(b"d");
    assert_eq!(said(&mut session), [], "there is nobody to say it to");

    let join = session.join();
    assert_eq!((join.terminal, join.drawn, join.typed()), (7, Some(5), 1..=3));
    session.open(Joined { terminal: 7, typed: 2 });
    assert_eq!(said(&mut session), [input("cd")]);
    assert_eq!(session.output(), b"hello", "what came is still to be written");
}

#[test]
fn a_terminal_that_ended_says_its_code_and_a_viewers_words_are_refused() {
    let mut session = session(Access::Interact);
    assert_eq!(session.receive(Frame::Alive).unwrap(), Said::Something);
    assert_eq!(session.receive(Frame::Exit { code: 3 }).unwrap(), Said::Exit(3));
    for frame in [input("x"), Frame::Ping, Frame::Joined(JOINED)] {
        assert!(session.receive(frame).is_err());
    }
}
