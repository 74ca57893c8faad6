//! How those are seen off who are through, and when the terminal itself is. Must not wait for long for what a trunk takes.

use std::{
    io,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{Holder, Progress, line::Line};
use crate::screen::{
    error::ScreenError,
    folder::Place,
    handover::{self, Word},
    session::Session,
};

/// So long those who come by trunks may take to be told what is left to say, when nobody looks any more.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

impl Holder {
    /// Lets those go that are through.
    pub(super) fn see_off(&mut self) -> Progress {
        let over: Vec<_> = self.lines.iter_mut().flat_map(Line::see_off).collect();
        // A trunk is told, and nothing else may ever wake us.
        let progress = if over.is_empty() { Progress::None } else { Progress::Made };
        for seat in over {
            // An error is the next viewer's affair.
            let _ = self.desk.left(seat.id());
            if let Some((viewer, typed)) = seat.remembered() {
                self.memory.remember(viewer, typed, Instant::now());
            }
        }
        let ends = self.code.is_some() || (self.is_empty() && self.terms.idle.is_zero());
        let over: Vec<_> = self.lines.extract_if(.., |line| line.is_over()).collect();
        for line in over {
            self.waiting.extend(line.say_goodbye(ends.then_some(())));
        }
        progress
    }

    fn is_empty(&self) -> bool {
        self.seats().next().is_none() && self.arriving.is_empty()
    }

    /// Whether there is nothing left to do.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.is_empty() || !self.is_without_reason(cx) {
            self.farewell = None;
            return false;
        }
        if self.lines.iter().all(Line::is_told) {
            return true;
        }
        let until = self.farewell.get_or_insert_with(|| Box::pin(sleep(FAREWELL_MAX)));
        until.as_mut().poll(cx).is_ready()
    }

    /// Whether a terminal that nobody looks at is held no longer.
    fn is_without_reason(&mut self, cx: &mut Context<'_>) -> bool {
        if self.code.is_some() || self.terms.idle.is_zero() {
            return true;
        }
        let idle = self.idle.get_or_insert_with(|| Box::pin(sleep(self.terms.idle)));
        idle.as_mut().poll(cx) == Poll::Ready(())
    }

    /// Ends what is left of the session, and tells those who wait for it.
    pub(super) async fn end(mut self, session: Session) {
        self.close();
        let Self { desk, lines, mut waiting, .. } = self;
        waiting.extend(lines.into_iter().map(Line::into_control));
        // Hangs the terminal up.
        drop(desk);
        session.end().await;
        for control in waiting {
            control.say(&Word::Ended(handover::Holder::Ends));
        }
    }

    pub(super) fn program_ended(&mut self, code: i32) {
        self.code = Some(code);
        self.close();
        self.desk.end();
        for line in &mut self.lines {
            line.seats_mut().for_each(|seat| seat.program_ended(code));
        }
    }

    /// Nobody comes any more: who does in this moment finds no socket, and starts another holder.
    fn close(&mut self) {
        // As long as it is open nobody puts another holder's socket there.
        let Some(_door) = self.door.take() else { return };
        if let Some(Place { folder, name }) = &self.terms.place
            && let Ok(lock) = folder.try_lock(name)
        {
            let _ = folder.remove(name, &lock);
        }
    }

    /// A terminal that fails has nothing more to show to anybody.
    pub(super) fn unless_failed(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            let sentence = ScreenError::Terminal(error).sentence();
            self.lines.iter_mut().for_each(|line| line.fail(&sentence));
            self.code.get_or_insert(1);
        }
    }
}
