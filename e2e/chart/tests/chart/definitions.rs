//! The custom resource definitions outlive the chart, unless their user says otherwise.

use chart::render_values;
use serde_json::{Value, json};

fn definitions(values: &Value) -> Vec<Value> {
    let objects = render_values(values).unwrap().into_iter();
    objects.filter(|(key, _)| key.1 == "CustomResourceDefinition").map(|(_, o)| o).collect()
}

#[test]
fn definitions_stay_where_the_chart_is_uninstalled() {
    let kept = definitions(&json!({}));
    assert_eq!(kept.len(), 2);
    for definition in kept {
        assert_eq!(definition["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    }
    for definition in definitions(&json!({ "crds": { "keep": false } })) {
        assert!(definition["metadata"]["annotations"].is_null());
    }
    assert_eq!(definitions(&json!({ "crds": { "install": false } })), Vec::<Value>::new());
}

/// An annotation of a user's is beside the policy, not in its place.
#[test]
fn annotations_are_added() {
    let values =
        json!({ "commonAnnotations": { "a": "1" }, "crds": { "annotations": { "b": "2" } } });
    for definition in definitions(&values) {
        let expected = json!({ "a": "1", "b": "2", "helm.sh/resource-policy": "keep" });
        assert_eq!(definition["metadata"]["annotations"], expected);
    }
}
