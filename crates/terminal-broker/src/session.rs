//! Sessions: one viewer's terminal each, and all of them together; and the visitors of agents that
//! sleep, who have none yet. What is said to either side is not
//! its business, only when.

mod broker;
mod leave;
mod registry;
mod relay;
mod rights;
pub(crate) mod spans;
mod terminal;
mod typist;
mod wake;

#[cfg(test)]
mod documented_tests;

pub(crate) use broker::Broker;
pub(crate) use registry::{Page, SessionInfo, Sessions};
pub(crate) use wake::WakeRefusal;
