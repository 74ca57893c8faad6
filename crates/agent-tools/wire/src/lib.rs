//! The frames between the broker and the screen in an agent's pod; pure, it must do no I/O.
//!
//! Each frame on the wire is
//!
//! ```text
//! u32 length, big-endian │ u8 type │ payload of length − 1 bytes, at most MAX_PAYLOAD_BYTES
//! ```
//!
//! and the first bit of the type tells the direction, so that what a viewer may say is an allow-list of bytes:
//!
//! | Type | Frame | Payload |
//! |---|---|---|
//! | `0x01` | [`Frame::Output`] | terminal bytes |
//! | `0x02` | [`Frame::Exit`] | i32, big-endian |
//! | `0x03..=0x0f` | kept for the shared screen: output with its sequence number, a snapshot, the size in force, the viewers | |
//! | `0x81` | [`Frame::Input`] | terminal bytes |
//! | `0x82` | [`Frame::Resize`] | u16 columns, u16 rows, big-endian |
//! | `0x83..=0x8f` | kept for the shared screen: the opening (access, last sequence number seen), acknowledgement, ping | |
//!
//! A type that the receiver does not know is skipped, so either end may be the newer one.

mod codec;
mod frame;

pub use codec::{FrameCodec, WireError};
pub use frame::{Frame, Origin};

/// The most a frame carries: 64 KiB, the capacity of a Linux pipe.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
