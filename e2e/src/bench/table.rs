//! The figures as a table in Markdown; pure. The first way is what the others are compared with.

use super::figures::{Samples, percentile_ms};

/// A figure, and whether comparing it with the first way's says anything.
enum Figure {
    Compared(fn(&Samples) -> Option<f64>),
    Alone(fn(&Samples) -> Option<f64>),
}

use Figure::{Alone, Compared};

const ROWS: [(&str, Figure); 19] = [
    ("echo p50, ms", Compared(|way| percentile_ms(&way.echoes, 50))),
    ("echo p99, ms", Compared(|way| percentile_ms(&way.echoes, 99))),
    ("50 keys/s p50, ms", Compared(|way| percentile_ms(&way.paced[0], 50))),
    ("50 keys/s p99, ms", Compared(|way| percentile_ms(&way.paced[0], 99))),
    ("1000 keys/s p50, ms", Compared(|way| percentile_ms(&way.paced[1], 50))),
    ("1000 keys/s p99, ms", Compared(|way| percentile_ms(&way.paced[1], 99))),
    ("noise median, MB/s", Compared(|way| way.noise.mb_per_s())),
    ("text median, MB/s", Compared(|way| way.text.mb_per_s())),
    ("listing median, MB/s", Compared(|way| way.listing.mb_per_s())),
    ("opening p50, ms", Compared(|way| percentile_ms(&way.openings, 50))),
    ("further viewer p50, ms", Compared(|way| percentile_ms(&way.further, 50))),
    ("gateway, µs a key", Alone(|way| way.key_us(way.key_cpu.gateway))),
    ("broker, µs a key", Alone(|way| way.key_us(way.key_cpu.broker))),
    ("gateway, ms a MB noise", Alone(|way| way.noise.ms_per_mb(way.noise.cpu.gateway))),
    ("broker, ms a MB noise", Alone(|way| way.noise.ms_per_mb(way.noise.cpu.broker))),
    ("gateway, ms a MB text", Alone(|way| way.text.ms_per_mb(way.text.cpu.gateway))),
    ("broker, ms a MB text", Alone(|way| way.text.ms_per_mb(way.text.cpu.broker))),
    ("gateway, ms a MB list", Alone(|way| way.listing.ms_per_mb(way.listing.cpu.gateway))),
    ("broker, ms a MB list", Alone(|way| way.listing.ms_per_mb(way.listing.cpu.broker))),
];

/// A line for each figure; each way after the first has a ratio beside its value.
pub(super) fn render(ways: &[Samples]) -> String {
    let mut lines = vec![head(ways), rule(ways.len())];
    lines.extend(ROWS.iter().map(|(name, figure)| row(name, figure, ways)));
    lines.push(String::new());
    lines.join("\n")
}

fn head(ways: &[Samples]) -> String {
    let names = ways.iter().map(|samples| samples.way.name()).enumerate();
    let names = names.map(|(column, name)| match column {
        0 => format!(" {name:>12} |"),
        _ => format!(" {name:>12} | ratio |"),
    });
    format!("| {:<22} |{}", "", names.collect::<String>())
}

fn rule(ways: usize) -> String {
    let columns = (0..ways).map(|column| match column {
        0 => "-------------:|",
        _ => "-------------:|------:|",
    });
    format!("|{}|{}", "-".repeat(24), columns.collect::<String>())
}

fn row(name: &str, figure: &Figure, ways: &[Samples]) -> String {
    let (value, first) = match figure {
        Compared(value) => (value, ways.first().and_then(value)),
        Alone(value) => (value, None),
    };
    let cells = ways.iter().enumerate().map(|(column, way)| {
        let value = value(way);
        let ratio = value.zip(first).map(|(value, first)| value / first);
        match column {
            0 => format!(" {} |", number(value, 12)),
            _ => format!(" {} | {} |", number(value, 12), number(ratio, 5)),
        }
    });
    format!("| {name:<22} |{}", cells.collect::<String>())
}

fn number(value: Option<f64>, width: usize) -> String {
    value.map_or_else(|| format!("{:>width$}", "-"), |value| format!("{value:>width$.2}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::{
        figures::{BulkSamples, Usage},
        ways::Way,
    };

    fn bulk(rate: f64) -> BulkSamples {
        BulkSamples { rates: vec![rate], ..BulkSamples::default() }
    }

    #[test]
    fn each_way_stands_beside_the_first_with_its_ratio() {
        let direct = Samples {
            way: Way::Direct,
            echoes: vec![Duration::from_micros(1500), Duration::from_millis(4)],
            noise: bulk(200.0),
            openings: vec![Duration::from_millis(40)],
            further: vec![Duration::from_millis(40)],
            ..Samples::default()
        };
        let whole = Samples {
            way: Way::Whole,
            echoes: vec![Duration::from_millis(3), Duration::from_millis(5)],
            paced: [vec![], vec![Duration::from_millis(1); 2]],
            noise: bulk(50.0),
            openings: [70, 50, 60].map(Duration::from_millis).to_vec(),
            further: vec![Duration::from_millis(10)],
            key_cpu: Usage { gateway: Some(Duration::from_micros(90)), broker: None },
            ..Samples::default()
        };
        let expected = "\
|                        |  direct exec |   whole path | ratio |
|------------------------|-------------:|-------------:|------:|
| echo p50, ms           |         1.50 |         3.00 |  2.00 |
| echo p99, ms           |         4.00 |         5.00 |  1.25 |
| 50 keys/s p50, ms      |            - |            - |     - |
| 50 keys/s p99, ms      |            - |            - |     - |
| 1000 keys/s p50, ms    |            - |         1.00 |     - |
| 1000 keys/s p99, ms    |            - |         1.00 |     - |
| noise median, MB/s     |       200.00 |        50.00 |  0.25 |
| text median, MB/s      |            - |            - |     - |
| listing median, MB/s   |            - |            - |     - |
| opening p50, ms        |        40.00 |        60.00 |  1.50 |
| further viewer p50, ms |        40.00 |        10.00 |  0.25 |
| gateway, µs a key      |            - |        45.00 |     - |
| broker, µs a key       |            - |            - |     - |
| gateway, ms a MB noise |            - |            - |     - |
| broker, ms a MB noise  |            - |            - |     - |
| gateway, ms a MB text  |            - |            - |     - |
| broker, ms a MB text   |            - |            - |     - |
| gateway, ms a MB list  |            - |            - |     - |
| broker, ms a MB list   |            - |            - |     - |
";
        assert_eq!(render(&[direct, whole]), expected);
    }
}
