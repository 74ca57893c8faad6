//! Flow control by acknowledgement: how many output bytes may be under way to one viewer. Pure
//! arithmetic; who waits for credit is elsewhere.

/// The window where the viewer names none, in bytes.
pub const DEFAULT_WINDOW: u32 = 256 * 1024;
/// Least and greatest window that a viewer may ask for, in bytes.
pub const WINDOW_BOUNDS: std::ops::RangeInclusive<u32> = 4 * 1024..=1024 * 1024;

/// Output bytes that one viewer may have unacknowledged, and has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    window: u32,
    under_way: u32,
}

impl Credit {
    /// `asked` is the viewer's wish in bytes; 0 means the default, and the bounds always hold.
    pub fn new(asked: u32) -> Self {
        let window = match asked {
            0 => DEFAULT_WINDOW,
            asked => asked.clamp(*WINDOW_BOUNDS.start(), *WINDOW_BOUNDS.end()),
        };
        Self { window, under_way: 0 }
    }

    /// Bytes that may be sent now.
    pub fn left(&self) -> u32 {
        self.window - self.under_way
    }

    /// Takes credit for up to `wanted` bytes and tells for how many; 0 means: wait.
    pub fn spend(&mut self, wanted: usize) -> usize {
        let granted = u32::try_from(wanted).unwrap_or(u32::MAX).min(self.left());
        self.under_way += granted;
        granted as usize
    }

    /// The viewer has drawn `bytes` more. Acknowledging what was never sent earns nothing.
    pub fn acknowledge(&mut self, bytes: u64) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.under_way = self.under_way.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_window_is_the_default_or_within_bounds() {
        let cases =
            [(0, DEFAULT_WINDOW), (1, 4096), (65_536, 65_536), (u32::MAX, *WINDOW_BOUNDS.end())];
        for (asked, window) in cases {
            assert_eq!(Credit::new(asked).left(), window, "asked for {asked}");
        }
    }

    #[test]
    fn spent_credit_comes_back_by_acknowledgement_only() {
        let mut credit = Credit::new(4096);
        assert_eq!(credit.spend(4000), 4000);
        assert_eq!(credit.spend(4000), 96);
        assert_eq!(credit.spend(1), 0);
        credit.acknowledge(96);
        assert_eq!(credit.spend(4000), 96);
    }

    proptest! {
        #[test]
        fn no_sequence_puts_more_under_way_than_the_window(
            steps in prop::collection::vec((any::<bool>(), 0_u32..10_000), 0..200)
        ) {
            let mut credit = Credit::new(8192);
            let (mut sent, mut acknowledged) = (0_u64, 0_u64);
            for (sends, bytes) in steps {
                if sends {
                    sent += credit.spend(bytes as usize) as u64;
                } else {
                    // An honest viewer acknowledges no more than it was sent.
                    let bytes = u64::from(bytes).min(sent - acknowledged);
                    credit.acknowledge(bytes);
                    acknowledged += bytes;
                }
                prop_assert!(sent - acknowledged <= 8192);
                prop_assert_eq!(u64::from(credit.left()), 8192 - (sent - acknowledged));
            }
        }

        #[test]
        fn a_lying_viewer_gains_at_most_a_full_window(lies in prop::collection::vec(any::<u64>(), 0..20)) {
            let mut credit = Credit::new(8192);
            for lie in lies {
                credit.acknowledge(lie);
                prop_assert!(credit.left() <= 8192);
            }
        }
    }
}
