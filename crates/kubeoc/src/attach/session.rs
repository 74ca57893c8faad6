//! One who is attached, over all connections: what comes of the screen, and what is said to it. Pure.

use screen_wire::{BadBlock, Frame, Join, Joined, Viewer};

use super::{
    shown::{Credit, Shown},
    typed::Typed,
};

const CTRL_C: u8 = 0x03;

/// Whether one may type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Interact,
    View,
}

/// Of a terminal, in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: u16,
    pub(super) rows: u16,
}

#[derive(Debug)]
pub(super) struct Session {
    access: Access,
    viewer: Viewer,
    typed: Typed,
    shown: Shown,
    /// To be said next, of each kind at most one.
    size: Option<Size>,
    sign: Option<Sign>,
}

/// What is due where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Ping,
}

/// What a screen may not say.
#[derive(Debug, thiserror::Error)]
pub(super) enum Violation {
    #[error("the terminal sent {0:?}, which only a viewer may send, or a second time")]
    Direction(Frame),
    #[error(transparent)]
    Compressed(#[from] BadBlock),
}

/// What a frame means to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Something,
    /// The program ended with this code.
    Exit(i32),
}

impl Session {
    pub(super) fn new(viewer: Viewer, access: Access) -> Self {
        let (typed, shown) = (Typed::default(), Shown::default());
        Self { access, viewer, typed, shown, size: None, sign: None }
    }

    /// What the next screen is told.
    pub(super) fn join(&mut self) -> Join {
        // The size passes beside it.
        (self.size, self.sign) = (None, None);
        let join = self.typed.join(self.shown.join(Join::new(self.viewer)));
        match self.access {
            Access::Interact => join,
            Access::View => join.looking(),
        }
    }

    /// A screen answered it.
    pub(super) fn open(&mut self, joined: Joined) {
        self.shown.open(joined.terminal);
        self.typed.open(joined.typed);
    }

    /// The connection is gone.
    pub(super) fn close(&mut self) {
        self.typed.close();
    }

    pub(super) fn receive(&mut self, frame: Frame) -> Result<Said, Violation> {
        match frame {
            Frame::Output(output) => self.shown.push(output),
            Frame::Compressed(output) => self.shown.push(output.decompress()?),
            Frame::Position { position, screen_bytes } => self.shown.at(position, screen_bytes),
            Frame::InputCredit { bytes } => self.typed.credited(bytes),
            Frame::Exit { code } => return Ok(Said::Exit(code)),
            // Its terminal is a window of its own size, and has no line to say the rest in.
            Frame::Presence(_) | Frame::Alive => {}
            frame => return Err(Violation::Direction(frame)),
        }
        Ok(Said::Something)
    }

    /// Something was typed or pasted.
    pub(super) fn type_in(&mut self, typed: &[u8]) {
        match (self.access, typed) {
            (Access::View, _) => {}
            // With nothing to overtake it is a byte like any other; one inside a paste is text.
            (Access::Interact, [CTRL_C]) if self.typed.is_pending() => self.typed.interrupt(),
            (Access::Interact, typed) => self.typed.push(typed),
        }
    }

    /// Whether what is typed is read.
    pub(super) fn takes_input(&self) -> bool {
        self.typed.has_room()
    }

    pub(super) fn resize(&mut self, size: Size) {
        if self.access == Access::Interact {
            self.size = Some(size);
        }
    }

    /// A sign of life is due.
    pub(super) fn ping(&mut self) {
        self.sign = Some(Sign::Ping);
    }

    /// What to say next: control waits behind no input.
    pub(super) fn next(&mut self) -> Option<Frame> {
        if self.typed.take_interrupt() {
            return Some(Frame::Interrupt);
        }
        if let Some(Size { columns, rows }) = self.size.take() {
            return Some(Frame::Resize { columns, rows });
        }
        let credit = if self.sign.is_some() { Credit::Any } else { Credit::Worthwhile };
        if let Some(bytes) = self.shown.take_credit(credit) {
            return Some(Frame::OutputCredit { bytes });
        }
        if let Some(Sign::Ping) = self.sign.take() {
            return Some(Frame::Ping);
        }
        self.typed.next().map(Frame::Input)
    }

    /// Whether more output is taken.
    pub(super) fn takes_output(&self) -> bool {
        self.shown.has_room()
    }

    /// Output to write to the user's terminal.
    pub(super) fn output(&self) -> &[u8] {
        self.shown.next()
    }

    /// The first `bytes` of that were written.
    pub(super) fn written(&mut self, bytes: usize) {
        self.shown.written(bytes);
    }
}

#[cfg(test)]
mod tests;
