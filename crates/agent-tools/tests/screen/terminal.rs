//! The terminal that viewers look at: which program it runs, and how it is started.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::Stdio,
    sync::Arc,
};

use tempfile::TempDir;

use crate::viewer::{SIZE, Viewer};

/// The terminal that viewers look at. It ends with its last viewer.
#[derive(Clone)]
pub(crate) struct Terminal {
    folder: Arc<TempDir>,
    pub(crate) flags: Vec<String>,
    pub(crate) program: Vec<OsString>,
}

impl Terminal {
    pub(crate) fn of_script(script: &str) -> Self {
        Self::of(&sh(script))
    }

    pub(crate) fn of(program: &[&OsStr]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let program = program.iter().map(OsString::from).collect();
        Self { folder, flags: vec![], program }
    }

    /// One that all its viewers see.
    pub(crate) fn shared(script: &str) -> Self {
        Self::of_script(script).with(&["--name", "default", "--idle-ms", "0"])
    }

    /// With flags of the screen's, the last of which count.
    pub(crate) fn with(mut self, flags: &[&str]) -> Self {
        for pair in flags.chunks(2) {
            self.flags.retain(|flag| !flag.starts_with(pair[0]));
            self.flags.push(pair.join("="));
        }
        self
    }

    /// A viewer of 80×24.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer::start(self, &SIZE, Stdio::piped())
    }

    pub(crate) fn viewer_of_size(&self, columns: u16, rows: u16) -> Viewer {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        Viewer::start(self, &["--columns", &columns, "--rows", &rows], Stdio::piped())
    }

    /// Where its socket is.
    pub(crate) fn sockets(&self) -> PathBuf {
        self.folder.path().join("screen")
    }
}

fn sh(script: &str) -> [&OsStr; 3] {
    ["sh", "-c", script].map(OsStr::new)
}
