//! Sessions: one viewer's terminal each, and all of them together. What is said to either side is not
//! its business, only when.

mod broker;
mod leave;
mod registry;
mod relay;
mod terminal;

pub(crate) use broker::Broker;
pub(crate) use registry::{SessionInfo, Sessions};
