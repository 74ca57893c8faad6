//! Each alert says what to do, and has a runbook and a test of either kind.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde::Deserialize;

use crate::{file, queries, read};

pub(crate) const RULES: &str = "helm/kubeopencode/rules/kubeopencode.yaml";
pub(crate) const TESTS: &str = "e2e/observe/rules-test.yaml";
const RUNBOOKS: &str = "docs/runbooks";
/// What each runbook answers.
const QUESTIONS: [&str; 3] = ["## What guests notice", "## How to look", "## How to mend it"];

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    #[serde(rename = "alert")]
    name: String,
    expr: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Tests {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    alert_rule_test: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    alertname: String,
    exp_alerts: Vec<serde_yaml_ng::Value>,
}

fn alerts() -> Vec<Alert> {
    let rules: Rules = serde_yaml_ng::from_str(&read(RULES)).expect(RULES);
    rules.groups.into_iter().flat_map(|group| group.rules).collect()
}

fn names() -> BTreeSet<String> {
    alerts().into_iter().map(|alert| alert.name).collect()
}

#[test]
fn each_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on() {
    for Alert { name, labels, annotations, .. } in alerts() {
        let severity = labels.get("severity").map(String::as_str);
        assert!(matches!(severity, Some("critical" | "warning")), "{name}: {severity:?}");
        for annotation in ["summary", "description"] {
            let text =
                annotations.get(annotation).unwrap_or_else(|| panic!("{name}: {annotation}"));
            assert!(text.trim_end().ends_with('.'), "{name}: a sentence in place of {text:?}");
        }
        let url = annotations.get("runbook_url").unwrap_or_else(|| panic!("{name}: runbook_url"));
        assert!(url.ends_with(&format!("/{RUNBOOKS}/{name}.md")), "{name}: {url}");
    }
}

#[test]
fn there_is_a_runbook_for_each_alert_and_for_nothing_else() {
    let entries = fs::read_dir(file(RUNBOOKS)).expect(RUNBOOKS);
    let file_names = entries.map(|entry| entry.expect("an entry").file_name());
    let runbooks: BTreeSet<_> =
        file_names.map(|name| name.to_string_lossy().trim_end_matches(".md").to_owned()).collect();
    assert_eq!(runbooks, names());
    for name in runbooks {
        let text = read(&format!("{RUNBOOKS}/{name}.md"));
        assert!(text.starts_with(&format!("# {name}\n")), "{name}: its title is another one");
        for question in QUESTIONS {
            assert!(
                text.contains(&format!("\n{question}\n")),
                "{name}: {question:?} is not answered"
            );
        }
        assert!(text.contains("```sh\n"), "{name}: there is no command");
    }
}

#[test]
fn each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_silent() {
    let tests: Tests = serde_yaml_ng::from_str(&read(TESTS)).expect(TESTS);
    let cases = tests.tests.into_iter().flat_map(|test| test.alert_rule_test);
    let (mut fired, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for Case { alertname, exp_alerts } in cases {
        if exp_alerts.is_empty() { &mut silent } else { &mut fired }.insert(alertname);
    }
    assert_eq!((fired, silent), (names(), names()));
}

#[test]
fn the_alerts_ask_for_metrics_that_exist() {
    for Alert { name, expr, .. } in alerts() {
        assert_eq!(queries::problems(&expr), [""; 0], "{name}");
    }
}
