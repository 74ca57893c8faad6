//! Git's smart HTTP over hyper. Redirects are followed for the first request only, as git does, and take no
//! credentials to another origin.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use git_http::{GetResponse, PostBodyDataKind, PostResponse};
use gix_error::ErrorExt;
use gix_transport::client::blocking_io::http as git_http;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;

use super::{
    connect::{Connected, Forwarded, Origin, connect},
    error::GitError,
    exchange::{self, Headers, PostBody, ResponseBody},
    net::{CONNECT_TIMEOUT, Failure, Net, within},
};

const REDIRECTS_MAX: usize = 5;

/// What a smart server is first asked for.
const DISCOVERY: &str = "/info/refs?service=git-upload-pack";

/// For a request to the repository's own origin only.
pub(super) struct Access {
    pub(super) authorization: Option<HeaderValue>,
    pub(super) origin: Origin,
}

pub(super) struct Http {
    client: Arc<Client>,
    redirected: Option<String>,
}

pub(super) struct Client {
    pub(super) net: Arc<Net>,
    access: Access,
    /// The repository, for messages.
    pub(super) place: String,
    pub(super) failure: Failure,
    idle: Mutex<Option<Idle>>,
}

/// A connection between two requests.
struct Idle {
    origin: Origin,
    sender: Sender,
}

struct Sender {
    sender: http1::SendRequest<Full<Bytes>>,
    forwarded: Option<Forwarded>,
}

impl Http {
    pub(super) fn new(net: Arc<Net>, access: Access, place: String, failure: Failure) -> Self {
        let client = Client { net, access, place, failure, idle: Mutex::default() };
        Self { client: Arc::new(client), redirected: None }
    }

    /// Follows redirects to where the repository is.
    fn discover(&mut self, url: &str, headers: &HeaderMap) -> Result<Response<Incoming>, GitError> {
        let client = &self.client;
        let mut uri = client.uri(url)?;
        for _ in 0..=REDIRECTS_MAX {
            let request = (Method::GET, uri.clone(), headers.clone(), Bytes::new());
            let answer = client.net.block_on(client.send(request))?;
            if !answer.status().is_redirection() {
                client.check(&answer)?;
                return Ok(answer);
            }
            uri = client.target(&uri, &answer)?;
            let base = uri.to_string();
            self.redirected = base.strip_suffix(DISCOVERY).map(str::to_owned);
        }
        Err(GitError::Redirect { place: client.place.clone(), to: "too many others".into() })
    }
}

impl Client {
    fn uri(&self, url: &str) -> Result<Uri, GitError> {
        let malformed = |_| GitError::Protocol {
            place: self.place.clone(),
            why: "its URL is malformed".into(),
        };
        Uri::try_from(url).map_err(malformed)
    }

    /// Where a redirect leads, if it may be followed.
    fn target(&self, from: &Uri, answer: &Response<Incoming>) -> Result<Uri, GitError> {
        let location = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        let location = location.unwrap_or_default();
        let refused = || GitError::Redirect {
            place: self.place.clone(),
            // Without its query, which may hold a ticket.
            to: super::error::printable(location.split(['?', '#']).next().unwrap_or_default()),
        };
        let absolute = if location.starts_with('/') && !location.starts_with("//") {
            let authority = from.authority().map(ToString::to_string).unwrap_or_default();
            format!("{}://{authority}{location}", from.scheme_str().unwrap_or_default())
        } else {
            location.to_owned()
        };
        let to = Uri::try_from(&absolute).map_err(|_| refused())?;
        let (old, new) = (Origin::of(from), Origin::of(&to));
        let is_downgrade =
            old.is_some_and(|old| old.is_tls) && !new.as_ref().is_some_and(|new| new.is_tls);
        let has_user = to.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let is_repository = absolute.ends_with(DISCOVERY);
        if new.is_none() || is_downgrade || has_user || !is_repository {
            Err(refused())
        } else {
            Ok(to)
        }
    }

