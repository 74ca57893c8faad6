//! Secrets as they are created, replaced and deleted, never over another's write.

use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{DeleteParams, PostParams, Preconditions},
};

use super::{Cluster, requests::FIELD_MANAGER};
use crate::{
    exit::Failure,
    refusal::{Request, explain},
};

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Stored,
    /// Somebody else created, changed or deleted it since it was read.
    Conflict,
}

impl Cluster {
    /// The Secret of a name, if there is one.
    pub(crate) async fn get_secret(&self, name: &str) -> anyhow::Result<Option<Secret>> {
        let found = self.api::<Secret>().get_opt(name).await;
        found.map_err(|error| explain(error, &self.about_secret("get", name)))
    }

    /// Replaces the Secret where it has a resourceVersion, else creates it.
    pub(crate) async fn put_secret(&self, secret: &Secret) -> anyhow::Result<Written> {
        let (api, name) = (self.api::<Secret>(), secret.name_any());
        let parameters =
            PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let replaces = secret.metadata.resource_version.is_some();
        let done = if replaces {
            api.replace(&name, &parameters, secret).await
        } else {
            api.create(&parameters, secret).await
        };
        match done {
            Ok(_) => Ok(Written::Stored),
            Err(error) if code(&error) == 409 => Ok(Written::Conflict),
            Err(error) if code(&error) == 404 && replaces => Ok(Written::Conflict),
            Err(error) if code(&error) == 404 => Err(Failure::NotFound(format!(
                "namespace \"{}\" not found; give the one of the installation with -n",
                self.namespace
            ))
            .into()),
            Err(error) => {
                let verb = if replaces { "update" } else { "create" };
                Err(explain(error, &self.about_secret(verb, &name)))
            }
        }
    }

    /// Deletes the Secret as it was read. One that is gone meanwhile is deleted.
    pub(crate) async fn delete_secret(&self, secret: &Secret) -> anyhow::Result<Written> {
        let name = secret.name_any();
        let read = Preconditions { uid: secret.uid(), resource_version: secret.resource_version() };
        let parameters = DeleteParams::default().preconditions(read);
        match self.api::<Secret>().delete(&name, &parameters).await {
            Ok(_) => Ok(Written::Stored),
            Err(error) if code(&error) == 404 => Ok(Written::Stored),
            Err(error) if code(&error) == 409 => Ok(Written::Conflict),
            Err(error) => Err(explain(error, &self.about_secret("delete", &name))),
        }
    }

    fn about_secret<'a>(&'a self, verb: &'static str, name: &'a str) -> Request<'a> {
        Request::of::<Secret>(verb, Some(&self.namespace), name)
    }
}

fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}
