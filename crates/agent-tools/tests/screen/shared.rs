//! One terminal, and several who look at it.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::Path,
};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use screen_wire::{Frame, INPUT_WINDOW_BYTES};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    task::yield_now,
};

use crate::{
    leaving::ends,
    terminal::Terminal,
    viewer::{exists, fifo, gate, patiently},
};

/// Long enough for all of a test.
const STAYS: [&str; 2] = ["--idle-ms", "60000"];

#[tokio::test]
async fn two_viewers_see_the_same_program_and_type_into_it() {
    let terminal = Terminal::shared("stty raw -echo; echo leader=$$; exec cat");
    let mut first = terminal.viewer();
    let leader = first.sees_pid("leader").await;
    let mut second = terminal.viewer();
    assert_eq!(second.sees_pid("leader").await, leader);

    first.type_in(b"from the first,").await;
    second.sees("from the first,").await;
    second.type_in(b"from the second").await;
    first.sees("from the second").await;
}

#[tokio::test]
async fn who_comes_later_gets_the_screen_as_it_is_and_then_what_comes() {
    let script = "printf 'gone\\033[2J\\033[?1049h\\033[?1003h\\033[3;5Hdrawn'; exec cat";
    let terminal = Terminal::shared(&format!("stty raw -echo; {script}"));
    let mut first = terminal.viewer();
    first.sees("drawn").await;
    let mut second = terminal.viewer();
    second.sees("drawn").await;
    second.sees("\x1b[?1003h").await;
    first.type_in(b" and on").await;
    second.sees(" and on").await;
    let seen = String::from_utf8_lossy(&second.seen).into_owned();
    assert!(seen.contains("\x1b[3;5H") && seen.contains("\x1b[?1047h"), "{seen:?}");
    assert!(!seen.contains("gone"), "{seen:?}");
}

#[tokio::test]
async fn a_sequence_that_is_under_way_is_whole_for_who_comes_in_the_middle_of_it() {
    let terminal = Terminal::shared(
        "stty raw -echo; printf 'ready\\033[3'; read -r _; printf '1mred'; exec cat",
    );
    let mut first = terminal.viewer();
    first.sees("\x1b[3").await;
    let mut second = terminal.viewer();
    second.sees("ready").await;
    second.sees("\x1b[3").await;
    first.type_in(b"\n").await;
    second.sees("\x1b[31mred").await;
}

#[tokio::test]
async fn the_program_outlives_its_viewers_and_ends_after_an_idle_time() {
    let terminal = Terminal::shared("stty raw -echo; echo leader=$$; exec cat");
    let staying = terminal.clone().with(&["--idle-ms", "3000"]);
    let mut viewer = staying.viewer();
    let leader = viewer.sees_pid("leader").await;
    viewer.leave_stdin();
    assert!(viewer.left().await.success());
    assert!(exists(leader));

    let mut again = staying.viewer();
    assert_eq!(again.sees_pid("leader").await, leader);
    let process = pidfd_open(leader, PidfdFlags::empty()).unwrap();
    again.leave_stdin();
    again.left().await;
    ends(&process);
}

#[tokio::test]
async fn without_viewers_a_program_is_not_held_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("done");
    let mut done = BufReader::new(fifo(&path)).lines();
    let script = format!(
        "echo leader=$$; echo ready; read _; seq 1 200000; echo done > {}; sleep 1000",
        path.display()
    );
    let terminal = Terminal::shared(&script).with(&STAYS);
    let mut viewer = terminal.viewer();
    let leader = viewer.sees_pid("leader").await;
    viewer.sees("ready").await;
    viewer.type_in(b"\n").await;
    viewer.leave_stdin();
    viewer.left().await;
    assert_eq!(patiently(done.next_line()).await.unwrap().as_deref(), Some("done"));
    let mut late = terminal.viewer();
    late.sees("200000").await;
    assert!(!contains(&late.seen, b"leader"), "it has scrolled out");
    kill_process(parent(leader), Signal::TERM).unwrap();
}

#[tokio::test]
async fn many_first_viewers_at_once_have_one_terminal() {
    let terminal = Terminal::shared("echo leader=$$; exec sleep 1000");
    // Each finds no socket, and waits for the right to start the holder.
    fs::DirBuilder::new().mode(0o700).create(terminal.sockets()).unwrap();
    let lock = fs::File::create(terminal.sockets().join("default.lock")).unwrap();
    lock.lock().unwrap();
    let mut viewers: Vec<_> = (0..24).map(|_| terminal.viewer()).collect();
    let all_wait = async {
        while waiters(&lock) < viewers.len() {
            yield_now().await;
        }
    };
    patiently(all_wait).await;
    drop(lock);
    let mut leaders = vec![];
    for viewer in &mut viewers {
        leaders.push(viewer.sees_pid("leader").await);
    }
    leaders.dedup();
    assert_eq!(leaders.len(), 1, "{leaders:?}");
}

