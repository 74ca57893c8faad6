//! What is known of an installation before it is judged. Pure.

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        authorization::v1::ResourceAttributes,
        core::v1::{Pod, Secret},
        discovery::v1::EndpointSlice,
        networking::v1::NetworkPolicy,
        rbac::v1::PolicyRule,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    apimachinery::pkg::version::Info,
};
use serde::Deserialize;

use crate::{cluster::Seen, installation::Component};

pub(super) struct Facts {
    pub(super) namespace: String,
    pub(super) kubernetes: Seen<Info>,
    /// In the order of `api_types::crds`.
    pub(super) crds: Vec<Seen<Option<CustomResourceDefinition>>>,
    pub(super) workloads: Vec<Workload>,
    /// In the order of `pki::MEMBERS`.
    pub(super) certificates: Vec<Seen<Option<Secret>>>,
    pub(super) policies: Seen<Vec<NetworkPolicy>>,
    pub(super) own_rights: Vec<(Right, Seen<bool>)>,
    /// Of a component, the ServiceAccount of its Deployment: a right, and whether it has it.
    pub(super) account_rights: Vec<(Component, String, Right, Seen<bool>)>,
}

pub(super) struct Workload {
    pub(super) component: Component,
    pub(super) deployment: Seen<Option<Deployment>>,
    pub(super) pods: Seen<Vec<Pod>>,
    /// Of its Service, if it has one.
    pub(super) slices: Option<Seen<Vec<EndpointSlice>>>,
}

/// Something that RBAC allows or does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Right {
    pub(super) verb: String,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) subresource: Option<String>,
    pub(super) name: Option<String>,
    /// Unset where it is about all namespaces.
    pub(super) namespace: Option<String>,
}

impl Right {
    /// As `kubectl auth can-i` takes it.
    pub(super) fn text(&self) -> String {
        let Self { verb, group, resource, subresource, name, namespace } = self;
        let group = if group.is_empty() { String::new() } else { format!(".{group}") };
        let sub = subresource.as_ref().map(|sub| format!("/{sub}")).unwrap_or_default();
        let name = name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
        let place = match namespace {
            Some(namespace) => format!("in namespace \"{namespace}\""),
            None => "in all namespaces".to_owned(),
        };
        format!("{verb} {resource}{group}{sub}{name} {place}")
    }

    pub(super) fn attributes(&self) -> ResourceAttributes {
        ResourceAttributes {
            verb: Some(self.verb.clone()),
            group: Some(self.group.clone()),
            resource: Some(self.resource.clone()),
            subresource: self.subresource.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            ..ResourceAttributes::default()
        }
    }
}

/// The roles that `manifests/` grants a component.
pub(super) fn granted(component: &Component) -> &'static str {
    match component.name {
        api_types::names::CONTROLLER_DEPLOYMENT => {
            include_str!("../../../../manifests/controller/rbac.yaml")
        }
        api_types::names::BROKER_SERVICE => {
            include_str!("../../../../manifests/terminal-broker/rbac.yaml")
        }
        _ => include_str!("../../../../manifests/gateway/rbac.yaml"),
    }
}

#[derive(Deserialize)]
struct Role {
    kind: String,
    #[serde(default)]
    rules: Vec<PolicyRule>,
}

/// All rights of such roles: those of a `ClusterRole` in each of `watched`, or in all namespaces where that is empty;
/// those of a `Role` in the installation's own.
pub(super) fn rights_of(
    manifest: &str,
    own: &str,
    watched: &[String],
) -> Result<Vec<Right>, serde_yaml_ng::Error> {
    let mut rights = vec![];
    for document in serde_yaml_ng::Deserializer::from_str(manifest) {
        let role = Role::deserialize(document)?;
        let namespaces = match role.kind.as_str() {
            "ClusterRole" if watched.is_empty() => vec![None],
            "ClusterRole" => watched.iter().cloned().map(Some).collect(),
            "Role" => vec![Some(own.to_owned())],
            _ => continue,
        };
        for namespace in &namespaces {
            rights.extend(role.rules.iter().flat_map(|rule| of_rule(rule, namespace.as_ref())));
        }
    }
    Ok(rights)
}

fn of_rule(rule: &PolicyRule, namespace: Option<&String>) -> Vec<Right> {
    let names = rule.resource_names.clone().unwrap_or_default();
    let names: Vec<_> =
        if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
    let mut rights = vec![];
    for group in rule.api_groups.iter().flatten() {
        for path in rule.resources.iter().flatten() {
            let (resource, sub) =
                path.split_once('/').map_or((path.as_str(), None), |(a, b)| (a, Some(b)));
            for verb in &rule.verbs {
                rights.extend(names.iter().map(|name| Right {
                    verb: verb.clone(),
                    group: group.clone(),
                    resource: resource.to_owned(),
                    subresource: sub.map(str::to_owned),
                    name: name.clone(),
                    namespace: namespace.cloned(),
                }));
            }
        }
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::installation::COMPONENTS;

    #[test]
    fn every_right_of_the_manifests_is_asked_for() {
        let rights = |index: usize, watched: &[String]| {
            let rights = rights_of(granted(&COMPONENTS[index]), "system", watched).unwrap();
            rights.iter().map(Right::text).collect::<Vec<_>>()
        };
        assert_eq!(
            rights(1, &[]),
            [
                "list agents.kubeopencode.io in all namespaces",
                "watch agents.kubeopencode.io in all namespaces",
                "create events.events.k8s.io in all namespaces",
            ]
        );
        let controller = rights(0, &["a".into(), "b".into()]);
        for right in [
            "patch agents.kubeopencode.io/status in namespace \"a\"",
            "patch agents.kubeopencode.io/status in namespace \"b\"",
            "get leases.coordination.k8s.io \"kubeopencode-controller\" in namespace \"system\"",
        ] {
            assert!(controller.iter().any(|text| text == right), "{right}: {controller:?}");
        }
        let broker = rights(2, &[]);
        assert!(broker.contains(&"create pods/exec in all namespaces".into()), "{broker:?}");
    }
}
