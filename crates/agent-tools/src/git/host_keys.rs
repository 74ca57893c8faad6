//! Which key a host of ssh must show: one of the Secret's, or else the one that it showed first.

use std::{collections::BTreeSet, io, sync::Arc};

use ring::hmac;
use russh::keys::{
    Algorithm, HashAlg, PublicKey,
    ssh_key::known_hosts::{Entry, HostPatterns, KnownHosts, Marker},
};

use super::folder::Folder;

/// Lines as in ssh's own file, of hosts whose key was accepted unseen.
const PINS: &[u8] = b"kubeopencode-known-hosts";

/// Where keys are kept that were accepted once.
pub(super) type Pins = Arc<Folder>;

#[derive(Clone)]
pub(super) struct HostKeys {
    /// As in ssh's file: the name alone for port 22, else `[name]:port`.
    host: String,
    known: Vec<Entry>,
    /// Set where the Secret says nothing about any host: the first key is kept here.
    pins: Option<Pins>,
}

/// What is to be thought of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Known,
    /// Shown for the first time, and now kept.
    Pinned,
    /// With what knows better.
    Mismatch(&'static str),
}

impl HostKeys {
    pub(super) fn new(host: &str, port: u16, secret: Option<&str>, pins: Pins) -> io::Result<Self> {
        let host = if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") };
        let host = host.to_ascii_lowercase();
        let (text, pins) = if let Some(text) = secret {
            (text.to_owned(), None)
        } else {
            let pinned = pins.read_small(PINS)?.unwrap_or_default();
            (String::from_utf8(pinned).unwrap_or_default(), Some(pins))
        };
        // A line that is malformed counts for nothing, as in ssh.
        let lines = text.lines().flat_map(|line| KnownHosts::new(line.trim()));
        let known = lines.filter_map(Result::ok).filter(|entry| names(entry, &host)).collect();
        Ok(Self { host, known, pins })
    }

    /// The algorithms of the known keys: a server that has several keys must show one that can be compared.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let mut found = Vec::new();
        for entry in self.trusted() {
            match entry.public_key().algorithm() {
                Algorithm::Rsa { .. } => {
                    let hashes = [HashAlg::Sha512, HashAlg::Sha256];
                    found.extend(hashes.map(|hash| Algorithm::Rsa { hash: Some(hash) }));
                }
                algorithm => found.push(algorithm),
            }
        }
        found.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What knows better, in the words of a message.
    pub(super) fn known_by(&self) -> &'static str {
        match self.pins {
            None => "ssh-known-hosts in the Secret of secretRef has",
            Some(_) => "it showed when the repository was first cloned",
        }
    }

    pub(super) fn judge(&self, key: &PublicKey) -> io::Result<Verdict> {
        let is_same = |entry: &&Entry| entry.public_key().key_data() == key.key_data();
        let revoked = |entry: &Entry| entry.marker() == Some(&Marker::Revoked);
        if self.known.iter().any(|entry| revoked(entry) && is_same(&entry)) {
            return Ok(Verdict::Mismatch("the Secret allows, which has it as revoked"));
        }
        if self.trusted().any(|entry| is_same(&entry)) {
            return Ok(Verdict::Known);
        }
        match &self.pins {
            None => Ok(Verdict::Mismatch(self.known_by())),
            Some(_) if self.trusted().next().is_some() => Ok(Verdict::Mismatch(self.known_by())),
            Some(pins) => self.pin(pins, key).map(|()| Verdict::Pinned),
        }
    }

    fn trusted(&self) -> impl Iterator<Item = &Entry> {
        self.known.iter().filter(|entry| entry.marker().is_none())
    }

    fn pin(&self, pins: &Folder, key: &PublicKey) -> io::Result<()> {
        let mut text = pins.read_small(PINS)?.unwrap_or_default();
        let key = key.to_openssh().map_err(io::Error::other)?;
        text.extend_from_slice(format!("{} {key}\n", self.host).as_bytes());
        pins.place(PINS, &text, 0o600, pins)
    }
}

fn names(entry: &Entry, host: &str) -> bool {
    match entry.host_patterns() {
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, host.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let matched = |pattern: &str| wildcard(&pattern.to_ascii_lowercase(), host);
            let (negative, positive): (Vec<_>, Vec<_>) =
                patterns.iter().partition(|pattern| pattern.starts_with('!'));
            positive.iter().any(|pattern| matched(pattern))
                && !negative.iter().any(|pattern| matched(&pattern[1..]))
        }
    }
}

