//! The ways to the gateway: through the API server, or by the URL that guests use. The token of a link is
//! a part of the path either way; the link is deleted a moment later.

use std::error::Error;

use anyhow::Context as _;
use api_types::{ShareToken, names};
use reqwest::{Client, redirect::Policy};
use rustls::crypto::ring;

use super::verdict::{Answer, Via};
use crate::cluster::Cluster;

pub(super) enum Way<'a> {
    ApiServer(&'a Cluster),
    /// The base of links.
    External(String, Client),
}

impl<'a> Way<'a> {
    pub(super) fn choose(system: &'a Cluster, external: Option<&str>) -> anyhow::Result<Self> {
        let Some(url) = external else { return Ok(Self::ApiServer(system)) };
        // It fails when there is one already, which is as good.
        let _ = ring::default_provider().install_default();
        // Where it leads to is told, not followed: the token would go along.
        let client = Client::builder().redirect(Policy::none()).build();
        Ok(Self::External(url.to_owned(), client.context("cannot make an HTTP client")?))
    }

    pub(super) fn via(&self) -> Via<'_> {
        match self {
            Self::ApiServer(system) => Via::ApiServer(&system.namespace),
            Self::External(url, _) => Via::External(url),
        }
    }

    pub(super) async fn open(&self, token: &ShareToken) -> anyhow::Result<Answer> {
        let path = format!("{}/info", names::share_path(token));
        match self {
            Self::ApiServer(system) => {
                let (status, body) = system
                    .through_service(names::SERVER_SERVICE, names::SERVER_PORT, &path)
                    .await?;
                Ok(Answer { status, body, leads_to: None })
            }
            Self::External(url, client) => {
                let sent = client.get(format!("{url}{path}")).send().await;
                // The library's own text names the URL, and with it the token.
                let response =
                    sent.map_err(|error| anyhow::anyhow!(cause(&error.without_url())))?;
                let status = response.status().as_u16();
                let leads_to = response.headers().get("location");
                let leads_to = leads_to.and_then(|to| to.to_str().ok());
                let leads_to = leads_to.map(|to| to.replace(&path, ""));
                let body = response
                    .text()
                    .await
                    .map_err(|error| anyhow::anyhow!(cause(&error.without_url())))?;
                Ok(Answer { status, body, leads_to })
            }
        }
    }
}

/// The first cause is the one that helps.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
