//! A plain HTTP client for the gateway: one request, the whole answer.

use anyhow::Result;
use http_body_util::{BodyExt, Empty};
use hyper::{HeaderMap, Request, StatusCode, body::Bytes};
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
    let mut request = Request::get(format!("{gateway}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request.body(Empty::<Bytes>::new())?).await?;
    let (parts, body) = answer.into_parts();
    let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}
