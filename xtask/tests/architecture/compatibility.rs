//! docs/compatibility.md names every field of an Agent, and for each a test that exists.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::{root, sizes::rust_files};

/// What a user writes beneath these is Kubernetes' own, or one thing.
const WHOLE: [&str; 7] = [
    "podSpec.",
    "quota",
    "extraPorts",
    "imagePullSecrets",
    "persistence.sessions",
    "persistence.workspace",
    "command",
];

/// The dotted names of all fields beneath `schema`, without what is whole.
fn fields(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let is_reference = path.ends_with("Ref") && path != "templateRef";
    let is_whole = WHOLE.iter().any(|whole| path.starts_with(whole)) || is_reference;
    if is_whole {
        return;
    }
    let schema = if schema["items"].is_object() { &schema["items"] } else { schema };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        fields(property, &path, found);
        found.insert(path);
    }
}

/// What stands in backticks in a column of the table.
fn quoted(column: &str) -> BTreeSet<String> {
    column.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_field_is_in_the_table_with_a_test_that_exists() {
    let crds = api_types::crds();
    let agent = crds.iter().find(|crd| crd.spec.names.kind == "Agent").unwrap();
    let schema = agent.spec.versions[0].schema.as_ref().unwrap();
    let schema = serde_json::to_value(schema.open_api_v3_schema.as_ref().unwrap()).unwrap();
    let mut expected = BTreeSet::new();
    fields(&schema["properties"]["spec"], "", &mut expected);
    assert!(expected.len() > 60, "{expected:?}");

    let table = fs::read_to_string(root().join("docs/compatibility.md")).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let (mut named, mut tests) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let (fields, test) = row.trim_matches('|').split_once('|').unwrap();
        named.extend(quoted(fields));
        tests.extend(quoted(test));
    }
    assert_eq!(named, expected);

    let (_, claims) = table.split_once("What holds for all of them at once:").unwrap();
    tests.extend(quoted(claims).into_iter().filter(|name| !name.contains('/')));

    let files = ["crates", "e2e"].iter().flat_map(|folder| rust_files(&root().join(folder)));
    let all: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    for test in tests {
        assert!(all.contains(&format!("fn {test}(")), "there is no test {test}");
    }
}
