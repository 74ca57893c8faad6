//! What one step of a session does: a request of the viewer, or an event of the screen. It waits for
//! nothing, so that neither side can hold the other up.

use std::ops::ControlFlow::{self, Break, Continue};

use api_types::Access;
use bytes::Bytes;
use terminal_proto::v1::{
    AttachRequest, Size as RequestedSize, Typed as SaidTyped, attach_request::Request,
};

use super::{registry::Counters, rights::Rights, spans::FirstOutput, typist::Typist};
use crate::{
    closing::{Dismissal, End, Lost, Resumption, Typed, Violation},
    exec::{Connection, Event, Outgoing, Over, TypedSoFar},
    viewer::{InputWindow, OutputWindow, ResponseSender, Size, position},
};

/// Both sides of one session, and what may be under way between them.
pub(super) struct Relay<'a, Io> {
    pub(super) responses: ResponseSender,
    pub(super) connection: Connection<Io>,
    input: InputWindow,
    output: OutputWindow,
    counters: &'a Counters,
    rights: &'a Rights,
    /// Of a viewer that may come again.
    typist: Option<Typist>,
    /// Until there was some output.
    first: Option<FirstOutput>,
}

impl<'a, Io> Relay<'a, Io> {
    pub(super) fn new(
        responses: ResponseSender,
        connection: Connection<Io>,
        output: OutputWindow,
        typist: Option<Typist>,
        counters: &'a Counters,
        rights: &'a Rights,
        first: FirstOutput,
    ) -> Self {
        let (input, first) = (InputWindow::default(), Some(first));
        Self { responses, connection, input, output, counters, rights, typist, first }
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
                Access::View => self.ignore(other),
            },
        }
    }

    fn act(&mut self, request: Option<Request>) -> ControlFlow<End> {
        match request {
            Some(Request::Input(bytes)) => self.typed(bytes),
            Some(Request::Resize(size)) => self.resized(size),
            Some(Request::Interrupt(_)) => self.interrupted(),
            Some(Request::Typed(typed)) => self.typed_so_far(typed),
            // A kind of request that a newer caller knows.
            _ => Continue(()),
        }
    }

    /// Its credit is given back, so that nothing of the viewer's waits for it.
    fn ignore(&mut self, request: Option<Request>) -> ControlFlow<End> {
        match (request, &mut self.typist) {
            (Some(Request::Input(bytes)), typist) => {
                self.responses.input_credit(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
                if let Some(typist) = typist {
                    typist.types_in_vain(bytes.len());
                }
            }
            (Some(Request::Interrupt(_)), Some(typist)) => {
                // It cannot go back.
                let _ = typist.is_at_in_vain(typist.interrupted());
            }
            (Some(Request::Typed(typed)), Some(typist)) => {
                if let Ok(typed) = so_far(typed) {
                    // Nonsense of one who may only look has no effect, as all else.
                    let _ = typist.is_at_in_vain(typed);
                }
            }
            _ => {}
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
            Ok(Event::Position(position)) => {
                if self.responses.position(position).is_err() {
                    return Break(End::Lost(Lost::Protocol));
                }
            }
            Ok(Event::Presence(presence)) => self.responses.presence(presence),
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

    pub(super) fn resumption(&self) -> Resumption {
        match self.typist {
            Some(_) => Resumption::Possible,
            None => Resumption::Impossible,
        }
    }

    /// Tells both sides of the end. The screen of a viewer that was cut hears of it first.
    pub(super) fn finish(mut self, end: End, dismissal: Option<&Dismissal>) -> Connection<Io> {
        match end.typed(self.resumption()) {
            Typed::Deliver => self.connection.leave(),
            Typed::Drop => self.connection.hang_up(),
        }
        self.responses.finish(end, dismissal);
        self.connection
    }

    fn typed(&mut self, bytes: Bytes) -> ControlFlow<End> {
        if self.input.sent(bytes.len()).is_err() {
            return Break(End::Violation(Violation::InputWindow));
        }
        if !bytes.is_empty() {
            self.counters.add_input(bytes.len());
            self.rights.typed();
            let typist = self.typist.as_mut();
            if let Some(missing) = typist.and_then(|typist| typist.types(bytes.len())) {
                self.connection.say(|outgoing| outgoing.typed(missing));
            }
            self.connection.say(|outgoing| outgoing.input(bytes));
        }
        Continue(())
    }

    fn acknowledged(&mut self, bytes: u64) -> ControlFlow<End> {
        let taken = self.responses.acknowledge(bytes);
        if let Some(credit) = self.output.taken(taken) {
            self.connection.output_credit(credit);
        }
        Continue(())
    }

    fn resized(&mut self, size: RequestedSize) -> ControlFlow<End> {
        match Size::parse(size) {
            Ok(size) => {
                self.connection.say(|outgoing| outgoing.size(size));
                Continue(())
            }
            Err(violation) => Break(End::Violation(violation)),
        }
    }

    /// Of a viewer that may come again every interrupt is told by its number.
    fn interrupted(&mut self) -> ControlFlow<End> {
        if let Some(typist) = &self.typist {
            return self.is_at(typist.interrupted());
        }
        let dropped = self.connection.say(Outgoing::interrupt);
        self.dropped(dropped)
    }

    fn typed_so_far(&mut self, typed: SaidTyped) -> ControlFlow<End> {
        match so_far(typed) {
            Ok(typed) => self.is_at(typed),
            Err(violation) => Break(End::Violation(violation)),
        }
    }

    /// What is only missing is told before the next input.
    fn is_at(&mut self, typed: TypedSoFar) -> ControlFlow<End> {
        match self.typist.as_mut().map(|typist| typist.is_at(typed)) {
            Some(Ok(Some(interrupted))) => {
                let dropped = self.connection.say(|outgoing| outgoing.interrupt_at(interrupted));
                self.dropped(dropped)
            }
            Some(Ok(None)) => Continue(()),
            Some(Err(_)) | None => Break(End::Violation(Violation::Typed)),
        }
    }

    /// What was typed before an interrupt and has not left is dropped here, as the screen drops the rest.
    fn dropped(&mut self, bytes: usize) -> ControlFlow<End> {
        if self.input.credited(bytes).is_err() {
            // More input waits than was typed: a defect, and no viewer's fault.
            return Break(End::Lost(Lost::Protocol));
        }
        if bytes > 0 {
            // At most the window of 64 KiB.
            self.responses.input_credit(u32::try_from(bytes).unwrap_or(u32::MAX));
        }
        Continue(())
    }
}

fn so_far(SaidTyped { position: said, interrupts }: SaidTyped) -> Result<TypedSoFar, Violation> {
    Ok(TypedSoFar { position: position(said)?, interrupts })
}
