//! A visit through a share link, from its admission to its end, as gateway and broker both see it:
//! the verdict, the index of all links and the one watch of Agents that feeds it, how many
//! terminals there may be, and what is reported. It reads Agents and nothing else, least of all
//! Secrets.

mod args;
pub mod audit;
pub mod capacity;
mod client;
mod denial;
mod index;
mod metrics;
mod verdict;
mod visit;
mod wake;
mod watch;

pub use args::ShareArgs;
pub use client::{Certainty, ClientAddress, Visitor};
pub use denial::{Class, Denial};
pub use index::{ShareIndex, SharedAgent};
pub use metrics::LinkMetrics;
pub use verdict::{Grant, Limits, Networks, Readiness, Share, Sleep};
pub use visit::Visit;
pub use wake::Wake;
pub use watch::{Freshness, Links, follow};
