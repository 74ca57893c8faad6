//! One viewer on a terminal of its own: bytes between the two until either has gone. Must not let
//! input or control wait behind output.

use std::{ffi::OsString, io};

use bytes::{Buf, BytesMut};
use screen_wire::{Frame, MAX_PAYLOAD_BYTES};

use super::{
    error::ScreenError,
    pty::{Output, Pty, Size},
    session::Session,
    stop::Stop,
    viewer::{Appetite, Inlet, Outlet},
};

/// Typed and not yet taken by the program. Past this the viewer is not read, so nothing of a long
/// paste is lost.
const TYPED_BYTES: usize = 256 * 1024;
/// Output still shown after the program's end. The kernel holds less than this, so only a process left
/// behind that keeps on writing is cut off.
const LAST_OUTPUT_BYTES: usize = 256 * 1024;

/// Runs `program` on a new terminal until it ends or the viewer has gone; then nothing of it is left.
pub(crate) async fn attach(size: Size, program: &[OsString]) -> Result<(), ScreenError> {
    let mut stop = Stop::listen().map_err(ScreenError::Runtime)?;
    let (inlet, outlet) = (Inlet::open()?, Outlet::open()?);
    let (pty, terminal) = Pty::open(size).map_err(ScreenError::Pty)?;
    let mut session = Session::start(program, terminal).map_err(ScreenError::Session)?;

    let mut relay = Relay { pty, inlet, outlet, typed: BytesMut::new(), gathered: BytesMut::new() };
    let relayed = relay.run(&mut session, &mut stop).await;
    // Hangs the terminal up.
    drop(relay);
    session.end().await;
    relayed
}

/// Whether to go on.
enum Viewer {
    Watching,
    Gone,
}

struct Relay {
    pty: Pty,
    inlet: Inlet,
    outlet: Outlet,
    /// At most [`TYPED_BYTES`] and one frame.
    typed: BytesMut,
    /// At most one frame. While stdout is blocked it fills, and then the terminal is not read: that
    /// is the flow control.
    gathered: BytesMut,
}

impl Relay {
    async fn run(&mut self, session: &mut Session, stop: &mut Stop) -> Result<(), ScreenError> {
        let mut output = Output::Open;
        let code = loop {
            if self.outlet.is_idle() && !self.gathered.is_empty() {
                self.outlet.load_output(&mut self.gathered)?;
            }
            let room = output == Output::Open && self.gathered.len() < MAX_PAYLOAD_BYTES;
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                frame = self.inlet.next(appetite(&self.typed)) => {
                    if let Viewer::Gone = self.obey(frame?)? { return Ok(()) }
                }
                code = session.ended() => break code,
                taken = self.pty.write(&self.typed), if !self.typed.is_empty() => self.typed_in(taken)?,
                sent = self.outlet.progress() => if let Viewer::Gone = watching(sent)? { return Ok(()) },
                more = self.pty.gather(&mut self.gathered), if room => {
                    output = more.map_err(ScreenError::Terminal)?;
                }
            }
        };
        self.show_the_end(code, stop).await
    }

    /// The program has ended: the rest of its output, then its exit code, if the viewer still reads.
    async fn show_the_end(&mut self, code: i32, stop: &mut Stop) -> Result<(), ScreenError> {
        let mut budget_bytes = LAST_OUTPUT_BYTES;
        let mut exit = Some(Frame::Exit { code });
        loop {
            if self.outlet.is_idle() {
                self.pty.take(&mut self.gathered).map_err(ScreenError::Terminal)?;
                if budget_bytes > 0 && !self.gathered.is_empty() {
                    budget_bytes = budget_bytes.saturating_sub(self.gathered.len());
                    self.outlet.load_output(&mut self.gathered)?;
                } else if let Some(exit) = exit.take() {
                    self.outlet.load(exit)?;
                } else {
                    return Ok(());
                }
            }
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                frame = self.inlet.next(Appetite::Frames) => if frame?.is_none() { return Ok(()) },
                sent = self.outlet.progress() => if let Viewer::Gone = watching(sent)? { return Ok(()) },
            }
        }
    }

    fn obey(&mut self, frame: Option<Frame>) -> Result<Viewer, ScreenError> {
        match frame {
            None => return Ok(Viewer::Gone),
            Some(Frame::Input(typed)) => self.typed.extend_from_slice(&typed),
            Some(Frame::Resize { columns, rows }) => {
                if let Some(size) = Size::new(columns, rows) {
                    self.pty.resize(size).map_err(ScreenError::Terminal)?;
                }
            }
            Some(frame @ (Frame::Output(_) | Frame::Exit { .. })) => {
                return Err(ScreenError::Direction(frame));
            }
        }
        Ok(Viewer::Watching)
    }

    fn typed_in(&mut self, taken: io::Result<usize>) -> Result<(), ScreenError> {
        self.typed.advance(taken.map_err(ScreenError::Terminal)?);
        Ok(())
    }
}

fn appetite(typed: &BytesMut) -> Appetite {
    if typed.len() < TYPED_BYTES { Appetite::Frames } else { Appetite::Nothing }
}

/// A viewer that left is an ordinary end, not an error.
fn watching(sent: io::Result<()>) -> Result<Viewer, ScreenError> {
    match sent {
        Ok(()) => Ok(Viewer::Watching),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Viewer::Gone),
        Err(error) => Err(ScreenError::Output(error)),
    }
}
