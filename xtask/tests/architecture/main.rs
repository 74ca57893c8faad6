//! The invariants of ARCHITECTURE.md, as far as a program can check them.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod arrows;
mod manifests;
mod permissions;
mod purity;
mod sizes;

use std::path::{Path, PathBuf};

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_owned()
}
