//! Many viewers by one stream.

use bytes::Bytes;
use screen_wire::{Frame, Join, Viewer as Key};

use crate::{
    leaving::ends,
    terminal::Terminal,
    trunk::{Trunk, WINDOW_BYTES},
    viewer::patiently,
};

/// Long enough for all of a test.
const STAYS: [&str; 2] = ["--idle-ms", "60000"];

fn terminal(script: &str) -> Terminal {
    Terminal::shared(&format!("stty raw -echo; {script}")).with(&STAYS)
}

/// A terminal that says `ready` and, once something is typed, counts; and all that it writes.
fn counting(last: u32) -> (Terminal, Vec<u8>) {
    let terminal =
        terminal(&format!("printf ready; read -r _; seq 1 {last}; printf end; exec cat"));
    let numbers = (1..=last).map(|number| format!("{number}\n")).collect::<String>();
    (terminal, format!("ready{numbers}end").into_bytes())
}

#[tokio::test]
async fn viewers_of_a_trunk_see_one_output_that_comes_once() {
    let mut trunk = Trunk::to(&terminal("printf ready; exec cat"));
    for number in [1, 2, 3] {
        trunk.enters(number).await;
        trunk.until(number, |guest| guest.follows).await;
        trunk.sees(1, "ready").await;
    }
    let before = trunk.common;
    trunk.types(2, b"from the second").await;
    for number in [1, 2, 3] {
        trunk.sees(number, "from the second").await;
    }
    trunk.types(3, b", from the third").await;
    for number in [1, 2, 3] {
        trunk.sees(number, ", from the third").await;
    }
    assert_eq!(trunk.common - before, "from the second, from the third".len());
}

#[tokio::test]
async fn who_comes_while_output_pours_gets_the_screen_and_then_all_of_it() {
    let (terminal, written) = counting(400_000);
    let mut trunk = Trunk::to(&terminal);
    trunk.enters(1).await;
    trunk.sees(1, "ready").await;
    trunk.types(1, b"\n").await;
    trunk.sees(1, "1000").await;
    for number in 2..12 {
        trunk.enters(number).await;
        trunk.until(number, |guest| guest.follows).await;
    }
    for number in 1..12 {
        trunk.sees(number, "end").await;
        trunk.guest(number).saw(&written);
    }
    assert_eq!((trunk.guest(1).screens, trunk.jumps), (0, 0), "nobody else notices");
}

#[tokio::test]
async fn one_who_takes_nothing_is_redrawn_and_nobody_else_notices() {
    let (terminal, written) = counting(300_000);
    let mut trunk = Trunk::to(&terminal);
    for number in [1, 2] {
        trunk.enters(number).await;
        trunk.until(number, |guest| guest.follows).await;
    }
    trunk.sees(1, "ready").await;
    trunk.types(1, b"\n").await;
    trunk.sees(2, "1000").await;
    trunk.is_redrawn(2).await;
    trunk.until(2, |guest| guest.follows && guest.screens == 1).await;
    for number in [1, 2] {
        trunk.sees(number, "end").await;
        trunk.guest(number).saw(&written);
    }
    assert_eq!(trunk.guest(1).screens, 0);
}

#[tokio::test]
async fn those_who_take_nothing_do_not_keep_out_who_comes() {
    let (terminal, written) = counting(300_000);
    let mut trunk = Trunk::to(&terminal);
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows && guest.has_seen("ready")).await;
    trunk.stalls(1);
    trunk.types(1, b"\n").await;
    while trunk.common < WINDOW_BYTES / 2 {
        trunk.hears().await;
    }
    trunk.enters(2).await;
    trunk.until(2, |guest| guest.follows).await;
    assert_eq!(trunk.jumps, 1, "it was not waited for");
    trunk.sees(2, "end").await;
    trunk.guest(2).saw(&written);

    trunk.is_redrawn(1).await;
    trunk.until(1, |guest| guest.follows).await;
    trunk.types(2, b"both").await;
    trunk.sees(1, "both").await;
    trunk.guest(1).saw(&[&written[..], b"both"].concat());
}

#[tokio::test]
async fn who_comes_again_by_another_trunk_goes_on_where_it_was() {
    let mut before = Trunk::to(&terminal("printf ready; exec cat"));
    let terminal = before.stream.terminal().clone();
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
    // Whom nobody knows is not minded.
    trunk.types(1, b"late").await;
    trunk.types(3, b"still here").await;
    trunk.sees(3, "still here").await;
    assert!(!trunk.guest(3).has_seen("late"));
}

#[tokio::test]
async fn the_programs_end_is_told_to_each_after_all_of_the_output() {
    let mut trunk = Trunk::to(&terminal("printf ready; read -r _; seq 1 2000; exit 7"));
    for number in [1, 2] {
        trunk.enters(number).await;
        trunk.until(number, |guest| guest.follows).await;
    }
    trunk.types(2, b"\n").await;
    for number in [1, 2] {
        trunk.until(number, |guest| guest.exit.is_some()).await;
        assert_eq!(trunk.guest(number).exit, Some(7));
        assert!(trunk.guest(number).has_seen("2000\n"));
    }
    assert!(trunk.stream.ended().await.screen.success());
}

#[tokio::test]
async fn a_trunk_without_viewers_stays_and_holds_no_terminal() {
    let terminal = terminal("echo leader=$$; exec cat").with(&["--idle-ms", "2000"]);
    let mut alone = terminal.viewer();
    let leader = alone.sees_pid("leader").await;
    let process = rustix::process::pidfd_open(leader, rustix::process::PidfdFlags::empty());
    let mut trunk = Trunk::to(&terminal);
    trunk.enters(1).await;
    trunk.sees(1, "leader").await;
    alone.leave_stdin();
    alone.left().await;
    trunk.says(1, Frame::Leave).await;
    trunk.until(1, |guest| guest.left).await;
    trunk.enters(2).await;
    trunk.until(2, |guest| guest.follows).await;
    trunk.says(2, Frame::Leave).await;
    trunk.until(2, |guest| guest.left).await;
    ends(&process.unwrap());
    assert!(patiently(trunk.stream.left()).await.success());
}

#[tokio::test]
async fn what_a_viewer_may_not_say_ends_the_trunk() {
    let enter = |key: u8| {
        let join = Join::new(Key::from_bytes([key; 16]));
        Frame::Enter(screen_wire::Enter { columns: 80, rows: 24, window_bytes: 4096, join })
    };
    for frames in [
        vec![(0, Frame::Input(Bytes::from_static(b"x")))],
        vec![(0, enter(1))],
        vec![(1, enter(1)), (1, enter(1))],
        vec![(1, enter(1)), (1, Frame::Exit { code: 0 })],
    ] {
        let mut trunk = Trunk::to(&terminal("exec cat"));
        for (number, frame) in frames {
            trunk.says(number, frame).await;
        }
        assert!(!trunk.stream.ended().await.screen.success());
    }
}
