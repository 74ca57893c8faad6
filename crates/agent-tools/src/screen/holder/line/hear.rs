//! What comes by a line: whose it is, and what it makes of its viewers. Must not let one of a trunk pay for what another
//! one says.

use std::{
    future::pending,
    io,
    task::{Context, Poll},
};

use screen_wire::Frame;

use super::{End, Entering, Kind, Line, Place};
use crate::screen::{desk::Desk, error::ScreenError, holder::Progress, timer::Due, viewer::Input};

/// So many may wait to be told that they have no place, before nothing more is heard.
const LEFT_MAX: usize = 256;

impl Line {
    /// What is said, what is due, and whether anybody is there. One who comes has to be given a place before the next
    /// is heard.
    pub(in crate::screen::holder) fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> (Progress, Option<Entering>) {
        match self.try_poll_input(cx, desk) {
            Ok(heard) => heard,
            Err(error) => {
                self.break_off(&error, desk);
                (Progress::Made, None)
            }
        }
    }

    fn try_poll_input(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> Result<(Progress, Option<Entering>), ScreenError> {
        let mut progress = Progress::None;
        if let Some(entering) = self.hear(desk)? {
            return Ok((Progress::Made, Some(entering)));
        }
        if self.stdin == Input::Open
            && !self.owes_answers()
            && let Poll::Ready(read) = self.inlet.poll_read(cx)
        {
            progress = Progress::Made;
            let entering = self.receive(read, desk)?;
            if entering.is_some() {
                return Ok((progress, entering));
            }
        }
        match self.timer.poll_due(cx) {
            Poll::Ready(Due::Silence) => self.lost(desk),
            Poll::Ready(Due::Alive) => {
                self.say_alive();
                progress = Progress::Made;
            }
            Poll::Pending => {}
        }
        for Place { seat, .. } in &mut self.places {
            progress = progress.and(seat.poll_due(cx, desk)?);
        }
        if self.gone.as_mut().poll(cx).is_ready() {
            self.gone = Box::pin(pending());
            self.lost(desk);
        }
        if self.control.poll_gone(cx).is_ready() {
            self.lost(desk);
        }
        Ok((progress, None))
    }

    fn receive(
        &mut self,
        read: io::Result<Input>,
        desk: &mut Desk,
    ) -> Result<Option<Entering>, ScreenError> {
        self.stdin = read.map_err(ScreenError::Input)?;
        if self.stdin == Input::Ended {
            self.end_unless_over();
            self.seats_mut().for_each(|seat| seat.leave(desk));
            return Ok(None);
        }
        self.timer.heard();
        self.hear(desk)
    }

    /// What was read, up to one who comes.
    fn hear(&mut self, desk: &mut Desk) -> Result<Option<Entering>, ScreenError> {
        while self.listens()
            && let Some(frame) = self.inlet.next()?
        {
            let entering = self.apply(frame, desk)?;
            if entering.is_some() {
                return Ok(entering);
            }
        }
        Ok(None)
    }

    fn listens(&self) -> bool {
        !self.is_over() && !matches!(self.end, End::Over(Some(_))) && !self.owes_answers()
    }

    /// Whether more has been asked of a trunk than its owner reads the answers to.
    fn owes_answers(&self) -> bool {
        matches!(&self.kind, Kind::Trunk(common) if common.left.len() >= LEFT_MAX)
    }

    fn apply(&mut self, frame: Frame, desk: &mut Desk) -> Result<Option<Entering>, ScreenError> {
        if let Frame::Enter(enter) = frame
            && matches!(self.kind, Kind::Trunk(_))
            && self.admits(self.speaker)
        {
            return Ok(Some(Entering { number: self.speaker, enter }));
        }
        let speaker = self.speaker;
        match (frame, &mut self.kind) {
            (Frame::FromViewer { viewer }, Kind::Trunk(_)) => self.speaker = viewer,
            (Frame::Ping, _) => self.say_alive(),
            (Frame::Compress, _) => self.outlet.compress(),
            (frame, Kind::Trunk(_)) if speaker > 0 => self.apply_of(speaker, frame, desk)?,
            (Frame::OutputCredit { bytes }, Kind::Trunk(common)) => {
                common.window.acknowledge(bytes);
            }
            (frame, _) => match self.places.first_mut() {
                Some(Place { number: 0, seat }) => seat.apply(frame, desk)?,
                _ => return Err(ScreenError::Direction(frame)),
            },
        }
        Ok(None)
    }

    /// What a viewer of a trunk says: if it may not, that costs nobody else anything.
    fn apply_of(&mut self, number: u32, frame: Frame, desk: &mut Desk) -> Result<(), ScreenError> {
        // It may have left in this moment.
        let its = self.places.iter_mut().find(|place| place.number == number);
        let Some(Place { seat, .. }) = its else { return Ok(()) };
        match seat.apply(frame, desk) {
            Err(ScreenError::Window(_) | ScreenError::Direction(_)) => seat.cut(desk),
            applied => applied?,
        }
        Ok(())
    }

    /// Whether one of this number may come.
    fn admits(&self, number: u32) -> bool {
        let is_new = number > 0 && self.places.iter().all(|place| place.number != number);
        is_new && matches!(self.end, End::Open)
    }
}
