//! The first thing that a screen says, before anybody is told that its terminal is open.

use screen_wire::{Frame, Joined};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Exec, Over, Positions};

impl<Io: AsyncRead + AsyncWrite + Unpin> Exec<Io> {
    /// Waits for the answer of a screen that was told of a viewer that may come again: it says that first.
    pub(crate) async fn joined(&mut self) -> Result<Joined, Over> {
        match self.frame().await? {
            Frame::Joined(joined) => {
                self.positions = Positions::Said;
                Ok(joined)
            }
            _ => Err(Over::Protocol),
        }
    }

    /// Waits until the screen says anything, which [`Exec::next`] then tells as well.
    pub(crate) async fn heard(&mut self) -> Result<(), Over> {
        self.outgoing.ping();
        let first = self.next().await;
        if first == Err(Over::UnknownArguments) {
            return Err(Over::UnknownArguments);
        }
        self.first = Some(first);
        Ok(())
    }
}
