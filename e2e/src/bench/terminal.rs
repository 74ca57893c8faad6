//! A terminal by any of the ways to it: bytes there, bytes back. It must not know what they mean.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use kube::Client;

use super::{
    broker::Attached,
    exec::{Exec, Screen, Target},
    guest::Guest,
};

/// The size that all of them have.
pub(super) const COLUMNS: u16 = 120;
pub(super) const ROWS: u16 = 40;

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

    pub(super) async fn broker(client: &Client, at: SocketAddr, token: &str) -> Result<Self> {
        let attached = Attached::open(client, at, token).await.context("gRPC to the broker")?;
        Ok(Self::Broker(Box::new(attached)))
    }

    pub(super) async fn guest(token: &str) -> Result<Self> {
        Ok(Self::Guest(Box::new(Guest::open(token).await.context("a guest's WebSocket")?)))
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
}
