//! How a viewer takes its place.

use super::{
    Alive, Phase, Seat,
    resume::{Former, Interrupt, Resume},
};
use crate::screen::{
    answers::Answers,
    desk::{Desk, Typist},
    error::ScreenError,
    handover::{Control, Hello, Streams, Word},
    holder::{Arrival, feed::Feed},
    timer::{Pace, Timer},
    typed::ViewerId,
    viewer::{self, Gathered, Inlet, Input, Outlet},
    window::{InputWindow, OutputWindow},
};

impl Seat {
    /// `None` where its streams are none.
    pub(in crate::screen::holder) fn take(
        id: ViewerId,
        arrival: Arrival,
        former: Former,
        terminal: u64,
        desk: &mut Desk,
    ) -> Option<Self> {
        let Arrival { size, hello, streams, control } = arrival;
        match Self::open(id, &hello, streams, control, desk) {
            Ok(mut seat) => {
                seat.control.say(&Word::Accepted);
                // A terminal without a size of its own fails at what comes next.
                let _ = desk.tell_size(id, size);
                let resume = hello.join.map(|join| Resume::begin(&join, terminal, former.typed));
                if let Some((resume, interrupt)) = resume {
                    (seat.resume, seat.typist) = (Some(resume), former.typist);
                    if interrupt == Interrupt::Missed {
                        let _ = seat.interrupt(desk);
                    }
                }
                Some(seat)
            }
            Err((control, error)) => {
                control.say(&Word::Failed(error.sentence()));
                None
            }
        }
    }

    fn open(
        id: ViewerId,
        hello: &Hello,
        streams: Streams,
        control: Control,
        desk: &Desk,
    ) -> Result<Self, (Control, ScreenError)> {
        let opened = || {
            let stdout = streams.stdout.try_clone();
            let stdout =
                stdout.map_err(|source| ScreenError::Stream { stream: "stdout", source })?;
            Ok((Inlet::new(streams.stdin)?, Outlet::new(streams.stdout)?, stdout))
        };
        let (inlet, outlet, stdout) = match opened() {
            Ok(opened) => opened,
            Err(error) => return Err((control, error)),
        };
        Ok(Self {
            id,
            control,
            inlet,
            stdin: Input::Open,
            outlet,
            gone: Box::pin(viewer::gone(stdout)),
            timer: Timer::start(Pace { alive: hello.alive(), silence_max: hello.silence_max() }),
            input: InputWindow::after(desk.waiting(id)),
            answers: Answers::default(),
            held: None,
            typist: Typist::default(),
            feed: Feed::new(desk.output(), hello.join.and_then(|join| join.drawn)),
            output: OutputWindow::new(hello.window_bytes),
            gathered: Gathered::new(),
            alive: Alive::Sent,
            phase: Phase::Present,
            resume: None,
        })
    }
}
