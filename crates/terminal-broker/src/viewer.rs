//! The viewer's side of a terminal, in the words of the gRPC contract: what it asks for, how many
//! bytes may be under way, and what it is answered. It knows no pod.

mod opening;
mod output;
mod responses;
mod windows;

pub use opening::{Encoding, Opening, Size, position};
pub(crate) use output::POSITIONS_MAX;
pub use responses::Responses;
pub(crate) use responses::{ResponseSender, channel};
pub use windows::{Exceeded, InputWindow, OutputWindow};
