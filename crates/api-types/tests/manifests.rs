//! Which manifests the definitions take, and what becomes of them in Rust.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use api_types::{Agent, AgentTemplate};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use support::{Refused, defaulted, fixtures, manifests, objections, objections_to_update};

fn accepted() -> Vec<(String, Value)> {
    [manifests("spec"), manifests("accepted")].concat()
}

#[test]
fn every_documented_manifest_is_accepted() {
    assert_eq!(manifests("spec").len(), 16, "the documents show 16 manifests");
    for (file, manifest) in accepted() {
        assert_eq!(objections(&manifest), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn every_example_is_accepted() {
    let folder = fixtures().join("../../../../examples");
    let mut kinds = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for document in serde_yaml_ng::Deserializer::from_str(&text) {
            let manifest = Value::deserialize(document).unwrap();
            let kind = manifest["kind"].as_str().unwrap().to_owned();
            if kind.starts_with("Agent") {
                assert_eq!(objections(&manifest), Vec::<String>::new(), "{}", path.display());
                read_and_written(&manifest);
            }
            kinds.push(kind);
        }
    }
    assert!(kinds.iter().filter(|kind| *kind == "Agent").count() >= 10, "{kinds:?}");
}

#[test]
fn every_bad_manifest_is_refused_by_the_name_of_its_field() {
    let table = std::fs::read_to_string(fixtures().join("refused.yaml")).unwrap();
    let table: Vec<Refused> = serde_yaml_ng::from_str(&table).unwrap();
    assert!(table.len() >= 40);
    let unnamed = table.iter().filter_map(|case| {
        let found = objections(&case.manifest);
        let named = found.iter().any(|objection| objection.contains(&case.names));
        (!named).then(|| format!("{}: {} not named in {found:?}", case.name, case.names))
    });
    assert_eq!(unnamed.collect::<Vec<_>>(), Vec::<String>::new());
}

/// An object that is older than the rule of its name could otherwise never get a status.
#[test]
fn a_name_is_judged_when_it_is_given_and_never_again() {
    let long = "a".repeat(64);
    for (kind, name) in [("Agent", "a.b"), ("Agent", long.as_str()), ("AgentTemplate", &long)] {
        let spec = serde_json::json!({ "workspaceDir": "/w", "serviceAccountName": "a" });
        let old = serde_json::json!({
            "apiVersion": "kubeopencode.io/v1alpha1", "kind": kind,
            "metadata": { "name": name }, "spec": spec,
        });
        let mut new = old.clone();
        new["status"] = serde_json::json!({ "observedGeneration": 1 });
        assert_eq!(objections_to_update(Some(&old), &new), Vec::<String>::new(), "{kind} {name}");
        assert!(objections(&new)[0].contains("metadata.name"), "{kind} {name}");
    }
}

/// Values that mean harm, each with who refuses it: the API server, or those after it.
#[test]
fn hostile_values_are_refused_here_or_left_to_the_controller() {
    let table = fixtures().join("../../../agent-tools/jobs/tests/hostile.json");
    let table: Value = serde_json::from_str(&std::fs::read_to_string(table).unwrap()).unwrap();
    let rows = table["values"].as_array().unwrap();
    assert!(rows.len() >= 150);
    let surprises = rows.iter().filter_map(|row| {
        let kind = &table["kinds"][row["kind"].as_str().unwrap()];
        let times = row["times"].as_u64().map_or(1, |times| times.try_into().unwrap());
        let value = row["value"].as_str().unwrap().repeat(times);
        // To the regular expressions here such white space is one, and to those of the API server none.
        if value.chars().any(|c| c.is_whitespace() && !c.is_ascii()) {
            return None;
        }
        let mut spec = kind["spec"].clone();
        *spec.pointer_mut(kind["at"].as_str().unwrap()).unwrap() = value.into();
        let found = objections(&serde_json::json!({
            "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent",
            "metadata": { "name": "demo" }, "spec": spec,
        }));
        let field = kind["field"].as_str().unwrap();
        let is_named = found.iter().any(|objection| objection.contains(field));
        let expected = row["refusedBy"].as_array().unwrap().contains(&"admission".into());
        (is_named != expected || found.is_empty() == expected).then(|| format!("{row}: {found:?}"))
    });
    assert_eq!(surprises.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn rust_reads_what_the_server_stores_and_writes_it_back() {
    for (file, manifest) in accepted() {
        let stored = without_numeric_quantities(defaulted(&manifest));
        assert_same(&read_and_written(&stored), &stored, &file);
    }
}

/// As Helm renders values that are not set: the agent is the one that leaves them out.
#[test]
fn what_is_blank_is_not_set() {
    let read = |name: &str| -> Agent {
        let text = std::fs::read_to_string(fixtures().join("blank").join(name)).unwrap();
        let manifest: Value = serde_yaml_ng::from_str(&text).unwrap();
        assert_eq!(objections(&manifest), Vec::<String>::new(), "{name}");
        serde_json::from_value(defaulted(&manifest)).unwrap()
    };
    assert_eq!(read("blank.yaml"), read("left-out.yaml"));
}

/// Of a template, which must name two fields.
#[test]
fn what_is_blank_in_a_template_is_not_set() {
    let text = std::fs::read_to_string(fixtures().join("blank/template.yaml")).unwrap();
    let manifest: Value = serde_yaml_ng::from_str(&text).unwrap();
    assert_eq!(objections(&manifest), Vec::<String>::new());
    let read: AgentTemplate = serde_json::from_value(defaulted(&manifest)).unwrap();
    let expected = serde_json::json!({
        "workspaceDir": "", "serviceAccountName": "", "imagePullSecrets": [], "podSpec": {},
        "contexts": [{ "type": "Text", "text": "hello" }],
        "credentials": [{ "name": "", "secretRef": { "name": "keys" } }],
    });
    assert_eq!(read.spec, serde_json::from_value(expected).unwrap());
}

/// Where a manifest left something out, Rust must fill in what the server does.
#[test]
fn rust_and_the_schema_have_the_same_defaults() {
    for (file, manifest) in accepted() {
        let stored = without_numeric_quantities(defaulted(&manifest));
        assert_same(&read_and_written(&manifest), &stored, &file);
    }
}

/// `assert_eq` of the texts, field by field, for a message that can be read.
fn assert_same(left: &Value, right: &Value, file: &str) {
    let lines = |value: &Value| {
        let text = serde_json::to_string_pretty(value).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (left, right) = (lines(left), lines(right));
    for (ours, theirs) in left.iter().zip(&right) {
        assert_eq!(ours, theirs, "{file}");
    }
    assert_eq!(left.len(), right.len(), "{file}");
}

fn read_and_written(manifest: &Value) -> Value {
    fn through<T: DeserializeOwned + Serialize>(manifest: &Value) -> Value {
        serde_json::to_value(serde_json::from_value::<T>(manifest.clone()).unwrap()).unwrap()
    }
    match manifest["kind"].as_str() {
        Some("Agent") => through::<Agent>(manifest),
        Some("AgentTemplate") => through::<AgentTemplate>(manifest),
        other => panic!("no such kind: {other:?}"),
    }
}

/// The one rewriting that reading does, see the fixture of that name.
fn without_numeric_quantities(mut manifest: Value) -> Value {
    if manifest["metadata"]["name"] == "numeric-quantities" {
        let pod = &mut manifest["spec"]["podSpec"];
        pod["resources"]["limits"] = serde_json::json!({ "cpu": "2", "memory": "4294967296" });
        pod["extraVolumes"][0]["emptyDir"]["sizeLimit"] = "1048576".into();
    }
    manifest
}
