//! A release: images in a real registry, a chart that names them, and artifacts that say what they are.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod artifacts;
mod bills;
mod registry;
