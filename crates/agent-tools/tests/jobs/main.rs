//! The programs of the init containers, as a pod runs them: a file of JSON in, files and one sentence out.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod authority;
mod context;
mod document;
mod hostile;
mod plugin;
mod plugin_failure;
mod plugin_trust;
mod proxy;
mod registry;
mod server;
mod surroundings;
mod traps;
mod url;

#[path = "../support/trap.rs"]
mod trap;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use serde::Serialize;
use tempfile::TempDir;

pub(crate) use trap::tree;

/// The volumes of a pod, in a folder that goes with the test.
pub(crate) struct Pod {
    folder: TempDir,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) output: Output,
    /// What it left as its container's termination message.
    pub(crate) message: String,
}

impl Pod {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("workspace")).unwrap();
        Self { folder }
    }

    /// A path of this pod's own.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn text(&self, relative: &str) -> String {
        self.path(relative).to_str().unwrap().to_owned()
    }

    /// Makes a file, and the folders above it.
    pub(crate) fn put(&self, relative: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        self.text(relative)
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap()
    }

    /// The command of a program that has nothing of the test's own environment.
    pub(crate) fn command(&self, tool: &str, job: &impl Serialize) -> Command {
        let job = self.put("job.json", serde_json::to_vec(job).unwrap());
        fs::write(self.path("termination-log"), "").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent-tools"));
        command.env_clear().args([tool, "--job", &job]);
        command.arg("--termination-log").arg(self.path("termination-log"));
        command
    }

    pub(crate) fn run(&self, command: &mut Command) -> Ended {
        let output = command.output().unwrap();
        Ended { output, message: self.read("termination-log") }
    }
}

impl Ended {
    pub(crate) fn succeeded(&self) {
        assert!(self.output.status.success() && self.message.is_empty(), "{self:#?}");
    }

    /// Exit code 1 and one sentence, which is on stderr too.
    pub(crate) fn refused(&self) -> &str {
        assert_eq!(self.output.status.code(), Some(1), "{self:#?}");
        assert!(!self.message.is_empty() && !self.message.contains('\n'), "{self:#?}");
        let stderr = String::from_utf8_lossy(&self.output.stderr).replace(char::is_control, " ");
        assert!(stderr.contains(&self.message), "{self:#?}");
        &self.message
    }
}
