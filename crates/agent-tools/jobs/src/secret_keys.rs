//! The keys of the Secrets that repositories and documents are fetched with. Pure.

pub const USERNAME: &str = "username";
pub const PASSWORD: &str = "password";
pub const TOKEN: &str = "token";
pub const SSH_PRIVATE_KEY: &str = "ssh-privatekey";
pub const SSH_KNOWN_HOSTS: &str = "ssh-known-hosts";
/// Another name of [`SSH_KNOWN_HOSTS`]; the lines of both count.
pub const KNOWN_HOSTS: &str = "known_hosts";

/// All that are read for a repository.
pub const OF_REPOSITORY: &[&str] =
    &[USERNAME, PASSWORD, TOKEN, SSH_PRIVATE_KEY, SSH_KNOWN_HOSTS, KNOWN_HOSTS];
/// All that are read for a document behind a URL.
pub const OF_URL: &[&str] = &[USERNAME, PASSWORD, TOKEN];
