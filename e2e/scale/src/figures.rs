//! What was measured for each count of Agents, and its table in Markdown. Pure.

use std::iter;

use serde::{Deserialize, Serialize};

/// Of one count of Agents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub agents: u32,
    /// What was made for each.
    pub objects: f64,
    pub reads: f64,
    pub object_writes: f64,
    pub status_writes: f64,
    pub reconcile_seconds: f64,
    /// The same writes, sent by a client that does nothing else.
    pub bare_seconds: f64,
    pub idle_seconds: f64,
    pub idle_requests: u64,
    pub idle_watches: u64,
    pub idle_lease: u64,
    /// Without Agents: before the first, and after a few are gone.
    pub resident_kib_at_first: f64,
    pub resident_kib_alone: f64,
    pub resident_kib: f64,
    /// From the start of the process to its first write for an Agent.
    pub first_write_ms: f64,
    pub restart_writes: u64,
    pub restart_reads: u64,
    pub restart_seconds: f64,
    pub edit_ms: f64,
    pub edit_among_invalid_ms: f64,
}

impl Row {
    /// What each Agent takes that `before` had not: without what any work takes, however little.
    fn resident_kib_beyond(&self, before: &Self) -> f64 {
        let agents = f64::from(self.agents) - f64::from(before.agents);
        (self.resident_kib - before.resident_kib) / agents
    }
}

/// From a row and the one before it.
type Cell = fn(&Row, Option<&Row>) -> String;

const ROWS: [(&str, Cell); 16] = [
    ("objects per Agent", |row, _| format!("{:.2}", row.objects)),
    ("requests per Agent", |row, _| {
        format!("{:.2}", row.reads + row.object_writes + row.status_writes)
    }),
    ("… reads, object writes, status writes", |row, _| {
        format!("{:.2}, {:.2}, {:.2}", row.reads, row.object_writes, row.status_writes)
    }),
    ("reconcile all, s", |row, _| format!("{:.2}", row.reconcile_seconds)),
    ("the same writes bare, s", |row, _| format!("{:.2}", row.bare_seconds)),
    ("ratio", |row, _| format!("{:.2}", row.reconcile_seconds / row.bare_seconds)),
    ("idle: requests for Agents", |row, _| {
        format!("{} in {:.0} s", row.idle_requests, row.idle_seconds)
    }),
    ("idle: watches renewed, lease", |row, _| format!("{}, {}", row.idle_watches, row.idle_lease)),
    ("RSS without Agents: first, later, MiB", |row, _| {
        let mib = |kib: f64| kib / 1024.0;
        format!("{:.1}, {:.1}", mib(row.resident_kib_at_first), mib(row.resident_kib_alone))
    }),
    ("RSS per Agent, KiB", |row, _| {
        format!("{:.1}", (row.resident_kib - row.resident_kib_alone) / f64::from(row.agents))
    }),
    ("… and all that is no Agent's with them", |row, _| {
        format!("{:.1}", (row.resident_kib - row.resident_kib_at_first) / f64::from(row.agents))
    }),
    ("… of those beyond the column before", |row, before| {
        before.map_or_else(String::new, |before| format!("{:.1}", row.resident_kib_beyond(before)))
    }),
    ("start to first write, ms", |row, _| format!("{:.0}", row.first_write_ms)),
    ("restart: writes, reads, s", |row, _| {
        format!("{}, {}, {:.1}", row.restart_writes, row.restart_reads, row.restart_seconds)
    }),
    ("edit of another, worst, ms", |row, _| format!("{:.0}", row.edit_ms)),
    ("… among invalid ones, ms", |row, _| format!("{:.0}", row.edit_among_invalid_ms)),
];

/// A line for each figure, a column for each count.
pub fn table(rows: &[Row]) -> String {
    let line = |name: &str, cell: &dyn Fn(&Row, Option<&Row>) -> String| {
        let before = iter::once(None).chain(rows.iter().map(Some));
        let cells = rows.iter().zip(before).map(|(row, before)| cell(row, before));
        let cells = cells.map(|cell| format!(" {cell:>16} |"));
        format!("| {name:<38} |{}", cells.collect::<String>())
    };
    let rule = format!("|{}|{}", "-".repeat(40), "-----------------:|".repeat(rows.len()));
    let mut lines = vec![line("Agents", &|row, _| row.agents.to_string()), rule];
    lines.extend(ROWS.iter().map(|(name, cell)| line(name, cell)));
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_is_a_column_and_what_was_there_before_is_not_the_agents() {
        let row = Row {
            agents: 100,
            resident_kib_at_first: 10_040.0,
            resident_kib_alone: 10_240.0,
            resident_kib: 11_240.0,
            reconcile_seconds: 3.0,
            bare_seconds: 2.0,
            ..Row::default()
        };
        let table = table(&[row.clone(), Row { agents: 200, resident_kib: 12_040.0, ..row }]);
        let line = |name: &str| {
            let found = table.lines().find(|line| line.starts_with(&format!("| {name} ")));
            found.unwrap().split('|').skip(2).map(str::trim).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("Agents"), "100 200 ");
        assert_eq!(line("RSS per Agent, KiB"), "10.0 9.0 ");
        assert_eq!(line("… and all that is no Agent's with them"), "12.0 10.0 ");
        assert_eq!(line("… of those beyond the column before"), " 8.0 ");
        assert_eq!(line("ratio"), "1.50 1.50 ");
    }
}
