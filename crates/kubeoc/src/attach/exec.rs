//! One connection to the screen in the agent's pod: frames over the standard streams of an exec. It must not know what
//! they mean.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures::{
    FutureExt,
    future::{BoxFuture, Fuse},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::AttachedProcess;
use screen_wire::{Deframer, Frame, FrameCodec, WireError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, SimplexStream, WriteHalf},
    time::timeout,
};
use tokio_util::codec::Encoder;

/// Bytes asked of the pod at once.
const READ_BYTES: usize = 16 * 1024;
/// Kept of what the command says on stderr: its last words are what went wrong.
const STDERR_BYTES: usize = 1024;
/// How long an exec that is left may take to end.
const END_GRACE: Duration = Duration::from_secs(2);
/// The exit code of a program that does not know an argument.
const UNKNOWN_ARGUMENTS: &str = "2";

pub(super) struct Exec {
    stdin: WriteHalf<SimplexStream>,
    stdout: ReadHalf<SimplexStream>,
    stderr: ReadHalf<SimplexStream>,
    status: Fuse<BoxFuture<'static, Option<Status>>>,
    /// How the command ended; what it wrote before may still be unread.
    ended: Option<Status>,
    deframer: Deframer,
    /// Frames that were said and have not left.
    unsent: BytesMut,
    heard_on_stderr: Vec<u8>,
    /// As long as it is there, so is the connection.
    _process: AttachedProcess,
}

/// Why a connection is no more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("the connection broke")]
    Broken,
    #[error("nothing was heard of the terminal for too long")]
    Silent,
    #[error("the terminal's program in the pod ended{}", after(.0))]
    Ended(String),
    #[error("the agent's pod is of a release whose terminals nobody shares")]
    UnknownArguments,
    #[error("the terminal said something before it let anybody join")]
    OutOfTurn,
    #[error("the pod does not speak the protocol of terminals")]
    Wire(#[from] WireError),
}

fn after(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

impl Exec {
    /// `None` of an exec without all three streams.
    pub(super) fn new(mut process: AttachedProcess) -> Option<Self> {
        Some(Self {
            stdin: process.stdin()?,
            stdout: process.stdout()?,
            stderr: process.stderr()?,
            status: process.take_status()?.boxed().fuse(),
            ended: None,
            deframer: Deframer::new(),
            unsent: BytesMut::new(),
            heard_on_stderr: vec![],
            _process: process,
        })
    }

    /// Whether what was said has left.
    pub(super) fn is_flushed(&self) -> bool {
        self.unsent.is_empty()
    }

    pub(super) fn say(&mut self, frame: Frame) -> Result<(), Lost> {
        Ok(FrameCodec.encode(frame, &mut self.unsent)?)
    }

    /// Sends what was said, and waits for what the screen says; `None` when some of it has left. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>, Lost> {
        if let Some(frame) = self.deframer.next()? {
            return Ok(Some(frame));
        }
        let running = self.ended.is_none();
        let mut stdout = BytesMut::with_capacity(READ_BYTES);
        tokio::select! {
            biased;
            read = self.stdout.read_buf(&mut stdout) => match read {
                Ok(1..) => {
                    self.deframer.push(stdout.freeze());
                    Ok(self.deframer.next()?)
                }
                Ok(0) | Err(_) => Err(self.lost().await),
            },
            sent = self.stdin.write(&self.unsent), if !self.unsent.is_empty() && running => {
                self.unsent.advance(sent.map_err(|_| Lost::Broken)?);
                Ok(None)
            }
            read = self.stderr.read_buf(&mut self.heard_on_stderr), if running => {
                read.map_err(|_| Lost::Broken)?;
                let excess = self.heard_on_stderr.len().saturating_sub(STDERR_BYTES);
                self.heard_on_stderr.drain(..excess);
                Ok(None)
            }
            status = &mut self.status, if running => {
                // Without one there is no end of stdout either: the connection broke.
                self.ended = Some(status.ok_or(Lost::Broken)?);
                Ok(None)
            }
        }
    }

    /// Says goodbye: what was typed is read, and then the screen leaves.
    pub(super) async fn leave(mut self) {
        let left = async {
            self.say(Frame::Leave)?;
            while !self.is_flushed() {
                self.next().await?;
            }
            // What is half said is nothing: the end of stdin is heard by every screen.
            let _ = self.stdin.shutdown().await;
            loop {
                self.next().await?;
            }
        };
        // It leaves in any case when the connection ends.
        let _: Result<Result<(), Lost>, _> = timeout(END_GRACE, left).await;
    }

    /// What it means that there is no more output.
    async fn lost(&mut self) -> Lost {
        if self.ended.is_none() {
            self.ended = timeout(END_GRACE, &mut self.status).await.unwrap_or(None);
        }
        let Some(status) = &self.ended else { return Lost::Broken };
        let _ = timeout(END_GRACE, self.stderr.read_to_end(&mut self.heard_on_stderr)).await;
        if exit_code(status) == Some(UNKNOWN_ARGUMENTS) {
            return Lost::UnknownArguments;
        }
        let words = String::from_utf8_lossy(&self.heard_on_stderr);
        let last = words.trim_end().lines().next_back().unwrap_or_default();
        let message = status.message.as_deref().unwrap_or_default();
        Lost::Ended(if last.is_empty() { message } else { last }.to_owned())
    }
}

/// Of a command that failed.
fn exit_code(status: &Status) -> Option<&str> {
    let causes = status.details.as_ref()?.causes.as_deref()?;
    let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"))?;
    code.message.as_deref()
}