    pub(super) async fn send(
        &self,
        (method, uri, headers, body): (Method, Uri, HeaderMap, Bytes),
    ) -> Result<Response<Incoming>, GitError> {
        let broken = |why: String| GitError::Broken { place: self.place.clone(), why };
        let origin = Origin::of(&uri).ok_or_else(|| broken("its URL has no host".into()))?;
        let mut sender = self.sender(&uri, &origin).await?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let target = if sender.forwarded.is_some() { uri.to_string() } else { path.to_owned() };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri(&target)?;
        *request.headers_mut() = headers;
        let host = HeaderValue::try_from(origin.authority()).map_err(|e| broken(e.to_string()))?;
        request.headers_mut().insert(header::HOST, host);
        if let Some(authorization) = self.access.authorization.as_ref()
            && self.access.origin == origin
        {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        if let Some(Forwarded { authorization: Some(authorization) }) = &sender.forwarded {
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        let answer = async { sender.sender.send_request(request).await.map_err(io::Error::other) };
        let answer = within(self.net.stall, answer).await.map_err(|e| broken(because(&e)))?;
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(Idle { origin, sender });
        Ok(answer)
    }

    /// The connection of the last request, or a new one.
    async fn sender(&self, uri: &Uri, origin: &Origin) -> Result<Sender, GitError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(idle) = idle
            && idle.origin == *origin
            && idle.sender.sender.is_ready()
        {
            return Ok(idle.sender);
        }
        let Connected { stream, forwarded } = connect(&self.net, uri, origin).await?;
        let handshake =
            async { http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other) };
        let unreachable = |source| GitError::Unreachable { host: origin.authority(), source };
        let (sender, connection) = within(CONNECT_TIMEOUT, handshake).await.map_err(unreachable)?;
        self.net.spawn(async move { drop(connection.await) });
        Ok(Sender { sender, forwarded })
    }

    pub(super) fn check(&self, answer: &Response<Incoming>) -> Result<(), GitError> {
        let place = self.place.clone();
        let wanted = if self.access.authorization.is_some() {
            "check username and password, or token, in the Secret of secretRef"
        } else {
            "it wants some; name a Secret with username and password, or token, in secretRef"
        };
        Err(match answer.status().as_u16() {
            200 => return Ok(()),
            401 | 403 => GitError::Authentication { place, wanted },
            404 | 410 => GitError::NotFound { place },
            407 => {
                let host = self.access.origin.authority();
                GitError::Proxy { proxy: "that is configured".into(), host, status: "407".into() }
            }
            status @ (408 | 429 | 500..=599) => GitError::Busy { place, status },
            status => GitError::Status { place, status },
        })
    }
}

/// An error with its causes.
pub(super) fn because(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut words: Vec<_> = causes.map(ToString::to_string).collect();
    words.dedup();
    super::error::printable(&words.join(": "))
}

fn headers<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> HeaderMap {
    let lines = lines.into_iter();
    let parsed = lines.filter_map(|line| {
        let (name, value) = line.as_ref().split_once(':')?;
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value.trim()).ok()?))
    });
    parsed.collect()
}

impl git_http::Http for Http {
    type Headers = Headers;
    type ResponseBody = ResponseBody;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        _base_url: &str,
        lines: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix_error::Result<GetResponse<Headers, ResponseBody>> {
        let answer = self.discover(url, &headers(lines));
        let answer = answer.map_err(|error| self.client.failure.keep(error).raise())?;
        let (_, headers, body) = exchange::answered(Arc::clone(&self.client), answer);
        Ok(GetResponse { headers, body })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        lines: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix_error::Result<PostResponse<Headers, ResponseBody, PostBody>> {
        let uri = self.client.uri(url).map_err(|error| self.client.failure.keep(error).raise())?;
        let client = Arc::clone(&self.client);
        let (post_body, headers, body) = exchange::posting(client, uri, headers(lines));
        Ok(PostResponse { post_body, headers, body })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> gix_error::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}
