//! Bytes between the viewer and the terminal while both are there. Must not let input or control
//! wait behind output, nor control behind input.

use std::{io, mem, pin::pin};

use bytes::{Buf, BytesMut};
use screen_wire::{Frame, MAX_PAYLOAD_BYTES};
use tokio::task::yield_now;

use super::{
    error::ScreenError,
    pty::{Output, Pty, Size},
    session::Session,
    timer::{Due, Pace, Timer},
    viewer::{self, Gathered, Inlet, Input, Outlet},
    window::{InputWindow, OutputWindow},
};

const CTRL_C: &[u8] = b"\x03";

/// How a terminal is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) size: Size,
    /// Output that may be sent and not yet credited.
    pub(crate) window_bytes: usize,
    pub(crate) pace: Pace,
}

/// Why a relay has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Program {
        code: i32,
    },
    /// On its own accord: what it typed still counts.
    ViewerLeft,
    /// By somebody else, or it died: what it typed counts no more.
    ViewerCut,
}

pub(crate) struct Relay {
    pub(super) pty: Pty,
    pub(super) inlet: Inlet,
    pub(super) outlet: Outlet,
    pub(super) timer: Timer,
    pub(super) program: Program,
    /// What waits for the program: at most [`screen_wire::INPUT_WINDOW_BYTES`], and a Ctrl-C.
    pub(super) typed: BytesMut,
    input: InputWindow,
    /// What waits for stdout, and never more than the window has room for. While there is no room
    /// the terminal is not read: that is the flow control.
    pub(super) gathered: Gathered,
    pub(super) output: OutputWindow,
    alive: Alive,
}

/// Whether there is one to type to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Running,
    Ended,
}

/// Whether the viewer is to be given a sign of life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alive {
    Due,
    Sent,
}

impl Relay {
    pub(crate) fn new(pty: Pty, inlet: Inlet, outlet: Outlet, settings: Settings) -> Self {
        Self {
            pty,
            inlet,
            outlet,
            timer: Timer::start(settings.pace),
            program: Program::Running,
            typed: BytesMut::new(),
            input: InputWindow::default(),
            gathered: Gathered::new(),
            output: OutputWindow::new(settings.window_bytes),
            alive: Alive::Sent,
        }
    }

