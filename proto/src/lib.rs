//! The generated types of `kubeopencode.terminal.v1`, whose documentation is the .proto file, and
//! the one call whose messages every keystroke and all output travel in.

pub mod attach;
mod framing;
mod redacted;

pub use framing::{MESSAGE_BYTES_MAX, Messages};

/// `kubeopencode.terminal.v1`: the `TerminalBroker` service and its messages.
#[allow(clippy::all, clippy::pedantic, unreachable_pub, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("kubeopencode.terminal.v1");

    /// The encoded `FileDescriptorSet`, for gRPC reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}
