//! The screen on a real PTY, with real programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::ffi::OsStr;

use screen_wire::Frame;
use tokio::io::{AsyncBufReadExt, BufReader};

mod flow;
mod leaving;
mod page;
mod presence;
mod resuming;
mod shared;
mod terminal;
mod trunk;
mod trunk_comings;
mod trunk_ends;
mod trunks;
mod viewer;

use viewer::{Viewer, fifo, patiently};

#[tokio::test]
async fn what_is_typed_reaches_the_program_and_its_answer_the_viewer() {
    let mut viewer = Viewer::of_script("read line; echo \"<$line>\"");
    viewer.type_in(b"hello\n").await;
    viewer.sees("<hello>").await;
}

#[tokio::test]
async fn the_terminal_is_the_programs_own() {
    let mut viewer = Viewer::of_script("echo \"$TERM $COLORTERM $(tty)\" > /dev/tty");
    viewer.sees("xterm-256color truecolor /dev/pts/").await;
}

#[tokio::test]
async fn ctrl_c_interrupts_the_program() {
    let mut viewer = Viewer::of_script("trap 'exit 9' INT; echo ready; while :; do read _; done");
    viewer.sees("ready").await;
    viewer.type_in(b"\x03").await;
    assert_eq!(viewer.ended().await.code, Some(9));
}

#[tokio::test]
async fn the_terminal_has_the_viewers_size_and_follows_it() {
    let mut viewer = Viewer::of_script("stty size; read _; stty size");
    viewer.sees("24 80").await;
    // The second has no cells: it is what a hidden page says, and is ignored.
    viewer.resize(132, 43).await;
    viewer.resize(0, 0).await;
    viewer.type_in(b"\n").await;
    viewer.sees("43 132").await;
}

#[tokio::test]
async fn a_size_that_would_exhaust_the_program_is_cut() {
    let mut viewer = Viewer::of_script("read _; stty size");
    viewer.resize(u16::MAX, u16::MAX).await;
    viewer.type_in(b"\n").await;
    viewer.sees("1000 1000").await;
}

#[tokio::test]
async fn a_size_on_the_command_line_follows_the_same_rule() {
    let mut viewer = Viewer::of_size(1001, 1, "stty size");
    viewer.sees("1 1000").await;

    for (columns, rows) in [(0, 24), (80, 0)] {
        let ended = Viewer::of_size(columns, rows, "stty size").ended().await;
        assert_eq!((ended.code, ended.screen.code()), (None, Some(1)));
    }
}

#[tokio::test]
async fn the_exit_code_follows_all_of_the_output() {
    for _ in 0..20 {
        let mut viewer = Viewer::of_script("printf 'the last words'; exit 7");
        let ended = viewer.ended().await;
        assert_eq!((&viewer.seen[..], ended.code), (&b"the last words"[..], Some(7)));
        assert!(ended.screen.success());
    }
}

#[tokio::test]
async fn a_program_killed_by_a_signal_has_the_code_of_a_shell() {
    let ended = Viewer::of_script("kill -TERM $$").ended().await;
    assert_eq!(ended.code, Some(128 + 15));
}

#[tokio::test]
async fn a_program_that_cannot_run_says_so_on_the_terminal() {
    let mut viewer = Viewer::of(&[OsStr::new("/nowhere")]);
    viewer.sees("cannot run /nowhere").await;
    viewer.sees("No such file").await;
    assert_eq!(viewer.ended().await.code, Some(1));
}

#[tokio::test]
async fn bulk_output_is_complete_and_in_order() {
    const LAST: u32 = 600_000;
    let mut viewer = Viewer::of_script(&format!("stty raw; seq 1 {LAST}"));
    let ended = viewer.ended().await;

    let mut expected: Vec<_> = (1..=LAST).map(|number| number.to_string()).collect();
    expected.push(String::new());
    assert_eq!(ended.code, Some(0));
    assert!(viewer.seen == expected.join("\n").as_bytes(), "{} bytes differ", viewer.seen.len());
}

#[tokio::test]
async fn a_character_cut_in_two_arrives_whole() {
    let mut viewer = Viewer::of_script("stty raw -echo; echo ready; exec cat");
    viewer.sees("ready").await;
    viewer.type_in(b"caf\xc3").await;
    viewer.sees("caf").await;
    viewer.type_in(b"\xa9!").await;
    viewer.sees("café!").await;
}

#[tokio::test]
async fn a_viewer_that_does_not_read_is_still_heard() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("heard");
    let mut heard = BufReader::new(fifo(&path)).lines();
    // Far more output than all buffers on the way can hold, and none of it is read.
    let script = "seq 1 3000000 & while read line; do echo \"$line $(stty size)\" > \"$0\"; done";
    let program = ["sh", "-c", script].map(OsStr::new);
    let mut viewer = Viewer::of(&[&program[..], &[path.as_os_str()]].concat());

    for rows in 1..=200 {
        viewer.resize(100, rows).await;
        viewer.type_in(b"ping\n").await;
        let line = patiently(heard.next_line()).await.unwrap();
        assert_eq!(line, Some(format!("ping {rows} 100")));
    }
    viewer.leave_stdin();
    assert!(viewer.left().await.success());
}

#[tokio::test]
async fn a_viewer_may_not_speak_as_a_screen() {
    let mut viewer = Viewer::of_script("exec sleep 1000");
    viewer.send(Frame::Exit { code: 0 }).await;
    assert!(!viewer.ended().await.screen.success());
}
