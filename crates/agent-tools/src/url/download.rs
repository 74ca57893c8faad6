//! One download: at most [`BODY_BYTES_MAX`] bytes, and redirects by our own rules. A redirect may lead from http to
//! https but not back, and to another host, port or scheme neither credentials nor the user's headers follow.

use std::{error::Error, fmt::Write};

use agent_jobs::BODY_BYTES_MAX;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header::LOCATION};
use hyper_util::client::{legacy, proxy::matcher::Matcher};
use reqwest::{Client, Response, Url, redirect::Policy, retry};
use rustls::{ClientConfig, crypto::ring};

use super::request::{Request, shown};
use crate::roots::{RootsArgs, RootsError};

const REDIRECTS_MAX: usize = 10;

const AGENT: &str = concat!("kubeopencode/", env!("CARGO_PKG_VERSION"));

#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error("the client cannot be made: {why}")]
    Client { why: String },
    #[error("the certificate of {origin} is not trusted ({why}): put its CA into spec.caBundle")]
    Certificate { origin: String, why: String },
    #[error("cannot connect to {origin}{}: {why}", through(proxy.as_deref()))]
    Connect { origin: String, proxy: Option<String>, why: String },
    #[error("the download of {url} broke off: {why}")]
    Broken { url: String, why: String },
    #[error("{url} answers {status}{}", hint(*status, *.is_foreign))]
    Status { url: String, status: StatusCode, is_foreign: bool },
    #[error("{url} redirects to a place that is not an http or https URL")]
    BadRedirect { url: String },
    #[error(
        "{url} redirects from https to {to}, which is not followed: use an address that stays on https"
    )]
    Downgrade { url: String, to: String },
    #[error("{url} redirects more than {REDIRECTS_MAX} times")]
    Redirects { url: String },
    #[error("{url} has more than {} MiB, which is the most that a context may have", BODY_BYTES_MAX >> 20)]
    TooLarge { url: String },
}

fn through(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(" through the proxy {proxy} of spec.proxy"))
}

/// `is_foreign`: the answer is that of another host, which was not given the request's headers.
fn hint(status: StatusCode, is_foreign: bool) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if is_foreign => {
            ", after a redirect that headers and credentials do not follow: use this address as url.source"
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            ": check url.headers and the Secret of url.secretRef"
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => ": check url.source",
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => ": check the user and password in spec.proxy",
        _ => "",
    }
}

impl DownloadError {
    /// Whether the same request may succeed a little later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Broken { .. } => true,
            Self::Status { status, .. } => {
                matches!(status.as_u16(), 408 | 425 | 429 | 502 | 503 | 504)
            }
            _ => false,
        }
    }

    fn of(error: &reqwest::Error, url: &Url) -> Self {
        let why = causes(error);
        let origin = || url.origin().ascii_serialization();
        if let Some(certificate) = certificate_error(error) {
            Self::Certificate { origin: origin(), why: certificate }
        } else if error.is_connect() {
            Self::Connect { origin: origin(), proxy: proxy(url), why }
        } else {
            Self::Broken { url: shown(url), why }
        }
    }
}

/// Takes the proxies from the environment.
pub(super) fn client(roots: &RootsArgs, skip_verify: bool) -> Result<Client, super::UrlError> {
    // It fails when there is one already, which is as good.
    let _ = ring::default_provider().install_default();
    let client = Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .referer(false)
        .retry(retry::never());
    let client = if skip_verify {
        client.tls_danger_accept_invalid_certs(true)
    } else {
        client.tls_backend_preconfigured(tls(roots)?)
    };
    let client = client.build();
    Ok(client.map_err(|error| DownloadError::Client { why: causes(&error) })?)
}

/// Host and port of the proxy that is asked for `url`. The client goes by the same rules.
fn proxy(url: &Url) -> Option<String> {
    let proxy = Matcher::from_env().intercept(&url.as_str().parse().ok()?)?;
    let host = proxy.uri().host()?;
    Some(proxy.uri().port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn tls(roots: &RootsArgs) -> Result<ClientConfig, RootsError> {
    Ok(ClientConfig::builder().with_root_certificates(roots.store()?).with_no_client_auth())
}

pub(super) async fn get(client: &Client, request: &Request) -> Result<Bytes, DownloadError> {
    let mut url = request.url.clone();
    let mut headers = request.headers.clone();
    let mut is_foreign = false;
    for _ in 0..=REDIRECTS_MAX {
        let sent = client.get(url.clone()).headers(headers.clone()).send().await;
        let response = sent.map_err(|error| DownloadError::of(&error, &url))?;
        let status = response.status();
        if let Some(next) = redirect(&url, &response)? {
            if next.origin() != url.origin() {
                headers = HeaderMap::new();
                is_foreign = true;
            }
            url = next;
        } else if status.is_success() {
            return body(response, &url).await;
        } else {
            return Err(DownloadError::Status { url: shown(&url), status, is_foreign });
        }
    }
    Err(DownloadError::Redirects { url: request.shown() })
}

/// Where the answer sends us.
fn redirect(url: &Url, response: &Response) -> Result<Option<Url>, DownloadError> {
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let bad = || DownloadError::BadRedirect { url: shown(url) };
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| bad())?;
    let mut next = url.join(location).map_err(|_| bad())?;
    match (url.scheme(), next.scheme()) {
        ("https", "http") => Err(DownloadError::Downgrade { url: shown(url), to: shown(&next) }),
        (_, "http" | "https") => {
            // The user's own credentials are the only ones.
            next.set_username("").and_then(|()| next.set_password(None)).map_err(|()| bad())?;
            next.set_fragment(None);
            Ok(Some(next))
        }
        _ => Err(bad()),
    }
}

/// The bytes as the server has them: nothing is decompressed, so that none of it can grow.
async fn body(mut response: Response, url: &Url) -> Result<Bytes, DownloadError> {
    let too_large = || DownloadError::TooLarge { url: shown(url) };
    if response.content_length().is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| DownloadError::of(&error, url))?
    {
        if (body.len() + chunk.len()) as u64 > BODY_BYTES_MAX {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// What went wrong, without the words of the client's own layers. No URL is part of it.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        cause = error.source();
        if error.is::<legacy::Error>() {
            continue;
        }
        let separator = if text.is_empty() { "" } else { ": " };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{error}");
    }
    if text.is_empty() { "no cause is known".to_owned() } else { text }
}

/// Why a certificate was refused, if that is what happened.
fn certificate_error(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
        return Some(why.to_string());
    }
    // The source of an I/O error is not the error that it wraps, but that one's source.
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let wrapped = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static));
    certificate_error(wrapped.or_else(|| error.source())?)
}