#[tokio::test]
async fn a_holder_that_was_killed_is_told_of_and_replaced() {
    let terminal =
        Terminal::shared("trap '' HUP; echo leader=$$; while :; do read _; done").with(&STAYS);
    let mut viewer = terminal.viewer();
    let leader = viewer.sees_pid("leader").await;
    let process = pidfd_open(leader, PidfdFlags::empty()).unwrap();
    kill_process(parent(leader), Signal::KILL).unwrap();
    let ended = viewer.ended().await;
    assert_eq!((ended.code, ended.screen.code()), (None, Some(1)));
    ends(&process);
    assert!(terminal.sockets().join("default.sock").exists(), "it left its socket behind");

    let mut next = terminal.viewer();
    let another = next.sees_pid("leader").await;
    assert_ne!(another, leader);
    kill_process(parent(another), Signal::TERM).unwrap();
}

#[tokio::test]
async fn names_are_terminals_of_their_own() {
    let terminal = Terminal::shared("echo leader=$$; exec sleep 1000");
    let mut one = terminal.viewer();
    let mut other = terminal.clone().with(&["--name", "other"]).viewer();
    assert_ne!(one.sees_pid("leader").await, other.sees_pid("leader").await);
}

#[tokio::test]
async fn a_folder_that_others_may_enter_is_refused() {
    let terminal = Terminal::shared("exec sleep 1000");
    fs::create_dir(terminal.sockets()).unwrap();
    fs::set_permissions(terminal.sockets(), fs::Permissions::from_mode(0o755)).unwrap();
    let ended = terminal.viewer().ended().await;
    assert_eq!((ended.code, ended.screen.code()), (None, Some(1)));
}

#[tokio::test]
async fn the_last_who_types_sets_the_size() {
    let terminal = Terminal::shared("stty -echo; while read _; do stty size; done");
    let mut desk = terminal.viewer_of_size(120, 40);
    desk.type_in(b"\n").await;
    desk.sees("40 120").await;
    let mut phone = terminal.viewer_of_size(50, 20);
    phone.sees("40 120").await;
    desk.type_in(b"\n").await;
    phone.sees("40 120\r\n").await;
    phone.type_in(b"\n").await;
    desk.sees("20 50").await;
}

#[tokio::test]
async fn the_holder_answers_the_programs_questions_and_viewers_answers_are_dropped() {
    let script = "stty raw -echo min 1; printf '\\033[c'; dd bs=1 count=7 2>/dev/null | od -An -c; echo ready; exec cat -v";
    let mut viewer = Terminal::shared(script).viewer();
    viewer.sees("033   [   ?   1   ;   2   c").await;
    viewer.sees("ready").await;
    viewer.type_in(b"a\x1b[?1;").await;
    viewer.type_in(b"2cb\x1b]11;rgb:0000/0000/0000\x1b\\c\x1bOA").await;
    viewer.sees("abc^[OA").await;
    // The Escape key alone is not waited for long.
    viewer.type_in(b"\x1b").await;
    viewer.sees("^[OA^[").await;
}

#[tokio::test]
async fn one_who_takes_nothing_holds_nobody_up_and_gets_the_screen_when_it_takes_again() {
    let script = "stty raw -echo; echo ready; read -r _; seq 1 200000; printf end; exec cat";
    let terminal = Terminal::shared(script);
    let mut fast = terminal.viewer();
    fast.sees("ready").await;
    let mut slow = terminal.viewer().without_credit();
    slow.sees("ready").await;
    fast.type_in(b"\n").await;
    fast.sees("\n200000\nend").await;

    let mut taken = slow.seen.len();
    while !slow.seen.ends_with(b"end") && !contains(&slow.seen, b"200000") {
        slow.credit_output(slow.seen.len() - taken).await;
        taken = slow.seen.len();
        assert!(slow.next().await.is_some());
    }
    assert!(slow.seen.len() < fast.seen.len() / 2, "{} of {}", slow.seen.len(), fast.seen.len());
    fast.type_in(b"and on").await;
    slow.sees("and on").await;
}

#[tokio::test]
async fn a_viewer_that_is_cut_takes_its_input_along_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("go");
    let mut gate = gate(&path);
    let script = format!("stty raw -echo; echo ready; read _ < {}; exec cat", path.display());
    let terminal = Terminal::shared(&script);
    let mut one = terminal.viewer();
    one.sees("ready").await;
    let mut other = terminal.viewer();
    other.sees("ready").await;
    one.paste(&vec![b'x'; INPUT_WINDOW_BYTES]).await;
    one.send(Frame::HangUp).await;
    assert!(one.left().await.success());
    other.type_in(b"still here").await;
    gate.write_all(b"go\n").await.unwrap();
    other.sees("still here").await;
    assert!(!contains(&other.seen, b"x"), "{:?}", other.seen);
}

/// How many processes wait for the lock, as the kernel lists them (`proc_locks(5)`).
fn waiters(lock: &fs::File) -> usize {
    let inode = format!(":{} ", lock.metadata().unwrap().ino());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    locks.lines().filter(|line| line.contains("->") && line.contains(&inode)).count()
}

fn contains(seen: &[u8], text: &[u8]) -> bool {
    seen.windows(text.len()).any(|window| window == text)
}

/// The parent of a process: that of a leader is the holder.
pub(crate) fn parent(pid: Pid) -> Pid {
    let stat = Path::new("/proc").join(pid.as_raw_nonzero().to_string()).join("stat");
    let stat = fs::read_to_string(stat).unwrap();
    let parent = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap();
    Pid::from_raw(parent.parse().unwrap()).unwrap()
}
