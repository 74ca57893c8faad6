//! What waits to be written to the pod, and in which order: control never waits behind what was typed.
//! Pure. It bounds nothing but by joining: input is bounded by its window, everything else is one of
//! a kind.

use bytes::{Bytes, BytesMut};
use screen_wire::{Enter, Frame, FrameCodec, WireError};
use tokio_util::codec::Encoder;

use super::{
    channels::{self, Protocol},
    frames::Outbox,
};
use crate::{
    pieces::{Marked, Next},
    viewer::Size,
};

/// All control frames together, in bytes: nine heads and their payloads, and the channel.
const CONTROL_BYTES: usize = 96;
/// A frame's head: its length and its type.
const HEAD_BYTES: usize = 5;
/// The payload of [`Frame::Typed`].
const TYPED_BYTES: usize = 12;
/// The payload of [`Frame::Enter`] is not longer.
const ENTER_BYTES: usize = 64;
/// A whole [`Frame::FromViewer`].
const SPEAKER_BYTES: usize = HEAD_BYTES + 4;

/// How far the viewer is with its input, as the screen is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypedSoFar {
    /// In bytes since its beginning.
    pub(crate) position: u64,
    pub(crate) interrupts: u32,
}

impl From<TypedSoFar> for Frame {
    fn from(TypedSoFar { position, interrupts }: TypedSoFar) -> Self {
        Self::Typed { position, interrupts }
    }
}

/// What the exec's socket is to say next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// One channel byte, and the channel's data.
    Binary(Bytes),
    Close,
}

/// Frames to be, in the order in which they leave. Of sizes only the newest counts, and credit adds up.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    hang_up: bool,
    speaker: Speaker,
    enter: Option<Enter>,
    compression: Compression,
    ping: bool,
    redraw: Option<u32>,
    interrupt: Option<Interrupt>,
    /// In bytes.
    output_credit: u32,
    size: Option<Size>,
    /// What was typed, and where something of it is missing.
    input: Marked<TypedSoFar>,
    end: StdinEnd,
}

/// Whose words these are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Speaker {
    /// Of the only viewer of a stream.
    #[default]
    Only,
    /// Of one of a trunk's, which is said before each message.
    Of { viewer: u32 },
}

/// Ctrl-C that overtakes what was typed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interrupt {
    Plain,
    /// Of a viewer that may come again, after which the screen is to know how far it was.
    At(TypedSoFar),
}

impl From<Interrupt> for Frame {
    fn from(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::Plain => Self::Interrupt,
            Interrupt::At(typed) => typed.into(),
        }
    }
}

/// Whether the screen is still to hear that it may compress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Compression {
    #[default]
    Said,
    Wanted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum StdinEnd {
    #[default]
    Open,
    /// The viewer has left: to be said after all input, and a hang-up may follow it.
    Leaving,
    Left,
    /// After all input.
    Wanted,
    Said,
}

impl Outgoing {
    /// Of a viewer of a trunk, or of the trunk itself, which is viewer 0.
    pub(super) fn of(viewer: u32) -> Self {
        Self { speaker: Speaker::Of { viewer }, ..Self::default() }
    }

    /// Before all else.
    pub(super) fn enter(&mut self, enter: Enter) {
        self.enter = Some(enter);
    }

    /// The viewer is to be shown the screen anew, and has not taken so many bytes of what it was sent.
    pub(super) fn redraw(&mut self, unacknowledged: u32) {
        self.drop_output_credit();
        self.redraw = Some(unacknowledged);
    }

    pub(crate) fn ping(&mut self) {
        self.ping = true;
    }

    /// The screen may compress its output.
    pub(crate) fn compress(&mut self) {
        self.compression = Compression::Wanted;
    }

    pub(crate) fn output_credit(&mut self, bytes: u32) {
        self.output_credit = self.output_credit.saturating_add(bytes);
    }

    pub(super) fn drop_output_credit(&mut self) {
        self.output_credit = 0;
    }

    pub(crate) fn size(&mut self, size: Size) {
        self.size = Some(size);
    }

    pub(crate) fn input(&mut self, bytes: Bytes) {
        self.input.push(bytes);
    }

    /// Ctrl-C, and nothing of what was typed before it. Returns how many bytes those were.
    pub(crate) fn interrupt(&mut self) -> usize {
        self.interrupt = Some(Interrupt::Plain);
        self.input.clear()
    }

    /// The same of a viewer that may come again. What is dropped here counts as typed by it.
    pub(crate) fn interrupt_at(&mut self, typed: TypedSoFar) -> usize {
        self.interrupt = Some(Interrupt::At(typed));
        self.input.clear()
    }

