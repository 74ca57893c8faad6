//! Whatever the definitions admit, Rust reads: an object that is stored and cannot be read is one
//! that no watch delivers. Each leaf of each definition is set to values at its ends and beyond.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/leaves.rs"]
mod leaves;

use api_types::{Agent, AgentTemplate};
use jsonschema::{Draft, Validator};
use leaves::{least, leaves, object, schema, shown, whole};
use serde_json::{Value, json};

/// Values that a leaf may have, and many that it may not.
fn candidates(schema: &Value) -> Vec<Value> {
    let edges = [0, 1, 1 << 8, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 53, i64::MAX];
    let numbers = edges.into_iter().flat_map(|edge| {
        let around = [edge.saturating_sub(1), edge, edge.saturating_add(1)];
        around.into_iter().flat_map(|number| [number, -number]).chain([i64::MIN])
    });
    let bounds = [&schema["minimum"], &schema["maximum"]];
    let bounds = bounds.into_iter().filter_map(Value::as_f64).map(whole);
    let longest = schema["maxLength"].as_u64().unwrap_or(1 << 16);
    let repeated = ["9", "/", "a", "/a", "\u{10ffff}", "-", "0h", "1.5h"].map(|text| {
        let length = usize::try_from(longest).unwrap() / text.chars().count();
        text.repeat(length)
    });
    let texts = [
        "",
        "\0\u{feff}\n",
        "0000-01-01T00:00:00+23:59",
        "0000-01-01t00:00:00z",
        "9998-12-31T23:59:59.999999999-23:59",
        "9999-12-31T23:59:59.999999999-23:59",
        "9999-12-31T23:59:59Z",
        "2026-11-21T12:00:00+99:99",
        "2026-11-21T12:00:60Z",
        "2026-02-29T12:00:00Z",
        "999999999.999999999h999999999h",
        "1.999999999µs",
        "999999999s0.5ns",
        ".5",
        "-1e9223372036854775807",
        "+9E",
        "65536",
    ];
    let texts = texts.map(str::to_owned).into_iter().chain(repeated).map(Value::from);
    let others = json!([true, false, null, {}, [], { "a": [null] }]);
    let values = schema["enum"].as_array().into_iter().flatten().cloned();
    let others = others.as_array().unwrap().clone();
    numbers.map(Value::from).chain(bounds).chain(texts).chain(others).chain(values).collect()
}

/// As the API server judges, which drops what is null before.
fn admits(schema: &Value, structure: &Validator, value: &Value) -> bool {
    let int_or_string = schema["x-kubernetes-int-or-string"] != true
        || value.is_string()
        || value.as_i64().is_some();
    !value.is_null() && int_or_string && structure.is_valid(value)
}

fn read(kind: &str, object: Value) -> Result<(), serde_json::Error> {
    match kind {
        "Agent" => serde_json::from_value::<Agent>(object).map(drop),
        _ => serde_json::from_value::<AgentTemplate>(object).map(drop),
    }
}

/// Those of the admitted values that Rust cannot read, and how many were tried.
fn unread(kind: &str, schema: &Value) -> (Vec<String>, usize) {
    let (mut unread, mut tried) = (Vec::new(), 0);
    for (path, leaf) in leaves(schema) {
        let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
        let structure = options.build(&leaf).unwrap();
        for value in candidates(&leaf).iter().filter(|value| admits(&leaf, &structure, value)) {
            let mut object = object(schema, &path, value);
            if object["spec"].is_null() {
                object["spec"] = least(&schema["properties"]["spec"]);
            }
            object["metadata"] = json!({ "name": "demo" });
            tried += 1;
            if let Err(error) = read(kind, object) {
                let value: String = value.to_string().chars().take(60).collect();
                unread.push(format!("{kind}{} = {value}: {error}", shown(&path)));
            }
        }
    }
    (unread, tried)
}

#[test]
fn every_leaf_is_read_at_its_ends() {
    for kind in ["Agent", "AgentTemplate"] {
        let (unread, tried) = unread(kind, &schema(kind));
        assert!(unread.is_empty(), "{unread:#?}");
        assert!(tried > 1000, "{kind}: only {tried} values were admitted");
    }
}

/// What the test above is worth: without bounds it finds what it should.
#[test]
fn a_leaf_without_bounds_is_found() {
    fn unbounded(schema: &mut Value) {
        match schema {
            Value::Object(fields) => {
                let port = fields.contains_key("x-kubernetes-int-or-string");
                if port || fields.get("type") == Some(&json!("integer")) {
                    fields.remove("minimum");
                    fields.remove("maximum");
                }
                if fields.get("format") == Some(&json!("date-time")) {
                    fields.remove("pattern");
                }
                fields.values_mut().for_each(unbounded);
            }
            Value::Array(items) => items.iter_mut().for_each(unbounded),
            _ => {}
        }
    }
    let mut schema = schema("Agent");
    unbounded(&mut schema);
    let (unread, _) = unread("Agent", &schema);
    let volume = ".spec.podSpec.extraVolumes[]";
    for leaf in [
        ".spec.maxConcurrentTasks",
        ".spec.podSpec.lifecycle.preStop.httpGet.port",
        &format!("{volume}.iscsi.lun"),
        &format!("{volume}.secret.defaultMode"),
        &format!("{volume}.awsElasticBlockStore.partition"),
        &format!("{volume}.ephemeral.volumeClaimTemplate.metadata.creationTimestamp"),
        ".spec.podSpec.scheduling.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[].weight",
    ] {
        let leaf = format!("Agent{leaf} = ");
        assert!(unread.iter().any(|found| found.starts_with(&leaf)), "{leaf}: {unread:#?}");
    }
}

/// The API server compares as doubles: beyond 2^53 a bound is not where it seems to be.
#[test]
fn every_integer_has_two_exact_bounds() {
    let exact = -9_007_199_254_740_991.0..=9_007_199_254_740_991.0;
    for kind in ["Agent", "AgentTemplate"] {
        for (path, leaf) in leaves(&schema(kind)) {
            if leaf["type"] == "integer" || leaf["x-kubernetes-int-or-string"] == true {
                for bound in ["minimum", "maximum"] {
                    let bounded = leaf[bound].as_f64().is_some_and(|it| exact.contains(&it));
                    assert!(bounded, "{kind}{} has no {bound}", shown(&path));
                }
            }
            assert!(leaf["type"] != "number", "{kind}{}: no field is a fraction", shown(&path));
        }
    }
}
