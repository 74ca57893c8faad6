//! What the Secret of a repository holds. Values go to the repository's own server and into no message.

use std::{fmt, fs, io, path::Path};

use agent_jobs::secret_keys;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;

use super::error::GitError;

/// The keys of the Secret that exist; none for a public repository.
#[derive(Clone, Default)]
pub(super) struct Credentials {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) private_key: Option<String>,
    /// Lines as in the file of that name.
    pub(super) known_hosts: Option<String>,
}

/// Says which keys there are, never what they hold.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username.is_some())
            .field("password", &self.password.is_some())
            .field("private_key", &self.private_key.is_some())
            .field("known_hosts", &self.known_hosts.is_some())
            .finish()
    }
}

impl Credentials {
    /// Reads the folder in which the Secret is mounted.
    pub(super) fn read(folder: Option<&str>) -> Result<Self, GitError> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        let key = |name| value(&Path::new(folder).join(name)).map_err(GitError::Credentials);
        let line = |name| key(name).map(|value| value.map(|value| value.trim().to_owned()));
        let token = line(secret_keys::TOKEN)?;
        let known_hosts = [key(secret_keys::KNOWN_HOSTS)?, key(secret_keys::SSH_KNOWN_HOSTS)?];
        let known_hosts: Vec<_> = known_hosts.into_iter().flatten().collect();
        Ok(Self {
            username: line(secret_keys::USERNAME)?,
            // A password may end with a blank, but hardly with a line break.
            password: key(secret_keys::PASSWORD)?.map(|value| without_line_break(&value)).or(token),
            private_key: key(secret_keys::SSH_PRIVATE_KEY)?,
            known_hosts: (!known_hosts.is_empty()).then(|| known_hosts.join("\n")),
        })
    }

    /// For HTTP. GitHub and others take any user name beside a token.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>, GitError> {
        let Some(password) = &self.password else { return Ok(None) };
        let username = self.username.as_deref().unwrap_or("x-access-token");
        let basic = BASE64_STANDARD.encode(format!("{username}:{password}"));
        let unusable = |_| GitError::CredentialForm { key: "password", why: "it is malformed" };
        let mut value = HeaderValue::try_from(format!("Basic {basic}")).map_err(unusable)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn value(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn without_line_break(value: &str) -> String {
    value.trim_end_matches(['\r', '\n']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(keys: &[(&str, &str)]) -> Credentials {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in keys {
            fs::write(folder.path().join(name), value).unwrap();
        }
        Credentials::read(folder.path().to_str()).unwrap()
    }

    fn decoded(credentials: &Credentials) -> String {
        let value = credentials.authorization().unwrap().unwrap();
        let basic = value.to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
        String::from_utf8(BASE64_STANDARD.decode(basic).unwrap()).unwrap()
    }

    #[test]
    fn a_password_or_a_token_makes_basic_authentication() {
        assert_eq!(decoded(&secret(&[("username", "me\n"), ("password", " s \n")])), "me: s ");
        assert_eq!(decoded(&secret(&[("token", "t0ken\n")])), "x-access-token:t0ken");
        assert_eq!(decoded(&secret(&[("username", "bot"), ("token", "t0ken")])), "bot:t0ken");
        assert!(secret(&[]).authorization().unwrap().is_none());
    }

    #[test]
    fn both_keys_with_host_keys_are_read() {
        let both = secret(&[("known_hosts", "a"), ("ssh-known-hosts", "b")]);
        assert_eq!(both.known_hosts.as_deref(), Some("a\nb"));
    }

    #[test]
    fn debug_output_and_header_hide_what_the_secret_holds() {
        let all =
            secret(&[("username", "u5er"), ("password", "s3cret"), ("ssh-privatekey", "k3y")]);
        let shown = format!("{all:?} {:?}", all.authorization().unwrap());
        assert!(["u5er", "s3cret", "k3y"].iter().all(|value| !shown.contains(value)), "{shown}");
    }
}
