//! The whole path of a terminal in one process tree: real gateway, real broker with mutual TLS between them, and
//! the real screen with a real program on a real PTY. What is fake: the API server, whose exec runs the screen
//! on this machine (`exec`), and the watch of Agents, which are objects in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod api;
mod exec;
mod guest;
mod measure;
mod program;
mod system;
mod telemetry;
mod visitor;

mod bad_clients;
mod crowds;
mod endings;
mod faults;
mod hostile;
mod links;
mod memory;
mod restart;
mod resuming;
mod revocation;
mod tools;
mod traces;
mod typing;
