//! One job's access to servers.

use std::sync::Arc;

use agent_jobs::{GitJob, Reference, Repository};

use super::{
    credentials::Credentials,
    error::GitError,
    host_keys::Pins,
    net::Net,
    remote::{History, Remote},
    tip::Tip,
};

pub(super) struct Session<'a> {
    pub(super) job: &'a GitJob,
    pub(super) net: Arc<Net>,
    pub(super) credentials: Credentials,
    pub(super) pins: Pins,
}

impl Session<'_> {
    /// Opens a repository: the job's, or a submodule, which gets no credentials if it is on another host.
    pub(super) fn connect(&self, repository: &Repository) -> Result<Remote, GitError> {
        let own = &self.job.repository;
        let credentials = if is_same_host(repository, own) {
            self.credentials.clone()
        } else {
            // Public keys of hosts are no secret, and hold for all hosts.
            let known_hosts = self.credentials.known_hosts.clone();
            Credentials { known_hosts, ..Credentials::default() }
        };
        Remote::connect(&self.net, repository, &credentials, &self.pins)
    }

    /// Opens the job's repository and asks what the job's reference stands for.
    pub(super) fn tip(&self) -> Result<(Remote, Tip), GitError> {
        let mut remote = self.connect(&self.job.repository)?;
        let tip = remote.resolve(&self.job.reference, self.history())?;
        Ok((remote, tip))
    }

    /// Opens a submodule, of which one commit is wanted.
    pub(super) fn pinned(
        &self,
        repository: &Repository,
        commit: gix_hash::ObjectId,
    ) -> Result<(Remote, Tip), GitError> {
        let place = || repository.as_str().to_owned();
        let reference = Reference::parse(&commit.to_string());
        let reference = reference.map_err(|_| GitError::UnknownReference {
            place: place(),
            reference: commit.to_string(),
        })?;
        let mut remote = self.connect(repository)?;
        let tip = remote.resolve(&reference, History::Depth(1))?;
        Ok((remote, tip))
    }

    pub(super) fn history(&self) -> History {
        History::Depth(self.job.depth)
    }
}

fn is_same_host(a: &Repository, b: &Repository) -> bool {
    let identity = |repository: &Repository| {
        let parts = repository.parts();
        let scheme = if repository.is_ssh() {
            "ssh"
        } else {
            repository.as_str().split(':').next().unwrap_or_default()
        };
        let port = parts.port.or(match scheme {
            "ssh" => Some(22),
            "https" => Some(443),
            _ => Some(80),
        });
        (scheme.to_owned(), parts.host.to_ascii_lowercase(), port)
    };
    identity(a) == identity(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_for_one_scheme_host_and_port() {
        let is_same = |a: &str, b: &str| {
            is_same_host(&Repository::parse(a).unwrap(), &Repository::parse(b).unwrap())
        };
        assert!(is_same("https://host/a", "https://HOST:443/b"));
        assert!(is_same("git@host:a", "ssh://other@host:22/b"));
        assert!(!is_same("https://host/a", "http://host/a"));
        assert!(!is_same("https://host/a", "https://host:444/a"));
        assert!(!is_same("https://host/a", "https://host.evil/a"));
        assert!(!is_same("https://host/a", "git@host:a"));
    }
}
