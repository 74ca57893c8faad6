//! Whether the links in memory are still those of the cluster. Pure; it ends no session: an outage of the API
//! server revokes nothing, it only admits nobody new after a while.

use std::time::Duration;

/// What is known about the watch of Agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knowledge {
    /// All Agents were listed at least once.
    pub synced: bool,
    /// For how long there has been no working watch.
    pub stale_for: Option<Duration>,
}

impl Knowledge {
    /// Whether somebody may be admitted on it, `grace` being how long an outage is overlooked.
    pub fn is_good_enough(self, grace: Duration) -> bool {
        self.synced && self.stale_for.is_none_or(|age| age <= grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_overlooked_for_the_grace_and_no_longer() {
        const GRACE: Duration = Duration::from_mins(10);
        let stale =
            |seconds| Knowledge { synced: true, stale_for: Some(Duration::from_secs(seconds)) };
        let cases = [
            ("a working watch", Knowledge { synced: true, stale_for: None }, true),
            ("a short outage", stale(600), true),
            ("a long one", stale(601), false),
            ("never listed", Knowledge { synced: false, stale_for: Some(Duration::ZERO) }, false),
        ];
        for (name, knowledge, expected) in cases {
            assert_eq!(knowledge.is_good_enough(GRACE), expected, "{name}");
        }
    }
}
