//! A guest without a browser, and without the page's subprotocol: it knows no credit, and sends what it likes.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::{SinkExt, StreamExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, http::StatusCode},
};

use crate::{settings, waiting};

/// The watches of gateway and broker are behind the controller's by less, on two busy cores.
const CAUGHT_UP: Duration = Duration::from_secs(20);

pub struct RawGuest(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl RawGuest {
    /// Opens the link's terminal in 120 columns and 40 rows.
    pub async fn open(token: &str) -> Result<Self> {
        Self::open_at(&settings::gateway()?, token).await
    }

    /// As [`Self::open`], at a gateway of one's choice.
    pub async fn open_at(gateway: &str, token: &str) -> Result<Self> {
        let address = gateway.strip_prefix("http://").context("the gateway is not plain HTTP")?;
        let url = format!("ws://{address}/s/{token}/terminal");
        let mut socket = connect_async(url).await?.0;
        socket.send(Message::text(r#"{"type":"resize","cols":120,"rows":40}"#)).await?;
        Ok(Self(socket))
    }

    /// Opens the link as the page does: one that asks to wait is asked again. The gateway learns that an agent is ready
    /// from a watch of its own, which may be behind the one that a test reads.
    pub async fn arrives(token: &str) -> Result<Self> {
        let opened = waiting::until("the link is open", CAUGHT_UP, || async {
            match Self::open(token).await {
                Err(error) if asks_to_wait(&error) => Ok(None),
                opened => opened.map(Some),
            }
        });
        Ok(opened.await?.0)
    }

    /// Reads until `text` has been shown.
    pub async fn shows(&mut self, text: &str, within: Duration) -> Result<()> {
        let mut seen = Vec::new();
        let shown = async {
            while !String::from_utf8_lossy(&seen).contains(text) {
                let message = self.0.next().await.context("the socket ended")??;
                seen.extend_from_slice(&message.into_data());
            }
            anyhow::Ok(())
        };
        timeout(within, shown).await.with_context(|| format!("{text:?} is not shown"))?
    }

    /// Reads what comes, and answers signs of life, until the end.
    pub async fn stays(&mut self) {
        while let Some(Ok(_)) = self.0.next().await {}
    }

    /// Sends `input`, and reads nothing. `false` where the gateway has closed meanwhile.
    pub async fn sends(&mut self, input: &[u8]) -> Result<bool> {
        match self.0.send(Message::binary(input.to_vec())).await {
            Ok(()) => Ok(true),
            Err(
                Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) | Error::Protocol(_),
            ) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn asks_to_wait(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<Error>();
    matches!(refused, Some(Error::Http(answer)) if answer.status() == StatusCode::SERVICE_UNAVAILABLE)
}
