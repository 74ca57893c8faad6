//! The alerts on a faster clock: each duration in them is divided by [`FACTOR`], so that a fault which has to last for
//! ten minutes is reported after ten seconds. What is counted, how often a second and compared with what stays as it
//! is. Pure.

use std::convert::Infallible;

use anyhow::{Context, Result, anyhow};
use promql_parser::{
    parser::{self, BinaryExpr, Expr},
    util::{
        display_duration, parse_duration,
        visitor::{ExprVisitor, ExprVisitorMut, walk_expr, walk_expr_mut},
    },
};
use serde_json::Value;

/// A minute becomes a second.
pub const FACTOR: u32 = 60;

/// The names of the alerts of a file.
pub fn names(rules: &str) -> Result<Vec<String>> {
    let mut file = read(rules)?;
    let names = rules_of(&mut file).map(|rule| rule["alert"].as_str().map(str::to_owned));
    names.collect::<Option<_>>().context("a rule is no alert")
}

/// The same file with `for`, the windows of rates and what a metric in seconds is compared with divided by
/// [`FACTOR`]. YAML is a superset of the JSON that it is written in.
pub fn faster(rules: &str) -> Result<String> {
    let mut file = read(rules)?;
    for rule in rules_of(&mut file) {
        let query = rule["expr"].as_str().context("a rule has no expr")?;
        rule["expr"] = faster_query(query)?.into();
        if let Some(lasting) = rule["for"].as_str() {
            let lasting = parse_duration(lasting).map_err(|error| anyhow!(error))?;
            rule["for"] = display_duration(&(lasting / FACTOR)).into();
        }
    }
    Ok(file.to_string())
}

fn read(rules: &str) -> Result<Value> {
    serde_yaml_ng::from_str(rules).context("the rules")
}

fn rules_of(file: &mut Value) -> impl Iterator<Item = &mut Value> {
    let groups = file["groups"].as_array_mut().into_iter().flatten();
    groups.flat_map(|group| group["rules"].as_array_mut().into_iter().flatten())
}

fn faster_query(query: &str) -> Result<String> {
    let mut query = parser::parse(query).map_err(|error| anyhow!("{query}: {error}"))?;
    let Ok(_) = walk_expr_mut(&mut Faster, &mut query);
    Ok(query.to_string())
}

struct Faster;

impl ExprVisitorMut for Faster {
    type Error = Infallible;

    fn pre_visit(&mut self, query: &mut Expr) -> Result<bool, Infallible> {
        match query {
            Expr::MatrixSelector(selector) => selector.range /= FACTOR,
            Expr::Binary(BinaryExpr { op, lhs, rhs, .. }) if op.is_comparison_operator() => {
                if let Expr::NumberLiteral(limit) = &mut **rhs
                    && is_length_of_time(lhs)
                {
                    limit.val /= f64::from(FACTOR);
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

/// Whether a query is of nothing but gauges that say for how long something has been so. A moment is none: the clock is
/// not faster.
fn is_length_of_time(query: &Expr) -> bool {
    let mut metrics = Metrics::default();
    let Ok(_) = walk_expr(&mut metrics, query);
    let lasts = |name: &String| name.ends_with("_seconds") && !name.ends_with("_time_seconds");
    !metrics.0.is_empty() && metrics.0.iter().all(lasts)
}

#[derive(Default)]
struct Metrics(Vec<String>);

impl ExprVisitor for Metrics {
    type Error = Infallible;

    fn pre_visit(&mut self, query: &Expr) -> Result<bool, Infallible> {
        let selector = match query {
            Expr::VectorSelector(selector) => Some(selector),
            Expr::MatrixSelector(selector) => Some(&selector.vs),
            _ => None,
        };
        self.0.extend(selector.and_then(|selector| selector.name.clone()));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_divided_and_nothing_else_is() {
        for (query, expected) in [
            ("up == 0", "up == 0"),
            ("min_over_time(a_waiting[15m]) > 0", "min_over_time(a_waiting[15s]) > 0"),
            ("sum by (pod) (rate(a_total[10m])) > 2", "sum by (pod) (rate(a_total[10s])) > 2"),
            ("max(a_not_ready_seconds) > 1800", "max(a_not_ready_seconds) > 30"),
            ("a_end_time_seconds - time() < 600", "a_end_time_seconds - time() < 600"),
            ("absent(a) or absent(b{c=\"d\"})", "absent(a) or absent(b{c=\"d\"})"),
        ] {
            assert_eq!(faster_query(query).unwrap(), expected);
        }
    }

    #[test]
    fn a_file_keeps_its_rules_and_what_they_say() {
        let rules = "groups: [{name: g, rules: [{alert: A, expr: 'rate(a[1m]) > 1', for: 5m, labels: {x: y}}, {alert: B, expr: b}]}]";
        let faster: Value = serde_json::from_str(&faster(rules).unwrap()).unwrap();
        let expected = r#"{"groups":[{"name":"g","rules":[{"alert":"A","expr":"rate(a[1s]) > 1","for":"5s","labels":{"x":"y"}},{"alert":"B","expr":"b"}]}]}"#;
        assert_eq!(faster, serde_json::from_str::<Value>(expected).unwrap());
        assert_eq!(names(rules).unwrap(), ["A", "B"]);
    }
}
