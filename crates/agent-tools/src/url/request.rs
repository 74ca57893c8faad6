//! What to ask a server for, from the job and the mounted Secret. No message holds a secret: of a header only its
//! name is shown, and of a URL not its query.

use std::{fmt, fs, io, path::Path};

use agent_jobs::{
    UrlJob,
    secret_keys::{PASSWORD, TOKEN, USERNAME},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, PROXY_AUTHORIZATION, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use reqwest::Url;

/// Headers that belong to the connection, or to a proxy.
const RESERVED: [HeaderName; 8] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("url.source must be a URL that begins with https:// or http:// and names a host")]
    Url,
    #[error(
        "url.source contains a user or password: put it into a Secret and name that in url.secretRef"
    )]
    Password,
    #[error("{name:?} in url.headers is not a header's name")]
    HeaderName { name: String },
    #[error("the value of {name} in url.headers contains a character that no header may have")]
    HeaderValue { name: HeaderName },
    #[error("{name} in url.headers is a matter of the connection: remove it")]
    Reserved { name: HeaderName },
    #[error("the Secret of url.secretRef has neither a token nor a username and a password")]
    NoCredentials,
    #[error("cannot read {key} of the Secret of url.secretRef")]
    Credentials { key: &'static str, source: io::Error },
    #[error("{key} of the Secret of url.secretRef contains a character that no header may have")]
    CredentialsValue { key: &'static str },
}

/// A request that can be sent. Its `Debug` says no more than where.
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Request").field(&self.shown()).finish()
    }
}

impl Request {
    pub(super) fn of(job: &UrlJob) -> Result<Self, RequestError> {
        let url = parse(&job.source)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &job.headers {
            let (name, value) = header(name, value)?;
            headers.insert(name, value);
        }
        if let Some(folder) = &job.credentials {
            headers.insert(AUTHORIZATION, authorization(Path::new(folder))?);
        }
        Ok(Self { url, headers })
    }

    pub(super) fn shown(&self) -> String {
        shown(&self.url)
    }
}

/// A URL without its query, which may hold a secret.
pub(super) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn parse(source: &str) -> Result<Url, RequestError> {
    let (scheme, _) = source.split_once("://").ok_or(RequestError::Url)?;
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    if !is_web || source.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(RequestError::Url);
    }
    let mut url = Url::parse(source).map_err(|_| RequestError::Url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RequestError::Password);
    }
    url.set_fragment(None);
    Ok(url)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), RequestError> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| RequestError::HeaderName { name: name.to_owned() })?;
    if RESERVED.contains(&parsed) {
        return Err(RequestError::Reserved { name: parsed });
    }
    match secret(value.as_bytes()) {
        Some(value) => Ok((parsed, value)),
        None => Err(RequestError::HeaderValue { name: parsed }),
    }
}

/// A value that neither `Debug` nor a log shows.
fn secret(value: &[u8]) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn authorization(folder: &Path) -> Result<HeaderValue, RequestError> {
    let key = |key| read(folder, key);
    if let Some(token) = key(TOKEN)? {
        let value = [b"Bearer ", token.as_slice()].concat();
        return secret(&value).ok_or(RequestError::CredentialsValue { key: TOKEN });
    }
    let (Some(username), Some(password)) = (key(USERNAME)?, key(PASSWORD)?) else {
        return Err(RequestError::NoCredentials);
    };
    let pair = BASE64_STANDARD.encode([&username, b":".as_slice(), &password].concat());
    secret(format!("Basic {pair}").as_bytes())
        .ok_or(RequestError::CredentialsValue { key: PASSWORD })
}

/// The value of a key that is there and not empty, without the line break that editors leave at its end.
fn read(folder: &Path, key: &'static str) -> Result<Option<Vec<u8>>, RequestError> {
    match fs::read(folder.join(key)) {
        Ok(mut value) => {
            let end =
                value.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |at| at + 1);
            value.truncate(end);
            Ok((!value.is_empty()).then_some(value))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RequestError::Credentials { key, source }),
    }
}
