//! A terminal by any of the ways to it: bytes there, bytes back. It must not know what they mean.

use std::{convert::Infallible, future::pending};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use kube::Client;

use super::{
    exec::{Exec, Screen, Target},
    guest::Guest,
};

/// The size that all of them have.
pub(super) const COLUMNS: u16 = 120;
pub(super) const ROWS: u16 = 40;

pub(super) enum Terminal {
    /// An exec with a TTY, as `kubectl exec -it` has.
    Direct(Exec),
    /// What the broker execs, without broker and gateway.
    Screen(Screen),
    /// As a guest's browser has it.
    Guest(Box<Guest>),
}

impl Terminal {
    pub(super) async fn direct(client: &Client, target: Target<'_>) -> Result<Self> {
        Ok(Self::Direct(Exec::terminal(client, target).await.context("direct exec")?))
    }

    pub(super) async fn screen(client: &Client, target: Target<'_>) -> Result<Self> {
        Ok(Self::Screen(Screen::open(client, target).await.context("exec of the screen")?))
    }

    pub(super) async fn guest(token: &str) -> Result<Self> {
        Ok(Self::Guest(Box::new(Guest::open(token).await.context("a guest's WebSocket")?)))
    }

    pub(super) async fn send(&mut self, typed: &[u8]) -> Result<()> {
        match self {
            Self::Direct(exec) => exec.send(typed).await,
            Self::Screen(screen) => screen.send(typed).await,
            Self::Guest(guest) => guest.send(typed).await,
        }
    }

    /// The next bytes of output, in the pieces in which they come.
    pub(super) async fn receive(&mut self) -> Result<Bytes> {
        match self {
            Self::Direct(exec) => exec.receive().await,
            Self::Screen(screen) => screen.receive().await,
            Self::Guest(guest) => guest.receive().await,
        }
    }

    /// What the terminal needs while another has its turn; returns only when it failed.
    pub(super) async fn idle(&mut self) -> Result<Infallible> {
        match self {
            Self::Direct(_) | Self::Guest(_) => pending().await,
            Self::Screen(screen) => {
                let bytes = screen.receive().await?;
                bail!("{} bytes of output that nothing asked for", bytes.len())
            }
        }
    }
}
