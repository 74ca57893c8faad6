//! What can go wrong with a repository, each as one sentence with the way out. None holds a credential.

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("{name}")]
    Job { name: String, source: Box<GitError> },
    #[error("the job asks for no synchronization")]
    NoSync,
    #[error("the job names no folder for its state")]
    NoState,
    #[error("cannot read the job {}", path.display())]
    JobFile { path: PathBuf, source: io::Error },
    #[error("the job {} is malformed", path.display())]
    JobForm { path: PathBuf, source: serde_json::Error },
    #[error("cannot start")]
    Start(#[source] io::Error),
    #[error(transparent)]
    Roots(#[from] crate::roots::RootsError),
    #[error("the Secret in secretRef cannot be read")]
    Credentials(#[source] io::Error),
    #[error("the Secret's key {key} is unusable: {why}")]
    CredentialForm { key: &'static str, why: &'static str },
    #[error("{place} refused the credentials: {wanted}")]
    Authentication { place: String, wanted: &'static str },
    #[error(
        "{place} does not exist, or is hidden from these credentials: check repository and secretRef"
    )]
    NotFound { place: String },
    #[error("{place} answered {status}: check that repository is the URL one would clone from")]
    Status { place: String, status: u16 },
    #[error("{place} redirects to {to}, which is not followed: write the repository's own URL")]
    Redirect { place: String, to: String },
    #[error(
        "{place} has no branch, tag or commit '{reference}': check ref (a commit needs its whole name)"
    )]
    UnknownReference { place: String, reference: String },
    #[error("ref '{reference}' of {place} is not a commit")]
    NoCommit { place: String, reference: String },
    #[error("'{path}' does not exist in the repository at ref '{reference}': check path and names")]
    UnknownPath { path: String, reference: String },
    #[error("'{path}' is a file, and the target is a folder: give mountPath the name of a file")]
    FileForFolder { path: String },
    #[error("{place} is empty: it has no commit yet")]
    Empty { place: String },
    #[error(
        "the host key of {host} is not the one that {known}: if the host was given a new key, \
         write it into ssh-known-hosts (or known_hosts) of the Secret in secretRef; otherwise somebody is between"
    )]
    HostKey { host: String, known: &'static str },
    #[error(
        "the certificate of {host} is not trusted ({why}): give its certificate authority in caBundle"
    )]
    Certificate { host: String, why: String },
    #[error(
        "cannot resolve the host {host}: check the name, the cluster's DNS and, where one is needed, proxy"
    )]
    Resolve { host: String, source: io::Error },
    #[error("cannot reach {host}: check network policies and, where one is needed, proxy")]
    Unreachable { host: String, source: io::Error },
    #[error("the proxy {proxy} answered {status} for {host}: check proxy")]
    Proxy { proxy: String, host: String, status: String },
    #[error("the transfer from {place} broke off: {why}")]
    Broken { place: String, why: String },
    #[error("{place} is busy (status {status})")]
    Busy { place: String, status: u16 },
    #[error("{place} refused: {said}")]
    Refused { place: String, said: String },
    #[error("{place} does not speak git's protocol: {why}")]
    Protocol { place: String, why: String },
    #[error("the repository's data is damaged or hostile: {0}")]
    Data(String),
    #[error("submodule '{path}'")]
    Submodule { path: String, source: Box<GitError> },
    #[error("its URL '{url}' is not allowed: it must be https, http or ssh, or relative")]
    SubmoduleUrl { url: String },
    #[error(
        "{path} is not empty, and not a checkout of {place}: move it away, or use another mountPath"
    )]
    Occupied { path: String, place: String },
    #[error("cannot write {path}")]
    Target { path: String, source: io::Error },
    #[error("cannot keep state in {path}")]
    State { path: String, source: io::Error },
}

impl GitError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::Busy { .. } => true,
            Self::Submodule { source, .. } => source.is_transient(),
            _ => false,
        }
    }

    pub(super) fn target(path: &str) -> impl FnOnce(io::Error) -> Self + Copy + '_ {
        move |source| Self::Target { path: path.to_owned(), source }
    }

    pub(super) fn data(error: impl std::fmt::Display) -> Self {
        Self::Data(printable(&error.to_string()))
    }
}

/// What a server said, fit for one line of a message: of bounded length, without control characters.
pub(super) fn printable(said: &str) -> String {
    const CHARACTERS_MAX: usize = 300;
    let words = said.split(|c: char| c.is_control() || c.is_whitespace());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_said_becomes_one_bounded_line_without_escapes() {
        assert_eq!(printable("remote:\u{1b}[31m no\r\n\n access\0"), "remote: [31m no access");
        assert_eq!(printable(&"x".repeat(5000)).len(), 300);
    }
}
