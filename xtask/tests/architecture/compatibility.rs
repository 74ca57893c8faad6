//! docs/compatibility.md names every field, condition and column of the custom resources, and for each a test.

use std::{collections::BTreeSet, fs};

use serde_json::{Map, Value};

use crate::{root, sizes::rust_files};

/// What is beneath these is Kubernetes' own, and passed on as it is.
const KUBERNETES: [&str; 10] = [
    "resources",
    "securityContext",
    "podSecurityContext",
    "lifecycle",
    "extraVolumes",
    "extraVolumeMounts",
    "extraEnv",
    "tolerations",
    "affinity",
    "conditions",
];

type Names = BTreeSet<String>;

/// The dotted names of all fields beneath `schema`.
fn fields(schema: &Value, path: &str, found: &mut Names) {
    let schema = if schema["items"].is_object() { &schema["items"] } else { schema };
    for (name, property) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if !KUBERNETES.contains(&name.as_str()) {
            fields(property, &path, found);
        }
        found.insert(path);
    }
}

/// Those of a part, `spec` or `status`, of the resource of this kind.
fn fields_of(kind: &str, part: &str) -> Names {
    let crds = api_types::crds();
    let crd = crds.iter().find(|crd| crd.spec.names.kind == kind).expect("a kind of ours");
    let schema = crd.spec.versions[0].schema.as_ref().expect("a schema");
    let schema = serde_json::to_value(&schema.open_api_v3_schema).expect("a value");
    let mut found = Names::new();
    fields(&schema["properties"][part], "", &mut found);
    found
}

fn page() -> String {
    fs::read_to_string(root().join("docs/compatibility.md")).expect("readable")
}

/// What is under a heading, up to the next one.
fn section(heading: &str) -> String {
    let page = page();
    let mut sections = page.split("\n## ").filter_map(|section| section.split_once('\n'));
    sections.find(|(title, _)| *title == heading).unwrap_or_else(|| panic!("no {heading}")).1.into()
}

/// The columns of a section's rows.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let section = section(heading);
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::to_owned).collect()).collect()
}

/// What stands in backticks, where `a.{b,c}` is `a.b` and `a.c`. Nothing stands there twice.
fn quoted<'a>(columns: impl IntoIterator<Item = &'a String>) -> Names {
    let mut found = Names::new();
    for column in columns {
        for quoted in column.split('`').skip(1).step_by(2).flat_map(expanded) {
            assert!(found.insert(quoted.clone()), "{quoted} is there twice");
        }
    }
    found
}

fn expanded(name: &str) -> Vec<String> {
    let Some((before, rest)) = name.split_once('{') else { return vec![name.to_owned()] };
    let (choices, after) = rest.split_once('}').expect("a brace that closes");
    choices.split(',').flat_map(|choice| expanded(&format!("{before}{choice}{after}"))).collect()
}

/// All functions that are tests, by their attribute.
fn tests() -> Names {
    let mut found = Names::new();
    let folders = ["crates", "e2e", "xtask/tests"];
    for file in folders.iter().flat_map(|folder| rust_files(&root().join(folder))) {
        let mut is_test = false;
        for line in fs::read_to_string(file).expect("readable").lines().map(str::trim) {
            if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                found.extend(rest.split_once('(').map(|(name, _)| name.to_owned()));
            }
            let is_attribute = line.starts_with("#[") || line.starts_with("//");
            is_test = line.starts_with("#[test]")
                || line.starts_with("#[tokio::test")
                || is_test && is_attribute;
        }
    }
    found
}

#[test]
fn every_field_of_an_agent_is_in_the_table() {
    let (spec, status) = (fields_of("Agent", "spec"), fields_of("Agent", "status"));
    assert!(spec.len() > 110 && status.len() > 15, "{spec:?} {status:?}");
    assert_eq!(quoted(rows("What a user writes").iter().map(|row| &row[0])), spec);
    assert_eq!(quoted(rows("Status").iter().map(|row| &row[0])), status);
}

#[test]
fn every_field_of_a_template_is_in_the_table() {
    let spec = fields_of("AgentTemplate", "spec");
    let named: Names = spec.iter().filter(|field| !field.contains('.')).cloned().collect();
    assert_eq!(quoted(rows("AgentTemplates").iter().map(|row| &row[0])), named);
    // What is beneath them means what it means of an Agent.
    assert_eq!(spec.difference(&fields_of("Agent", "spec")).collect::<Vec<_>>(), [""; 0]);
    let status = rows("Status of AgentTemplates");
    assert_eq!(quoted(status.iter().map(|row| &row[0])), fields_of("AgentTemplate", "status"));
}

#[test]
fn every_condition_and_every_reason_is_in_the_table() {
    let rows = rows("Conditions");
    let types = api_types::condition::TYPES.map(str::to_owned).into();
    assert_eq!(quoted(rows.iter().map(|row| &row[0]).filter(|name| !name.contains("of"))), types);

    let source = root().join("crates/api-types/src/condition.rs");
    let source = fs::read_to_string(source).unwrap();
    let (_, reasons) = source.split_once("pub mod reason {").unwrap();
    let reasons: Names = reasons.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let named = rows.iter().flat_map(|row| quoted([&row[1]])).collect();
    assert_eq!(reasons, named);
}

#[test]
fn every_print_column_is_in_the_table() {
    let rows = rows("Print columns");
    for (crd, row) in api_types::crds().iter().zip(&rows) {
        assert_eq!(quoted([&row[0]]), [crd.spec.names.kind.clone()].into());
        let columns = crd.spec.versions[0].additional_printer_columns.iter().flatten();
        let columns: Names = columns.map(|column| column.name.clone()).collect();
        assert_eq!(quoted([&row[1]]), columns);
    }
    assert_eq!(rows.len(), 2);
}

#[test]
fn every_test_of_the_tables_is_one() {
    let page = page();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let mut named: Names =
        rows.flat_map(|row| quoted([&row.rsplit(" | ").next().unwrap().to_owned()])).collect();
    let claims = quoted([&section("What holds for all of them at once")]).into_iter();
    named.extend(claims.filter(|name| !name.contains('/')));
    let prose = page.lines().filter(|line| !line.starts_with('|'));
    let prose = prose.flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned);
    named.extend(prose.filter(|name| name.contains('_') && !name.contains('/')));
    assert!(named.len() > 60, "{named:?}");
    assert_eq!(named.difference(&tests()).collect::<Vec<_>>(), [""; 0]);
}
