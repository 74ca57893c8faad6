//! How busy the machine is, for who reads the figures.

use std::fs;

/// The load average (`proc_loadavg(5)`), as it ends a sentence.
pub(super) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().map(|load| format!(", load {load}")).unwrap_or_default()
}

/// Ticks of all processors since the machine started (`proc_stat(5)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    all: u64,
    idle: u64,
    /// Given to other machines on the same host.
    stolen: u64,
}

impl Ticks {
    pub(super) fn now() -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default()).unwrap_or_default()
    }

    /// Busy and stolen time since `before`, in percent of all.
    pub(super) fn since(self, before: Self) -> [u64; 2] {
        let all = self.all.saturating_sub(before.all);
        let idle = self.idle.saturating_sub(before.idle);
        let stolen = self.stolen.saturating_sub(before.stolen);
        [all.saturating_sub(idle + stolen), stolen]
            .map(|part| (part * 100).checked_div(all).unwrap_or(0))
    }

    fn parse(text: &str) -> Option<Self> {
        let first = text.lines().next()?.strip_prefix("cpu ")?;
        let fields: Vec<u64> =
            first.split_whitespace().map_while(|field| field.parse().ok()).collect();
        // The guests' time behind them is part of the first two.
        let [_, _, _, idle, io_wait, _, _, stolen] = fields.first_chunk().copied()?;
        Some(Self { all: fields[..8].iter().sum(), idle: idle + io_wait, stolen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_busy_idle_or_stolen() {
        let before = Ticks::parse("cpu  10 0 10 70 5 0 0 5 0 0\ncpu0 1 1 1\n").unwrap();
        let after = Ticks::parse("cpu  60 0 20 100 5 5 0 10 50 0\n").unwrap();
        assert_eq!(before, Ticks { all: 100, idle: 75, stolen: 5 });
        assert_eq!(after.since(before), [65, 5]);
        assert_eq!(before.since(before), [0, 0]);
        assert_eq!(Ticks::parse("intr 5"), None);
    }
}
