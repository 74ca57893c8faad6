//! Queries in `PromQL`, and whether the metrics and labels that they name exist.

use std::{collections::BTreeMap, convert::Infallible};

use fixtures::metrics::{Labels, documented};
use promql_parser::{
    label::{MatchOp, Matcher},
    parser::{self, Expr, VectorSelector},
    util::{ExprVisitor, walk_expr},
};

/// What Prometheus adds to each series, and to those of histograms.
const ADDED: [&str; 5] = ["namespace", "pod", "instance", "job", "le"];

#[derive(Default)]
struct Selectors(Vec<VectorSelector>);

impl ExprVisitor for Selectors {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        match expression {
            Expr::VectorSelector(selector) => self.0.push(selector.clone()),
            Expr::MatrixSelector(selector) => self.0.push(selector.vs.clone()),
            _ => {}
        }
        Ok(true)
    }
}

/// What is wrong with a query, one sentence each. Grafana's variables are replaced first.
pub(crate) fn problems(query: &str) -> Vec<String> {
    let query = query.replace("$namespace", ".*").replace("$__rate_interval", "5m");
    let expression = match parser::parse(&query) {
        Ok(expression) => expression,
        Err(error) => return vec![format!("{query}: {error}")],
    };
    let mut selectors = Selectors::default();
    let Ok(_) = walk_expr(&mut selectors, &expression);
    let metrics = metrics();
    selectors.0.iter().flat_map(|selector| of_selector(&metrics, selector)).collect()
}

fn of_selector(metrics: &BTreeMap<String, Labels>, selector: &VectorSelector) -> Vec<String> {
    let Some(name) = &selector.name else { return vec!["a selector has no name".to_owned()] };
    let Some(labels) = metrics.get(name) else {
        return vec![format!("docs/metrics.md does not list {name}")];
    };
    let matchers = selector.matchers.matchers.iter();
    matchers.filter_map(|matcher| of_matcher(name, labels, matcher)).collect()
}

fn of_matcher(metric: &str, labels: &Labels, matcher: &Matcher) -> Option<String> {
    let Matcher { op, name, value } = matcher;
    if ADDED.contains(&name.as_str()) {
        return None;
    }
    let Some(values) = labels.get(name) else {
        return Some(format!("{metric} has no label {name}"));
    };
    let exists = match op {
        MatchOp::Re(words) | MatchOp::NotRe(words) => {
            // Each of its alternatives is some value.
            let found = values.iter().filter(|value| words.is_match(value)).count();
            found == value.split('|').count()
        }
        MatchOp::Equal | MatchOp::NotEqual => values.contains(value) || value.is_empty(),
    };
    (!values.is_empty() && !exists).then(|| format!("{metric} has no {name} {value:?}"))
}

/// The labels of each series that there may be, of all programs together.
fn metrics() -> BTreeMap<String, Labels> {
    let mut all = BTreeMap::<String, Labels>::new();
    for (name, metric) in documented().into_values().flatten() {
        let histogram = metric.kind == "histogram";
        let endings: &[&str] = if histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
        for ending in endings {
            let labels = all.entry(format!("{name}{ending}")).or_default();
            for (label, values) in &metric.labels {
                labels.entry(label.clone()).or_default().extend(values.clone());
            }
        }
    }
    all
}

#[test]
fn a_query_that_names_what_does_not_exist_is_told() {
    assert_eq!(problems("sum(rate(kubeopencode_panics_total[5m])) > 0"), [""; 0]);
    let told = |query| problems(query).join("; ");
    assert!(told("kubeopencode_panics").contains("does not list kubeopencode_panics"));
    assert!(told("rate(kubeopencode_exec_open_seconds[5m])").contains("does not list"));
    assert!(told("1 + sum(kubeopencode_leader{who=\"x\"})").contains("has no label who"));
    assert!(told("kubeopencode_brokers{state=\"gone\"}").contains("has no state \"gone\""));
    assert!(told("kubeopencode_brokers{state=~\"failing|gone\"}").contains("has no state"));
    assert!(!problems("sum(").is_empty());
}
