//! The bodies of all answers: the page, JSON, and notices that explain a refusal. It decides
//! nothing.

use api_types::{Access, LinkName};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        ACCEPT, ALLOW, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
        RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE, VARY,
    },
};
use http_body_util::Full;
use ring::digest;
use serde::Serialize;
use share::Visitor;

use crate::{
    assets,
    assets::Asset,
    encoding::Coding,
    error::RequestError,
    headers::{Content, FrameAncestors, SecurityHeaders},
    upgrade,
};

pub(crate) type Body = Full<Bytes>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const NOTICE_STYLE: &str = include_str!("notice.css");

/// How a refusal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Representation {
    Html,
    Json,
}

impl Representation {
    /// HTML where it is asked for by name, as browsers do for pages; else `otherwise`.
    pub(crate) fn accepted(headers: &HeaderMap, otherwise: Self) -> Self {
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
        if accept.contains("text/html") {
            Self::Html
        } else if accept.contains("application/json") {
            Self::Json
        } else {
            otherwise
        }
    }
}

/// Writes answers with this gateway's headers.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    headers: SecurityHeaders,
}

#[derive(Serialize)]
struct Info<'a> {
    name: &'a str,
    namespace: &'a str,
    access: &'static str,
    /// Left out for the default link.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
}

#[derive(Serialize)]
struct Told<'a> {
    message: &'a str,
    reason: &'a str,
}

impl Answers {
    pub(crate) fn new(ancestors: &FrameAncestors) -> Self {
        let digest = digest::digest(&digest::SHA256, NOTICE_STYLE.as_bytes());
        let style = format!("'sha256-{}'", STANDARD.encode(digest));
        Self { headers: SecurityHeaders::new(ancestors, &style) }
    }

    /// The terminal's page.
    pub(crate) fn page(&self) -> Response<Body> {
        self.answer(StatusCode::OK, Content::Page, HTML, assets::index())
    }

    /// Whose terminal it is, what the visitor may do by which link, and no more.
    pub(crate) fn info(&self, visitor: &Visitor, access: Access) -> Response<Body> {
        let Visitor { agent, link_name, .. } = visitor;
        let info = Info {
            name: &agent.name,
            namespace: &agent.namespace,
            access: access.word(),
            link: link_name.as_ref().map(LinkName::as_str),
        };
        self.answer(StatusCode::OK, Content::Data, JSON, json(&info))
    }

    /// The agent that was asleep is awake or waking: what it does meanwhile, its information says.
    pub(crate) fn woken(&self) -> Response<Body> {
        let told = Told { message: "The agent is waking up", reason: "Waking" };
        self.answer(StatusCode::ACCEPTED, Content::Data, JSON, json(&told))
    }

    /// A file of the page in the form that the browser prefers, or word that it has it already.
    pub(crate) fn asset(&self, asset: &Asset, request: &HeaderMap) -> Response<Body> {
        let form = asset.accepted(request);
        let known = request.get(IF_NONE_MATCH) == Some(&form.etag);
        let (status, content) = if known {
            (StatusCode::NOT_MODIFIED, Bytes::new())
        } else {
            (StatusCode::OK, form.content.clone())
        };
        let mut response = self.answer(status, Content::Asset, asset.content_type.clone(), content);
        let headers = response.headers_mut();
        headers.insert(ETAG, form.etag.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if form.coding != Coding::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(form.coding.name()));
        }
        response
    }

    /// A refusal, for a person or a program.
    pub(crate) fn refusal(&self, error: &RequestError, form: Representation) -> Response<Body> {
        let response = match form {
            Representation::Html => {
                self.answer(error.status(), Content::Notice, HTML, notice(error))
            }
            Representation::Json => {
                let refusal = Told { message: &sentence(error), reason: error.category() };
                self.answer(error.status(), Content::Data, JSON, json(&refusal))
            }
        };
        with_hints(response, error)
    }

    /// The page in place of a refusal that passes by itself: it waits and says why.
    pub(crate) fn waiting_page(&self, error: &RequestError) -> Response<Body> {
        let page = self.answer(error.status(), Content::Page, HTML, assets::index());
        with_hints(page, error)
    }

    /// The headers of an answer without a body, such as a granted upgrade.
    pub(crate) fn without_body(&self, mut response: Response<Body>) -> Response<Body> {
        self.headers.apply(Content::Data, response.headers_mut());
        response
    }

    fn answer(
        &self,
        status: StatusCode,
        content: Content,
        content_type: HeaderValue,
        body: Bytes,
    ) -> Response<Body> {
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        self.headers.apply(content, response.headers_mut());
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    }
}

/// What a client should do next, where HTTP has a header for it.
fn with_hints(mut response: Response<Body>, error: &RequestError) -> Response<Body> {
    let headers = response.headers_mut();
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.status() == StatusCode::TOO_MANY_REQUESTS {
        // Asking too often costs a connection each time.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    match error {
        RequestError::MethodNotAllowed(methods) => {
            headers.insert(ALLOW, HeaderValue::from_static(methods.allow()));
        }
        RequestError::NotWebSocket => {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            let version = HeaderValue::from_static(upgrade::VERSION);
            headers.insert(SEC_WEBSOCKET_VERSION, version);
        }
        _ => {}
    }
    response
}

fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// A page of our own constants only: nothing in it needs escaping.
fn notice(error: &RequestError) -> Bytes {
    let title = match error.status() {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "Not available",
        _ => "Request failed",
    };
    format!(
        include_str!("notice.html"),
        style = NOTICE_STYLE,
        title = title,
        text = sentence(error)
    )
    .into()
}

/// The error as a sentence: its text starts in lower case and has no full stop.
fn sentence(error: &RequestError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use share::Denial;

    use super::{
        Representation::{Html, Json},
        *,
    };

    #[test]
    fn the_form_follows_what_is_asked_for() {
        let accepts = |accept: &'static str, otherwise| {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            Representation::accepted(&headers, otherwise)
        };
        assert_eq!(accepts("text/html,application/xhtml+xml,*/*;q=0.8", Json), Html);
        assert_eq!(accepts("application/json", Html), Json);
        assert_eq!(accepts("*/*", Html), Html);
        assert_eq!(accepts("*/*", Json), Json);
    }

    #[test]
    fn a_notice_says_why_without_any_script() {
        let page = String::from_utf8(notice(&Denial::Network.into()).to_vec()).unwrap();
        let text = Denial::Network.to_string();
        assert!(page.contains(&text[1..]), "{page}");
        assert!(!page.contains("<script") && !page.contains("http"), "{page}");
    }
}
