//! Who has come to the holder and not said yet what it comes with. Must not wait for anybody for long.

use std::{
    io,
    os::fd::OwnedFd,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use crate::screen::{
    error::ScreenError,
    handover::{Control, Door, Hello, Streams, Word},
    size::Size,
};

/// The others wait in the socket's queue.
const ARRIVING_MAX: usize = 16;
/// An attach says it at once.
const HELLO_MAX: Duration = Duration::from_secs(5);

/// One who has said it.
pub(crate) struct Arrival {
    pub(crate) size: Size,
    pub(super) hello: Hello,
    pub(super) streams: Streams,
    pub(super) control: Control,
}

impl Arrival {
    /// It cannot be shown anything.
    pub(crate) fn fail(self, error: &ScreenError) {
        self.control.say(&Word::Failed(error.sentence()));
    }
}

struct Waiting {
    control: Control,
    until: Pin<Box<Sleep>>,
}

#[derive(Default)]
pub(crate) struct Arriving(Vec<Waiting>);

impl Arriving {
    /// The one at the other end of `socket`.
    pub(crate) fn with(socket: OwnedFd) -> io::Result<Self> {
        let mut arriving = Self::default();
        arriving.wait_for(Control::new(socket)?);
        Ok(arriving)
    }

    fn wait_for(&mut self, control: Control) {
        self.0.push(Waiting { control, until: Box::pin(sleep(HELLO_MAX)) });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits for the next.
    pub(crate) fn poll_arrival(
        &mut self,
        cx: &mut Context<'_>,
        door: Option<&Door>,
    ) -> Poll<Arrival> {
        while let Some(door) = door
            && self.0.len() < ARRIVING_MAX
            && let Poll::Ready(accepted) = door.poll_accept(cx)
        {
            // An error is that of one who has gone already, or of a process that has no descriptor left: both pass.
            let Ok(control) = accepted else { break };
            self.wait_for(control);
        }
        let mut index = 0;
        while let Some(waiting) = self.0.get_mut(index) {
            match waiting.control.poll_hello(cx) {
                Poll::Ready(Ok((hello, streams))) => {
                    let control = self.0.swap_remove(index).control;
                    match Size::new(hello.columns, hello.rows) {
                        Some(size) => {
                            return Poll::Ready(Arrival { size, hello, streams, control });
                        }
                        None => control.say(&Word::Failed(ScreenError::NoSize.sentence())),
                    }
                }
                Poll::Pending if waiting.until.as_mut().poll(cx).is_pending() => index += 1,
                Poll::Ready(Err(_)) | Poll::Pending => {
                    self.0.swap_remove(index);
                }
            }
        }
        Poll::Pending
    }
}
