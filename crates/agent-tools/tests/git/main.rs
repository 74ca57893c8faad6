//! `git-init` and `git-sync` against real servers on the loopback.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod clone;
mod origin;
mod pod;
mod server;
