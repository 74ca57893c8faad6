//! A plain HTTP client for the gateway: one request, the whole answer.

use std::net::IpAddr;

use anyhow::Result;
use http_body_util::{BodyExt, Empty};
use hyper::{HeaderMap, Request, StatusCode, body::Bytes, http::request::Builder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

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

/// As [`get_at`], from an address of this machine.
pub async fn get_from(source: IpAddr, gateway: &str, path: &str) -> Result<Answer> {
    let mut connector = HttpConnector::new();
    connector.set_local_address(Some(source));
    send_by(connector, Request::get(format!("{gateway}{path}")), &[]).await
}

/// POSTs nothing to `path` of the gateway, as JSON.
pub async fn post(path: &str) -> Result<Answer> {
    post_at(&settings::gateway()?, path).await
}

/// As [`post`], to a server of one's choice.
pub async fn post_at(server: &str, path: &str) -> Result<Answer> {
    let request = Request::post(format!("{server}{path}"));
    send(request, &[("content-type", "application/json")]).await
}

async fn send(request: Builder, headers: &[(&str, &str)]) -> Result<Answer> {
    send_by(HttpConnector::new(), request, headers).await
}

async fn send_by(
    connector: HttpConnector,
    mut request: Builder,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let answer = client.request(request.body(Empty::<Bytes>::new())?).await?;
    let (parts, body) = answer.into_parts();
    let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}
