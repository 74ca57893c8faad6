//! A terminal over gRPC straight from a broker.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use screen_wire::{Compressed, OUTPUT_ACK_BYTES};
use terminal_proto::v1::{
    AttachRequest, AttachResponse, CompressedOutput, Open, Size, attach_request::Request,
    attach_response::Response, terminal_broker_client::TerminalBrokerClient,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Channel};

use super::terminal::{COLUMNS, ROWS};

/// Requests under way; each is a key or an acknowledgement.
const REQUESTS: usize = 64;

/// A viewer as the gateway is one.
pub(super) struct Attached {
    requests: mpsc::Sender<AttachRequest>,
    responses: Streaming<AttachResponse>,
    unacknowledged: u64,
}

impl Attached {
    pub(super) async fn open(broker: Channel, token: &str) -> Result<Self> {
        let mut broker = TerminalBrokerClient::new(broker);
        let (requests, stream) = mpsc::channel(REQUESTS);
        let size = Some(Size { columns: u32::from(COLUMNS), rows: u32::from(ROWS) });
        let open = Open {
            token: token.to_owned(),
            client_address: "127.0.0.1".to_owned(),
            size,
            accepts_lz4: true,
            ..Open::default()
        };
        requests.send(AttachRequest { request: Some(Request::Open(open)) }).await?;
        let responses = broker.attach(ReceiverStream::new(stream)).await?.into_inner();
        Ok(Self { requests, responses, unacknowledged: 0 })
    }

    pub(super) async fn send(&mut self, typed: &[u8]) -> Result<()> {
        self.request(Request::Input(Bytes::copy_from_slice(typed))).await
    }

    /// Loses nothing where it is dropped before it is done.
    pub(super) async fn receive(&mut self) -> Result<Bytes> {
        loop {
            if self.unacknowledged >= OUTPUT_ACK_BYTES as u64 {
                let permit = self.requests.reserve().await?;
                let ack = Request::Ack(std::mem::take(&mut self.unacknowledged));
                permit.send(AttachRequest { request: Some(ack) });
            }
            let response = self.responses.message().await?.context("the broker's stream ended")?;
            match response.response {
                Some(Response::Output(bytes)) => {
                    self.unacknowledged += u64::try_from(bytes.len())?;
                    return Ok(bytes);
                }
                Some(Response::CompressedOutput(CompressedOutput { bytes, lz4 })) => {
                    self.unacknowledged += u64::from(bytes);
                    return Ok(Compressed::new(bytes, lz4)?.decompress()?);
                }
                Some(Response::Closed(closed)) => bail!("the broker closed: {}", closed.message),
                _ => {}
            }
        }
    }

    async fn request(&self, request: Request) -> Result<()> {
        Ok(self.requests.send(AttachRequest { request: Some(request) }).await?)
    }
}
