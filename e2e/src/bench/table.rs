//! The figures as a table in Markdown; pure. The first way is what the others are compared with.

use super::figures::Samples;

type Figure = fn(&Samples) -> Option<f64>;

const ROWS: [(&str, Figure); 3] = [
    ("echo p50, ms", |samples| samples.echo_ms(50)),
    ("echo p99, ms", |samples| samples.echo_ms(99)),
    ("bulk median, MB/s", Samples::bulk_mb_per_s),
];

/// A line for each figure; each way after the first has a ratio beside its value.
pub(super) fn render(ways: &[&Samples]) -> String {
    let mut lines = vec![head(ways), rule(ways.len())];
    lines.extend(ROWS.iter().map(|(name, figure)| row(name, *figure, ways)));
    lines.push(String::new());
    lines.join("\n")
}

fn head(ways: &[&Samples]) -> String {
    let names = ways.iter().enumerate().map(|(column, way)| match column {
        0 => format!(" {:>12} |", way.name),
        _ => format!(" {:>12} | ratio |", way.name),
    });
    format!("| {:<17} |{}", "", names.collect::<String>())
}

fn rule(ways: usize) -> String {
    let columns = (0..ways).map(|column| match column {
        0 => "-------------:|",
        _ => "-------------:|------:|",
    });
    format!("|{}|{}", "-".repeat(19), columns.collect::<String>())
}

fn row(name: &str, figure: Figure, ways: &[&Samples]) -> String {
    let first = ways.first().and_then(|way| figure(way));
    let cells = ways.iter().enumerate().map(|(column, way)| {
        let value = figure(way);
        let ratio = value.zip(first).map(|(value, first)| value / first);
        match column {
            0 => format!(" {} |", number(value, 12)),
            _ => format!(" {} | {} |", number(value, 12), number(ratio, 5)),
        }
    });
    format!("| {name:<17} |{}", cells.collect::<String>())
}

fn number(value: Option<f64>, width: usize) -> String {
    value.map_or_else(|| format!("{:>width$}", "-"), |value| format!("{value:>width$.2}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_way_stands_beside_the_first_with_its_ratio() {
        let direct = Samples {
            name: "direct exec",
            echoes: vec![Duration::from_micros(1500), Duration::from_millis(4)],
            bulk: vec![200.0],
        };
        let whole = Samples {
            name: "whole path",
            echoes: vec![Duration::from_millis(3), Duration::from_millis(5)],
            bulk: vec![50.0],
        };
        let expected = "\
|                   |  direct exec |   whole path | ratio |
|-------------------|-------------:|-------------:|------:|
| echo p50, ms      |         1.50 |         3.00 |  2.00 |
| echo p99, ms      |         4.00 |         5.00 |  1.25 |
| bulk median, MB/s |       200.00 |        50.00 |  0.25 |
";
        assert_eq!(render(&[&direct, &whole]), expected);
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let row = row("echo p50, ms", |samples| samples.echo_ms(50), &[&Samples::default(); 2]);
        assert_eq!(row, "| echo p50, ms      |            - |            - |     - |");
    }
}
