//! Whether the Deployments are there, of this version and available, their pods well, and their Services
//! served. Pure.

mod pods;

use super::{
    facts::{Facts, Workload},
    finding::{Finding, known},
};
use crate::installation::{OWN_VERSION, image_of, version_of};
use k8s_openapi::api::{apps::v1::Deployment, discovery::v1::EndpointSlice};

const INSTALL: &str = "kubectl apply --server-side -k manifests";

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    facts.workloads.iter().flat_map(|workload| one(workload, &facts.namespace)).collect()
}

fn one(workload: &Workload, namespace: &str) -> Vec<Finding> {
    let name = workload.component.name;
    let subject = format!("Deployment {name}");
    let deployment = match known(&workload.deployment, &subject) {
        Ok(Some(deployment)) => deployment,
        Ok(None) => {
            let message = format!("is not in namespace \"{namespace}\"");
            return vec![Finding::failed(&subject, message, format!("{INSTALL}, or give -n"))];
        }
        Err(finding) => return vec![finding],
    };
    let mut findings =
        vec![available(&subject, name, deployment, namespace), version(&subject, deployment)];
    match known(&workload.pods, &format!("pods of {name}")) {
        Ok(pods) => findings.extend(pods.iter().filter_map(|pod| pods::judge(pod, namespace))),
        Err(finding) => findings.push(finding),
    }
    if let Some(slices) = &workload.slices {
        let subject = format!("Service {name}");
        findings.push(match known(slices, &subject) {
            Ok(slices) => service(&subject, name, slices, namespace),
            Err(finding) => finding,
        });
    }
    findings
}

fn available(subject: &str, name: &str, deployment: &Deployment, namespace: &str) -> Finding {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.as_ref();
    let available = status.and_then(|status| status.available_replicas).unwrap_or(0);
    let message = format!("{available} of {wanted} replicas available");
    let look = format!("kubectl describe pods -n {namespace} -l app.kubernetes.io/name={name}");
    match () {
        () if wanted == 0 => {
            let fix = format!("kubectl scale deployment {name} -n {namespace} --replicas 2");
            Finding::failed(subject, "is scaled to 0", fix)
        }
        () if available == 0 => Finding::failed(subject, message, look),
        () if available < wanted => Finding::warning(subject, message, look),
        () => Finding::ok(subject, message),
    }
}

fn version(subject: &str, deployment: &Deployment) -> Finding {
    let image = image_of(deployment).unwrap_or("none");
    match version_of(deployment) {
        Some(version) if version == OWN_VERSION => {
            Finding::ok(subject, format!("version {version}"))
        }
        Some(version) => Finding::warning(
            subject,
            format!("is version {version}, and this kubeoc is {OWN_VERSION}"),
            "upgrade the older of the two; one minor version apart they work together",
        ),
        None => Finding::warning(
            subject,
            format!("its version cannot be told from the image {image}"),
            format!("use an image with the tag {OWN_VERSION}"),
        ),
    }
}

fn service(subject: &str, name: &str, slices: &[EndpointSlice], namespace: &str) -> Finding {
    let endpoints = slices.iter().flat_map(|slice| &slice.endpoints);
    // Unset means ready.
    let is_ready = |conditions: Option<bool>| conditions.unwrap_or(true);
    let ready = endpoints.filter(|endpoint| {
        is_ready(endpoint.conditions.as_ref().and_then(|conditions| conditions.ready))
    });
    match ready.count() {
        0 => Finding::failed(
            subject,
            "has no endpoint that is ready",
            format!("kubectl describe service {name} -n {namespace}"),
        ),
        count => Finding::ok(subject, format!("ready endpoints: {count}")),
    }
}

/// Facts of an installation about which nothing else is known.
#[cfg(test)]
pub(super) fn facts(workloads: Vec<Workload>) -> Facts {
    use crate::cluster::Seen;
    Facts {
        namespace: "system".into(),
        kubernetes: Seen::Unknown("get /version".into()),
        crds: vec![],
        workloads,
        certificates: vec![],
        policies: Seen::Known(vec![]),
        own_rights: vec![],
        account_rights: vec![],
    }
}

/// All components as they should be.
#[cfg(test)]
pub(super) fn well() -> Vec<Workload> {
    tests::well()
}

#[cfg(test)]
mod tests;
