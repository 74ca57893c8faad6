//! The terminal broker: verifies share tokens by its own watch of Agents, finds an agent's pod by its
//! owners, execs the screen's attach program there and passes its bytes on. It must not let a caller
//! name a pod, a container or a command, and reads no Secret.
//!
//! A module uses those above it in this list only:
//!
//! 1. [`closing`], `pieces`
//! 2. [`metrics`]
//! 3. [`target`]: which pod
//! 4. [`viewer`]: what is said to the gateway, and how much at a time
//! 5. `exec`: what is said to the pod
//! 6. `session`: one viewer's terminal, and all of them
//! 7. [`error`]
//! 8. `server`: gRPC, and who may call
//! 9. [`args`], `run`

pub mod args;
pub mod closing;
pub mod error;
pub mod metrics;
pub mod target;
pub mod viewer;

mod exec;
#[cfg(test)]
mod fixture;
mod pieces;
mod run;
mod server;
mod session;

pub use args::Args;
pub use error::BrokerError;
pub use run::{PROGRAM, Parts, run, serve};
