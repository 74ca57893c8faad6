//! The requests of a check that makes an agent of its own.

use anyhow::Context as _;
use api_types::Agent;
use kube::api::{DeleteParams, PostParams};

use super::{Cluster, requests::FIELD_MANAGER};
use crate::refusal::{Request, explain};

/// What became of an object that was to be created.
#[derive(Debug)]
pub(crate) enum Created {
    Stored(Box<Agent>),
    /// The API server said no: there is none.
    Refused(anyhow::Error),
}

impl Cluster {
    /// The same cluster, in another namespace.
    pub(crate) fn of_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), client: self.client.clone() }
    }

    /// Fails where it is not known whether there is one now.
    pub(crate) async fn create_agent(&self, agent: &Agent) -> anyhow::Result<Created> {
        let parameters =
            PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let request = Request::of::<Agent>("create", Some(&self.namespace), "");
        match self.api::<Agent>().create(&parameters, agent).await {
            Ok(agent) => Ok(Created::Stored(Box::new(agent))),
            Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
                Ok(Created::Refused(explain(kube::Error::Api(status), &request)))
            }
            Err(error) => Err(explain(error, &request)),
        }
    }

    /// One that is not there is deleted.
    pub(crate) async fn delete_agent(&self, name: &str) -> anyhow::Result<()> {
        let request = Request::of::<Agent>("delete", Some(&self.namespace), name);
        match self.api::<Agent>().delete(name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(explain(error, &request)),
        }
    }

    /// What a Service answers to a GET through the API server: a status code and a text. The API server
    /// answers itself where it does not reach it, by an object of the kind `Status`.
    pub(crate) async fn through_service(
        &self,
        service: &str,
        port: u16,
        path: &str,
    ) -> anyhow::Result<(u16, String)> {
        let namespace = &self.namespace;
        let proxy = format!("/api/v1/namespaces/{namespace}/services/http:{service}:{port}/proxy");
        let request = http::Request::get(format!("{proxy}{path}"))
            .header(http::header::ACCEPT, "application/json")
            .body(kube::client::Body::empty())?;
        let sent = self.client.send(request).await;
        let answer = sent.map_err(|error| explain(error, &self.about_proxy(service)))?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect_bytes().await.context("the answer breaks off")?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    fn about_proxy<'a>(&'a self, service: &'a str) -> Request<'a> {
        Request {
            verb: "get",
            resource: "services/proxy",
            singular: "Service",
            namespace: Some(&self.namespace),
            name: service,
        }
    }
}
