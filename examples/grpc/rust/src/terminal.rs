//! One terminal over one call: what is read from stdin is typed as the program takes it, and what it shows is
//! acknowledged once it is written.

use std::{
    fs,
    io::{Read, Write},
    net::IpAddr,
    path::PathBuf,
    process::ExitCode,
    thread,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use terminal_proto::v1::{
    AttachRequest, AttachResponse, CloseReason, Closed, Open, Size, attach_request::Request,
    attach_response::Response,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::brokers::Brokers;

/// Bytes of one message of input; the contract allows 65536.
const PIECE_BYTES: usize = 16 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct Opening {
    /// File with the share link's token, the last part of its URL
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// For whom the terminal is: the link's allowedIPs are judged by it
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    client_address: IpAddr,
    #[arg(long, default_value_t = 120)]
    columns: u32,
    #[arg(long, default_value_t = 40)]
    rows: u32,
}

/// Opens a terminal at any broker: they are all alike.
pub(crate) async fn attach(brokers: &Brokers, opening: Opening) -> anyhow::Result<ExitCode> {
    let token = fs::read_to_string(&opening.token_file)
        .with_context(|| format!("cannot read {}", opening.token_file.display()))?;
    let open = Request::Open(Open {
        token: token.trim().to_owned(),
        client_address: opening.client_address.to_string(),
        size: Some(Size { columns: opening.columns, rows: opening.rows }),
        ..Open::default()
    });
    let mut failure = None;
    for address in &brokers.addresses {
        let mut client = match brokers.connect(*address).await {
            Ok(client) => client,
            Err(error) => {
                failure = Some(error);
                continue;
            }
        };
        let (requests, stream) = mpsc::channel(4);
        requests.send(AttachRequest { request: Some(open) }).await?;
        // Fails where the link opens nothing, and says why.
        let responses = client.attach(ReceiverStream::new(stream)).await?.into_inner();
        return Terminal { requests: Some(requests), credit: 0 }.run(responses).await;
    }
    Err(failure.context("there is no broker")?)
}

struct Terminal {
    /// `None` once nothing more is typed.
    requests: Option<mpsc::Sender<AttachRequest>>,
    /// Bytes that may be typed.
    credit: usize,
}

impl Terminal {
    async fn run(mut self, mut responses: Streaming<AttachResponse>) -> anyhow::Result<ExitCode> {
        let mut typed = stdin();
        let mut waiting = Bytes::new();
        loop {
            let takes_more = self.requests.is_some() && waiting.is_empty();
            tokio::select! {
                response = responses.message() => {
                    let Some(response) = response? else { bail!("the broker broke off") };
                    if let Some(closed) = self.respond(response).await? {
                        return Ok(told(&closed));
                    }
                }
                // The end of stdin is the end of the visit, as when a page is closed.
                piece = typed.recv(), if takes_more => match piece {
                    Some(piece) => waiting = piece,
                    None => self.requests = None,
                },
            }
            let piece = waiting.split_to(waiting.len().min(self.credit));
            self.credit -= piece.len();
            if !piece.is_empty() {
                self.request(Request::Input(piece)).await;
            }
        }
    }

    /// The end, where this is it.
    async fn respond(&mut self, response: AttachResponse) -> anyhow::Result<Option<Closed>> {
        match response.response {
            Some(Response::Opened(opened)) => {
                eprintln!("session {}", opened.session_id);
                self.credit = opened.input_window_bytes as usize;
            }
            Some(Response::InputCredit(bytes)) => self.credit += bytes as usize,
            Some(Response::Output(bytes)) => {
                let mut stdout = std::io::stdout();
                stdout.write_all(&bytes)?;
                stdout.flush()?;
                // Without it the program is held up after 256 KiB.
                self.request(Request::Ack(bytes.len() as u64)).await;
            }
            Some(Response::Closed(closed)) => return Ok(Some(closed)),
            // These come to those who ask for them; further kinds are of a newer broker.
            Some(Response::CompressedOutput(_) | Response::Position(_) | Response::Presence(_))
            | None => {}
        }
        Ok(None)
    }

    async fn request(&self, request: Request) {
        if let Some(requests) = &self.requests {
            // An error says that the call has ended: its response tells why.
            let _ = requests.send(AttachRequest { request: Some(request) }).await;
        }
    }
}

/// Says why the terminal ended.
fn told(closed: &Closed) -> ExitCode {
    eprintln!("{}", closed.message);
    match closed.reason() {
        CloseReason::Ended => {
            ExitCode::from(u8::try_from(closed.exit_code.unwrap_or(0)).unwrap_or(1))
        }
        _ if closed.category == "viewer_left" => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// What is read from stdin. A thread reads it, which ends with the process.
fn stdin() -> mpsc::Receiver<Bytes> {
    let (pieces, typed) = mpsc::channel(1);
    thread::spawn(move || {
        let mut piece = vec![0; PIECE_BYTES];
        while let Ok(count @ 1..) = std::io::stdin().read(&mut piece) {
            if pieces.blocking_send(Bytes::copy_from_slice(&piece[..count])).is_err() {
                return;
            }
        }
    });
    typed
}
