//! Reads what is judged.

use std::collections::BTreeMap;

use anyhow::Context as _;
use api_types::{Namespaces, names};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::{
    apps::v1::Deployment, core::v1::Secret, discovery::v1::EndpointSlice,
    networking::v1::NetworkPolicy,
};
use kube::ResourceExt;
use pki::MEMBERS;

use super::facts::{Facts, Right, Workload, granted, rights_of};
use crate::{
    cluster::{Cluster, Seen},
    installation::{COMPONENTS, Component, watched_by},
};

/// Requests that are under way at once.
const AT_ONCE: usize = 8;

/// `named` are the namespaces of Agents; without any they are those that the installation is told of.
pub(super) async fn collect(cluster: &Cluster, named: &[String]) -> anyhow::Result<Facts> {
    let mut crds = vec![];
    for crd in api_types::crds() {
        crds.push(cluster.see_of_cluster(&crd.name_any()).await?);
    }
    let mut workloads = vec![];
    for component in COMPONENTS {
        workloads.push(workload(cluster, component).await?);
    }
    let mut certificates = vec![];
    for member in MEMBERS {
        certificates.push(cluster.see::<Secret>(member.secret).await?);
    }
    let watched = watched(&workloads, named);
    Ok(Facts {
        namespace: cluster.namespace.clone(),
        kubernetes: cluster.see_version().await?,
        crds,
        certificates,
        policies: cluster.see_all::<NetworkPolicy>("").await?,
        own_rights: own_rights(cluster, watched.first()).await?,
        account_rights: account_rights(cluster, &workloads, &watched).await?,
        workloads,
    })
}

async fn workload(cluster: &Cluster, component: Component) -> anyhow::Result<Workload> {
    let deployment = cluster.see::<Deployment>(component.name).await?;
    let pods = match &deployment {
        Seen::Known(Some(deployment)) => cluster.see_all(&selector(deployment)).await?,
        Seen::Known(None) => Seen::Known(vec![]),
        Seen::Unknown(right) => Seen::Unknown(right.clone()),
    };
    let of_service = format!("kubernetes.io/service-name={}", component.name);
    let slices = if component.has_service {
        Some(cluster.see_all::<EndpointSlice>(&of_service).await?)
    } else {
        None
    };
    Ok(Workload { component, deployment, pods, slices })
}

fn selector(deployment: &Deployment) -> String {
    let labels: BTreeMap<_, _> = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.match_labels.clone())
        .unwrap_or_default();
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// None where it is all of them. What the programs are told is judged on its own, by `scope`.
fn watched(workloads: &[Workload], named: &[String]) -> Vec<String> {
    let mut deployments = workloads.iter().filter_map(|workload| match &workload.deployment {
        Seen::Known(deployment) => deployment.as_ref(),
        Seen::Unknown(_) => None,
    });
    let told = deployments.find_map(|deployment| watched_by(deployment).ok());
    if named.is_empty() {
        told.iter().flat_map(Namespaces::names).map(str::to_owned).collect()
    } else {
        named.to_owned()
    }
}

/// What users of agents need, in one namespace of Agents, or in all.
async fn own_rights(
    cluster: &Cluster,
    namespace: Option<&String>,
) -> anyhow::Result<Vec<(Right, Seen<bool>)>> {
    let needed = [
        ("get", "kubeopencode.io", "agents", None),
        ("list", "kubeopencode.io", "agents", None),
        ("watch", "kubeopencode.io", "agents", None),
        ("patch", "kubeopencode.io", "agents", None),
        ("list", "kubeopencode.io", "agenttemplates", None),
        ("get", "", "secrets", None),
        ("list", "", "pods", None),
        ("get", "", "pods", Some("log")),
    ];
    let mut rights = vec![];
    for (verb, group, resource, subresource) in needed {
        let right = Right {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.map(str::to_owned),
            name: None,
            namespace: namespace.cloned(),
        };
        let allowed = cluster.may_i(right.attributes()).await?;
        rights.push((right, allowed));
    }
    Ok(rights)
}

async fn account_rights(
    cluster: &Cluster,
    workloads: &[Workload],
    watched: &[String],
) -> anyhow::Result<Vec<(Component, String, Right, Seen<bool>)>> {
    let mut asked = vec![];
    for workload in workloads {
        let Seen::Known(Some(deployment)) = &workload.deployment else { continue };
        let component = workload.component;
        let account = account_of(deployment);
        let rights = rights_of(granted(&component), &cluster.namespace, watched);
        let rights = rights.context("the roles of an installation")?;
        asked.extend(rights.into_iter().map(|right| (component, account.clone(), right)));
    }
    let answers = stream::iter(asked).map(|(component, account, right)| async move {
        let allowed = cluster.may(&account, right.attributes()).await?;
        anyhow::Ok((component, account, right, allowed))
    });
    answers.buffered(AT_ONCE).try_collect().await
}

fn account_of(deployment: &Deployment) -> String {
    let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let account = pod.and_then(|pod| pod.service_account_name.clone());
    account.unwrap_or_else(|| names::DEFAULT_SERVICE_ACCOUNT.to_owned())
}
