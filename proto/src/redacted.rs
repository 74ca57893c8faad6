//! `Debug` for the messages that carry a token or a terminal's bytes: it must repeat neither.

use std::fmt;

use crate::v1::{
    AttachRequest, AttachResponse, CompressedOutput, Open, WakeRequest, attach_request,
    attach_response,
};

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("token", &format_args!("redacted"))
            .field("client_address", &self.client_address)
            .field("size", &self.size)
            .field("window_bytes", &self.window_bytes)
            .field("accepts_lz4", &self.accepts_lz4)
            .field("join", &self.join)
            .finish()
    }
}

impl fmt::Debug for WakeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakeRequest")
            .field("token", &format_args!("redacted"))
            .field("client_address", &self.client_address)
            .finish()
    }
}

impl fmt::Debug for AttachRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AttachRequest").field(&self.request).finish()
    }
}

impl fmt::Debug for AttachResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AttachResponse").field(&self.response).finish()
    }
}

impl fmt::Debug for attach_request::Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(open) => open.fmt(f),
            Self::Input(bytes) => write!(f, "Input({} bytes)", bytes.len()),
            Self::Resize(size) => write!(f, "Resize({}x{})", size.columns, size.rows),
            Self::Ack(bytes) => write!(f, "Ack({bytes} bytes)"),
            Self::Interrupt(_) => f.write_str("Interrupt"),
            Self::HangUp(_) => f.write_str("HangUp"),
            Self::Typed(typed) => typed.fmt(f),
        }
    }
}

impl fmt::Debug for attach_response::Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(opened) => opened.fmt(f),
            Self::Output(bytes) => write!(f, "Output({} bytes)", bytes.len()),
            Self::Closed(closed) => closed.fmt(f),
            Self::InputCredit(bytes) => write!(f, "InputCredit({bytes} bytes)"),
            Self::CompressedOutput(output) => output.fmt(f),
            Self::Position(position) => position.fmt(f),
            Self::Presence(presence) => presence.fmt(f),
        }
    }
}

impl fmt::Debug for CompressedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompressedOutput({} bytes in {})", self.bytes, self.lz4.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_repeats_neither_tokens_nor_terminals() {
        let open = Open { token: "hunter2".into(), ..Open::default() };
        let requests =
            [attach_request::Request::Open(open), attach_request::Request::Input("hunter2".into())];
        for request in requests {
            let printed = format!("{:?}", AttachRequest { request: Some(request) });
            assert!(!printed.contains("hunter2"), "{printed}");
        }
        let wake = WakeRequest { token: "hunter2".into(), client_address: "192.0.2.1".into() };
        assert!(!format!("{wake:?}").contains("hunter2"));
        let response = Some(attach_response::Response::Output("hunter2".into()));
        let printed = format!("{:?}", AttachResponse { response });
        assert!(printed.contains("Output(7 bytes)"), "{printed}");
    }
}
