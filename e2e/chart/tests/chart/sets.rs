//! What holds of whatever values yield.

use std::collections::BTreeSet;

use chart::{
    NAMESPACE, objects, pod_template, render, render_in, rendered, root, text, value_sets,
};
use pod_security::violations;

#[test]
fn there_are_many_sets_and_each_says_what_it_is_about() {
    let sets = value_sets().unwrap();
    assert!(sets.len() >= 16, "{}", sets.len());
    for (name, path) in sets {
        assert!(std::fs::read_to_string(path).unwrap().starts_with("# "), "{name}");
    }
}

/// Else each upgrade would change objects without a cause.
#[test]
fn the_same_values_yield_the_same_text() {
    for (name, path) in value_sets().unwrap() {
        assert_eq!(rendered(&path).unwrap().text, text(&path).unwrap(), "{name}");
    }
}

#[test]
fn every_pod_meets_the_restricted_profile() {
    for (name, path) in value_sets().unwrap() {
        let objects = render(&path).unwrap();
        let templates: Vec<_> =
            objects.iter().filter_map(|(key, o)| Some((key, pod_template(o)?))).collect();
        assert!(templates.len() >= 3, "{name}");
        for (key, template) in templates {
            assert_eq!(violations(&template["spec"]), BTreeSet::new(), "{name}: {key:?}");
        }
    }
}

/// A label of a user's may not make a Deployment select other pods than its own.
#[test]
fn a_deployment_selects_its_own_pods_by_the_labels_of_the_kustomize_base() {
    for (name, path) in value_sets().unwrap() {
        for (key, object) in render(&path).unwrap() {
            if key.1 != "Deployment" {
                continue;
            }
            let selector = object["spec"]["selector"]["matchLabels"].as_object().unwrap();
            assert_eq!(selector.len(), 2, "{name}: {key:?}");
            let labels = &object["spec"]["template"]["metadata"]["labels"];
            for (label, value) in selector {
                assert_eq!(&labels[label], value, "{name}: {key:?}");
            }
        }
    }
}

/// The name of the default namespace stands in no object of an installation elsewhere.
#[test]
fn another_namespace_is_one_everywhere() {
    let defaults = value_sets().unwrap().into_iter().find(|(name, _)| name == "defaults").unwrap();
    let elsewhere = render_in("platform", &defaults.1).unwrap();
    assert!(!elsewhere.output.contains(NAMESPACE), "{}", elsewhere.output);
    let objects = objects(&elsewhere.output).unwrap();
    let namespaces: BTreeSet<_> =
        objects.keys().map(|(namespace, ..)| namespace.as_str()).collect();
    assert_eq!(namespaces, BTreeSet::from(["", "platform"]));
    let gateway = &objects[&("platform".into(), "Deployment".into(), "kubeopencode-server".into())];
    let broker = "https://kubeopencode-terminal-broker.platform.svc:50051";
    assert!(gateway.to_string().contains(broker), "{gateway:#}");
}

/// What the pages of the docs tell a user to write is a set that is tested.
#[test]
fn each_set_stands_in_the_guide() {
    let guide = std::fs::read_to_string(root().join("docs/guides/helm.md")).unwrap();
    for (name, _) in value_sets().unwrap() {
        assert!(guide.contains(&format!("{name}.yaml")), "docs/guides/helm.md lacks {name}.yaml");
    }
}