    /// Runs until one of the two has gone.
    pub(crate) async fn run(&mut self, session: &mut Session) -> Result<End, ScreenError> {
        let mut gone = pin!(viewer::gone());
        let mut output = Output::Open;
        loop {
            let limit = self.output_limit();
            let wanted = output == Output::Open && self.gathered.len() < limit;
            let end = tokio::select! {
                biased;
                read = self.inlet.read() => self.receive(read)?,
                due = self.timer.due() => self.handle_timer(due)?,
                code = session.ended() => Some(End::Program { code }),
                count = self.pty.write(&self.typed), if !self.typed.is_empty() => {
                    self.written(count)?
                }
                sent = self.outlet.write(), if !self.outlet.is_idle() => self.sent(sent)?,
                gone = &mut gone => gone.map(|()| Some(End::ViewerCut))?,
                more = self.pty.gather(&mut self.gathered, limit), if wanted => {
                    output = more.map_err(ScreenError::Terminal)?;
                    self.send_gathered(limit).await?
                }
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// How much may be gathered.
    pub(super) fn output_limit(&self) -> usize {
        self.output.room().min(MAX_PAYLOAD_BYTES)
    }

    async fn send_gathered(&mut self, limit: usize) -> Result<Option<End>, ScreenError> {
        let full = self.gathered.len() == limit;
        let end = self.send()?;
        if full {
            // There is likely more, and again: the runtime must get to see whether the viewer says
            // something.
            yield_now().await;
        }
        Ok(end)
    }

    /// Does what the viewer says.
    pub(super) fn receive(&mut self, read: io::Result<Input>) -> Result<Option<End>, ScreenError> {
        if read.map_err(ScreenError::Input)? == Input::Ended {
            return Ok(Some(End::ViewerLeft));
        }
        self.timer.heard();
        while let Some(frame) = self.inlet.next()? {
            if let Some(end) = self.apply(frame)? {
                return Ok(Some(end));
            }
        }
        self.send()
    }

    fn apply(&mut self, frame: Frame) -> Result<Option<End>, ScreenError> {
        match frame {
            Frame::Input(typed) => {
                self.input.receive(typed.len())?;
                self.type_in(&typed)?;
            }
            Frame::Resize { columns, rows } => {
                if let Some(size) = Size::new(columns, rows) {
                    self.pty.resize(size).map_err(ScreenError::Terminal)?;
                }
            }
            Frame::Ping => self.say_alive(),
            Frame::OutputCredit { bytes } => self.output.acknowledge(bytes),
            Frame::Interrupt => self.interrupt()?,
            Frame::Compress => self.outlet.compress(),
            Frame::HangUp => return Ok(Some(End::ViewerCut)),
            Frame::Leave => return Ok(Some(End::ViewerLeft)),
            Frame::Output(_)
            | Frame::Compressed(_)
            | Frame::Exit { .. }
            | Frame::InputCredit { .. }
            | Frame::Alive => {
                return Err(ScreenError::Direction(frame));
            }
        }
        Ok(None)
    }

    /// Passes on at once what the terminal takes; the rest waits.
    fn type_in(&mut self, typed: &[u8]) -> Result<(), ScreenError> {
        let count = match self.program {
            Program::Ended => typed.len(),
            Program::Running if self.typed.is_empty() => {
                self.pty.write_now(typed).map_err(ScreenError::Terminal)?
            }
            Program::Running => 0,
        };
        self.input.take(count);
        self.typed.extend_from_slice(&typed[count..]);
        Ok(())
    }

    /// Ctrl-C instead of all that was typed before it and has not been read.
    fn interrupt(&mut self) -> Result<(), ScreenError> {
        self.input.take(self.typed.len());
        self.typed.clear();
        if self.program == Program::Running {
            // Where it fails, Ctrl-C waits for its turn as an ordinary key would.
            let _ = self.pty.flush_interruptible_input();
            self.input.prepend_uncredited(CTRL_C.len());
            self.type_in(CTRL_C)?;
        }
        Ok(())
    }

    fn written(&mut self, count: io::Result<usize>) -> Result<Option<End>, ScreenError> {
        let count = count.map_err(ScreenError::Terminal)?;
        self.input.take(count);
        self.typed.advance(count);
        self.send()
    }

    pub(super) fn handle_timer(&mut self, due: Due) -> Result<Option<End>, ScreenError> {
        match due {
            Due::Silence => return Ok(Some(End::ViewerCut)),
            Due::Alive => self.say_alive(),
        }
        self.send()
    }

    /// A sign of life carries what credit there is, however little: a message of its own for each
    /// few keystrokes would cost every hop as much as they do.
    fn say_alive(&mut self) {
        self.alive = Alive::Due;
        self.input.make_due();
    }

    /// Some of the last frames has left, or cannot.
    pub(super) fn sent(&mut self, sent: io::Result<()>) -> Result<Option<End>, ScreenError> {
        match sent {
            Ok(()) => self.send(),
            // A viewer that left is an ordinary end, not an error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Some(End::ViewerCut)),
            Err(error) => Err(ScreenError::Output(error)),
        }
    }

    /// Sends what there is to be sent, if the last frames have left.
    pub(super) fn send(&mut self) -> Result<Option<End>, ScreenError> {
        if !self.outlet.is_idle() {
            return Ok(None);
        }
        if !self.gathered.is_empty() || self.alive == Alive::Due || self.input.credit_is_due() {
            return self.load(None);
        }
        Ok(None)
    }

    /// Sends all that is due in one go, with `last` before the output; only when the last frames
    /// have left.
    pub(super) fn load(&mut self, last: Option<Frame>) -> Result<Option<End>, ScreenError> {
        let alive = mem::replace(&mut self.alive, Alive::Sent) == Alive::Due;
        let credit = self.input.due_credit().map(|bytes| Frame::InputCredit { bytes });
        self.output.send(self.gathered.len());
        let control = [alive.then_some(Frame::Alive), credit, last];
        self.outlet.load(control.into_iter().flatten(), &mut self.gathered)?;
        match self.outlet.write_now() {
            Ok(()) => Ok(None),
            sent => self.sent(sent),
        }
    }
}
