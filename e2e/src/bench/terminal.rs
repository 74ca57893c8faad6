//! A terminal by any of the ways to it: bytes there, bytes back. It must not know what they mean.

use std::time::Duration;

use anyhow::{Context, Result};
use bench_terminal::orders;
use bytes::Bytes;
use kube::Client;
use tokio::time::timeout;
use tonic::transport::Channel;

use super::{
    broker::Attached,
    exec::{Exec, Screen, Target},
    guest::{Comes, Guest},
};

/// The size that all of them have.
pub(super) const COLUMNS: u16 = 120;
pub(super) const ROWS: u16 = 40;
/// After so long without a byte the terminal is stuck, and the benchmark fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A screen is drawn when nothing has come for so long.
const DRAWN: Duration = Duration::from_millis(500);

pub(super) enum Terminal {
    /// An exec with a TTY, as `kubectl exec -it` has.
    Direct(Box<Exec>),
    /// What the broker execs, without broker and gateway.
    Screen(Box<Screen>),
    /// As the gateway has it.
    Broker(Box<Attached>),
    /// As a guest's browser has it.
    Guest(Box<Guest>),
}

impl Terminal {
    pub(super) async fn direct(client: &Client, target: Target<'_>) -> Result<Self> {
        let exec = Exec::terminal(client, target).await.context("direct exec")?;
        Ok(Self::Direct(Box::new(exec)))
    }

    pub(super) async fn screen(client: &Client, target: Target<'_>) -> Result<Self> {
        let screen = Screen::open(client, target).await.context("exec of the screen")?;
        Ok(Self::Screen(Box::new(screen)))
    }

    pub(super) async fn broker(broker: Channel, token: &str) -> Result<Self> {
        let attached = Attached::open(broker, token).await.context("gRPC to the broker")?;
        Ok(Self::Broker(Box::new(attached)))
    }

    pub(super) async fn guest(token: &str, comes: Comes) -> Result<Self> {
        let guest = Guest::open(token, comes).await.context("a guest's WebSocket")?;
        Ok(Self::Guest(Box::new(guest)))
    }

    pub(super) async fn send(&mut self, typed: &[u8]) -> Result<()> {
        match self {
            Self::Direct(exec) => exec.send(typed).await,
            Self::Screen(screen) => screen.send(typed).await,
            Self::Broker(attached) => attached.send(typed).await,
            Self::Guest(guest) => guest.send(typed).await,
        }
    }

    /// The next bytes of output, in the pieces in which they come. Loses nothing where it is dropped before it is done.
    pub(super) async fn receive(&mut self) -> Result<Bytes> {
        match self {
            Self::Direct(exec) => exec.receive().await,
            Self::Screen(screen) => screen.receive().await,
            Self::Broker(attached) => attached.receive().await,
            Self::Guest(guest) => guest.receive().await,
        }
    }

    /// Who shares a terminal may come when the program has begun, and is drawn its screen.
    pub(super) async fn is_drawn(&mut self) -> Result<()> {
        timeout(PATIENCE, self.receive()).await.context("stuck")??;
        while let Ok(more) = timeout(DRAWN, self.receive()).await {
            more?;
        }
        Ok(())
    }

    /// Exactly these bytes, in whatever pieces.
    pub(super) async fn expect(&mut self, expected: &[u8]) -> Result<()> {
        let mut rest = expected;
        while !rest.is_empty() {
            let received = timeout(PATIENCE, self.receive()).await.context("stuck")??;
            rest = rest.strip_prefix(&received[..]).with_context(|| {
                format!("{} came", String::from_utf8_lossy(&received).escape_debug())
            })?;
        }
        Ok(())
    }

    /// Ends the program at the far end, which nobody else might, and hears it out.
    pub(super) async fn end(mut self) -> Result<()> {
        self.send(&orders::quit()).await?;
        while let Ok(_output) = timeout(PATIENCE, self.receive()).await.context("it goes on")? {}
        Ok(())
    }
}