    /// What was typed between the input before and that after this does not come.
    pub(crate) fn typed(&mut self, typed: TypedSoFar) {
        match self.input.last_mark() {
            Some(last) => *last = typed,
            None => self.input.mark(typed),
        }
    }

    /// Nothing more but the end.
    pub(crate) fn hang_up(&mut self) {
        let Self { end, speaker, enter, .. } = *self;
        *self = Self { hang_up: true, end, speaker, enter, ..Self::default() };
        self.end_stdin();
    }

    /// Whether the screen was told that it comes, or is about to hear it.
    pub(super) fn has_entered(&self) -> bool {
        self.enter.is_none()
    }

    /// The viewer has left, after what it typed.
    pub(crate) fn leave(&mut self) {
        if self.end == StdinEnd::Open {
            self.end = StdinEnd::Leaving;
        }
    }

    /// The end of stdin, after what was typed.
    pub(crate) fn end_stdin(&mut self) {
        if self.end != StdinEnd::Said {
            self.end = StdinEnd::Wanted;
        }
    }

    pub(super) fn has_control(&self) -> bool {
        let words = self.hang_up || self.ping || self.interrupt.is_some();
        let compression = self.compression == Compression::Wanted;
        let place = self.enter.is_some() || self.redraw.is_some();
        words || place || compression || self.output_credit > 0 || self.size.is_some()
    }

    fn control(&mut self) -> Result<Message, WireError> {
        let entering = self.enter.map_or(0, |_| HEAD_BYTES + ENTER_BYTES);
        let mut message = self.begin(CONTROL_BYTES + entering)?;
        let mut put = |frame| FrameCodec.encode(frame, &mut message);
        if let Some(enter) = self.enter.take() {
            put(Frame::Enter(enter))?;
        }
        if std::mem::take(&mut self.hang_up) {
            put(Frame::HangUp)?;
        }
        if std::mem::take(&mut self.compression) == Compression::Wanted {
            put(Frame::Compress)?;
        }
        if std::mem::take(&mut self.ping) {
            put(Frame::Ping)?;
        }
        if let Some(interrupt) = self.interrupt.take() {
            put(interrupt.into())?;
        }
        if let Some(unacknowledged) = self.redraw.take() {
            put(Frame::Redraw { unacknowledged })?;
        }
        if self.output_credit > 0 {
            put(Frame::OutputCredit { bytes: std::mem::take(&mut self.output_credit) })?;
        }
        if let Some(Size { columns, rows }) = self.size.take() {
            put(Frame::Resize { columns, rows })?;
        }
        Ok(Message::Binary(message.freeze()))
    }

    /// A frame alone, with a payload of so many bytes.
    fn message(&self, frame: Frame, bytes: usize) -> Result<Option<Message>, WireError> {
        let mut message = self.begin(HEAD_BYTES + bytes)?;
        FrameCodec.encode(frame, &mut message)?;
        Ok(Some(Message::Binary(message.freeze())))
    }

    fn begin(&self, bytes: usize) -> Result<BytesMut, WireError> {
        let Speaker::Of { viewer } = self.speaker else { return Ok(channels::stdin(bytes)) };
        let mut message = channels::stdin(SPEAKER_BYTES + bytes);
        FrameCodec.encode(Frame::FromViewer { viewer }, &mut message)?;
        Ok(message)
    }

    /// One viewer of a trunk cannot end what the others come by.
    fn ends_stdin(&self) -> bool {
        matches!(self.speaker, Speaker::Only | Speaker::Of { viewer: 0 })
    }
}

impl Outbox for Outgoing {
    fn is_empty(&self) -> bool {
        let ends = matches!(self.end, StdinEnd::Leaving | StdinEnd::Wanted);
        !self.has_control() && self.input.is_empty() && !ends
    }

    /// The next message: all of control, or one piece of input, or the end.
    fn pop(&mut self, protocol: Protocol) -> Result<Option<Message>, WireError> {
        if self.has_control() {
            return self.control().map(Some);
        }
        match self.input.pop() {
            Some(Next::Bytes(input)) => {
                let bytes = input.len();
                return self.message(Frame::Input(input), bytes);
            }
            Some(Next::Mark(typed)) => return self.message(typed.into(), TYPED_BYTES),
            None => {}
        }
        match (self.end, protocol) {
            (StdinEnd::Leaving, _) => {
                self.end = StdinEnd::Left;
                self.message(Frame::Leave, 0)
            }
            (StdinEnd::Wanted, protocol) => {
                self.end = StdinEnd::Said;
                Ok(self.ends_stdin().then(|| match protocol {
                    Protocol::V5 => Message::Binary(channels::stdin_ended()),
                    // Only the socket's end says it there.
                    Protocol::V4 => Message::Close,
                }))
            }
            (StdinEnd::Open | StdinEnd::Left | StdinEnd::Said, _) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
