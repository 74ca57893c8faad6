//! What an installation consists of, as far as the user may see it: what may not be read is unknown, and
//! no failure.

use std::fmt::Debug;

use k8s_openapi::{
    ClusterResourceScope, NamespaceResourceScope,
    api::authorization::v1::{
        ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
        SubjectAccessReview, SubjectAccessReviewSpec,
    },
    apimachinery::pkg::version::Info,
};
use kube::{
    Api, Resource,
    api::{ListParams, PostParams},
};
use serde::de::DeserializeOwned;

use super::Cluster;
use crate::refusal::{Request, explain};

/// What was read, or the right that is missing to read it, such as `get deployments.apps`.
#[derive(Clone, Debug)]
pub(crate) enum Seen<T> {
    Known(T),
    Unknown(String),
}

impl Cluster {
    /// An object of the installation's namespace.
    pub(crate) async fn see<K>(&self, name: &str) -> anyhow::Result<Seen<Option<K>>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let found = self.api::<K>().get_opt(name).await;
        self.seen(found, "get", &right::<K>("get"))
    }

    /// All objects of the installation's namespace that match.
    pub(crate) async fn see_all<K>(&self, selector: &str) -> anyhow::Result<Seen<Vec<K>>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let found = self.api::<K>().list(&ListParams::default().labels(selector)).await;
        self.seen(found.map(|list| list.items), "list", &right::<K>("list"))
    }

    /// An object of the whole cluster.
    pub(crate) async fn see_of_cluster<K>(&self, name: &str) -> anyhow::Result<Seen<Option<K>>>
    where
        K: Resource<DynamicType = (), Scope = ClusterResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let found = Api::<K>::all(self.client.clone()).get_opt(name).await;
        self.seen(found, "get", &right::<K>("get"))
    }

    pub(crate) async fn see_version(&self) -> anyhow::Result<Seen<Info>> {
        let found = self.client.apiserver_version().await;
        self.seen(found, "get", "get /version")
    }

    /// Whether the user may do this.
    pub(crate) async fn may_i(&self, what: ResourceAttributes) -> anyhow::Result<Seen<bool>> {
        let spec =
            SelfSubjectAccessReviewSpec { resource_attributes: Some(what), ..Default::default() };
        let review = SelfSubjectAccessReview { spec, ..Default::default() };
        let api = Api::<SelfSubjectAccessReview>::all(self.client.clone());
        let answer = api.create(&PostParams::default(), &review).await;
        let allowed = answer.map(|review| review.status.is_some_and(|status| status.allowed));
        self.seen(allowed, "create", &right::<SelfSubjectAccessReview>("create"))
    }

    /// Whether a ServiceAccount of the installation may do this.
    pub(crate) async fn may(
        &self,
        account: &str,
        what: ResourceAttributes,
    ) -> anyhow::Result<Seen<bool>> {
        let namespace = &self.namespace;
        let groups = [
            "system:authenticated".to_owned(),
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
        ];
        let spec = SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{namespace}:{account}")),
            groups: Some(groups.into()),
            resource_attributes: Some(what),
            ..Default::default()
        };
        let review = SubjectAccessReview { spec, ..Default::default() };
        let api = Api::<SubjectAccessReview>::all(self.client.clone());
        let answer = api.create(&PostParams::default(), &review).await;
        let allowed = answer.map(|review| review.status.is_some_and(|status| status.allowed));
        self.seen(allowed, "create", &right::<SubjectAccessReview>("create"))
    }

    fn seen<T>(
        &self,
        found: kube::Result<T>,
        verb: &'static str,
        right: &str,
    ) -> anyhow::Result<Seen<T>> {
        match found {
            Ok(found) => Ok(Seen::Known(found)),
            Err(kube::Error::Api(status)) if status.code == 403 => {
                Ok(Seen::Unknown(right.to_owned()))
            }
            Err(error) => Err(explain(
                error,
                &Request {
                    verb,
                    resource: "objects of the installation",
                    singular: "object",
                    namespace: Some(&self.namespace),
                    name: "",
                },
            )),
        }
    }
}

fn right<K: Resource<DynamicType = ()>>(verb: &str) -> String {
    let (plural, group) = (K::plural(&()), K::group(&()));
    if group.is_empty() { format!("{verb} {plural}") } else { format!("{verb} {plural}.{group}") }
}
