//! The messages of an exec WebSocket: `v5.channel.k8s.io`, with `v4` accepted. Pure; what flows inside
//! the channels is not its business.
//!
//! Source: `k8s.io/apimachinery/pkg/util/remotecommand/constants.go` and `pkg/util/httpstream/wsstream`.
//! A binary message is one channel byte and the channel's data. In v5 a message of channel 255 says that
//! the channel named by its one byte of payload has ended.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const CLOSE: u8 = 255;

/// Which exec protocol the API server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    V4,
    V5,
}

/// What the API server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FromPod {
    Stdout(Bytes),
    Stderr(Bytes),
    /// How the command ended; the last thing of an exec that was not cut off.
    Status(ExitStatus),
    /// A channel that ended by itself, or one that has no meaning for us.
    Other,
}

/// How the command ended, as the API server tells it by a `metav1.Status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    Success,
    /// The command ran and left with this code.
    Code(i32),
    /// The command could not be run, or watching it failed. The text is the cluster's own.
    Failure(String),
}

/// The most of a status, in bytes: it has a sentence or two.
const STATUS_BYTES_MAX: usize = 64 * 1024;

/// How our programs end that do not know all of their arguments, as most do.
const UNKNOWN_ARGUMENTS_CODE: i32 = 2;

/// A command that was killed by SIGKILL or SIGTERM, as shells count.
const KILLED_CODES: [i32; 2] = [137, 143];

/// What kubelets and container runtimes say of an exec whose container is not there any more.
const GONE: [&str; 6] = [
    "container not found",
    "not running",
    "container_exited",
    "stopped container",
    "no running task",
    "pod does not exist",
];

impl ExitStatus {
    /// Whether the command does not know all of its arguments, as one of an older release.
    pub(crate) fn is_unknown_arguments(&self) -> bool {
        *self == Self::Code(UNKNOWN_ARGUMENTS_CODE)
    }

    /// Whether the container was stopped or restarted, as far as the cluster tells.
    pub(crate) fn container_is_gone(&self) -> bool {
        match self {
            Self::Success => false,
            Self::Code(code) => KILLED_CODES.contains(code),
            Self::Failure(cause) => {
                let cause = cause.to_lowercase();
                GONE.iter().any(|gone| cause.contains(gone))
            }
        }
    }
}

/// A message that follows neither protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChannelError {
    #[error("an exec message without a channel byte")]
    Empty,
    #[error("the exec status is not a Status object")]
    Status,
}

/// Messages to what they say, part by part. Of the longest-lived channels nothing is held: a
/// part of output is a slice of what came, not a copy.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// Of the message that has begun and not ended.
    open: Option<u8>,
    status: Vec<u8>,
}

impl Channels {
    /// Takes the next part of a binary message, and whether it is the last.
    pub(crate) fn take(&mut self, mut part: Bytes, ends: bool) -> Result<FromPod, ChannelError> {
        let channel = match self.open {
            Some(channel) => channel,
            None if part.is_empty() => return Err(ChannelError::Empty),
            None => part.split_to(1)[0],
        };
        self.open = (!ends).then_some(channel);
        match channel {
            STDOUT => Ok(FromPod::Stdout(part)),
            STDERR => Ok(FromPod::Stderr(part)),
            STATUS => self.take_status(&part, ends),
            _ => Ok(FromPod::Other),
        }
    }

    fn take_status(&mut self, part: &[u8], ends: bool) -> Result<FromPod, ChannelError> {
        if self.status.len() + part.len() > STATUS_BYTES_MAX {
            return Err(ChannelError::Status);
        }
        self.status.extend_from_slice(part);
        // Both servers announce an open exec by one empty message in some channel.
        if !ends || self.status.is_empty() {
            return Ok(FromPod::Other);
        }
        exit_status(&std::mem::take(&mut self.status)).map(FromPod::Status)
    }
}

/// The start of a stdin message; the caller appends the data.
pub(crate) fn stdin(capacity: usize) -> BytesMut {
    let mut message = BytesMut::with_capacity(1 + capacity);
    message.put_u8(STDIN);
    message
}

/// Tells the pod that stdin has ended. Only v5 has it: under v4 the socket's end must do.
pub(crate) fn stdin_ended() -> Bytes {
    Bytes::from_static(&[CLOSE, STDIN])
}

/// The parts of `metav1.Status` that tell how a command ended.
#[derive(Deserialize)]
struct Status {
    #[serde(rename = "status")]
    outcome: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    message: String,
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    causes: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    reason: Option<String>,
    #[serde(default)]
    message: String,
}

