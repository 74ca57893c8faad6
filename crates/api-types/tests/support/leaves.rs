//! The leaves of the definitions, and the least objects that have them.

use serde_json::{Value, json};

/// What each kind admits.
pub(crate) fn schema(kind: &str) -> Value {
    let crds = api_types::crds();
    let crd = crds.iter().find(|crd| crd.spec.names.kind == kind).unwrap();
    let validation = crd.spec.versions[0].schema.as_ref().unwrap();
    serde_json::to_value(validation.open_api_v3_schema.as_ref().unwrap()).unwrap()
}

/// One step from an object to what is in it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Field(String),
    Entry,
    Item,
}

/// A leaf: the way to it, and its schema.
pub(crate) type Leaf = (Vec<Step>, Value);

pub(crate) fn leaves(schema: &Value) -> Vec<Leaf> {
    fn collect(schema: &Value, path: &[Step], found: &mut Vec<Leaf>) {
        let mut below = |step: Step, schema: &Value| {
            collect(schema, &[path, &[step]].concat(), found);
        };
        if let Some(properties) = schema["properties"].as_object() {
            properties.iter().for_each(|(name, field)| below(Step::Field(name.clone()), field));
        } else if schema["additionalProperties"].is_object() {
            below(Step::Entry, &schema["additionalProperties"]);
        } else if schema["items"].is_object() {
            below(Step::Item, &schema["items"]);
        } else {
            found.push((path.to_vec(), schema.clone()));
        }
    }
    let mut found = Vec::new();
    for part in ["spec", "status"] {
        let path = [Step::Field(part.to_owned())];
        collect(&schema["properties"][part], &path, &mut found);
    }
    found
}

/// The least object that has `leaf` at the end of `path`.
pub(crate) fn object(schema: &Value, path: &[Step], leaf: &Value) -> Value {
    let Some((step, rest)) = path.split_first() else { return leaf.clone() };
    match step {
        Step::Item => json!([object(&schema["items"], rest, leaf)]),
        Step::Entry => json!({ "key": object(&schema["additionalProperties"], rest, leaf) }),
        Step::Field(name) => {
            let mut object_ = least(schema);
            object_[name] = object(&schema["properties"][name], rest, leaf);
            object_
        }
    }
}

/// The least value of a schema, which has only what is required.
pub(crate) fn least(schema: &Value) -> Value {
    let (values, pattern) = (&schema["enum"], schema["pattern"].as_str().unwrap_or_default());
    let first = values.get(0).cloned();
    first.unwrap_or_else(|| match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let names = required.map(|name| name.as_str().unwrap().to_owned());
            names.map(|name| (name.clone(), least(&schema["properties"][&name]))).collect()
        }
        Some("array") => json!([]),
        Some("boolean") => json!(false),
        Some("integer") => schema["minimum"].clone().as_f64().map_or(json!(0), whole),
        Some("string") if schema["format"] == "date-time" => json!("2026-11-21T12:00:00Z"),
        Some("string") if pattern.contains("µs") => json!("5m"),
        Some("string") if pattern.starts_with("^(/") => json!("/w"),
        _ => json!("1"),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "bounds are whole, and exact as doubles")]
pub(crate) fn whole(bound: f64) -> Value {
    json!(bound as i64)
}

pub(crate) fn shown(path: &[Step]) -> String {
    let shown = path.iter().map(|step| match step {
        Step::Field(name) => format!(".{name}"),
        Step::Entry => "{}".to_owned(),
        Step::Item => "[]".to_owned(),
    });
    shown.collect()
}
