//! Dashboards and rules are files that Grafana and promtool read as they are; the chart hands them on unchanged.

use std::{collections::BTreeMap, fs, path::PathBuf};

use chart::{Objects, chart, render_values};
use serde_json::{Value, json};

/// The texts of a folder's files by their names without the ending; empty where there is no folder.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(chart().join(folder)).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|is| is == ending)).collect();
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (stem(path), fs::read_to_string(path).unwrap())).collect()
}

fn named(objects: &Objects, kind: &str, prefix: &str) -> BTreeMap<String, Value> {
    let of_kind = objects.iter().filter(|(key, _)| key.1 == kind);
    of_kind
        .filter_map(|(key, object)| Some((key.2.strip_prefix(prefix)?.to_owned(), object.clone())))
        .collect()
}

#[test]
fn nothing_of_it_is_there_unless_it_is_asked_for() {
    let objects = render_values(&json!({})).unwrap();
    for kind in ["PodMonitor", "PrometheusRule", "ConfigMap"] {
        assert!(named(&objects, kind, "").is_empty(), "{kind}");
    }
}

/// Neither the pods of Agents, which have the gateway's name, nor other controllers in the namespace.
#[test]
fn the_pod_monitor_selects_the_three_programs_by_name_and_component() {
    let values = json!({ "monitoring": { "podMonitor": { "enabled": true } } });
    let objects = render_values(&values).unwrap();
    let deployments = named(&objects, "Deployment", "");
    assert_eq!(deployments.len(), 3);
    let selector = &named(&objects, "PodMonitor", "")["kubeopencode"]["spec"]["selector"];
    let expected = ["name", "component"].map(|label| {
        let key = format!("app.kubernetes.io/{label}");
        let of_pods = |one: &Value| one["spec"]["template"]["metadata"]["labels"][&key].clone();
        json!({ "key": key, "operator": "In", "values": deployments.values().map(of_pods).collect::<Vec<_>>() })
    });
    assert_eq!(*selector, json!({ "matchExpressions": expected }));
}

#[test]
fn each_file_of_rules_is_an_object_of_its_own() {
    let values = json!({ "monitoring": { "prometheusRule": { "enabled": true } } });
    let objects = named(&render_values(&values).unwrap(), "PrometheusRule", "kubeopencode-");
    let files = files("rules", "yaml");
    assert_eq!(objects.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
    for (name, text) in files {
        let rules: Value = serde_yaml_ng::from_str(&text).unwrap();
        assert_eq!(objects[&name]["spec"], rules, "{name}");
    }
}

#[test]
fn each_dashboard_is_a_config_map_that_grafana_finds() {
    let values = json!({ "monitoring": { "dashboards": { "enabled": true } } });
    let objects = named(&render_values(&values).unwrap(), "ConfigMap", "kubeopencode-dashboard-");
    let files = files("dashboards", "json");
    assert_eq!(objects.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
    for (name, text) in files {
        assert_eq!(objects[&name]["metadata"]["labels"]["grafana_dashboard"], "1");
        let held = objects[&name]["data"][format!("{name}.json")].as_str().unwrap();
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(parsed(held), parsed(&text), "{name}");
    }
}