/// `*` stands for any characters, `?` for one.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut reachable = vec![true];
    reachable.resize(text.len() + 1, false);
    for symbol in pattern.bytes() {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match symbol {
                b'*' => reachable[at] || (at > 0 && next[at - 1]),
                _ => {
                    at > 0
                        && reachable[at - 1]
                        && matches!(symbol, s if s == b'?' || s == text.as_bytes()[at - 1])
                }
            };
        }
        reachable = next;
    }
    reachable[text.len()]
}

#[cfg(test)]
mod tests {
    use super::{super::error::GitError, *};

    const A: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOh2W1aQqo/uwZ/HZhDJfAcGN8irMe485wR8g8i/smx2";
    const B: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEmYVA8TYsV7Q+PgMhAE4wzPDi6k2YntUTruyhfZUPup";

    fn judge(port: u16, secret: Option<&str>, pins: &Pins, key: &str) -> Verdict {
        let keys = HostKeys::new("Git.local", port, secret, Arc::clone(pins)).unwrap();
        keys.judge(&PublicKey::from_openssh(key).unwrap()).unwrap()
    }

    fn pins() -> (tempfile::TempDir, Pins) {
        let folder = tempfile::tempdir().unwrap();
        let opened = Folder::open(folder.path()).unwrap();
        (folder, Arc::new(opened))
    }

    #[test]
    fn a_key_of_the_secret_is_known_by_name_port_pattern_and_hash() {
        let (_folder, pins) = pins();
        let known = |port, hosts: &str| {
            judge(port, Some(&format!("# x\nnonsense\n{hosts} {A}\n")), &pins, A) == Verdict::Known
        };
        assert!(known(22, "git.local"));
        assert!(known(22, "other,git.local"));
        assert!(known(22, "*.local"));
        assert!(known(22, "git.loca?"));
        assert!(known(2222, "[git.local]:2222"));
        // As `ssh-keygen -H` writes `git.local`.
        assert!(known(22, "|1|TNt4XWnZZJEyIaxQUiLh8ChCdeM=|vS7F+lmRl/lKd0zQIli6LWmNXuw="));
        assert!(!known(22, "*.local,!git.local"));
        assert!(!known(2222, "git.local"));
        assert!(!known(22, "[git.local]:2222"));
        assert!(!known(22, "git.localx"));
        assert!(!known(22, "@cert-authority git.local"));
    }

    #[test]
    fn without_keys_in_the_secret_the_first_one_holds_also_for_the_next_process() {
        let (_folder, pins) = pins();
        assert_eq!(judge(22, None, &pins, A), Verdict::Pinned);
        assert_eq!(judge(22, None, &pins, A), Verdict::Known);
        assert!(matches!(judge(22, None, &pins, B), Verdict::Mismatch(_)));
        assert_eq!(judge(2222, None, &pins, B), Verdict::Pinned);
        assert_eq!(judge(22, None, &pins, A), Verdict::Known);
    }

    #[test]
    fn what_knows_better_is_named_as_it_is_documented() {
        let (_folder, pins) = pins();
        let known = "ssh-known-hosts in the Secret of secretRef has";
        let secret = format!("git.local {A}");
        assert_eq!(judge(22, Some(&secret), &pins, B), Verdict::Mismatch(known));
        let error = GitError::HostKey { host: "git.local".into(), known };
        let sentence = "the host key of git.local is not the one that ssh-known-hosts in the Secret of secretRef has: \
                        if the host was given a new key, write it into ssh-known-hosts (or known_hosts) of the \
                        Secret in secretRef; otherwise somebody is between";
        assert_eq!(error.to_string(), sentence);
    }

    #[test]
    fn a_secret_with_host_keys_pins_nothing() {
        let (folder, pins) = pins();
        assert!(matches!(
            judge(22, Some(&format!("git.local {A}")), &pins, B),
            Verdict::Mismatch(_)
        ));
        assert!(matches!(judge(22, Some(&format!("other {A}")), &pins, A), Verdict::Mismatch(_)));
        let revoked = format!("@revoked * {A}\ngit.local {A}");
        assert!(matches!(judge(22, Some(&revoked), &pins, A), Verdict::Mismatch(_)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
