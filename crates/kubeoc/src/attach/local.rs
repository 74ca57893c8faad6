//! The user's own terminal: its keys, its size, and what is written to it. It must not know what they mean, and must leave
//! the terminal as it found it.

use std::{
    io::{self, Read, Write},
    thread,
};

use bytes::Bytes;
use rustix::{
    stdio::{stdin, stdout},
    termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr},
};
use tokio::{
    fs::File,
    io::AsyncWriteExt,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use super::session::Size;
use crate::exit::Failure;

/// Bytes asked of the keyboard at once: keystrokes are small, a paste takes a few rounds.
const READ_BYTES: usize = 4 * 1024;
/// Written at once, so that what is credited is little ahead of what is seen.
const WRITE_BYTES: usize = 16 * 1024;
/// Of a terminal that does not know its size, as of the VT100.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// Whatever a program may have switched on that a shell does not expect, in this order: the end of a sequence that was cut; an
/// update that is shown as a whole; reports of the mouse, of focus and of colours; pastes in brackets; keys as sequences; then the
/// normal screen, with its cursor, margins, characters and colours.
const RESTORED: &str = "\x1b\\\x1b[?2026l\
    \x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l\x1b[?2031l\
    \x1b[?2004l\
    \x1b[=0u\x1b[>4m\x1b[?1l\x1b>\
    \x1b[?1049l\
    \x1b7\x1b[r\x1b8\x1b[?6l\x1b[?7h\x1b[4l\x1b(B\x0f\x1b[0m\x1b[0 q\x1b[?25h\r";

/// Fails where there is nobody to see the terminal, or nobody to type.
pub(super) fn require() -> Result<(), Failure> {
    let missing = match (isatty(stdin()), isatty(stdout())) {
        (true, true) => return Ok(()),
        (false, _) => "stdin",
        (true, false) => "stdout",
    };
    Err(Failure::Usage(format!(
        "{missing} is no terminal: run this command in a terminal, without a pipe or redirection"
    )))
}

/// The size that it has now.
pub(super) fn size() -> Size {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: size.ws_col, rows: size.ws_row }
        }
        _ => USUAL,
    }
}

/// What happens at the terminal.
#[derive(Debug)]
pub(super) enum Event {
    Keys(Bytes),
    Resized(Size),
    /// So many bytes were written.
    Written(usize),
    /// This process is to end.
    Told(&'static str),
    /// The terminal has gone.
    Gone,
}

/// Whether keys are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyboard {
    Read,
    Waits,
}

/// The terminal in raw mode, until it is dropped.
pub(super) struct Local {
    /// One chunk.
    keys: mpsc::Receiver<Bytes>,
    /// Not the standard library's, which keeps what has no end of line.
    stdout: File,
    resized: Signal,
    ends: [(Signal, &'static str); 4],
    _raw: Raw,
}

impl Local {
    pub(super) fn open() -> io::Result<Self> {
        let end = |kind, name| signal(kind).map(|signal| (signal, name));
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            // From before raw mode on, so that none of them leaves it behind.
            ends: [
                end(SignalKind::terminate(), "SIGTERM")?,
                end(SignalKind::hangup(), "SIGHUP")?,
                end(SignalKind::interrupt(), "SIGINT")?,
                end(SignalKind::quit(), "SIGQUIT")?,
            ],
            _raw: Raw::enter()?,
            keys: keys(),
            stdout: std::fs::File::from(stdout().try_clone_to_owned()?).into(),
        })
    }

    /// Writes the beginning of `output`, and waits for what happens next. Cancel safe.
    pub(super) async fn next(&mut self, output: &[u8], keyboard: Keyboard) -> Event {
        let [terminate, hang_up, interrupt, quit] = &mut self.ends;
        let piece = &output[..output.len().min(WRITE_BYTES)];
        tokio::select! {
            biased;
            Some(()) = terminate.0.recv() => Event::Told(terminate.1),
            Some(()) = hang_up.0.recv() => Event::Told(hang_up.1),
            Some(()) = interrupt.0.recv() => Event::Told(interrupt.1),
            Some(()) = quit.0.recv() => Event::Told(quit.1),
            Some(()) = self.resized.recv() => Event::Resized(size()),
            typed = self.keys.recv(), if keyboard == Keyboard::Read => {
                typed.map_or(Event::Gone, Event::Keys)
            }
            written = self.stdout.write(piece), if !piece.is_empty() => {
                written.map_or(Event::Gone, Event::Written)
            }
        }
    }

    /// Waits until all is written.
    pub(super) async fn flush(&mut self) {
        // A terminal that has gone shows nothing any more.
        let _ = self.stdout.flush().await;
    }
}

/// What is typed, read by a thread of its own: tokio's own reader would keep this process from ending until the next key.
fn keys() -> mpsc::Receiver<Bytes> {
    let (sender, keys) = mpsc::channel(1);
    thread::spawn(move || {
        let mut chunk = [0; READ_BYTES];
        loop {
            match io::stdin().read(&mut chunk) {
                Ok(count @ 1..) => {
                    if sender.blocking_send(Bytes::copy_from_slice(&chunk[..count])).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
            }
        }
    });
    keys
}

/// Raw mode. When it is dropped, also by a panic, the terminal is as it was before.
struct Raw {
    before: Termios,
}

impl Raw {
    fn enter() -> io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        // What was typed before is kept.
        tcsetattr(stdin(), OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Where these fail there is no terminal any more.
        let _ = io::stdout().write_all(RESTORED.as_bytes());
        let _ = io::stdout().flush();
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &self.before);
    }
}
