//! Labels: a user's own beside ours, and the version that runs.

use chart::{NAMESPACE, render_values};
use serde_json::{Value, json};

fn labels(values: &Value, kind: &str, name: &str) -> Value {
    let key = (NAMESPACE.to_owned(), kind.to_owned(), name.to_owned());
    render_values(values).unwrap().remove(&key).unwrap()["metadata"]["labels"].take()
}

/// Each key once: which of two would count is not for a parser to say.
#[test]
fn a_label_of_one_object_wins_over_the_common_one() {
    let own = json!({ "team": "web", "own": "yes" });
    let values = json!({
        "commonLabels": { "team": "platform", "common": "yes" },
        "gateway": { "service": { "labels": own } },
        "monitoring": {
            "podMonitor": { "enabled": true, "labels": own },
            "prometheusRule": { "enabled": true, "labels": own },
            "dashboards": { "enabled": true, "labels": own },
        },
    });
    for (kind, name) in [
        ("Service", "kubeopencode-server"),
        ("PodMonitor", "kubeopencode"),
        ("PrometheusRule", "kubeopencode-kubeopencode"),
        ("ConfigMap", "kubeopencode-dashboard-guests"),
    ] {
        let labels = labels(&values, kind, name);
        let found = ["team", "own", "common"].map(|label| labels[label].as_str());
        assert_eq!(found, [Some("web"), Some("yes"), Some("yes")], "{kind} {name}: {labels}");
    }
}

/// `kubeoc check` and `kubeoc version` go by it.
#[test]
fn a_deployment_is_labelled_with_the_version_that_it_runs() {
    let version = |values: Value, name: &str| -> Value {
        labels(&values, "Deployment", name)["app.kubernetes.io/version"].take()
    };
    let tags = json!({ "image": { "tag": "v0.2.0" }, "gateway": { "image": { "tag": "v0.3.0" } } });
    assert_eq!(version(tags.clone(), "kubeopencode-controller"), "v0.2.0");
    assert_eq!(version(tags, "kubeopencode-server"), "v0.3.0");
    assert_eq!(version(json!({}), "kubeopencode-server"), "latest");
    // A tag may be longer than a label, which may not end with a dot.
    let long = json!({ "image": { "tag": format!("{}.{}", "a".repeat(62), "b".repeat(60)) } });
    assert_eq!(version(long, "kubeopencode-controller"), "a".repeat(62));
}
