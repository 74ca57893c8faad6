//! What was measured, and what is said of it; pure.

use std::{ops::AddAssign, time::Duration};

use bench_terminal::orders::Bulk;

use super::ways::Way;

/// What one way to the terminal took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) way: Way,
    /// From the sending of one byte to its return, each sent when the one before had returned.
    pub(super) echoes: Vec<Duration>,
    /// The same at 50 keys a second, and at 1,000, whether the one before had returned or not.
    pub(super) paced: [Vec<Duration>; 2],
    pub(super) noise: BulkSamples,
    pub(super) text: BulkSamples,
    pub(super) listing: BulkSamples,
    /// What 1,000 keys a second cost.
    pub(super) key_cpu: Usage,
    /// From the start of connecting to the first byte of a new terminal.
    pub(super) openings: Vec<Duration>,
    /// The same of one that is open to somebody else already.
    pub(super) further: Vec<Duration>,
}

/// What bulk output of one kind took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct BulkSamples {
    /// Of each order, in MB/s (10⁶ bytes).
    pub(super) rates: Vec<f64>,
    /// Of all of them.
    pub(super) cpu: Usage,
    pub(super) bytes: usize,
}

/// CPU time of gateway and broker, all replicas together; `None` where it cannot be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) gateway: Option<Duration>,
    pub(super) broker: Option<Duration>,
}

impl Usage {
    /// What was used between two readings.
    pub(super) fn since(self, before: Self) -> Self {
        let less =
            |now: Option<Duration>, before: Option<Duration>| Some(now?.saturating_sub(before?));
        Self {
            gateway: less(self.gateway, before.gateway),
            broker: less(self.broker, before.broker),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        let add = |sum: &mut Option<Duration>, more: Option<Duration>| {
            *sum = more.map(|more| sum.unwrap_or_default() + more);
        };
        add(&mut self.gateway, more.gateway);
        add(&mut self.broker, more.broker);
    }
}

impl Samples {
    pub(super) fn bulk_of(&mut self, kind: Bulk) -> &mut BulkSamples {
        match kind {
            Bulk::Noise => &mut self.noise,
            Bulk::Text => &mut self.text,
            Bulk::Listing => &mut self.listing,
        }
    }

    /// Of `cpu`, in microseconds for each key.
    pub(super) fn key_us(&self, cpu: Option<Duration>) -> Option<f64> {
        let keys = u32::try_from(self.paced[1].len()).ok().filter(|keys| *keys > 0)?;
        Some(cpu?.as_secs_f64() * 1e6 / f64::from(keys))
    }
}

impl BulkSamples {
    /// The median, in MB/s.
    pub(super) fn mb_per_s(&self) -> Option<f64> {
        percentile(&mut self.rates.clone(), 50)
    }

    /// Of `cpu`, in milliseconds for each MB.
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    pub(super) fn ms_per_mb(&self, cpu: Option<Duration>) -> Option<f64> {
        let bytes = Some(self.bytes).filter(|bytes| *bytes > 0)?;
        Some(cpu?.as_secs_f64() * 1e3 / (bytes as f64 / 1e6))
    }
}

/// The time that `percent` of all do not exceed, in milliseconds.
pub(super) fn percentile_ms(times: &[Duration], percent: u8) -> Option<f64> {
    let mut milliseconds: Vec<f64> = times.iter().map(|took| took.as_secs_f64() * 1e3).collect();
    percentile(&mut milliseconds, percent)
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
        assert_eq!(percentile_ms(&[4, 2, 3].map(Duration::from_millis), 50), Some(3.0));
        let rates = vec![mb_per_s(3_000_000, Duration::from_millis(500))];
        assert_eq!(BulkSamples { rates, ..BulkSamples::default() }.mb_per_s(), Some(6.0));
    }

    #[test]
    fn cpu_is_told_by_key_and_by_megabyte() {
        let samples = Samples { paced: [vec![], vec![Duration::ZERO; 4]], ..Samples::default() };
        let cpu = Some(Duration::from_millis(2));
        assert_eq!(samples.key_us(cpu), Some(500.0));
        let bulk = BulkSamples { bytes: 2_000_000, ..BulkSamples::default() };
        assert_eq!(bulk.ms_per_mb(cpu), Some(1.0));
        assert_eq!(samples.key_us(None), None);
        assert_eq!(Samples::default().key_us(cpu), None);
    }

    #[test]
    fn usage_is_summed_over_turns_and_unknown_stays_unknown() {
        let of = |gateway| Usage { gateway: Some(Duration::from_millis(gateway)), broker: None };
        let mut sum = Usage::default();
        sum += of(5).since(of(3));
        sum += of(9).since(of(8));
        assert_eq!(sum, of(3));
    }
}
