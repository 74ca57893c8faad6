//! The gateway over loopback, with real clients of each of its protocols. Only the
//! broker is a fake, so that faults can be forced; the agents are objects in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod client;
mod connections;
mod endings;
mod fake_broker;
mod input;
mod leaks;
mod log;
mod opening;
mod output;
mod pages;
mod refusals;
mod resuming;
mod terminals;
mod test_gateway;
mod visitors_tls;
mod waking;
mod watch;
