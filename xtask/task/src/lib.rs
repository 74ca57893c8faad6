//! What every development task does alike: its steps on the terminal, other programs, Debian packages, what is built once
//! and kept, container images. It must not know what a task is for.
#![allow(clippy::print_stderr, reason = "a command line tool talks to its terminal")]

pub mod apt;
pub mod buildah;
pub mod cache;
pub mod interrupt;
pub mod paths;
mod platform;
pub mod shell;
pub mod step;

pub use platform::Platform;
