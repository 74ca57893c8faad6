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
use screen_wire::{Frame, FrameCodec, INPUT_WINDOW_BYTES, WireError};
use tokio::{
    net::unix::pipe,
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};
use tokio_util::codec::{Encoder, FramedRead, FramedWrite};

use crate::terminal::Terminal;

/// Far beyond what any of it takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const SIZE: [&str; 4] = ["--columns", "80", "--rows", "24"];

pub(crate) struct Viewer {
    /// Its folder stays while somebody looks.
    _terminal: Terminal,
    screen: Child,
    input: Option<FramedWrite<ChildStdin, FrameCodec>>,
    output: Option<FramedRead<ChildStdout, FrameCodec>>,
    crediting: Crediting,
    /// Everything shown so far.
    pub(crate) seen: BytesMut,
    /// Bytes of input credited so far.
    pub(crate) credited: usize,
}

/// Whether the viewer says that it has taken the output it reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crediting {
    Always,
    Never,
}

/// How the program and the screen ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Of the exit frame.
    pub(crate) code: Option<i32>,
    pub(crate) screen: ExitStatus,
}

impl Viewer {
    /// Shows `program` on 80×24, on a terminal of its own.
    pub(crate) fn of(program: &[&OsStr]) -> Self {
        Terminal::of(program).viewer()
    }

    pub(crate) fn of_script(script: &str) -> Self {
        Self::of_script_with(&[], script)
    }

    pub(crate) fn of_size(columns: u16, rows: u16, script: &str) -> Self {
        Terminal::of_script(script).viewer_of_size(columns, rows)
    }

    /// With flags of the screen's beside its size.
    pub(crate) fn of_script_with(flags: &[&str], script: &str) -> Self {
        Terminal::of_script(script).with(flags).viewer()
    }

    /// A viewer that credits nothing from now on.
    pub(crate) fn without_credit(self) -> Self {
        Self { crediting: Crediting::Never, ..self }
    }

    /// Of 80×24, with flags that have no value.
    pub(crate) fn start_with(terminal: &Terminal, flags: &[&str]) -> Self {
        Self::start(terminal, &[&SIZE, flags].concat(), Stdio::piped())
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
        Self::start(&Terminal::of_script(script), &SIZE, Stdio::from(theirs))
    }

    pub(crate) fn start(terminal: &Terminal, size: &[&str], stdin: Stdio) -> Self {
        let mut screen = Command::new(env!("CARGO_BIN_EXE_agent-tools"))
            .args(["screen", "attach"])
            .args(size)
            .arg("--folder")
            .arg(terminal.sockets())
            .args(&terminal.flags)
            .arg("--")
            .args(&terminal.program)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = screen.stdin.take().map(|stdin| FramedWrite::new(stdin, FrameCodec));
        let output = screen.stdout.take().map(|stdout| FramedRead::new(stdout, FrameCodec));
        let crediting = Crediting::Always;
        let seen = BytesMut::new();
        Self { _terminal: terminal.clone(), screen, input, output, crediting, seen, credited: 0 }
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        let input = self.input.as_mut().unwrap();
        timeout(PATIENCE, input.send(frame)).await.expect("stdin is read").unwrap();
    }

    /// Sends to a screen that may leave before it has read all of it.
    pub(crate) async fn send_until_refused(&mut self, frame: Frame) {
        let input = self.input.as_mut().unwrap();
        let sent = timeout(PATIENCE, input.send(frame)).await.expect("the screen reads or leaves");
        if let Err(WireError::Io(error)) = sent {
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        }
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
        let frame = timeout(PATIENCE, output.next()).await.expect("a frame arrives");
        let frame = frame.transpose().unwrap();
        match &frame {
            Some(Frame::Output(bytes)) => {
                self.seen.extend_from_slice(bytes);
                if self.crediting == Crediting::Always {
                    self.credit_output(bytes.len()).await;
                }
            }
            Some(Frame::Compressed(output)) => {
                self.seen.extend_from_slice(&output.decompress().unwrap());
                if self.crediting == Crediting::Always {
                    self.credit_output(output.output_bytes() as usize).await;
                }
            }
            Some(Frame::InputCredit { bytes }) => self.credited += usize::try_from(*bytes).unwrap(),
            Some(
                Frame::Joined(_)
                | Frame::Position { .. }
                | Frame::Presence(_)
                | Frame::Exit { .. }
                | Frame::Alive
                | Frame::ToViewer { .. }
                | Frame::Follows
                | Frame::Left,
            )
            | None => {}
            Some(other) => panic!("a screen said {other:?}"),
        }
        frame
    }

    /// Says that output was taken, as far as the screen still listens.
    pub(crate) async fn credit_output(&mut self, bytes: usize) {
        let bytes = bytes.try_into().unwrap();
        if let Some(input) = &mut self.input {
            let credit = input.send(Frame::OutputCredit { bytes });
            let _ = timeout(PATIENCE, credit).await.expect("stdin is read");
        }
    }

    /// Types all of `text`, never more than the screen allows, and reads meanwhile.
    pub(crate) async fn paste(&mut self, text: &[u8]) {
        let (credited, mut sent) = (self.credited, 0);
        while sent < text.len() {
            let allowed = INPUT_WINDOW_BYTES - (sent - (self.credited - credited));
            let part = &text[sent..][..allowed.min(text.len() - sent)];
            if part.is_empty() {
                assert!(self.next().await.is_some(), "the screen left");
            } else {
                sent += part.len();
                self.send(Frame::Input(Bytes::copy_from_slice(part))).await;
            }
        }
    }

    /// Reads until so much input in all has been credited.
    pub(crate) async fn is_credited(&mut self, bytes: usize) {
        while self.credited < bytes {
            assert!(self.next().await.is_some(), "{} bytes credited", self.credited);
        }
        assert_eq!(self.credited, bytes);
    }

    /// Waits until `text` has been shown.
    pub(crate) async fn sees(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let frame = self.next().await;
            if matches!(frame, Some(Frame::Exit { .. }) | None) {
                panic!("{frame:?} before {text:?}; seen: {:?}", self.seen);
            }
        }
    }

    /// Waits for `name=pid` and what ends the number.
    pub(crate) async fn sees_pid(&mut self, name: &str) -> Pid {
        let start = format!("{name}=");
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            if let Some((_, after)) = seen.split_once(&start)
                && let Some(end) = after.find(|it: char| !it.is_ascii_digit())
            {
                return Pid::from_raw(after[..end].parse().unwrap()).unwrap();
            }
            assert!(self.next().await.is_some(), "no {start} in {seen:?}");
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
                Some(Frame::Exit { code: with }) => code = Some(with),
                Some(_) => {}
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

/// Waits, but not for ever.
pub(crate) async fn patiently<T>(event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.expect("it happens")
}

/// Whether there is such a process, were it only to be reaped.
pub(crate) fn exists(pid: Pid) -> bool {
    Path::new("/proc").join(pid.as_raw_nonzero().to_string()).exists()
}

/// A named pipe: what is written to it is an event to wait for.
pub(crate) fn fifo(path: &Path) -> pipe::Receiver {
    make_fifo(path);
    // Ours keeps it open for writing too: there is no end between two writers.
    pipe::OpenOptions::new().read_write(true).open_receiver(path).unwrap()
}

/// A named pipe that a program waits on.
pub(crate) fn gate(path: &Path) -> pipe::Sender {
    make_fifo(path);
    pipe::OpenOptions::new().read_write(true).open_sender(path).unwrap()
}

fn make_fifo(path: &Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}
