//! How a terminal ends for those of a trunk, and that none of them keeps it from that.

use bytes::Bytes;
use rustix::process::{PidfdFlags, pidfd_open};
use screen_wire::Frame;

use crate::{
    leaving::ends,
    terminal::Terminal,
    trunk::{Trunk, WINDOW_BYTES},
    trunks::terminal,
    viewer::patiently,
};

/// 97 kB: more than a pipe holds, and less than the program may be ahead of that.
const MUCH: &str = "seq 1 18000";

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
async fn the_end_is_told_to_one_who_waits_for_those_who_take_nothing() {
    // What does not fit into the window any more fits into the terminal itself, and the program ends.
    let pours = format!("head -c {WINDOW_BYTES} /dev/zero | tr '\\0' x");
    let script = format!("printf ready; read -r _; {pours}; read -r _; printf end; exit 7");
    let mut trunk = Trunk::to(&terminal(&script));
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows && guest.has_seen("ready")).await;
    trunk.stalls_at_a_full_window(1).await;
    trunk.enters(2).await;
    trunk.until(2, |guest| guest.screens == 1).await;
    trunk.types(2, b"\n").await;
    trunk.until(2, |guest| guest.exit.is_some()).await;
    assert_eq!(trunk.guest(2).exit, Some(7));
    assert!(trunk.guest(2).has_seen("end"));
    assert_eq!((trunk.guest(2).follows, trunk.guest(1).exit), (false, None));

    trunk.is_redrawn(1).await;
    trunk.takes(1).await;
    trunk.until(1, |guest| guest.exit.is_some()).await;
    assert!(trunk.guest(1).has_seen("end"));
    assert!(trunk.stream.ended().await.screen.success());
}

#[tokio::test]
async fn one_who_takes_nothing_is_told_the_end_all_the_same() {
    let more = WINDOW_BYTES + 1000;
    let script = format!("printf ready; read -r _; head -c {more} /dev/zero; exit 7");
    let mut trunk = Trunk::to(&terminal(&script).with(&["--alive-ms", "2000"]));
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows && guest.has_seen("ready")).await;
    trunk.stalls(1);
    trunk.types(1, b"\n").await;
    trunk.until(1, |guest| guest.exit.is_some()).await;
    assert_eq!((trunk.guest(1).exit, trunk.uncredited), (Some(7), WINDOW_BYTES));
    assert!(trunk.stream.ended().await.screen.success());
}

#[tokio::test]
async fn the_last_of_a_trunk_is_told_that_it_left_before_the_terminal_goes() {
    let terminal = terminal("echo leader=$$; exec cat").with(&["--idle-ms", "0"]);
    let mut alone = terminal.viewer();
    let leader = alone.sees_pid("leader").await;
    let process = pidfd_open(leader, PidfdFlags::empty()).unwrap();
    let mut trunk = Trunk::to(&terminal);
    for number in [1, 2] {
        trunk.enters(number).await;
        trunk.sees(number, "leader").await;
    }
    alone.leave_stdin();
    alone.left().await;
    trunk.says(1, Frame::Leave).await;
    trunk.until(1, |guest| guest.left).await;
    trunk.types(2, b"still here").await;
    trunk.sees(2, "still here").await;
    trunk.says(2, Frame::Leave).await;
    trunk.until(2, |guest| guest.left).await;
    ends(&process);
    assert!(patiently(trunk.stream.left()).await.success());
}

#[tokio::test]
async fn a_trunk_that_nobody_reads_keeps_no_terminal_that_nobody_looks_at() {
    let script = format!("echo leader=$$; read -r _; {MUCH}; printf end; exec cat");
    let terminal = terminal(&script).with(&["--idle-ms", "0"]);
    let mut alone = terminal.viewer();
    let leader = alone.sees_pid("leader").await;
    let process = pidfd_open(leader, PidfdFlags::empty()).unwrap();
    let mut trunk = Trunk::to(&terminal);
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows).await;
    alone.type_in(b"\n").await;
    alone.sees("end").await;
    alone.leave_stdin();
    trunk.says(1, Frame::HangUp).await;
    ends(&process);
    assert!(alone.left().await.success() && trunk.stream.left().await.success());
}

#[tokio::test]
async fn who_reads_nothing_keeps_no_terminal_whose_program_has_ended() {
    let script = format!("printf ready; read -r _; {MUCH}; exit 7");
    let terminal = terminal(&script).with(&["--alive-ms", "200"]);
    let mut trunk = Trunk::to(&terminal);
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows).await;
    trunk.types(1, b"\n").await;
    assert!(trunk.stream.left().await.success());

    let script = format!("stty raw -echo; {MUCH}; exit 7");
    let flags = ["--alive-ms", "200", "--silence-ms", "600000"];
    let mut alone = Terminal::of_script(&script).with(&flags).viewer();
    alone.send(Frame::Input(Bytes::from_static(b"x"))).await;
    assert!(alone.left().await.success());
}
