//! The bytes of one session, counted where they pass and read where it is listed.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;

use crate::metrics::BrokerMetrics;

/// Terminal bytes of one session so far; the process's metrics count along.
#[derive(Debug)]
pub(crate) struct Counters {
    input: AtomicU64,
    output: AtomicU64,
    all_input: Counter,
    all_output: Counter,
}

impl Counters {
    pub(crate) fn new(metrics: &BrokerMetrics) -> Self {
        let (all_input, all_output) = (metrics.bytes("input"), metrics.bytes("output"));
        Self { input: AtomicU64::new(0), output: AtomicU64::new(0), all_input, all_output }
    }

    pub(crate) fn add_input(&self, bytes: usize) {
        self.input.fetch_add(bytes as u64, Ordering::Relaxed);
        self.all_input.inc_by(bytes as u64);
    }

    pub(crate) fn add_output(&self, bytes: usize) {
        self.output.fetch_add(bytes as u64, Ordering::Relaxed);
        self.all_output.inc_by(bytes as u64);
    }

    pub(crate) fn input(&self) -> u64 {
        self.input.load(Ordering::Relaxed)
    }

    pub(crate) fn output(&self) -> u64 {
        self.output.load(Ordering::Relaxed)
    }
}
