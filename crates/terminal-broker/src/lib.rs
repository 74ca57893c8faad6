//! The terminal broker: verifies share tokens by its own watch of Agents, finds an agent's pod by its
//! owners, execs the screen's attach program there and passes its bytes on. It must not let a caller name a
//! pod, a container or a command, and reads no Secret.
//!
//! Pure: `closing`, `credit`, `exec_channels`, `knowledge`, `opening`, `sessions`, `target`. The rest does as they say.

pub mod args;
pub mod closing;
pub mod credit;
pub mod error;
pub mod exec_channels;
pub mod knowledge;
pub mod kube_client;
pub mod metrics;
pub mod opening;
pub mod pods;
pub mod sessions;
pub mod target;
pub mod tls;

mod broker;
mod counters;
mod exec;
mod from_pod;
mod gate;
mod incoming;
mod journal;
mod link;
mod responses;
mod run;
mod server;
mod service;
mod session;
mod to_pod;
mod viewer;

pub use args::Args;
pub use error::BrokerError;
pub use run::{Parts, run, serve};
