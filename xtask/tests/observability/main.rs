//! What a platform team sees of the product: dashboards, alerts, runbooks and the pages that explain
//! metrics and conditions. They name only what exists, and leave nothing out.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod alerts;
mod dashboards;
mod promtool;
mod queries;
mod troubleshooting;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
