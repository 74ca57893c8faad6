//! The terminal broker: verifies share tokens by its own watch of Agents, finds an agent's pod by its
//! owners, execs the screen's attach program there and passes its bytes on. It must not let a caller
//! name a pod, a container or a command, and reads no Secret.
//!
//! A module uses those above it in this list only:
//!
//! 1. [`closing`], `pieces`
//! 2. [`metrics`]
//! 3. `activity`: who uses which agent, for controllers
//! 4. [`target`]: which pod
//! 5. [`viewer`]: what is said to the gateway, and how much at a time
//! 6. `exec`: what is said to the pod, by an exec of one viewer or by one that many share
//! 7. `session`: one viewer's terminal, and all of them; a visitor's wish for a sleeping agent
//! 8. [`error`]
//! 9. `server`: gRPC, and who may call
//! 10. [`args`], `run`

pub mod args;
pub mod closing;
pub mod error;
pub mod metrics;
pub mod target;
pub mod viewer;

mod activity;
mod exec;
#[cfg(test)]
mod fixture;
mod pieces;
mod run;
mod server;
mod session;

/// What fuzzing drives.
#[cfg(any(test, fuzzing))]
pub mod fuzzing {
    pub use crate::exec::fuzzing::trunk;
}

pub use args::Args;
pub use error::BrokerError;
pub use run::{PROGRAM, Parts, run, serve};
