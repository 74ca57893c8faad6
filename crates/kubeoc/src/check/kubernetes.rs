//! Whether Kubernetes is of a version that works, and knows our custom resources as this program does. Pure.

use std::collections::BTreeSet;

use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        CustomResourceDefinition, CustomResourceDefinitionVersion,
    },
    apimachinery::pkg::version::Info,
};
use kube::ResourceExt;
use serde_json::Value;

use super::{
    facts::Facts,
    finding::{Finding, known},
};
use crate::{cluster::Seen, installation::OWN_VERSION};

/// The oldest whose API server knows the rules of our CRDs.
const OLDEST_MINOR: u32 = 31;

const INSTALL: &str = "kubectl apply --server-side --force-conflicts -f manifests/crds";

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let ours = api_types::crds();
    let crds = ours.iter().zip(&facts.crds).map(|(ours, found)| crd(ours, found));
    [kubernetes(&facts.kubernetes)].into_iter().chain(crds).collect()
}

fn kubernetes(seen: &Seen<Info>) -> Finding {
    let subject = "Kubernetes";
    let info = match known(seen, subject) {
        Ok(info) => info,
        Err(finding) => return finding,
    };
    // Some vendors write "31+".
    let digits: String = info.minor.chars().take_while(char::is_ascii_digit).collect();
    match (info.major.as_str(), digits.parse::<u32>()) {
        ("1", Ok(minor)) if minor >= OLDEST_MINOR => Finding::ok(subject, &*info.git_version),
        ("1", Ok(_)) => Finding::failed(
            subject,
            format!("{} is older than 1.{OLDEST_MINOR}", info.git_version),
            format!("upgrade the cluster to Kubernetes 1.{OLDEST_MINOR} or later"),
        ),
        _ => Finding::warning(
            subject,
            format!("{} is of no version that is known here", info.git_version),
            "use a kubeoc that knows it",
        ),
    }
}

fn crd(ours: &CustomResourceDefinition, seen: &Seen<Option<CustomResourceDefinition>>) -> Finding {
    let subject = format!("CRD {}", ours.name_any());
    let found = match known(seen, &subject) {
        Ok(Some(found)) => found,
        Ok(None) => return Finding::failed(&subject, "is not installed", INSTALL),
        Err(finding) => return finding,
    };
    let conditions = found.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut conditions = conditions.filter(|condition| condition.type_ == "Established");
    match conditions.next() {
        Some(condition) if condition.status == "True" => {}
        Some(condition) => {
            let why = condition.message.clone().unwrap_or_default();
            return Finding::failed(&subject, format!("is not established: {why}"), INSTALL);
        }
        None => return Finding::failed(&subject, "is not established", INSTALL),
    }
    let version = &ours.spec.versions[0];
    let served =
        |other: &&CustomResourceDefinitionVersion| other.name == version.name && other.served;
    let Some(found) = found.spec.versions.iter().find(served) else {
        let message = format!("version {} is not served", version.name);
        return Finding::failed(&subject, message, INSTALL);
    };
    schema(&subject, version, found)
}

fn schema(
    subject: &str,
    ours: &CustomResourceDefinitionVersion,
    found: &CustomResourceDefinitionVersion,
) -> Finding {
    let value = |version: &CustomResourceDefinitionVersion| {
        let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
        schema.and_then(|schema| serde_json::to_value(schema).ok()).unwrap_or_default()
    };
    let (ours, found) = (value(ours), value(found));
    if ours == found {
        return Finding::ok(subject, format!("established, with the schema of {OWN_VERSION}"));
    }
    let lacks: Vec<_> = fields(&ours).difference(&fields(&found)).take(3).cloned().collect();
    if lacks.is_empty() {
        let message = format!("its schema is not the one of {OWN_VERSION}");
        return Finding::warning(subject, message, "use the kubeoc of the installation's version");
    }
    let message = format!("is older than {OWN_VERSION}: it lacks {}", lacks.join(", "));
    Finding::failed(subject, message, INSTALL)
}

/// The dotted names of all fields.
fn fields(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![(String::new(), schema)];
    while let Some((path, schema)) = open.pop() {
        let schema = if schema["items"].is_object() { &schema["items"] } else { schema };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            found.insert(path.clone());
            open.push((path, property));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::finding::Level;

    fn stored(change: impl FnOnce(&mut Value)) -> Seen<Option<CustomResourceDefinition>> {
        let mut crd = serde_json::to_value(&api_types::crds()[0]).unwrap();
        crd["status"] = json!({ "conditions": [{ "type": "Established", "status": "True" }] });
        change(&mut crd);
        Seen::Known(Some(serde_json::from_value(crd).unwrap()))
    }

    #[test]
    fn each_fault_of_a_crd_is_told() {
        let properties = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
        let cases = [
            (stored(|_| {}), Level::Ok, "established"),
            (Seen::Known(None), Level::Failed, "is not installed"),
            (Seen::Unknown("get x".into()), Level::Unknown, "not allowed to get x"),
            (stored(|crd| crd["status"] = json!({})), Level::Failed, "is not established"),
            (
                stored(|crd| crd["spec"]["versions"][0]["served"] = json!(false)),
                Level::Failed,
                "version v1alpha1 is not served",
            ),
            (
                stored(|crd| {
                    crd.pointer_mut(properties).unwrap().as_object_mut().unwrap().remove("share");
                }),
                Level::Failed,
                "it lacks spec.share",
            ),
            (
                stored(|crd| {
                    crd.pointer_mut(properties).unwrap()["new"] = json!({ "type": "string" });
                }),
                Level::Warning,
                "its schema is not the one of",
            ),
        ];
        for (seen, level, says) in cases {
            let finding = crd(&api_types::crds()[0], &seen);
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(finding.message.contains(says), "{finding:?}");
        }
    }

    #[test]
    fn kubernetes_is_new_enough_or_told_of() {
        for (major, minor, level) in [
            ("1", "31", Level::Ok),
            ("1", "37+", Level::Ok),
            ("1", "30", Level::Failed),
            ("2", "0", Level::Warning),
        ] {
            let info = json!({
                "major": major, "minor": minor, "gitVersion": format!("v{major}.{minor}"),
                "buildDate": "", "compiler": "", "gitCommit": "", "gitTreeState": "",
                "goVersion": "", "platform": "",
            });
            let finding = kubernetes(&Seen::Known(serde_json::from_value(info).unwrap()));
            assert_eq!(finding.level, level, "{finding:?}");
        }
    }
}
