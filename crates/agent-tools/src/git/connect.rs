//! A connection to an HTTP server: directly or through a proxy, in the clear or by TLS.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::{client::proxy::matcher::Intercept, rt::TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::{
    error::GitError,
    net::{CONNECT_TIMEOUT, Net, tcp, within},
};

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Where a request goes: credentials of one origin are never sent to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Origin {
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let host = uri.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        Some(Self { is_tls, host, port })
    }

    /// For a message and for `CONNECT`.
    pub(super) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// A connection, and what a request on it must say to a proxy that reads it.
pub(super) struct Connected {
    pub(super) stream: Box<dyn Stream>,
    pub(super) forwarded: Option<Forwarded>,
}

/// The proxy takes the request itself: it names the whole URL.
pub(super) struct Forwarded {
    pub(super) authorization: Option<HeaderValue>,
}

pub(super) async fn connect(net: &Net, uri: &Uri, origin: &Origin) -> Result<Connected, GitError> {
    let Some(proxy) = net.proxies.intercept(uri) else {
        let stream = tcp(&origin.host, origin.port).await?;
        let stream =
            if origin.is_tls { tls(net, &origin.host, stream).await? } else { Box::new(stream) };
        return Ok(Connected { stream, forwarded: None });
    };
    let stream = to_proxy(net, &proxy).await?;
    if !origin.is_tls {
        let authorization = proxy.basic_auth().cloned();
        return Ok(Connected { stream, forwarded: Some(Forwarded { authorization }) });
    }
    let tunnel = tunnel(net, stream, &proxy, origin).await?;
    Ok(Connected { stream: tls(net, &origin.host, tunnel).await?, forwarded: None })
}

async fn to_proxy(net: &Net, proxy: &Intercept) -> Result<Box<dyn Stream>, GitError> {
    let Some(place) = Origin::of(proxy.uri()) else {
        let proxy = proxy.uri().host().unwrap_or_default().to_owned();
        let status = "nothing, as only http and https proxies are supported".into();
        return Err(GitError::Proxy { host: proxy.clone(), proxy, status });
    };
    let stream = tcp(&place.host, place.port).await?;
    if place.is_tls { tls(net, &place.host, stream).await } else { Ok(Box::new(stream)) }
}

async fn tunnel(
    net: &Net,
    stream: Box<dyn Stream>,
    proxy: &Intercept,
    origin: &Origin,
) -> Result<impl Stream + use<>, GitError> {
    let host = origin.authority();
    let name = proxy.uri().host().unwrap_or_default().to_owned();
    let failed =
        |status: String| GitError::Proxy { proxy: name.clone(), host: host.clone(), status };
    let exchange = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        net.spawn(async move { drop(connection.with_upgrades().await) });
        let mut request = Request::connect(&host).header(header::HOST, &host);
        if let Some(authorization) = proxy.basic_auth() {
            request = request.header(header::PROXY_AUTHORIZATION, authorization);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let upgraded =
            if status.is_success() { Some(hyper::upgrade::on(answer).await?) } else { None };
        Ok::<_, anyhow::Error>((status, upgraded))
    };
    let exchange = async { exchange.await.map_err(io::Error::other) };
    match within(CONNECT_TIMEOUT, exchange).await {
        Ok((_, Some(upgraded))) => Ok(TokioIo::new(upgraded)),
        Ok((status, None)) => Err(failed(status.to_string())),
        Err(source) => Err(GitError::Unreachable { host: format!("the proxy {name}"), source }),
    }
}

async fn tls(
    net: &Net,
    host: &str,
    stream: impl Stream + 'static,
) -> Result<Box<dyn Stream>, GitError> {
    let distrusted = |why: String| GitError::Certificate { host: host.to_owned(), why };
    let name =
        ServerName::try_from(host.to_owned()).map_err(|error| distrusted(error.to_string()))?;
    let connector = TlsConnector::from(Arc::clone(&net.tls));
    match within(CONNECT_TIMEOUT, connector.connect(name, stream)).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(match certificate_problem(&error) {
            Some(why) => distrusted(why),
            None => GitError::Unreachable { host: host.to_owned(), source: error },
        }),
    }
}

/// What is wrong with the server's certificate, if that is what an error is about.
fn certificate_problem(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(problem) => Some(match problem {
            rustls::CertificateError::UnknownIssuer => "its issuer is unknown".into(),
            problem => problem.to_string(),
        }),
        _ => None,
    }
}
