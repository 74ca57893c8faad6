//! Reads an exec: output goes to the viewer as far as its credit reaches, and is not even read beyond.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use screen_wire::{Frame, FrameCodec};
use tokio::{
    sync::{Notify, mpsc},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::codec::Decoder as _;

use crate::{
    closing::{End, Lost},
    counters::Counters,
    exec_channels::{self, ExitStatus, FromPod},
    gate::Gate,
};

/// A quiet exec is asked for a sign of life after this long …
const QUIET: Duration = Duration::from_secs(15);
/// … and given up this much later.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of the end of stderr is kept for the log, in bytes.
const STDERR_TAIL_BYTES: usize = 2048;

/// Where what the pod says goes to.
pub(crate) struct FromPodTo<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) outputs: &'a mpsc::Sender<Bytes>,
    pub(crate) ping: &'a Notify,
    pub(crate) counters: &'a Counters,
}

/// Reads until the exec ends.
pub(crate) async fn read<S>(stream: &mut S, to: FromPodTo<'_>) -> End
where
    S: Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
{
    let mut reader = Reader { to, frames: BytesMut::new(), stderr: Vec::new() };
    loop {
        // Also pings wait: the API server answers them behind the output that we do not read, and
        // would stop taking the viewer's input meanwhile.
        reader.to.gate.open().await;
        let end = match next(stream, reader.to.ping).await {
            Ok(message) => reader.take(message).await,
            Err(lost) => Some(End::Lost(lost)),
        };
        if let Some(end) = end {
            reader.log_stderr(end);
            return end;
        }
    }
}

/// The next binary message.
async fn next<S>(stream: &mut S, ping: &Notify) -> Result<Bytes, Lost>
where
    S: Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
{
    loop {
        let message = if let Ok(message) = timeout(QUIET, stream.next()).await {
            message
        } else {
            ping.notify_one();
            timeout(PATIENCE, stream.next()).await.map_err(|_| Lost::Silent)?
        };
        match message {
            Some(Ok(Message::Binary(message))) => return Ok(message),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            // An end without a Status says nothing about the program.
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Lost::Broken),
            Some(Ok(Message::Text(_) | Message::Frame(_))) => return Err(Lost::Protocol),
        }
    }
}

struct Reader<'a> {
    to: FromPodTo<'a>,
    /// The start of a frame whose rest has not come yet: at most one frame and one message.
    frames: BytesMut,
    stderr: Vec<u8>,
}

impl Reader<'_> {
    /// `Some` where the message ended the exec.
    async fn take(&mut self, message: Bytes) -> Option<End> {
        match exec_channels::decode(message) {
            Ok(FromPod::Stdout(data)) => self.stdout(data).await,
            Ok(FromPod::Stderr(data)) => {
                self.keep_stderr(&data);
                None
            }
            Ok(FromPod::Status(status)) => Some(without_exit_frame(&status)),
            Ok(FromPod::Other) => None,
            Err(_) => Some(End::Lost(Lost::Protocol)),
        }
    }

    async fn stdout(&mut self, data: Bytes) -> Option<End> {
        append(&mut self.frames, data);
        loop {
            match FrameCodec.decode(&mut self.frames) {
                Ok(Some(Frame::Output(bytes))) => {
                    if let Err(end) = self.output(bytes).await {
                        return Some(end);
                    }
                }
                Ok(Some(Frame::Exit { code })) => return Some(End::Exited(code)),
                Ok(None) => return None,
                Ok(Some(Frame::Input(_) | Frame::Resize { .. })) | Err(_) => {
                    return Some(End::Lost(Lost::Protocol));
                }
            }
        }
    }

    async fn output(&mut self, mut bytes: Bytes) -> Result<(), End> {
        while !bytes.is_empty() {
            let credit = self.to.gate.spend(bytes.len()).await;
            let part = bytes.split_to(credit);
            self.to.counters.add_output(part.len());
            self.to.outputs.send(part).await.map_err(|_| End::ViewerLeft)?;
        }
        Ok(())
    }

    fn keep_stderr(&mut self, data: &[u8]) {
        self.stderr.extend_from_slice(data);
        let excess = self.stderr.len().saturating_sub(STDERR_TAIL_BYTES);
        self.stderr.drain(..excess);
    }

    /// Only for who asks for it: it is what a program in the user's pod said.
    fn log_stderr(&self, end: End) {
        if !self.stderr.is_empty() {
            let stderr = String::from_utf8_lossy(&self.stderr);
            tracing::debug!(reason = end.category(), %stderr, "the exec ended");
        }
    }
}

/// Adds `data` behind a partial frame, by taking it over where it is ours alone and nothing waits.
fn append(frames: &mut BytesMut, data: Bytes) {
    match data.try_into_mut() {
        Ok(data) if frames.is_empty() => *frames = data,
        Ok(data) => frames.extend_from_slice(&data),
        Err(data) => frames.extend_from_slice(&data),
    }
}

/// The command ended, and no frame said so before.
fn without_exit_frame(status: &ExitStatus) -> End {
    match status {
        ExitStatus::Success => End::Exited(0),
        ExitStatus::Code(code) => {
            tracing::warn!(code, "the screen's attach program failed");
            End::Lost(Lost::NotStarted)
        }
        ExitStatus::Failure(cause) => {
            tracing::warn!(%cause, "the exec failed");
            End::Lost(Lost::NotStarted)
        }
    }
}

#[cfg(test)]
mod tests;
