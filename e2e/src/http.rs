//! A plain HTTP client for the gateway: one request, the whole answer.

use anyhow::Result;
use http_body_util::{BodyExt, Empty};
use hyper::{HeaderMap, Request, StatusCode, body::Bytes, http::request::Builder};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::settings;

/// An answer, whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// GETs `path` of the gateway with these headers.
pub async fn get(path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    get_at(&settings::gateway()?, path, headers).await
}

/// As [`get`], of a gateway of one's choice.
pub async fn get_at(gateway: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    send(Request::get(format!("{gateway}{path}")), headers).await
}

/// POSTs nothing to `path` of the gateway, as JSON.
pub async fn post(path: &str) -> Result<Answer> {
    let request = Request::post(format!("{}{path}", settings::gateway()?));
    send(request, &[("content-type", "application/json")]).await
}

async fn send(mut request: Builder, headers: &[(&str, &str)]) -> Result<Answer> {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request.body(Empty::<Bytes>::new())?).await?;
    let (parts, body) = answer.into_parts();
    let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}
