//! `git-init` and `git-sync` against real servers on the loopback.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod access;
mod certificate;
mod clone;
mod hostile;
mod hostile_trees;
mod meanwhile;
mod origin;
mod pod;
mod proxy;
mod rollout;
mod root;
mod server;
mod ssh;
mod sshd;
mod submodules;
mod sync;
mod unfinished;
mod update;
