//! How what is for the viewer gets to its socket: control is joined, and output waits for it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Sink;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Message;

use super::{
    Viewer,
    states::{Flush, Phase, Ping},
};
use crate::{
    session::{ending::Ending, message::ServerMessage},
    upgrade::Protocol,
};

impl<S: AsyncRead + AsyncWrite + Unpin> Viewer<S> {
    /// Whether the socket took all that it was given.
    pub(in crate::session) fn is_flushed(&self) -> bool {
        self.flush == Flush::Done
    }

    /// Sends what is due and waits until the socket took everything.
    pub(super) fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        loop {
            if self.flush == Flush::Done {
                self.send_due()?;
            }
            if self.flush == Flush::Done {
                return Poll::Ready(Ok(()));
            }
            ready!(Pin::new(&mut self.socket).poll_flush(context))
                .map_err(|error| Ending::of_error(&error))?;
            self.flush = Flush::Done;
            if self.protocol == Protocol::Legacy {
                self.acknowledge(self.unacknowledged);
            }
        }
    }

    /// Control that has to reach the viewer. It is joined while the socket takes nothing, so that
    /// it does not pile up.
    pub(super) fn send_due(&mut self) -> Result<(), Ending> {
        if self.phase == Phase::Opened
            && let Some(state) = self.link.news()
        {
            self.tell(&ServerMessage::Link(state))?;
        }
        if self.credit_due > 0 && self.phase == Phase::Opened {
            let bytes = std::mem::take(&mut self.credit_due);
            self.tell(&ServerMessage::Credit { bytes })?;
        }
        if self.ping == Ping::Due {
            self.ping = Ping::Sent;
            // The browser answers the one, and the page sees only the other.
            self.send(Message::Ping(Bytes::new()))?;
            if self.phase == Phase::Opened {
                self.tell(&ServerMessage::Heartbeat)?;
            }
        }
        Ok(())
    }

    /// Tells our own page; an older one knows no such messages.
    pub(in crate::session) fn tell(&mut self, message: &ServerMessage<'_>) -> Result<(), Ending> {
        match self.protocol {
            Protocol::V1 => self.send(Message::text(message.to_json())),
            Protocol::Legacy => Ok(()),
        }
    }

    fn send(&mut self, message: Message) -> Result<(), Ending> {
        self.flush = Flush::Due;
        Pin::new(&mut self.socket).start_send(message).map_err(|error| Ending::of_error(&error))
    }
}
