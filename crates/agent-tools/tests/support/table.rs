//! The table of values that mean harm, which admission and the controller are tested with, too.

use serde_json::Value;

/// Whether a program may take a value, harmlessly, or must refuse it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum May {
    Pass,
    Never,
}

/// The values of a kind, and what becomes of each in the pod.
pub(crate) fn hostile(kind: &str) -> Vec<(String, May)> {
    let table = include_str!("../../jobs/tests/hostile.json");
    let table: Value = serde_json::from_str(table).unwrap();
    let rows = table["values"].as_array().unwrap().iter().filter(|row| row["kind"] == kind);
    let found: Vec<_> = rows
        .map(|row| {
            let times = row["times"].as_u64().map_or(1, |times| times.try_into().unwrap());
            let refused = row["refusedBy"].as_array().unwrap().contains(&"pod".into());
            let may = if refused { May::Never } else { May::Pass };
            (row["value"].as_str().unwrap().repeat(times), may)
        })
        .collect();
    assert!(found.len() >= 25, "{kind}: {}", found.len());
    found
}
