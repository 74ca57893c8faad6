//! A viewer of a real screen: the built binary, over pipes, as the broker's exec runs it.

use std::{
    ffi::OsStr,
    fs::File,
    io::Write,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use rustix::process::{Pid, Signal, kill_process};
use screen_wire::{Frame, FrameCodec};
use tokio::{
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};
use tokio_util::codec::{Encoder, FramedRead, FramedWrite};

/// Far beyond what any of it takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Viewer {
    screen: Child,
    input: Option<FramedWrite<ChildStdin, FrameCodec>>,
    output: Option<FramedRead<ChildStdout, FrameCodec>>,
    /// Everything shown so far.
    pub(crate) seen: BytesMut,
}

/// How the program and the screen ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Of the exit frame.
    pub(crate) code: Option<i32>,
    pub(crate) screen: ExitStatus,
}

impl Viewer {
    /// Shows `program` on 80×24.
    pub(crate) fn of(program: &[&OsStr]) -> Self {
        Self::start(program, Stdio::piped())
    }

    pub(crate) fn of_script(script: &str) -> Self {
        Self::start(&sh(script), Stdio::piped())
    }

    /// A viewer that said all of `frames`, and left before any of it was read.
    pub(crate) fn hasty(script: &str, frames: impl IntoIterator<Item = Frame>) -> Self {
        let (theirs, ours) = rustix::pipe::pipe().unwrap();
        rustix::pipe::fcntl_setpipe_size(&ours, 1024 * 1024).unwrap();
        let mut wire = BytesMut::new();
        for frame in frames {
            FrameCodec.encode(frame, &mut wire).unwrap();
        }
        File::from(ours).write_all(&wire).unwrap();
        Self::start(&sh(script), Stdio::from(theirs))
    }

    fn start(program: &[&OsStr], stdin: Stdio) -> Self {
        let mut screen = Command::new(env!("CARGO_BIN_EXE_agent-tools"))
            .args(["screen", "attach", "--columns", "80", "--rows", "24", "--"])
            .args(program)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = screen.stdin.take().map(|stdin| FramedWrite::new(stdin, FrameCodec));
        let output = screen.stdout.take().map(|stdout| FramedRead::new(stdout, FrameCodec));
        Self { screen, input, output, seen: BytesMut::new() }
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        let input = self.input.as_mut().unwrap();
        timeout(PATIENCE, input.send(frame)).await.expect("stdin is read").unwrap();
    }

    pub(crate) async fn type_in(&mut self, text: &'static [u8]) {
        self.send(Frame::Input(Bytes::from_static(text))).await;
    }

    pub(crate) async fn resize(&mut self, columns: u16, rows: u16) {
        self.send(Frame::Resize { columns, rows }).await;
    }

    /// The next frame; `None` when the screen has closed its stdout.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let output = self.output.as_mut().unwrap();
        timeout(PATIENCE, output.next()).await.expect("a frame arrives").transpose().unwrap()
    }

    /// Waits until `text` has been shown.
    pub(crate) async fn sees(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            match self.next().await {
                Some(Frame::Output(bytes)) => self.seen.extend_from_slice(&bytes),
                other => panic!("{other:?} before {text:?}; seen: {:?}", self.seen),
            }
        }
    }

    /// Waits for the line `name=pid`.
    pub(crate) async fn sees_pid(&mut self, name: &str) -> Pid {
        self.sees(&format!("{name}=")).await;
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            let after = seen.split_once(&format!("{name}=")).unwrap().1;
            if let Some((pid, _)) = after.split_once('\r') {
                return Pid::from_raw(pid.parse().unwrap()).unwrap();
            }
            self.sees("\r").await;
        }
    }

    pub(crate) fn leave_stdin(&mut self) {
        self.input = None;
    }

    pub(crate) fn leave_stdout(&mut self) {
        self.output = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.screen.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Watches to the end.
    pub(crate) async fn ended(&mut self) -> Ended {
        let mut code = None;
        while self.output.is_some() {
            match self.next().await {
                Some(Frame::Output(bytes)) => self.seen.extend_from_slice(&bytes),
                Some(Frame::Exit { code: with }) => code = Some(with),
                Some(other) => panic!("a screen said {other:?}"),
                None => self.output = None,
            }
        }
        Ended { code, screen: self.left().await }
    }

    /// Waits for the screen's own end, reading nothing.
    pub(crate) async fn left(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.screen.wait()).await.expect("the screen leaves").unwrap()
    }
}

fn sh(script: &str) -> [&OsStr; 3] {
    ["sh", "-c", script].map(OsStr::new)
}

/// Waits, but not for ever.
pub(crate) async fn patiently<T>(event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.expect("it happens")
}

/// Whether there is such a process, were it only to be reaped.
pub(crate) fn exists(pid: Pid) -> bool {
    Path::new("/proc").join(pid.as_raw_nonzero().to_string()).exists()
}

/// A named pipe: what is written to it is an event to wait for.
pub(crate) fn fifo(path: &Path) -> tokio::net::unix::pipe::Receiver {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    // Ours keeps it open for writing too: there is no end between two writers.
    tokio::net::unix::pipe::OpenOptions::new().read_write(true).open_receiver(path).unwrap()
}
