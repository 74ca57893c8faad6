//! What one step of a session does: a request of the viewer, or an event of the screen. It waits for
//! nothing, so that neither side can hold the other up.

use std::ops::ControlFlow::{self, Break, Continue};

use api_types::Access;
use bytes::Bytes;
use terminal_proto::v1::{AttachRequest, Size as RequestedSize, attach_request::Request};

use super::{registry::Counters, rights::Rights, spans::FirstOutput};
use crate::{
    closing::{Dismissal, End, Lost, Typed, Violation},
    exec::{Event, Exec, Over},
    viewer::{InputWindow, OutputWindow, ResponseSender, Size},
};

/// Both sides of one session, and what may be under way between them.
pub(super) struct Relay<'a, Io> {
    pub(super) responses: ResponseSender,
    pub(super) exec: Exec<Io>,
    input: InputWindow,
    output: OutputWindow,
    counters: &'a Counters,
    rights: &'a Rights,
    /// Until there was some output.
    first: Option<FirstOutput>,
}

impl<'a, Io> Relay<'a, Io> {
    pub(super) fn new(
        responses: ResponseSender,
        exec: Exec<Io>,
        output: OutputWindow,
        counters: &'a Counters,
        rights: &'a Rights,
        first: FirstOutput,
    ) -> Self {
        let (input, first) = (InputWindow::default(), Some(first));
        Self { responses, exec, input, output, counters, rights, first }
    }

    /// Of a viewer that may only look these kinds have an effect, and no other, also of those that
    /// are not known yet.
    pub(super) fn request(&mut self, request: AttachRequest) -> ControlFlow<End> {
        match request.request {
            Some(Request::Ack(bytes)) => self.acknowledged(bytes),
            Some(Request::HangUp(_)) => Break(End::ViewerCut),
            Some(Request::Open(_)) => Break(End::Violation(Violation::OpenedTwice)),
            other => match self.rights.access() {
                Access::Interact => self.act(other),
                Access::View => self.ignore(other.as_ref()),
            },
        }
    }

    fn act(&mut self, request: Option<Request>) -> ControlFlow<End> {
        match request {
            Some(Request::Input(bytes)) => self.typed(bytes),
            Some(Request::Resize(size)) => self.resized(size),
            Some(Request::Interrupt(_)) => self.interrupted(),
            // A kind of request that a newer caller knows.
            _ => Continue(()),
        }
    }

    /// Its credit is given back, so that nothing of the viewer's waits for it.
    fn ignore(&self, request: Option<&Request>) -> ControlFlow<End> {
        if let Some(Request::Input(bytes)) = request {
            self.responses.input_credit(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        }
        Continue(())
    }

    pub(super) fn event(&mut self, event: Result<Event, Over>) -> ControlFlow<End> {
        match event {
            Ok(Event::Output(bytes)) => {
                self.shown(bytes.len())?;
                self.responses.output(bytes);
            }
            Ok(Event::Compressed(output)) => {
                self.shown(output.output_bytes() as usize)?;
                self.responses.compressed_output(output);
            }
            Ok(Event::InputCredit(bytes)) => {
                if self.input.credited(bytes as usize).is_err() {
                    return Break(End::Lost(Lost::Protocol));
                }
                self.responses.input_credit(bytes);
            }
            Ok(Event::Alive) => {}
            Ok(Event::Exited(code)) => return Break(End::Exited(code)),
            Err(over) => return Break(End::Lost(over.into())),
        }
        Continue(())
    }

    /// The screen sent so many bytes of output.
    fn shown(&mut self, bytes: usize) -> ControlFlow<End> {
        if self.output.sent(bytes).is_err() {
            return Break(End::Lost(Lost::Protocol));
        }
        self.counters.add_output(bytes);
        drop(self.first.take());
        Continue(())
    }

    /// Tells both sides of the end. The screen of a viewer that was cut hears of it first.
    pub(super) fn finish(mut self, end: End, dismissal: Option<&Dismissal>) -> Exec<Io> {
        match end.typed() {
            Typed::Deliver => self.exec.leave(),
            Typed::Drop => self.exec.hang_up(),
        }
        self.responses.finish(end, dismissal);
        self.exec
    }

    fn typed(&mut self, bytes: Bytes) -> ControlFlow<End> {
        if self.input.sent(bytes.len()).is_err() {
            return Break(End::Violation(Violation::InputWindow));
        }
        if !bytes.is_empty() {
            self.counters.add_input(bytes.len());
            self.rights.typed();
            self.exec.outgoing.input(bytes);
        }
        Continue(())
    }

    fn acknowledged(&mut self, bytes: u64) -> ControlFlow<End> {
        let taken = self.responses.acknowledge(bytes);
        if let Some(credit) = self.output.taken(taken) {
            self.exec.outgoing.output_credit(credit);
        }
        Continue(())
    }

    fn resized(&mut self, size: RequestedSize) -> ControlFlow<End> {
        match Size::parse(size) {
            Ok(size) => {
                self.exec.outgoing.size(size);
                Continue(())
            }
            Err(violation) => Break(End::Violation(violation)),
        }
    }

    /// What was typed before and has not left is dropped here, as the screen drops the rest.
    fn interrupted(&mut self) -> ControlFlow<End> {
        let dropped = self.exec.outgoing.interrupt();
        if self.input.credited(dropped).is_err() {
            // More input waits than was typed: a defect, and no viewer's fault.
            return Break(End::Lost(Lost::Protocol));
        }
        if dropped > 0 {
            // At most the window of 64 KiB.
            self.responses.input_credit(u32::try_from(dropped).unwrap_or(u32::MAX));
        }
        Continue(())
    }
}
