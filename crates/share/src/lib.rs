//! Who may use a share link: the verdict, and an index of all links that one
//! watch of Agents feeds. It reads Agents and nothing else, least of all Secrets.

pub mod index;
pub mod verdict;
pub mod watch;

#[cfg(test)]
mod fixture;

pub use index::{AgentRef, ShareIndex, SharedAgent};
pub use verdict::{Denial, Grant, Networks, Readiness, Share, judge};
pub use watch::{Links, follow};
