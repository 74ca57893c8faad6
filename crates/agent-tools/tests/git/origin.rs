//! A repository on the server's disk, made by git itself.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) struct Origin {
    pub(crate) path: PathBuf,
}

/// Git without any configuration of this machine.
pub(crate) fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/local/bin")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "a")
        .env("GIT_AUTHOR_EMAIL", "a@a")
        .env("GIT_COMMITTER_NAME", "a")
        .env("GIT_COMMITTER_EMAIL", "a@a")
        .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgSign=false"]);
    git
}

/// What a git command prints.
pub(crate) fn read(folder: &Path, arguments: &[&str]) -> String {
    let output = git(folder).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    text
}

impl Origin {
    /// A new repository with a branch `main` and without a commit.
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).unwrap();
        read(&path, &["init", "--quiet", "--initial-branch=main"]);
        read(&path, &["config", "receive.denyCurrentBranch", "ignore"]);
        Self { path }
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        read(&self.path, arguments)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> &Self {
        let file = self.path.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
        self
    }

    /// Commits everything that was written, and returns the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }
}
