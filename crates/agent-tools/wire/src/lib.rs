//! The frames between the screen in an agent's pod and who shows it, and how such a screen is asked for. Pure: it
//! must do no I/O.
//!
//! Each frame on the wire is
//!
//! ```text
//! u32 length, big-endian │ u8 type │ payload of length − 1 bytes, at most MAX_PAYLOAD_BYTES
//! ```
//!
//! and the first bit of the type tells the direction, so that what a viewer may say is an
//! allow-list of bytes:
//!
//! | Type | Frame | Payload |
//! |---|---|---|
//! | `0x01` | [`Frame::Output`] | terminal bytes |
//! | `0x02` | [`Frame::Exit`] | i32, big-endian |
//! | `0x03` | [`Frame::InputCredit`] | u32 bytes, big-endian |
//! | `0x04` | [`Frame::Alive`] | |
//! | `0x05` | [`Frame::Compressed`] | u32 bytes of output, big-endian, and an LZ4 block |
//! | `0x06` | [`Frame::Joined`] | u64 terminal, u64 input position, big-endian |
//! | `0x07` | [`Frame::Position`] | u64 output position, u32 bytes of a drawn screen, big-endian |
//! | `0x08` | [`Frame::ToViewer`] | u32 viewer, big-endian |
//! | `0x09` | [`Frame::Follows`] | |
//! | `0x0a` | [`Frame::Left`] | |
//! | `0x0b` | [`Frame::Presence`] | u16 columns, u16 rows, u16 viewers, big-endian; u8 who typed last: 0 nobody, 1 you, 2 another |
//! | `0x81` | [`Frame::Input`] | terminal bytes |
//! | `0x82` | [`Frame::Resize`] | u16 columns, u16 rows, big-endian |
//! | `0x83` | [`Frame::Ping`] | |
//! | `0x84` | [`Frame::OutputCredit`] | u32 bytes, big-endian |
//! | `0x85` | [`Frame::Interrupt`] | |
//! | `0x86` | [`Frame::HangUp`] | |
//! | `0x87` | [`Frame::Compress`] | |
//! | `0x88` | [`Frame::Leave`] | |
//! | `0x89` | [`Frame::Typed`] | u64 input position, u32 interrupts, big-endian |
//! | `0x8a` | [`Frame::FromViewer`] | u32 viewer, big-endian |
//! | `0x8b` | [`Frame::Enter`] | [`Enter`]'s fields, big-endian; `drawn` after a byte that says whether there is one |
//! | `0x8c` | [`Frame::Redraw`] | u32 bytes, big-endian |
//!
//! A type that the receiver does not know is skipped, so either end may be the newer one.
//!
//! # Flow control
//!
//! Both directions carry credit, as HTTP/2 does, because everything between the two ends buffers
//! without a useful bound: an exec holds tens of megabytes. A viewer may have
//! [`INPUT_WINDOW_BYTES`] of input sent and not yet credited, a screen [`OUTPUT_WINDOW_BYTES`] of
//! output; both allowances hold from the start. What was compressed counts by the output that it is. So each end can always read, and no control frame
//! waits behind a bulk of data.
//!
//! # Resuming
//!
//! A viewer that comes with a [`Join`] can come again after any break and go on where it was: no byte
//! of output is lost or shown twice, and none of its input typed twice. Positions count bytes from the
//! beginning: of the program's output, and of what that viewer has typed.
//!
//! # Trunks
//!
//! Many viewers may come by one stream, a trunk, whose owner numbers them from 1. What follows a
//! [`Frame::FromViewer`] or [`Frame::ToViewer`] is that viewer's, until the next one. Each begins with
//! [`Frame::Enter`], is answered as one that comes alone, and has windows of its own. [`Frame::Left`] says that it
//! has its place no more, or was given none; only then may another one have its number. One that says what it may not
//! loses its place, and what is said of a number without one is passed over.
//!
//! Once a viewer has been sent all that is in the trunk's common output up to then, [`Frame::Follows`] says so: from
//! there on it is shown that, which passes once for all, as viewer 0's. The common output has a window of its own, and
//! is credited as far as the foremost of those who follow has taken it: one who begins to has nothing of it to take. A
//! viewer that cannot keep up is redrawn ([`Frame::Redraw`]): it is alone again until it follows once more. A
//! [`Frame::Position`] of viewer 0 says that the common output does not go on where it was: all who followed are to be
//! redrawn, its window is whole again, and what was sent of it before is not credited any more.
//!
//! What concerns the stream as such is viewer 0's too: [`Frame::Ping`], [`Frame::Alive`], [`Frame::Compress`].
//!
//! # Liveness
//!
//! The viewer pings every [`PING_INTERVAL`] and the screen answers each; the screen also sends
//! [`Frame::Alive`] by itself as often. An end that hears nothing for [`SILENCE_MAX`] gives up.

use std::time::Duration;

mod attach;
mod codec;
mod compressed;
mod deframer;
mod enter;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod join;
mod presence;

pub use attach::{Attach, Comes, SharedTerminal};
pub use codec::{FrameCodec, WireError};
pub use compressed::{BadBlock, Compressed, Compressor};
pub use deframer::Deframer;
pub use enter::Enter;
pub use frame::{Frame, Joined};
pub use join::{BadViewer, Join, Viewer};
pub use presence::{LastTyped, Presence};

/// The most a frame carries: 64 KiB, the capacity of a Linux pipe.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
/// Input that may be sent and not yet credited, so also the most that waits for the program.
pub const INPUT_WINDOW_BYTES: usize = 64 * 1024;
/// Output that may be sent and not yet credited, where the viewer asks for no other window.
pub const OUTPUT_WINDOW_BYTES: usize = 256 * 1024;
/// What a guest's page gathers into one acknowledgement while output keeps coming.
pub const OUTPUT_ACK_BYTES: usize = OUTPUT_WINDOW_BYTES / 2;
/// How often each end lets the other hear from it.
pub const PING_INTERVAL: Duration = Duration::from_secs(10);
/// How long an end may be silent before the other takes it for dead: two pings lost, and a half.
pub const SILENCE_MAX: Duration = Duration::from_secs(25);
/// A viewer chooses the size of a terminal, and programs allocate by it. In character cells; more
/// than the smallest font shows on the largest screen.
pub const MAX_COLUMNS: u16 = 1000;
/// As [`MAX_COLUMNS`]: a screen may stand upright.
pub const MAX_ROWS: u16 = 1000;