fn exit_status(json: &[u8]) -> Result<ExitStatus, ChannelError> {
    let status: Status = serde_json::from_slice(json).map_err(|_| ChannelError::Status)?;
    if status.outcome.as_deref() == Some("Success") {
        return Ok(ExitStatus::Success);
    }
    Ok(exit_code(&status).map_or(ExitStatus::Failure(status.message), ExitStatus::Code))
}

fn exit_code(status: &Status) -> Option<i32> {
    if status.reason.as_deref() != Some("NonZeroExitCode") {
        return None;
    }
    let causes = &status.details.as_ref()?.causes;
    let cause = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"))?;
    cause.message.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(channel: u8, data: &str) -> Bytes {
        [&[channel], data.as_bytes()].concat().into()
    }

    #[test]
    fn messages() {
        let exited = r#"{"status":"Failure","reason":"NonZeroExitCode","message":"command terminated",
            "details":{"causes":[{"reason":"ExitCode","message":"130"}]}}"#;
        let refused = r#"{"status":"Failure","message":"container not found","code":500}"#;
        let nonsense = r#"{"status":"Failure","reason":"NonZeroExitCode","message":"odd",
            "details":{"causes":[{"reason":"ExitCode","message":"many"}]}}"#;
        let status = |status| Ok(FromPod::Status(status));

        let cases = [
            ("output", message(1, "hello"), Ok(FromPod::Stdout("hello".into()))),
            ("the announcement", message(1, ""), Ok(FromPod::Stdout(Bytes::new()))),
            ("complaints", message(2, "oh"), Ok(FromPod::Stderr("oh".into()))),
            ("success", message(3, r#"{"status":"Success"}"#), status(ExitStatus::Success)),
            ("an exit code", message(3, exited), status(ExitStatus::Code(130))),
            (
                "no such container",
                message(3, refused),
                status(ExitStatus::Failure("container not found".into())),
            ),
            ("an unreadable code", message(3, nonsense), status(ExitStatus::Failure("odd".into()))),
            ("an empty status", message(3, ""), Ok(FromPod::Other)),
            ("stdout ended (v5)", Bytes::from_static(&[255, 1]), Ok(FromPod::Other)),
            ("an unknown channel", message(9, "x"), Ok(FromPod::Other)),
            ("not even a channel", Bytes::new(), Err(ChannelError::Empty)),
            ("a status in prose", message(3, "gone"), Err(ChannelError::Status)),
        ];
        for (name, message, expected) in cases {
            assert_eq!(Channels::default().take(message, true), expected, "{name}");
        }
    }

    #[test]
    fn messages_in_parts() {
        let mut channels = Channels::default();
        let mut take = |part: &'static [u8], ends| channels.take(Bytes::from_static(part), ends);
        assert_eq!(take(b"\x01he", false), Ok(FromPod::Stdout("he".into())));
        assert_eq!(take(b"llo", true), Ok(FromPod::Stdout("llo".into())));
        assert_eq!(take(b"\x03{\"status\":", false), Ok(FromPod::Other));
        assert_eq!(take(b"\"Success\"}", true), Ok(FromPod::Status(ExitStatus::Success)));
        assert_eq!(take(b"\x02", false), Ok(FromPod::Stderr(Bytes::new())));
        assert_eq!(take(b"oh", true), Ok(FromPod::Stderr("oh".into())));
        let endless = [&[STATUS][..], &vec![b' '; STATUS_BYTES_MAX + 1]].concat();
        assert_eq!(channels.take(endless.into(), false), Err(ChannelError::Status));
    }

    #[test]
    fn a_container_that_is_gone_is_told_from_a_command_that_failed() {
        let failure = |text: &str| ExitStatus::Failure(text.to_owned());
        let cases = [
            (failure("container not found (\"opencode-server\")"), true),
            (failure("cannot exec in a stopped container"), true),
            (failure("container is in CONTAINER_EXITED state"), true),
            (failure("exec: \"/tools/agent-tools\": no such file"), false),
            (ExitStatus::Code(137), true),
            (ExitStatus::Code(1), false),
            (ExitStatus::Success, false),
        ];
        for (status, gone) in cases {
            assert_eq!(status.container_is_gone(), gone, "{status:?}");
        }
    }

    #[test]
    fn input_goes_to_channel_0_and_its_end_to_channel_255() {
        let mut input = stdin(2);
        input.extend_from_slice(b"ls");
        assert_eq!(&input[..], b"\0ls");
        assert_eq!(&stdin_ended()[..], [255, 0]);
    }
}
