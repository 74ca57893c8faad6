//! The Secrets of an installation as they are renewed over the years, and what its programs make of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod alert;
mod handshakes;
mod installation;
mod secrets;
