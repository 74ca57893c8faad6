//! The built program against an API server on the loopback that answers as a test says.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod api_server;
mod attach;
mod certificates;
mod check;
mod completion;
mod errors;
mod exit_codes;
mod get;
mod logs;
mod plugin;
mod scratch;
mod screen;
mod share;
mod status;
mod suspend;
mod tools;
mod version;
