//! No field is ignored: whichever is changed, and whatever stays, the objects of the agent are other ones.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    fixture::{agent, defaults, specs},
    resolve::resolve,
};

/// What changes no object, and why that is right.
const WITHOUT_OBJECTS: [&str; 18] = [
    // For people.
    "profile",
    "contexts[].description",
    // In messages only.
    "credentials[].name",
    // Kept for tasks.
    "attachImage",
    "command[]",
    "maxConcurrentTasks",
    "quota.maxTaskStarts",
    "quota.windowSeconds",
    // Of the links, which gateway and broker judge.
    "share.enabled",
    "share.expiresAt",
    "share.allowedIPs[]",
    "share.links[].name",
    "share.links[].access",
    "share.links[].expiresAt",
    "share.links[].allowedIPs[]",
    "share.links[].maxViewers",
    "share.links[].idleTimeout",
    // A decision of each moment.
    "standby.idleTimeout",
];

/// What fits nothing else in the spec once it is changed by itself.
const BOUND: [&str; 2] = ["contexts[].type", "podSpec.extraVolumes[].name"];

/// Every leaf, by JSON pointer, and the name of its field, where `[]` is any item.
fn leaves(value: &Value, pointer: &str, field: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            let dot = if field.is_empty() { "" } else { "." };
            leaves(value, &format!("{pointer}/{name}"), &format!("{field}{dot}{name}"), found);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| {
            leaves(item, &format!("{pointer}/{index}"), &format!("{field}[]"), found);
        }),
        _ => found.push((pointer.to_owned(), field.to_owned())),
    }
}

/// Other values of a leaf, of which some may be none.
fn others(leaf: &Value) -> Vec<Value> {
    let swaps = [
        ("HotReload", "Rollout"),
        ("server", "tui"),
        ("TCP", "UDP"),
        ("corp", "other"),
        ("Interact", "View"),
        ("2026-05-01T00:00:00Z", "2027-05-01T00:00:00Z"),
    ];
    let swap = |text: &str| {
        let found = swaps.iter().find(|(one, other)| text == *one || text == *other);
        found.map(|(one, other)| json!(if text == *one { other } else { one }))
    };
    match leaf {
        Value::Bool(value) => vec![json!(!value)],
        Value::Number(number) => vec![json!(number.as_i64().unwrap() + 1)],
        Value::String(text) => {
            let longer = [json!(format!("{text}x")), json!(format!("1{text}"))];
            swap(text).into_iter().chain(longer).collect()
        }
        other => panic!("what is {other}?"),
    }
}

fn objects(spec: &Value) -> Option<String> {
    let spec = serde_json::from_str(&spec.to_string()).ok()?;
    let resolved = resolve(&agent(spec), None, &defaults()).ok()?;
    Some(format!("{:?}", desired(&resolved, &password(), Causes::default())))
}

#[test]
fn no_field_is_ignored() {
    let mut bound = BTreeSet::new();
    for spec in specs::complete() {
        let before = objects(&spec).expect("it is valid");
        let mut found = Vec::new();
        leaves(&spec, "", "", &mut found);
        assert!(found.len() > 150, "only {} leaves", found.len());
        for (pointer, field) in found {
            let after = others(spec.pointer(&pointer).unwrap()).into_iter().find_map(|other| {
                let mut spec = spec.clone();
                *spec.pointer_mut(&pointer).unwrap() = other;
                objects(&spec)
            });
            let Some(after) = after else {
                bound.insert(field);
                continue;
            };
            let is_ignored = after == before;
            assert_eq!(is_ignored, WITHOUT_OBJECTS.contains(&field.as_str()), "{pointer}");
        }
    }
    assert_eq!(bound, BOUND.map(str::to_owned).into());
}

/// Kubernetes' own types, which are passed on as they are.
const KUBERNETES: [&str; 9] = [
    "resources",
    "securityContext",
    "podSecurityContext",
    "lifecycle",
    "extraVolumes",
    "extraVolumeMounts",
    "extraEnv",
    "tolerations",
    "affinity",
];

/// The fields that `schema` has and no value of `values`.
fn lacking(schema: &Value, values: &[&Value], path: &str, found: &mut Vec<String>) {
    if schema["items"].is_object() {
        let items: Vec<_> =
            values.iter().flat_map(|list| list.as_array().into_iter().flatten()).collect();
        return lacking(&schema["items"], &items, path, found);
    }
    for (name, property) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let path = format!("{path}.{name}");
        let there: Vec<_> = values.iter().filter_map(|value| value.get(name)).collect();
        if there.is_empty() {
            found.push(path);
        } else if !KUBERNETES.contains(&name.as_str()) {
            lacking(property, &there, &path, found);
        }
    }
}

#[test]
fn the_complete_specs_have_every_field_of_the_definition() {
    let crds = api_types::crds();
    let agent = crds.iter().find(|crd| crd.spec.names.kind == "Agent").unwrap();
    let schema = agent.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref();
    let schema = serde_json::to_value(schema.unwrap()).unwrap();
    let (complete, mut found) = (specs::complete(), Vec::new());
    lacking(&schema["properties"]["spec"], &complete.each_ref(), "spec", &mut found);
    // What a template says is what its agents say: `templates` has them.
    assert_eq!(found, ["spec.templateRef"]);
}
