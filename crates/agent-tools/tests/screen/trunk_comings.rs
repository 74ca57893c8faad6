//! Who comes by a trunk, who leaves it, and what it may say there.

use bytes::Bytes;
use rustix::process::Signal;
use screen_wire::{Enter, Frame, Join, Viewer as Key};

use crate::{trunk::Trunk, trunks::terminal};

fn key(number: u8) -> Key {
    Key::from_bytes([number; 16])
}

#[tokio::test]
async fn who_comes_again_by_another_trunk_goes_on_where_it_was() {
    let terminal = terminal("printf ready; exec cat");
    let mut before = Trunk::to(&terminal);
    before.enters(1).await;
    before.enters(2).await;
    before.sees(1, "ready").await;
    before.until(2, |guest| guest.follows).await;
    before.types(1, b"typed").await;
    before.sees(2, "typed").await;
    let joined = before.guest(1).joined.unwrap();

    let mut after = Trunk::to(&terminal);
    let join = Join {
        terminal: joined.terminal,
        drawn: Some(5),
        typed_to: 9,
        ..Join::new(Key::from_bytes([1; 16]))
    };
    after.joins(7, join).await;
    after.until(7, |guest| guest.joined.is_some()).await;
    assert_eq!(after.guest(7).joined.unwrap().typed, 5, "what was typed is known");
    after.until(7, |guest| guest.follows).await;
    assert_eq!(after.guest(7).shown, [(5, b"typed".to_vec())]);
    before.until(1, |guest| guest.left).await;
    before.types(2, b" on").await;
    after.sees(7, " on").await;
    before.sees(2, " on").await;
}

#[tokio::test]
async fn a_coming_that_is_late_does_not_forget_what_was_typed_since() {
    let terminal = terminal("printf ready; exec cat");
    let mut before = Trunk::to(&terminal);
    before.enters(1).await;
    before.until(1, |guest| guest.follows).await;
    before.types(1, b"typed").await;
    before.sees(1, "typed").await;
    let joined = before.guest(1).joined.unwrap();
    let first = Join::new(Key::from_bytes([1; 16]));
    let again = Join { terminal: joined.terminal, ..first };

    // As of attempts that were given up, the first of all among them, before the viewer had typed anything.
    let mut late = Trunk::to(&terminal);
    for (number, join) in [(7, again), (8, first)] {
        late.joins(number, join).await;
        late.until(number, |guest| guest.joined.is_some()).await;
        assert_eq!(late.guest(number).joined.unwrap().typed, 0, "as it says itself");
        late.says(number, Frame::Leave).await;
        late.until(number, |guest| guest.left).await;
    }

    late.joins(9, Join { drawn: Some(5), typed_to: 9, ..again }).await;
    late.until(9, |guest| guest.joined.is_some()).await;
    assert_eq!(late.guest(9).joined.unwrap().typed, 5, "what was typed is typed once");
}

#[tokio::test]
async fn who_came_by_a_trunk_that_was_killed_comes_again_and_types_nothing_twice() {
    let terminal = terminal("printf ready; exec cat");
    let mut before = Trunk::to(&terminal);
    for number in [1, 2] {
        before.enters(number).await;
        before.until(number, |guest| guest.follows).await;
    }
    before.sees(1, "ready").await;
    before.types(1, b"one ").await;
    before.sees(2, "one ").await;
    before.types(2, b"two ").await;
    before.sees(2, "one two ").await;
    let joined = before.guest(1).joined.unwrap();
    before.stream.signal(Signal::KILL);
    before.stream.left().await;

    let mut after = Trunk::to(&terminal);
    // The first has typed four bytes more, which never came; the second knows of none that did.
    for (number, typed_to) in [(1, 8), (2, 4)] {
        let (terminal, drawn) = (joined.terminal, Some(9));
        let join = Join { terminal, drawn, typed_to, ..Join::new(key(number)) };
        after.joins(number.into(), join).await;
        after.until(number.into(), |guest| guest.joined.is_some()).await;
        assert_eq!(after.guest(number.into()).joined.unwrap().typed, 4);
    }
    after.types(1, b"more").await;
    for number in [1, 2] {
        after.sees(number, "more").await;
        assert_eq!(after.guest(number).shown, [(9, b"two more".to_vec())]);
    }
}

#[tokio::test]
async fn for_one_who_may_only_look_nothing_is_made_up_for() {
    let script = "trap 'echo INT' INT; printf ready; \
                  while :; do read -r line; echo \"<$line>\"; done";
    let mut trunk = Trunk::to(&terminal(script));
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows && guest.has_seen("ready")).await;
    let join = Join { typed_from: 2, typed_to: 9, interrupts: 3, ..Join::new(key(2)) };
    trunk.joins(2, join.looking()).await;
    trunk.until(2, |guest| guest.follows).await;
    assert_eq!(trunk.guest(2).joined.unwrap().typed, 9);
    trunk.types(1, b"typed\n").await;
    trunk.sees(2, "<typed>").await;
    assert!(!trunk.guest(2).has_seen("INT"));
}

