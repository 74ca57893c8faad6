//! What those who look are told of each other, and of the size that all of them have. Must not let one who types fast fill
//! the streams of all others.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use screen_wire::{LastTyped, Presence};
use tokio::time::sleep;

use super::{
    Holder, Progress,
    line::Line,
    seat::{Seat, Timed},
};

/// Who comes, goes and types is told so often at most: two who type in turns would else be told at each key.
const PAUSE: Duration = Duration::from_millis(250);

/// When something was told last.
#[derive(Default)]
pub(super) struct Pace(Option<Timed>);

/// What one was told that may come again.
#[derive(Default)]
pub(super) struct Told {
    last: Option<Presence>,
    /// It is on its way to be told.
    due: bool,
}

/// How soon one is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Haste {
    /// It is known already.
    None,
    Some,
    /// What comes next is meant for another size.
    All,
}

impl Told {
    fn haste(&self, now: Presence) -> Haste {
        let size = |presence: Presence| (presence.columns, presence.rows);
        match self.last {
            Some(last) if last == now => Haste::None,
            Some(last) if size(last) == size(now) => Haste::Some,
            _ => Haste::All,
        }
    }

    fn tell(&mut self, now: Presence) {
        (self.last, self.due) = (Some(now), true);
    }

    pub(super) fn take(&mut self) -> Option<Presence> {
        std::mem::take(&mut self.due).then_some(self.last).flatten()
    }
}

impl Pace {
    /// Whether one may be told who looks.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(pause) => pause.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }

    fn told(&mut self) {
        self.0 = Some(Box::pin(sleep(PAUSE)));
    }
}

impl Holder {
    /// Has those told for whom something has changed.
    pub(super) fn tell_presence(&mut self, cx: &mut Context<'_>) -> Progress {
        let viewers = self.seats().filter(|seat| seat.is_present()).count();
        let viewers = u16::try_from(viewers).unwrap_or(u16::MAX);
        let (size, typist) = self.desk.shared();
        let (columns, rows) = (size.columns(), size.rows());
        let (mut told, mut progress) = (false, Progress::None);
        for seat in self.lines.iter_mut().flat_map(Line::seats_mut).filter(|seat| seat.is_present())
        {
            let typed = match typist {
                None => LastTyped::Nobody,
                Some(id) if id == seat.id() => LastTyped::You,
                Some(_) => LastTyped::Another,
            };
            let now = Presence { columns, rows, viewers, typed };
            let Some(news) = seat.presence_mut() else { continue };
            match news.haste(now) {
                Haste::None => continue,
                Haste::Some if self.pace.poll_ready(cx).is_pending() => continue,
                Haste::Some => told = true,
                Haste::All => {}
            }
            news.tell(now);
            progress = Progress::Made;
        }
        if told {
            self.pace.told();
        }
        progress
    }
}

impl Seat {
    /// What it is to be told of those who look.
    pub(super) fn presence(&mut self) -> Option<Presence> {
        self.presence_mut().and_then(Told::take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Presence =
        Presence { columns: 80, rows: 24, viewers: 1, typed: LastTyped::Nobody };

    #[test]
    fn a_size_is_told_at_once_and_the_rest_when_it_is_time() {
        let mut told = Told::default();
        assert_eq!((told.haste(ALONE), told.take()), (Haste::All, None));
        told.tell(ALONE);
        assert_eq!((told.haste(ALONE), told.take(), told.take()), (Haste::None, Some(ALONE), None));
        let two = Presence { viewers: 2, typed: LastTyped::You, ..ALONE };
        assert_eq!(told.haste(two), Haste::Some);
        assert_eq!(told.haste(Presence { rows: 25, ..two }), Haste::All);
    }
}
