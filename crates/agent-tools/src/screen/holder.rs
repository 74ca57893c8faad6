//! One terminal and all who look at it, from its first viewer to an end after which nothing of it is left. It is one task,
//! which owns everything and waits for everything at once. Must not let one viewer wait for another.

mod admission;
mod arriving;
mod ending;
mod feed;
mod line;
mod memory;
mod presence;
mod seat;

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use screen_wire::MAX_PAYLOAD_BYTES;
use tokio::{task::yield_now, time::Sleep};

pub(crate) use arriving::{Arrival, Arriving};
use line::Line;
use memory::Memory;

use super::{
    desk::Desk,
    folder::Place,
    handover::{Control, Door},
    pty::Pty,
    session::Session,
    stop::Stop,
    typed::By,
};

/// After so much output at once there is likely more, and the runtime must get to see whether a viewer says something.
const BULK_BYTES: u64 = MAX_PAYLOAD_BYTES as u64;

/// How a holder is run.
pub(crate) struct Terms {
    /// How long it stays without viewers.
    pub(crate) idle: Duration,
    /// Where its socket is, if it has one.
    pub(crate) place: Option<Place>,
    /// A number that no other terminal has.
    pub(crate) terminal: u64,
}

pub(crate) struct Holder {
    /// Tells this terminal from one that was here before.
    terminal: u64,
    desk: Desk,
    lines: Vec<Line>,
    memory: Memory,
    arriving: Arriving,
    /// Until nobody may come any more.
    door: Option<Door>,
    stop: Stop,
    terms: Terms,
    /// Runs while there is nobody.
    idle: Option<Pin<Box<Sleep>>>,
    /// Runs while all is over, but for what trunks are told.
    farewell: Option<Pin<Box<Sleep>>>,
    last_id: u16,
    /// Of the program.
    code: Option<i32>,
    /// Viewers that are told when all is over.
    waiting: Vec<Control>,
    pace: presence::Pace,
}

/// Whether something was done that may be followed by more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Made,
    None,
}

impl Progress {
    fn and(self, other: Self) -> Self {
        if self == Self::None { other } else { Self::Made }
    }
}

/// Whether those at the other end are to be given a sign of life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alive {
    Due,
    Sent,
}

/// Why a turn is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// There is more to do, once the runtime has seen whether somebody says something.
    Yield,
    Ended,
}

impl Holder {
    /// With its first viewer.
    pub(crate) fn new(
        pty: Pty,
        first: Arrival,
        arriving: Arriving,
        door: Option<Door>,
        stop: Stop,
        terms: Terms,
    ) -> Self {
        let mut holder = Self {
            terminal: terms.terminal,
            desk: Desk::new(pty, first.size),
            lines: Vec::new(),
            memory: Memory::default(),
            arriving,
            door,
            stop,
            terms,
            idle: None,
            farewell: None,
            last_id: 0,
            code: None,
            waiting: Vec::new(),
            pace: presence::Pace::default(),
        };
        holder.admit(first);
        holder
    }

    /// Holds the terminal until there is no reason to any more.
    pub(crate) async fn run(mut self, mut session: Session) {
        while std::future::poll_fn(|cx| self.turn(cx, &mut session)).await == Turn::Yield {
            yield_now().await;
        }
        self.end(session).await;
    }

    /// Does all there is to do, in the order of its right to be done at once.
    fn turn(&mut self, cx: &mut Context<'_>, session: &mut Session) -> Poll<Turn> {
        loop {
            if self.stop.poll_requested(cx).is_ready() {
                return Poll::Ready(Turn::Ended);
            }
            let mut progress = self.hear(cx).and(self.write(cx));
            if self.code.is_none()
                && let Poll::Ready(code) = session.poll_ended(cx)
            {
                self.program_ended(code);
                progress = Progress::Made;
            }
            progress = progress.and(self.tell_presence(cx)).and(self.show(cx));
            let before = self.desk.output().head();
            progress = progress.and(self.read(cx)).and(self.welcome(cx));
            progress = progress.and(self.see_off());
            if self.is_over(cx) {
                return Poll::Ready(Turn::Ended);
            }
            if self.desk.output().head() - before >= BULK_BYTES {
                self.show(cx);
                return Poll::Ready(Turn::Yield);
            }
            if progress == Progress::Made {
                continue;
            }
            match self.desk.feed() {
                Poll::Ready(fed) => {
                    self.unless_failed(fed);
                    if self.desk.is_behind() {
                        return Poll::Ready(Turn::Yield);
                    }
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// What viewers say, and what of them is due.
    fn hear(&mut self, cx: &mut Context<'_>) -> Progress {
        let mut progress = Progress::None;
        for index in 0..self.lines.len() {
            loop {
                let Self { lines, desk, .. } = self;
                let Some(line) = lines.get_mut(index) else { break };
                let (made, entering) = line.poll_input(cx, desk);
                progress = progress.and(made);
                let Some(entering) = entering else { break };
                self.enter(index, entering);
            }
        }
        progress
    }

    /// What waits for the program.
    fn write(&mut self, cx: &mut Context<'_>) -> Progress {
        let Self { desk, lines, .. } = self;
        let mut of = Vec::new();
        match desk.poll_typed(cx, |by, bytes| of.push((by, bytes))) {
            Poll::Pending => Progress::None,
            Poll::Ready(Ok(written)) => {
                for (by, bytes) in of {
                    if let By::Viewer(id) = by {
                        for line in lines.iter_mut() {
                            line.typed(id, bytes, written);
                        }
                    }
                }
                Progress::Made
            }
            Poll::Ready(Err(error)) => {
                self.unless_failed(Err(error));
                Progress::Made
            }
        }
    }

    /// What viewers are shown and told.
    fn show(&mut self, cx: &mut Context<'_>) -> Progress {
        let Self { lines, desk, .. } = self;
        lines.iter_mut().map(|line| line.poll_output(cx, desk)).fold(Progress::None, Progress::and)
    }

    /// The program is as fast as the fastest of those who look, and does not wait where nobody does.
    fn read(&mut self, cx: &mut Context<'_>) -> Progress {
        let head = self.desk.output().head();
        let allowed = self.lines.iter().filter_map(|line| line.allows(head)).max();
        match self.desk.poll_output(cx, allowed.unwrap_or(MAX_PAYLOAD_BYTES)) {
            Poll::Pending => Progress::None,
            Poll::Ready(read) => {
                self.unless_failed(read);
                Progress::Made
            }
        }
    }

    fn welcome(&mut self, cx: &mut Context<'_>) -> Progress {
        match self.arriving.poll_arrival(cx, self.door.as_ref()) {
            Poll::Ready(arrival) => {
                self.admit(arrival);
                Progress::Made
            }
            Poll::Pending => Progress::None,
        }
    }

    fn seats(&self) -> impl Iterator<Item = &seat::Seat> {
        self.lines.iter().flat_map(Line::seats)
    }
}
