//! The processes on the terminal: started, reaped, and ended so that none is left in the pod. Must
//! not touch the terminal's bytes.
//!
//! The screen is the reaper of its descendants (`PR_SET_CHILD_SUBREAPER`). So whatever the program
//! leaves behind, also what took a session of its own, becomes the screen's child: it can be found,
//! and signalled without the risk that its pid has meanwhile been given to another process.

use std::{
    ffi::OsString,
    fs,
    future::poll_fn,
    io,
    os::fd::OwnedFd,
    path::Path,
    process::Command,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{
        Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group,
        set_child_subreaper, wait,
    },
};
use tokio::{
    signal::unix::{self, SignalKind},
    time::timeout,
};

/// How long the leader may take to leave before the others are looked for: they are ours then, and most of the time there
/// are none. To look for them takes a look at every process of the pod.
const LEADER_GRACE: Duration = Duration::from_millis(250);
/// How long a program may take to leave after it was hung up.
const HANG_UP_GRACE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end what was killed, before it is left to the kernel.
const KILL_GRACE: Duration = Duration::from_secs(2);

pub(crate) struct Session {
    leader: Pid,
    exit: Option<i32>,
    child_changed: unix::Signal,
}

/// What is left to reap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Children {
    Some,
    None,
}

impl Session {
    /// Starts `program` in `folder` as the leader of a new session on `terminal`.
    pub(crate) fn start(
        program: &[OsString],
        folder: &Path,
        terminal: OwnedFd,
    ) -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        // Before the child exists, or its first change could be missed.
        let child_changed = unix::signal(SignalKind::child())?;
        let child = Command::new("/proc/self/exe")
            .args(["screen", "session-leader", "--"])
            .args(program)
            .current_dir(folder)
            .env("TERM", "xterm-256color")
            .env("COLORTERM", "truecolor")
            .stdin(terminal.try_clone()?)
            .stdout(terminal.try_clone()?)
            .stderr(terminal)
            .spawn()?;
        let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { leader, exit: None, child_changed })
    }

    /// Waits for the leader's end, and reaps what ends meanwhile. The code is as a shell's: 128 + n
    /// for signal n.
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<i32> {
        loop {
            if let Some(code) = self.exit {
                return Poll::Ready(code);
            }
            ready!(self.child_changed.poll_recv(cx));
            self.reap();
        }
    }

    /// Hangs up what still runs, kills what stays, and returns when all of it has been reaped.
    pub(crate) async fn end(mut self) {
        self.reap();
        if self.exit.is_none() {
            // Fails where the leader has not taken its session yet; its end comes below.
            let _ = kill_process_group(self.leader, Signal::HUP);
            let _ = timeout(LEADER_GRACE, poll_fn(|cx| self.poll_ended(cx))).await;
        }
        if self.reap() == Children::None {
            return;
        }
        // Not the leader once more.
        signal_children(Signal::HUP, Some(self.leader).filter(|_| self.exit.is_none()));
        if timeout(HANG_UP_GRACE, self.emptied()).await.is_err() {
            let _ = timeout(KILL_GRACE, self.killed()).await;
        }
    }

    async fn emptied(&mut self) {
        while self.reap() == Children::Some {
            self.child_changed.recv().await;
        }
    }

    /// The children of a killed child become ours when it ends, so each end is followed by another
    /// look.
    async fn killed(&mut self) {
        while self.reap() == Children::Some {
            signal_children(Signal::KILL, None);
            self.child_changed.recv().await;
        }
    }

    fn reap(&mut self) -> Children {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.leader => self.exit = Some(code(status)),
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return Children::Some,
                Err(_) => return Children::None,
            }
        }
    }
}

fn code(status: WaitStatus) -> i32 {
    status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
        .unwrap_or_default()
}

/// Signals every direct child. They are not reaped meanwhile, so their pids are theirs.
fn signal_children(signal: Signal, but: Option<Pid>) {
    for child in children().into_iter().filter(|child| Some(*child) != but) {
        // It may have ended already.
        let _ = kill_process(child, signal);
    }
}

fn children() -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return vec![];
    };
    let own = getpid();
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(|pid| parent(*pid) == Some(own))
        .collect()
}

/// The fourth field of `/proc/PID/stat` (`proc_pid_stat(5)`); the second, in parentheses, is the
/// program's name and may hold anything.
fn parent(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    Pid::from_raw(after_name.split_whitespace().nth(1)?.parse().ok()?)
}
