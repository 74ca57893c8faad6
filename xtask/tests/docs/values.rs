//! Values of the chart that pages name, in YAML and by `--set`: each is one of `values.yaml`.

use std::fs;

use fixtures::docs::{Command, blocks};
use serde_yaml_ng::{Mapping, Value};

use crate::{commands_of, root};

fn chart() -> Value {
    let text = fs::read_to_string(root().join("helm/kubeopencode/values.yaml")).expect("a text");
    serde_yaml_ng::from_str(&text).expect("YAML")
}

/// The paths of `given` that `known` lacks. What is empty there is the user's to fill.
fn unknown(given: &Mapping, known: &Value, path: &str) -> Vec<String> {
    let Some(known) = known.as_mapping().filter(|known| !known.is_empty()) else { return vec![] };
    let below = given.iter().flat_map(|(key, given)| {
        let path = format!("{path}.{}", key.as_str().unwrap_or("?"));
        match (known.get(key), given.as_mapping()) {
            (None, _) => vec![path],
            (Some(known), Some(given)) => unknown(given, known, &path),
            (Some(_), None) => vec![],
        }
    });
    below.collect()
}

/// A block of YAML that is values: its first keys are. Manifests and parts of them have others.
fn values(text: &str, chart: &Value) -> Option<Mapping> {
    let given: Mapping = serde_yaml_ng::from_str(text).ok()?;
    given.keys().any(|key| chart.get(key).is_some()).then_some(given)
}

#[test]
fn values_in_yaml_are_those_of_the_chart() {
    let chart = chart();
    let mut seen = 0;
    for block in blocks().iter().filter(|block| block.language == "yaml") {
        let Some(given) = values(&block.text, &chart) else { continue };
        let unknown = unknown(&given, &chart, "");
        assert!(unknown.is_empty(), "{}: no values of the chart: {unknown:?}", block.place);
        seen += 1;
    }
    assert!(seen > 5, "only {seen} blocks of values are found");
}

#[test]
fn values_that_are_set_are_those_of_the_chart() {
    let chart = chart();
    let mut seen = 0;
    for Command { place, words } in commands_of("helm") {
        for pair in words.windows(2).filter(|pair| pair[0] == "--set") {
            let (path, _) = pair[1].split_once('=').expect("a key and a value");
            let found = path.split('.').try_fold(&chart, |value, key| value.get(key));
            assert!(found.is_some(), "{place}: the chart has no value {path}");
            seen += 1;
        }
    }
    assert!(seen > 0, "nothing is set");
}
