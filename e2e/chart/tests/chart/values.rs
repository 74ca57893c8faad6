//! `values.yaml` has every key that the schema has, and no other; the schema refuses unknown keys at every level of it.

use std::fs;

use chart::{chart, helm};
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(chart().join("values.schema.json")).unwrap()).unwrap()
}

fn resolved<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    while let Some(reference) = schema["$ref"].as_str() {
        schema = root.pointer(reference.trim_start_matches('#')).unwrap();
    }
    schema
}

/// Maps that are a user's own, or Kubernetes'.
fn is_open(schema: &Value) -> bool {
    schema["properties"].is_null() && schema["additionalProperties"] != false
}

fn compare(root: &Value, schema: &Value, values: &Value, path: &str, found: &mut Vec<String>) {
    let schema = resolved(root, schema);
    let Some(values) = values.as_object() else { return };
    if is_open(schema) {
        return;
    }
    if schema["additionalProperties"] != false {
        found.push(format!("{path} takes unknown keys"));
    }
    let known = schema["properties"].as_object().unwrap();
    for (key, value) in values {
        match known.get(key) {
            Some(inner) => compare(root, inner, value, &format!("{path}.{key}"), found),
            None => found.push(format!("{path}.{key} is not in the schema")),
        }
    }
    // Of Kubernetes' own types a user gives what they need.
    let optional = path.ends_with(".resources")
        || path.ends_with(".affinity")
        || path.ends_with(".behavior")
        || path.ends_with(".scaleDown")
        || path.ends_with(".issuerRef");
    for key in known.keys().filter(|key| !values.contains_key(*key) && !optional) {
        if (path, key.as_str()) != ("values", "global") {
            found.push(format!("{path}.{key} is not in values.yaml"));
        }
    }
}

#[test]
fn values_and_schema_have_the_same_keys() {
    let text = fs::read_to_string(chart().join("values.yaml")).unwrap();
    let values: Value = serde_yaml_ng::from_str(&text).unwrap();
    let mut found = Vec::new();
    compare(&schema(), &schema(), &values, "values", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

/// Also of what is in lists.
#[test]
fn every_object_of_the_schema_says_which_keys_it_takes() {
    fn walk(node: &Value, path: &str, found: &mut Vec<String>) {
        if node["properties"].is_object()
            && node["type"] == "object"
            && node["additionalProperties"] != false
        {
            found.push(path.to_owned());
        }
        let inner = node.as_object().into_iter().flatten();
        for (key, value) in inner.filter(|(_, value)| value.is_object()) {
            walk(value, &format!("{path}/{key}"), found);
        }
    }
    let mut found = Vec::new();
    walk(&schema(), "", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

/// A platform engineer reads it at night.
#[test]
fn every_topic_of_the_values_is_explained() {
    let shown = helm(&["show", "values"], &[&chart()]).unwrap().output;
    let lines: Vec<_> = shown.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let is_topic = line.starts_with(|first: char| first.is_ascii_lowercase());
        let above = number.checked_sub(1).map_or("", |above| lines[above]);
        let beside = lines.get(number + 1).is_some_and(|below| below.trim_start().starts_with('#'));
        assert!(
            !is_topic || above.starts_with('#') || beside || above.starts_with("commonLabels"),
            "{line}: no comment"
        );
    }
}
