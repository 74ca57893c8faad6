//! The invariants of ARCHITECTURE.md, as far as a program can check them. What a test needs to know
//! of the code, it reads from the code or from that page.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod arrows;
mod compatibility;
mod cycles;
mod homes;
mod manifests;
mod metrics;
mod page;
mod permissions;
mod purity;
mod sizes;
mod sources;
mod workflows;

use std::path::{Path, PathBuf};

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_owned()
}
