//! How a screen ends, and that nothing stays behind.

use std::{ffi::OsStr, os::fd::OwnedFd, path::Path, time::Instant};

use bytes::Bytes;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
    process::{PidfdFlags, Signal, pidfd_open},
};
use screen_wire::{Frame, INPUT_WINDOW_BYTES};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::viewer::{Viewer, exists, fifo, gate, patiently};

const PATIENCE: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };

#[tokio::test]
async fn when_the_viewer_leaves_nothing_stays_not_even_what_refuses_to_hang_up() {
    let mut viewer = Viewer::of_script(
        "trap '' HUP
         sleep 1000 & echo job=$!
         (setsid sleep 1000 & echo daemon=$!)
         echo leader=$$
         while :; do wait; done",
    );
    let job = viewer.sees_pid("job").await;
    let daemon = viewer.sees_pid("daemon").await;
    let leader = viewer.sees_pid("leader").await;

    let left_at = Instant::now();
    viewer.leave_stdin();
    assert!(viewer.ended().await.screen.success());
    assert!(left_at.elapsed().as_secs() < 4, "took {:?}", left_at.elapsed());
    assert_eq!([job, daemon, leader].map(exists), [false; 3]);
}

#[tokio::test]
async fn a_program_that_hangs_up_politely_is_not_waited_for() {
    let mut viewer = Viewer::of_script("(setsid sleep 1000 &); echo ready; exec sleep 1000");
    viewer.sees("ready").await;
    let left_at = Instant::now();
    viewer.leave_stdin();
    viewer.left().await;
    assert!(left_at.elapsed().as_secs() < 2, "took {:?}", left_at.elapsed());
}

#[tokio::test]
async fn what_took_a_session_of_its_own_is_hung_up_once_its_parent_has_left() {
    let dir = tempfile::tempdir().unwrap();
    let heard = dir.path().join("heard");
    let mut lines = BufReader::new(fifo(&heard)).lines();
    let script = "export HEARD=$0
                  setsid sh -c 'trap \"echo hung up > $HEARD; exit\" HUP
                                echo ready; while :; do sleep 1000 & wait; done' &
                  exec sleep 1000";
    let mut viewer = Viewer::of(&["sh", "-c", script, path(&heard)].map(OsStr::new));
    viewer.sees("ready").await;
    viewer.leave_stdin();
    assert_eq!(patiently(lines.next_line()).await.unwrap().as_deref(), Some("hung up"));
    assert!(viewer.left().await.success());
}

#[tokio::test]
async fn what_a_program_leaves_behind_goes_with_it() {
    let mut viewer = Viewer::of_script("nohup sleep 1000 >/dev/null 2>&1 & echo job=$!");
    let job = viewer.sees_pid("job").await;
    assert_eq!(viewer.ended().await.code, Some(0));
    assert!(!exists(job));
}

#[tokio::test]
async fn a_viewer_that_can_no_longer_be_told_anything_has_left() {
    let mut viewer = Viewer::of_script("echo leader=$$; exec sleep 1000");
    let leader = viewer.sees_pid("leader").await;
    viewer.leave_stdout();
    assert!(viewer.left().await.success());
    assert!(!exists(leader));
}

#[tokio::test]
async fn a_screen_that_is_asked_to_stop_takes_its_program_along() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut viewer = Viewer::of_script("echo leader=$$; exec sleep 1000");
        let leader = viewer.sees_pid("leader").await;
        viewer.signal(signal);
        assert!(viewer.left().await.success());
        assert!(!exists(leader), "{signal:?}");
    }
}

#[tokio::test]
async fn a_screen_that_is_killed_takes_its_program_along() {
    let mut viewer = Viewer::of_script("trap '' HUP; echo leader=$$; while :; do read _; done");
    let leader = viewer.sees_pid("leader").await;
    let leader = pidfd_open(leader, PidfdFlags::empty()).unwrap();
    viewer.signal(Signal::KILL);
    ends(&leader);
}

/// Waits for the end of a process.
pub(crate) fn ends(process: &OwnedFd) {
    let ended = retry_on_intr(|| poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&PATIENCE)));
    assert_eq!(ended, Ok(1));
}

#[tokio::test]
async fn a_viewer_that_left_is_noticed_behind_input_that_nobody_reads() {
    let paste = Frame::Input(Bytes::from(vec![b'x'; INPUT_WINDOW_BYTES]));
    let mut viewer = Viewer::hasty("stty raw; exec sleep 1000", [paste]);
    assert!(viewer.ended().await.screen.success());
}

