//! The alerts' own tests, by the tool that Prometheus brings along.

use std::process::Command;

use crate::file;

fn promtool(arguments: &[&str], path: &str) {
    let output = Command::new("promtool").args(arguments).arg(file(path)).output();
    let output = output.unwrap_or_else(|error| {
        panic!("promtool: {error}; install it: apt-get install --no-install-recommends prometheus")
    });
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn prometheus_takes_the_rules() {
    promtool(&["check", "rules"], crate::alerts::RULES);
}

#[test]
fn each_alert_fires_for_its_fault_and_is_silent_otherwise() {
    promtool(&["test", "rules"], crate::alerts::TESTS);
}
