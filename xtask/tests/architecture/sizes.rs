//! A file that passes 300 lines wants to be split, and a folder of too many files wants folders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::root;

const MOST_LINES: usize = 300;
/// Directly in the broker's `src`: more cannot be kept in mind at once.
const MOST_FILES: usize = 16;

/// All `.rs` files below `path`, or `path` itself.
pub(crate) fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).expect("a folder") {
        let path = entry.expect("an entry").path();
        let skipped = ["target", "node_modules"].iter().any(|name| path.ends_with(name));
        if path.is_dir() && !skipped {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_file_passes_300_lines() {
    for folder in ["crates", "proto", "e2e", "examples", "xtask"] {
        for file in rust_files(&root().join(folder)) {
            let lines = fs::read_to_string(&file).expect("readable").lines().count();
            assert!(lines <= MOST_LINES, "{}: {lines} lines", file.display());
        }
    }
}

#[test]
fn the_brokers_modules_are_grouped() {
    let entries = fs::read_dir(root().join("crates/terminal-broker/src")).expect("a folder");
    let files = entries.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file()));
    let files = files.count();
    assert!(files <= MOST_FILES, "{files} files directly in crates/terminal-broker/src");
}
