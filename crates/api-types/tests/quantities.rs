//! No quantity that the definitions admit keeps the API server busy. Which leaves are quantities is
//! what their Rust types say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/leaves.rs"]
mod leaves;
#[allow(dead_code, reason = "shared with the tests of manifests")]
mod support;

use std::collections::BTreeSet;

use api_types::{Agent, AgentTemplate, quantity};
use jsonschema::Draft;
use leaves::{Leaf, leaves, object, schema, shown};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use support::objections;

/// What users write.
const HONEST: [&str; 22] = [
    "0",
    "1",
    "+1",
    "2",
    "0.5",
    ".5",
    "1.",
    "100m",
    "500Mi",
    "1.5Gi",
    "10Gi",
    "128974848",
    "1e3",
    "2E6",
    "1E",
    "1Ei",
    "4Ki",
    "7k",
    "1e-3",
    "5u",
    "100n",
    "129e+6",
];

/// None of it is read in no time, or at all.
const HOSTILE: [&str; 12] = [
    "1e999999999",
    "1E999999999",
    "-1e999999999",
    "1e+999999999",
    "1e-999999999",
    "0e999999999",
    "0.1e9223372036854775807",
    "1e100",
    "1e0000000000000000000000000000009",
    "100000000000000000000000000000000",
    "1e9e9",
    "e9",
];

/// The agent or template that has `value` at a leaf, and little else.
fn manifest(kind: &str, schema: &Value, leaf: &Leaf, value: &Value) -> Value {
    let mut manifest = object(schema, &leaf.0, value);
    manifest["apiVersion"] = json!("kubeopencode.io/v1alpha1");
    manifest["kind"] = json!(kind);
    manifest["metadata"] = json!({ "name": "demo" });
    manifest
}

fn quantities_in<T: DeserializeOwned + Serialize>(manifest: Value) -> Vec<String> {
    let Ok(object) = serde_json::from_value::<T>(manifest) else { return vec![] };
    let mut found = vec![];
    quantity::visit(&object, &mut |path, text| found.push(format!("{path} = {text}"))).unwrap();
    found
}

/// Those whose Rust type is a quantity.
fn quantities(kind: &str) -> Vec<Leaf> {
    let schema = schema(kind);
    let of_spec = |leaf: &Leaf| shown(&leaf.0).starts_with(".spec");
    let is_quantity = |leaf: &Leaf| {
        // No other type reads this, and no other field of the least object has it.
        let manifest = manifest(kind, &schema, leaf, &json!("1239m"));
        let found = match kind {
            "Agent" => quantities_in::<Agent>(manifest),
            _ => quantities_in::<AgentTemplate>(manifest),
        };
        found.iter().any(|found| found.ends_with(" = 1239m"))
    };
    leaves(&schema).into_iter().filter(of_spec).filter(is_quantity).collect()
}

#[test]
fn every_quantity_admits_what_users_write_and_nothing_endless() {
    let mut surprises = vec![];
    for (kind, least) in [("Agent", 9), ("AgentTemplate", 7)] {
        let (schema, quantities) = (schema(kind), quantities(kind));
        assert!(quantities.len() >= least, "only {} quantities of {kind}", quantities.len());
        for leaf in quantities {
            let path = shown(&leaf.0);
            let is_size = leaf.1["type"] == "string";
            let judge = |value: Value| objections(&manifest(kind, &schema, &leaf, &value));
            for text in HOSTILE {
                let found = judge(json!(text));
                let field = path.trim_start_matches('.').replace("[]", "[0]").replace("{}", ".key");
                if !found.iter().any(|objection| objection.contains(&field)) {
                    surprises.push(format!("{kind}{path} = {text}: {found:?}"));
                }
            }
            // A volume has a size that is more than nothing, and no sign.
            let honest = HONEST
                .iter()
                .filter(|text| !is_size || !text.contains(['+', '-']) && **text != "0");
            for text in honest {
                let found = judge(json!(text));
                surprises
                    .extend(found.iter().map(|found| format!("{kind}{path} = {text}: {found}")));
            }
            for number in [0_i64, 1, 4_294_967_296].into_iter().filter(|_| !is_size) {
                let found = judge(json!(number));
                surprises
                    .extend(found.iter().map(|found| format!("{kind}{path} = {number}: {found}")));
            }
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
}

/// A number or a text is a quantity or a port.
#[test]
fn what_is_no_quantity_is_a_port() {
    for kind in ["Agent", "AgentTemplate"] {
        let quantities: BTreeSet<_> =
            quantities(kind).into_iter().map(|(path, _)| shown(&path)).collect();
        for (path, leaf) in leaves(&schema(kind)) {
            if leaf["x-kubernetes-int-or-string"] == true {
                let path = shown(&path);
                let is_port = path.rsplit('.').next() == Some("port");
                assert_eq!(is_port, !quantities.contains(&path), "{path}");
                assert_eq!(is_port, leaf["pattern"].is_null(), "{path}");
            }
        }
    }
}

#[test]
fn the_controller_judges_as_the_definitions_do() {
    let schema = schema("Agent");
    let limit = schema.pointer("/properties/spec/properties/podSpec/properties/resources/properties/limits/additionalProperties");
    let options = jsonschema::options().with_draft(Draft::Draft7);
    let pattern = options.build(limit.unwrap()).unwrap();
    let parts =
        ["", "+", "-", ".", "1", "20", "999999999", "e", "E", "i", "K", "k", "m", "G", " ", "x"];
    let mut admitted = 0;
    for number in 0..parts.len().pow(4) {
        let digits = (0..4).map(|place| parts[number / parts.len().pow(place) % parts.len()]);
        let text: String = digits.collect();
        let expected = pattern.is_valid(&json!(text));
        admitted += usize::from(expected);
        assert_eq!(quantity::is_bounded(&text), expected, "{text:?}");
    }
    assert!(admitted > 1000, "only {admitted}");
    for text in HONEST {
        assert!(quantity::is_bounded(text), "{text}");
    }
    for text in HOSTILE {
        assert!(!quantity::is_bounded(text), "{text}");
    }
}
