//! What a viewer is sent, and in which order.

use std::{
    io, mem,
    task::{Context, Poll},
};

use screen_wire::Frame;
use tokio::time::Instant;

use super::{Alive, Phase, Seat};
use crate::screen::{
    desk::Desk,
    error::ScreenError,
    holder::{
        Progress,
        feed::{Place, Stream},
    },
};

impl Seat {
    /// Sends what there is to be sent.
    pub(in crate::screen::holder) fn poll_output(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> Progress {
        let mut progress = Progress::None;
        while matches!(self.phase, Phase::Present | Phase::Last { .. } | Phase::Told) {
            let sent = if self.outlet.is_idle() {
                match self.load(cx, desk) {
                    Ok(Progress::None) => return progress,
                    Ok(Progress::Made) => self.outlet.write_now(),
                    Err(error) => Err(error),
                }
            } else {
                match self.outlet.poll_write(cx) {
                    Poll::Pending => return progress,
                    Poll::Ready(sent) => sent,
                }
            };
            progress = Progress::Made;
            match sent {
                Ok(()) => {}
                // A viewer that left is an ordinary end, not an error.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.lost(desk),
                Err(error) => {
                    self.cut(desk);
                    self.fail(&ScreenError::Output(error).sentence());
                }
            }
        }
        progress
    }

    /// Takes all that is due as the next to leave; only when the last frames have.
    fn load(&mut self, cx: &mut Context<'_>, desk: &mut Desk) -> io::Result<Progress> {
        let stream = match self.phase {
            Phase::Present => Stream::GoesOn,
            Phase::Told => {
                self.phase = Phase::Over(None);
                return Ok(Progress::None);
            }
            _ => Stream::Over,
        };
        let Self { feed, gathered, output, typist, .. } = self;
        feed.fill(gathered, output, stream, desk, typist)?;
        let last = self.last_frame(cx, desk);
        let alive = mem::replace(&mut self.alive, Alive::Sent) == Alive::Due;
        let [joined, place] = self.whereabouts();
        let is_due = alive || last.is_some() || joined.is_some() || self.input.credit_is_due();
        if self.gathered.is_empty() && place.is_none() && !is_due {
            return Ok(Progress::None);
        }
        let credit = self.input.due_credit().map(|bytes| Frame::InputCredit { bytes });
        self.output.send(self.gathered.len());
        let control = [joined, place, alive.then_some(Frame::Alive), credit, last];
        let control = control.into_iter().flatten();
        self.outlet.load(control, &mut self.gathered).map_err(io::Error::other)?;
        Ok(Progress::Made)
    }

    /// What one that may come again is told of where it is: before what was gathered.
    fn whereabouts(&mut self) -> [Option<Frame>; 2] {
        let Some(resume) = &mut self.resume else { return [None, None] };
        let place = self.feed.place().map(|Place { position, screen_bytes }| {
            self.feed.placed();
            Frame::Position { position, screen_bytes }
        });
        [resume.take_news(), place]
    }

    /// The exit code, once all of the output has been sent, or is not taken.
    fn last_frame(&mut self, cx: &mut Context<'_>, desk: &Desk) -> Option<Frame> {
        let Phase::Last { code, patience } = &mut self.phase else { return None };
        if !self.gathered.is_empty() {
            patience.as_mut().reset(Instant::now() + self.timer.pace().alive);
            return None;
        }
        let through = self.feed.is_through(desk.output().head());
        if !through && patience.as_mut().poll(cx).is_pending() {
            return None;
        }
        let code = *code;
        self.phase = Phase::Told;
        Some(Frame::Exit { code })
    }
}
