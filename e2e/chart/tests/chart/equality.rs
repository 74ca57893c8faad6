//! With its defaults the chart yields the objects of the kustomize base. What only one of them has is listed, with why.

use chart::{NAMESPACE, Objects, kubectl, objects, render_values, root};
use serde_json::{Value, json};

/// Kinds and names that begin so.
const ONLY_CHART: [(&str, &str, &str); 11] = [
    ("PodDisruptionBudget", "kubeopencode-server", "manifests/ leave drains to their user"),
    ("PodDisruptionBudget", "kubeopencode-terminal-broker", "the same"),
    ("Job", "kubeopencode-certificates-", "beside manifests/ stands cargo xtask install"),
    ("CronJob", "kubeopencode-certificates", "the same"),
    ("ServiceAccount", "kubeopencode-certificates", "of these jobs"),
    ("Role", "kubeopencode-certificates", "of these jobs"),
    ("RoleBinding", "kubeopencode-certificates", "of these jobs"),
    ("Job", "kubeopencode-removal", "what `kubectl delete -k` leaves is their user's to delete"),
    ("ServiceAccount", "kubeopencode-removal", "of this job"),
    ("Role", "kubeopencode-removal", "of this job"),
    ("RoleBinding", "kubeopencode-removal", "of this job"),
];

/// Helm makes no namespace with labels: `docs/guides/helm.md` says how.
const ONLY_KUSTOMIZE: [(&str, &str); 1] = [("Namespace", NAMESPACE)];

/// By which Helm and people find what a release made.
const RELEASE_LABELS: [&str; 4] = [
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
];

fn kustomized() -> Objects {
    let folder = root().join("manifests");
    let built = kubectl(&["kustomize", folder.to_str().unwrap()], "").unwrap();
    assert!(built.succeeded, "{}", built.errors);
    objects(&built.output).unwrap()
}

/// kustomize writes large numbers as floating-point ones.
fn with_plain_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(with_plain_numbers).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), with_plain_numbers(value))).collect()
        }
        _ => value.clone(),
    }
}

/// Without what a release adds to every object.
fn bare(mut object: Value) -> Value {
    let metadata = &mut object["metadata"];
    let labels = metadata["labels"].as_object_mut().unwrap();
    labels.retain(|label, _| !RELEASE_LABELS.contains(&label.as_str()));
    if metadata["annotations"] == json!({ "helm.sh/resource-policy": "keep" }) {
        metadata.as_object_mut().unwrap().remove("annotations");
    }
    object
}

#[test]
fn with_its_defaults_the_chart_yields_the_objects_of_the_kustomize_base() {
    let (mut chart, mut base) = (render_values(&json!({})).unwrap(), kustomized());
    for (kind, name, why) in ONLY_CHART {
        let listed =
            |(_, of, named): &(String, String, String)| of == kind && named.starts_with(name);
        let found: Vec<_> = chart.keys().filter(|key| listed(key)).cloned().collect();
        assert_eq!(found.len(), 1, "{kind} {name}: {why}");
        assert!(!base.contains_key(&found[0]), "{kind} {name} is in both");
        chart.remove(&found[0]);
    }
    for (kind, name) in ONLY_KUSTOMIZE {
        assert!(base.remove(&(String::new(), kind.into(), name.into())).is_some());
    }
    assert_eq!(chart.keys().collect::<Vec<_>>(), base.keys().collect::<Vec<_>>());
    for (key, object) in chart {
        let (ours, theirs) = (bare(with_plain_numbers(&object)), with_plain_numbers(&base[&key]));
        assert!(ours == theirs, "{key:?} differs:\n{ours:#}\n{theirs:#}");
    }
}
