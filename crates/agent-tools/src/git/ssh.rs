//! `git-upload-pack` over ssh, in this process: OpenSSH would want a user database, which the image lacks.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use agent_jobs::{Repository, RepositoryParts};
use bytes::Bytes;
use gix_transport::{
    Protocol,
    client::{blocking_io::Transport, git},
};
use russh::{
    AlgorithmKind, ChannelMsg, ChannelReadHalf, ChannelWriteHalf,
    client::{self, AuthResult, Handle, Msg},
    keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key},
};
use tokio::time::timeout;

use super::{
    credentials::Credentials,
    error::{GitError, printable},
    host_keys::{HostKeys, Pins, Verdict},
    net::{CONNECT_TIMEOUT, Failure, Net, silence, tcp},
};

/// The most that is kept of what a server says about its errors.
const SAID_BYTES_MAX: usize = 4096;

/// Decides about the host's key.
struct Doorkeeper {
    keys: HostKeys,
    host: String,
    failure: Failure,
}

impl client::Handler for Doorkeeper {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        let host = self.host.clone();
        match self.keys.judge(&shown.public_key()) {
            Ok(Verdict::Known | Verdict::Pinned) => Ok(true),
            Ok(Verdict::Mismatch(known)) => {
                self.failure.keep(GitError::HostKey { host, known });
                Ok(false)
            }
            Err(source) => {
                self.failure.keep(GitError::State { path: "the file of host keys".into(), source });
                Ok(false)
            }
        }
    }
}

/// A transport on which the other side is `git-upload-pack`.
pub(super) fn connect(
    net: &Arc<Net>,
    repository: &Repository,
    credentials: &Credentials,
    pins: &Pins,
    failure: &Failure,
) -> Result<Box<dyn Transport>, GitError> {
    let parts = repository.parts();
    let place = repository.as_str().to_owned();
    let opened = net.block_on(open(parts, &place, credentials, pins, failure));
    // The doorkeeper knows better than the library why it closed.
    let (session, read, write) = opened.map_err(|error| failure.take().unwrap_or(error))?;
    let reader = Reader {
        net: Arc::clone(net),
        channel: read,
        chunk: Bytes::new(),
        said: Vec::new(),
        place,
        failure: failure.clone(),
        _session: session,
    };
    let writer = Writer { net: Arc::clone(net), channel: write };
    Ok(Box::new(git::blocking_io::Connection::new(
        reader,
        writer,
        Protocol::V2,
        parts.path,
        None::<(String, Option<u16>)>,
        git::ConnectMode::Process,
        false,
    )))
}

type Opened = (Handle<Doorkeeper>, ChannelReadHalf, ChannelWriteHalf<Msg>);

async fn open(
    parts: RepositoryParts<'_>,
    place: &str,
    credentials: &Credentials,
    pins: &Pins,
    failure: &Failure,
) -> Result<Opened, GitError> {
    let host = parts.host.to_owned();
    let port = parts.port.unwrap_or(22);
    let known_hosts = credentials.known_hosts.as_deref();
    let keys = HostKeys::new(&host, port, known_hosts, Arc::clone(pins))
        .map_err(|source| GitError::State { path: "the file of host keys".into(), source })?;
    let broken = |why: String| GitError::Broken { place: place.to_owned(), why: printable(&why) };
    let unreachable = |source| GitError::Unreachable { host: format!("{host}:{port}"), source };

    let mismatch = GitError::HostKey { host: host.clone(), known: keys.known_by() };
    let config = Arc::new(config(&keys));
    let stream = tcp(&host, port).await?;
    let doorkeeper = Doorkeeper { keys, host: host.clone(), failure: failure.clone() };
    let connected = timeout(CONNECT_TIMEOUT, client::connect_stream(config, stream, doorkeeper));
    let connected = connected.await.map_err(|_| unreachable(silence(CONNECT_TIMEOUT)))?;
    let mut session = connected.map_err(|error| match error {
        // It has none of the kinds that are known.
        russh::Error::NoCommonAlgo { kind: AlgorithmKind::Key, .. } => mismatch,
        error => unreachable(io::Error::other(error)),
    })?;
    let user = parts.user.or(credentials.username.as_deref()).unwrap_or("git");
    let authenticated =
        timeout(CONNECT_TIMEOUT, authenticate(&mut session, user, place, credentials));
    authenticated.await.map_err(|_| broken("no answer to the credentials".into()))??;

    let requested = async {
        let channel = session.channel_open_session().await?;
        // Without an answer: a server that does not take the variable speaks an older version of the protocol.
        channel.set_env(false, "GIT_PROTOCOL", "version=2").await?;
        channel.exec(false, command(parts.path)).await?;
        Ok::<_, russh::Error>(channel.split())
    };
    let requested = timeout(CONNECT_TIMEOUT, requested);
    let requested = requested.await.map_err(|_| broken("no answer to the request".into()))?;
    let (read, write) = requested.map_err(|error| broken(error.to_string()))?;
    Ok((session, read, write))
}