#[tokio::test]
async fn what_was_typed_before_the_viewer_left_still_reaches_a_busy_program() {
    let dir = tempfile::tempdir().unwrap();
    let (go, heard) = (dir.path().join("go"), dir.path().join("heard"));
    let (mut gate, mut lines) = (gate(&go), BufReader::new(fifo(&heard)).lines());
    let script = "trap '' HUP; echo ready; read _ < $0; read line; echo \"<$line>\" > $1";
    let mut viewer = Viewer::of(&["sh", "-c", script, path(&go), path(&heard)].map(OsStr::new));
    viewer.sees("ready").await;
    viewer.type_in(b"the last line\n").await;
    viewer.leave_stdin();
    gate.write_all(b"go\n").await.unwrap();
    let line = patiently(lines.next_line()).await.unwrap();
    assert_eq!(line.as_deref(), Some("<the last line>"));
}

#[tokio::test]
async fn a_viewer_that_says_that_it_leaves_need_not_end_its_stream() {
    let dir = tempfile::tempdir().unwrap();
    let heard = dir.path().join("heard");
    let mut lines = BufReader::new(fifo(&heard)).lines();
    let script = "trap '' HUP; echo ready; read line; echo \"<$line>\" > $0; sleep 1000";
    let mut viewer = Viewer::of(&["sh", "-c", script, path(&heard)].map(OsStr::new));
    viewer.sees("ready").await;
    viewer.type_in(b"the last line\n").await;
    viewer.send(Frame::Leave).await;
    let line = patiently(lines.next_line()).await.unwrap();
    assert_eq!(line.as_deref(), Some("<the last line>"));
    assert!(viewer.left().await.success());
}

#[tokio::test]
async fn a_viewer_that_was_cut_has_nothing_more_typed_for_it() {
    for before in [None, Some(Frame::Leave)] {
        is_cut(before).await;
    }
}

/// Whether it has left `before` or not.
async fn is_cut(before: Option<Frame>) {
    let dir = tempfile::tempdir().unwrap();
    let (go, heard) = (dir.path().join("go"), dir.path().join("heard"));
    let (mut gate, mut lines) = (gate(&go), BufReader::new(fifo(&heard)).lines());
    // Reads one byte for each line that comes through the gate, and tells how many it got.
    let script = "stty raw -echo; echo ready
                  trap 'trap \"\" HUP; echo hung up > $1' HUP
                  while :; do read _ < $0 && dd bs=1 count=1 2>/dev/null | wc -c > $1; done";
    let mut viewer = Viewer::of(&["sh", "-c", script, path(&go), path(&heard)].map(OsStr::new));
    viewer.sees("ready").await;
    viewer.paste(&vec![b'x'; INPUT_WINDOW_BYTES]).await;
    gate.write_all(b"go\n").await.unwrap();
    assert_eq!(patiently(lines.next_line()).await.unwrap().as_deref(), Some("1"));

    let cut_at = Instant::now();
    if let Some(before) = before {
        viewer.send(before).await;
    }
    viewer.send(Frame::HangUp).await;
    assert_eq!(patiently(lines.next_line()).await.unwrap().as_deref(), Some("hung up"));
    assert!(cut_at.elapsed().as_millis() < 1000, "took {:?}", cut_at.elapsed());
    gate.write_all(b"go\n").await.unwrap();
    assert_eq!(patiently(lines.next_line()).await.unwrap().as_deref(), Some("0"));
    assert!(viewer.left().await.success());
}

#[tokio::test]
async fn a_viewer_that_is_silent_has_left() {
    let mut viewer =
        Viewer::of_script_with(&["--silence-ms", "1000"], "echo leader=$$; exec sleep 1000");
    let leader = viewer.sees_pid("leader").await;
    assert!(viewer.left().await.success());
    assert!(!exists(leader));
}

#[tokio::test]
async fn a_viewer_without_credit_is_told_the_end_all_the_same() {
    let flags = ["--window-bytes", "4096", "--alive-ms", "100"];
    let mut viewer =
        Viewer::of_script_with(&flags, "stty raw; seq 1 2000; exit 7").without_credit();
    assert_eq!(viewer.ended().await.code, Some(7));
    assert_eq!(viewer.seen.len(), 4096);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
