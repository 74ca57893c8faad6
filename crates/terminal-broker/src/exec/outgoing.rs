//! What waits to be written to the pod, and in which order: control never waits behind what was typed.
//! Pure. It bounds nothing but by joining: input is bounded by its window, everything else is one of
//! a kind.

use bytes::{Bytes, BytesMut};
use screen_wire::{Frame, FrameCodec, WireError};
use tokio_util::codec::Encoder;

use super::channels::{self, Protocol};
use crate::{pieces::Pieces, viewer::Size};

/// All control frames together, in bytes: six heads and two payloads, and the channel.
const CONTROL_BYTES: usize = 64;
/// A frame's head: its length and its type.
const HEAD_BYTES: usize = 5;

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
    compression: Compression,
    ping: bool,
    interrupt: bool,
    /// In bytes.
    output_credit: u32,
    size: Option<Size>,
    input: Pieces,
    end: StdinEnd,
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

    pub(crate) fn size(&mut self, size: Size) {
        self.size = Some(size);
    }

    pub(crate) fn input(&mut self, bytes: Bytes) {
        self.input.push(bytes);
    }

    /// Ctrl-C, and nothing of what was typed before it. Returns how many bytes those were.
    pub(crate) fn interrupt(&mut self) -> usize {
        self.interrupt = true;
        self.input.clear()
    }

    /// Nothing more but the end.
    pub(crate) fn hang_up(&mut self) {
        let end = self.end;
        *self = Self { hang_up: true, end, ..Self::default() };
        self.end_stdin();
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

    pub(crate) fn is_empty(&self) -> bool {
        let ends = matches!(self.end, StdinEnd::Leaving | StdinEnd::Wanted);
        !self.has_control() && self.input.is_empty() && !ends
    }

    /// The next message: all of control, or one piece of input, or the end.
    pub(crate) fn pop(&mut self, protocol: Protocol) -> Result<Option<Message>, WireError> {
        if self.has_control() {
            return self.control().map(Some);
        }
        if let Some(input) = self.input.pop() {
            let mut message = channels::stdin(HEAD_BYTES + input.len());
            FrameCodec.encode(Frame::Input(input), &mut message)?;
            return Ok(Some(Message::Binary(message.freeze())));
        }
        Ok(match (self.end, protocol) {
            (StdinEnd::Leaving, _) => {
                self.end = StdinEnd::Left;
                let mut message = channels::stdin(HEAD_BYTES);
                FrameCodec.encode(Frame::Leave, &mut message)?;
                Some(Message::Binary(message.freeze()))
            }
            (StdinEnd::Wanted, protocol) => {
                self.end = StdinEnd::Said;
                Some(match protocol {
                    Protocol::V5 => Message::Binary(channels::stdin_ended()),
                    // Only the socket's end says it there.
                    Protocol::V4 => Message::Close,
                })
            }
            (StdinEnd::Open | StdinEnd::Left | StdinEnd::Said, _) => None,
        })
    }

    fn has_control(&self) -> bool {
        let words = self.hang_up || self.ping || self.interrupt;
        let compression = self.compression == Compression::Wanted;
        words || compression || self.output_credit > 0 || self.size.is_some()
    }

    fn control(&mut self) -> Result<Message, WireError> {
        let mut message: BytesMut = channels::stdin(CONTROL_BYTES);
        let mut put = |frame| FrameCodec.encode(frame, &mut message);
        if std::mem::take(&mut self.hang_up) {
            put(Frame::HangUp)?;
        }
        if std::mem::take(&mut self.compression) == Compression::Wanted {
            put(Frame::Compress)?;
        }
        if std::mem::take(&mut self.ping) {
            put(Frame::Ping)?;
        }
        if std::mem::take(&mut self.interrupt) {
            put(Frame::Interrupt)?;
        }
        if self.output_credit > 0 {
            put(Frame::OutputCredit { bytes: std::mem::take(&mut self.output_credit) })?;
        }
        if let Some(Size { columns, rows }) = self.size.take() {
            put(Frame::Resize { columns, rows })?;
        }
        Ok(Message::Binary(message.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::codec::Decoder;

    use super::*;

    /// The frames of all messages that wait, `None` standing for the end of stdin.
    fn written(outgoing: &mut Outgoing) -> Vec<Option<Frame>> {
        let (mut frames, mut stdin) = (Vec::new(), BytesMut::new());
        while let Some(message) = outgoing.pop(Protocol::V5).unwrap() {
            let Message::Binary(message) = message else { panic!("{message:?}") };
            match message[..] {
                [0, ref data @ ..] => stdin.extend_from_slice(data),
                [255, 0] => frames.push(None),
                ref other => panic!("{other:?}"),
            }
            while let Some(frame) = FrameCodec.decode(&mut stdin).unwrap() {
                frames.push(Some(frame));
            }
        }
        assert!(outgoing.is_empty());
        frames
    }

    #[test]
    fn control_overtakes_input_in_one_message_and_in_its_order() {
        let mut outgoing = Outgoing::default();
        outgoing.input("typed".into());
        outgoing.size(Size { columns: 80, rows: 24 });
        outgoing.size(Size { columns: 81, rows: 25 });
        outgoing.output_credit(3);
        outgoing.output_credit(4);
        outgoing.ping();
        outgoing.end_stdin();
        let expected = [
            Some(Frame::Ping),
            Some(Frame::OutputCredit { bytes: 7 }),
            Some(Frame::Resize { columns: 81, rows: 25 }),
            Some(Frame::Input("typed".into())),
            None,
        ];
        assert_eq!(written(&mut outgoing), expected);
    }

    #[test]
    fn an_interrupt_drops_what_was_typed_before_and_not_what_comes_after() {
        let mut outgoing = Outgoing::default();
        outgoing.input("rm -rf".into());
        assert_eq!(outgoing.interrupt(), 6);
        outgoing.input("ls".into());
        let expected = [Some(Frame::Interrupt), Some(Frame::Input("ls".into()))];
        assert_eq!(written(&mut outgoing), expected);
    }

    #[test]
    fn a_hang_up_comes_before_everything_and_leaves_only_the_end() {
        let mut outgoing = Outgoing::default();
        outgoing.input("typed".into());
        outgoing.ping();
        outgoing.interrupt();
        outgoing.hang_up();
        assert_eq!(written(&mut outgoing), [Some(Frame::HangUp), None]);
    }

    #[test]
    fn the_end_is_said_once() {
        let mut outgoing = Outgoing::default();
        outgoing.end_stdin();
        assert_eq!(written(&mut outgoing), [None]);
        outgoing.hang_up();
        assert_eq!(written(&mut outgoing), [Some(Frame::HangUp)]);
    }

    #[test]
    fn a_viewer_that_left_can_still_be_hung_up() {
        let mut outgoing = Outgoing::default();
        outgoing.input("exit".into());
        outgoing.leave();
        let expected = [Some(Frame::Input("exit".into())), Some(Frame::Leave)];
        assert_eq!(written(&mut outgoing), expected);
        outgoing.leave();
        outgoing.hang_up();
        assert_eq!(written(&mut outgoing), [Some(Frame::HangUp), None]);
    }

    #[test]
    fn v4_has_no_end_of_stdin_but_the_sockets() {
        let mut outgoing = Outgoing::default();
        outgoing.end_stdin();
        assert_eq!(outgoing.pop(Protocol::V4).unwrap(), Some(Message::Close));
        assert!(outgoing.is_empty());
    }
}
