//! How a line begins.

use screen_wire::Comes;

use super::{End, Kind, Line, trunk::Common};
use crate::screen::{
    error::ScreenError,
    handover::{Control, Hello, Streams, Word},
    holder::Alive,
    timer::{Pace, Timer},
    viewer::{self, Gathered, Inlet, Input, Outlet},
    window::OutputWindow,
};

impl Line {
    /// `None` where its streams are none, which it is told.
    pub(in crate::screen::holder) fn open(
        hello: &Hello,
        streams: Streams,
        control: Control,
    ) -> Option<Self> {
        let opened = || {
            let stdout = streams.stdout.try_clone();
            let stdout =
                stdout.map_err(|source| ScreenError::Stream { stream: "stdout", source })?;
            Ok((Inlet::new(streams.stdin)?, Outlet::new(streams.stdout)?, stdout))
        };
        let (inlet, outlet, stdout) = match opened() {
            Ok(opened) => opened,
            Err(error) => {
                let error: ScreenError = error;
                control.say(&Word::Failed(error.sentence()));
                return None;
            }
        };
        control.say(&Word::Accepted);
        let kind = match hello.comes {
            Comes::Alone(_) => Kind::Alone,
            Comes::Trunk => {
                let window = OutputWindow::new(hello.window_bytes);
                Kind::Trunk(Box::new(Common::new(window, hello.alive())))
            }
        };
        Some(Self {
            control,
            inlet,
            stdin: Input::Open,
            outlet,
            gone: Box::pin(viewer::gone(stdout)),
            timer: Timer::start(Pace { alive: hello.alive(), silence_max: hello.silence_max() }),
            gathered: Gathered::new(),
            alive: Alive::Sent,
            kind,
            places: Vec::new(),
            speaker: 0,
            end: End::Open,
            stuck: None,
        })
    }
}