#[tokio::test]
async fn a_trunk_stays_without_viewers_and_a_number_may_be_anothers_later() {
    let mut trunk = Trunk::to(&terminal("printf ready; exec cat"));
    for text in ["first", "second", "third"] {
        trunk.enters(1).await;
        trunk.until(1, |guest| guest.follows && guest.has_seen("ready")).await;
        trunk.types(1, text.as_bytes()).await;
        trunk.sees(1, text).await;
        trunk.says(1, Frame::Leave).await;
        trunk.until(1, |guest| guest.left).await;
    }
}

#[tokio::test]
async fn each_has_windows_and_an_end_of_its_own() {
    let mut trunk = Trunk::to(&terminal("printf ready; exec cat"));
    for number in [1, 2, 3] {
        trunk.enters(number).await;
        trunk.until(number, |guest| guest.follows).await;
    }
    trunk.says(1, Frame::Input(Bytes::from(vec![b'x'; 40_000]))).await;
    trunk.says(2, Frame::Input(Bytes::from(vec![b'y'; 40_000]))).await;
    trunk.says(0, Frame::Ping).await;
    trunk.until(1, |guest| guest.credited >= 16_384).await;
    trunk.until(2, |guest| guest.credited >= 16_384).await;
    assert_eq!(trunk.guest(3).credited, 0);
    trunk.says(1, Frame::Leave).await;
    trunk.until(1, |guest| guest.left).await;
    trunk.says(2, Frame::HangUp).await;
    trunk.until(2, |guest| guest.left).await;
    for frame in [
        Frame::Input(Bytes::from_static(b"late")),
        Frame::Resize { columns: 90, rows: 30 },
        Frame::Interrupt,
        Frame::Typed { position: 9, interrupts: 1 },
        Frame::OutputCredit { bytes: 1 },
        Frame::Redraw { unacknowledged: 1 },
        Frame::Leave,
        Frame::HangUp,
    ] {
        // One who has left, and one whom nobody knows.
        trunk.says(1, frame.clone()).await;
        trunk.says(99, frame).await;
    }
    trunk.types(3, b"still here").await;
    trunk.sees(3, "still here").await;
    assert!(!trunk.guest(3).has_seen("late"));
}

#[tokio::test]
async fn those_who_find_no_place_are_told_so_however_many_they_are() {
    let mut trunk = Trunk::to(&terminal("printf ready; exec cat"));
    trunk.enters(1).await;
    for number in 2..1000 {
        let enter = Enter { columns: 0, rows: 24, window_bytes: 4096, join: Join::new(key(2)) };
        trunk.enters_with(number, enter).await;
    }
    for number in 2..1000 {
        trunk.until(number, |guest| guest.left).await;
    }
    trunk.until(1, |guest| guest.follows).await;
    trunk.types(1, b"still here").await;
    trunk.sees(1, "still here").await;
}

#[tokio::test]
async fn what_the_owner_of_a_trunk_may_not_say_ends_it() {
    let enter = Enter { columns: 80, rows: 24, window_bytes: 4096, join: Join::new(key(1)) };
    for frame in [Frame::Input(Bytes::from_static(b"x")), Frame::Enter(enter), Frame::Follows] {
        let mut trunk = Trunk::to(&terminal("exec cat"));
        trunk.says(0, frame).await;
        assert!(!trunk.stream.ended().await.screen.success());
    }
}

#[tokio::test]
async fn what_a_viewer_may_not_say_costs_nobody_else_anything() {
    let enter = Enter { columns: 80, rows: 24, window_bytes: 4096, join: Join::new(key(1)) };
    let much = Frame::Input(Bytes::from(vec![b'x'; 40_000]));
    for frames in [
        vec![Frame::Enter(enter)],
        vec![Frame::Exit { code: 0 }],
        // Nobody reads it, so no more is credited than the kernel holds.
        vec![much; 5],
    ] {
        let mut trunk = Trunk::to(&terminal("printf ready; exec sleep 1000"));
        for number in [1, 2] {
            trunk.enters(number).await;
            trunk.until(number, |guest| guest.follows).await;
        }
        for frame in frames {
            trunk.says(1, frame).await;
        }
        trunk.until(1, |guest| guest.left).await;
        trunk.enters(1).await;
        trunk.until(1, |guest| guest.follows).await;
        assert!(!trunk.guest(2).left);
    }
}
