//! What was measured, and what is said of it; pure.

use std::time::Duration;

/// What one way to the terminal took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) name: &'static str,
    /// From the sending of one byte to its return.
    pub(super) echoes: Vec<Duration>,
    /// Of each bulk order, in MB/s (10⁶ bytes).
    pub(super) bulk: Vec<f64>,
}

impl Samples {
    /// The echo that `percent` of all echoes do not exceed, in milliseconds.
    pub(super) fn echo_ms(&self, percent: u8) -> Option<f64> {
        let mut milliseconds: Vec<f64> =
            self.echoes.iter().map(|took| took.as_secs_f64() * 1e3).collect();
        percentile(&mut milliseconds, percent)
    }

    /// The median of bulk output, in MB/s.
    pub(super) fn bulk_mb_per_s(&self) -> Option<f64> {
        percentile(&mut self.bulk.clone(), 50)
    }
}

/// By nearest rank: a value that was measured, never one between two.
fn percentile(values: &mut [f64], percent: u8) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * usize::from(percent)).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied()
}

/// `bytes` in `took`, in MB/s.
#[allow(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
pub(super) fn mb_per_s(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / 1e6 / took.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let cases = [
            (hundred.clone(), 50, Some(50.0)),
            (hundred.clone(), 99, Some(99.0)),
            (hundred, 100, Some(100.0)),
            (vec![3.0, 1.0, 2.0], 50, Some(2.0)),
            (vec![3.0, 1.0, 2.0], 99, Some(3.0)),
            (vec![7.0], 1, Some(7.0)),
            (vec![], 50, None),
        ];
        for (mut values, percent, expected) in cases {
            assert_eq!(percentile(&mut values, percent), expected, "{percent} of {values:?}");
        }
    }

    #[test]
    fn figures_are_in_milliseconds_and_megabytes_per_second() {
        let samples = Samples {
            name: "any",
            echoes: [4, 2, 3].map(Duration::from_millis).to_vec(),
            bulk: vec![mb_per_s(3_000_000, Duration::from_millis(500))],
        };
        assert_eq!(samples.echo_ms(50), Some(3.0));
        assert_eq!(samples.bulk_mb_per_s(), Some(6.0));
    }
}
