//! Helm's chart: what it yields, what it refuses, and that a real API server takes it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod admission;
mod definitions;
mod equality;
mod flags;
mod isolation;
mod labels;
mod lifecycle;
mod lint;
mod monitoring;
mod notes;
mod refusals;
mod removal;
mod renewal;
mod scope;
mod sets;
mod values;