fn config(keys: &HostKeys) -> client::Config {
    let mut config = client::Config { nodelay: true, ..client::Config::default() };
    let algorithms = keys.algorithms();
    if !algorithms.is_empty() {
        config.preferred.key = algorithms.into();
    }
    config
}

async fn authenticate(
    session: &mut Handle<Doorkeeper>,
    user: &str,
    place: &str,
    credentials: &Credentials,
) -> Result<(), GitError> {
    let broken =
        |error: russh::Error| GitError::Broken { place: place.to_owned(), why: error.to_string() };
    let answer = match (&credentials.private_key, &credentials.password) {
        (Some(key), _) => {
            let key = decode_secret_key(key, None).map_err(|_| GitError::CredentialForm {
                key: "ssh-privatekey",
                why: "it must be a private key without a passphrase, in OpenSSH's or PEM format",
            })?;
            let hash = session.best_supported_rsa_hash().await.map_err(broken)?.flatten();
            let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
            session.authenticate_publickey(user, key).await
        }
        (None, Some(password)) => session.authenticate_password(user, password).await,
        (None, None) => session.authenticate_none(user).await,
    };
    match answer.map_err(broken)? {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { .. } => Err(GitError::Authentication {
            place: place.to_owned(),
            wanted: if credentials.private_key.is_some() {
                "check ssh-privatekey in the Secret of secretRef, and that its public key may read the repository"
            } else {
                "name a Secret with ssh-privatekey, and ssh-known-hosts, in secretRef"
            },
        }),
    }
}

/// The server's shell reads it: the path is one quoted word, and does not begin like an option.
fn command(path: &str) -> Vec<u8> {
    // `/~user/path` is relative to a home, as in git.
    let path = if path.starts_with("/~") { &path[1..] } else { path };
    let mut command = b"git-upload-pack ".to_vec();
    command.extend_from_slice(&gix_quote::single(path.into()));
    command
}

struct Reader {
    net: Arc<Net>,
    channel: ChannelReadHalf,
    chunk: Bytes,
    said: Vec<u8>,
    place: String,
    failure: Failure,
    /// The connection lasts as long as this.
    _session: Handle<Doorkeeper>,
}

impl Reader {
    /// The next data; none at the end.
    fn next(&mut self) -> io::Result<Bytes> {
        loop {
            let wait = async { timeout(self.net.stall, self.channel.wait()).await };
            let message = self.net.block_on(wait).map_err(|_| {
                let why = silence(self.net.stall).to_string();
                self.failure.keep(GitError::Broken { place: self.place.clone(), why })
            })?;
            match message {
                Some(ChannelMsg::Data { data }) if !data.is_empty() => return Ok(data),
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    let free = SAID_BYTES_MAX.saturating_sub(self.said.len());
                    self.said.extend_from_slice(&data[..data.len().min(free)]);
                }
                Some(ChannelMsg::ExitStatus { exit_status }) if exit_status != 0 => {
                    return Err(self.failure.keep(self.refusal()));
                }
                Some(ChannelMsg::Failure) => return Err(self.failure.keep(self.refusal())),
                Some(_) => {}
                None => return Ok(Bytes::new()),
            }
        }
    }

    /// Of a server that ended `git-upload-pack`, by what it said.
    fn refusal(&self) -> GitError {
        let place = self.place.clone();
        let said = printable(&String::from_utf8_lossy(&self.said));
        let lower = said.to_lowercase();
        let absent =
            ["not found", "does not exist", "not appear to be a git repository", "no such"];
        if absent.iter().any(|words| lower.contains(words)) {
            return GitError::NotFound { place };
        }
        let said = if said.is_empty() { "it said nothing".into() } else { said };
        GitError::Refused { place, said }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            self.chunk = self.next()?;
        }
        let count = self.chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.chunk.split_to(count));
        Ok(count)
    }
}

struct Writer {
    net: Arc<Net>,
    channel: ChannelWriteHalf<Msg>,
}

impl Write for Writer {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let sending = self.channel.data_bytes(data.to_vec());
        let sent = self.net.block_on(async { timeout(self.net.stall, sending).await });
        sent.map_err(|_| silence(self.net.stall))?.map_err(io::Error::other)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_the_servers_shell() {
        let command = |path| String::from_utf8(command(path)).unwrap();
        assert_eq!(command("/a/b.git"), "git-upload-pack '/a/b.git'");
        assert_eq!(command("/~/b.git"), "git-upload-pack '~/b.git'");
        assert_eq!(command("a';id;'b"), r"git-upload-pack 'a'\'';id;'\''b'");
        assert_eq!(command("$(id)`id`"), "git-upload-pack '$(id)`id`'");
    }
}
