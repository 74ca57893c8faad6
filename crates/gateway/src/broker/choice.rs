//! Pure: where an opening goes, and whether the replicas' addresses have to be looked up before.

use std::time::Duration;

/// A last lookup that is older is repeated while its answer is used.
pub(super) const LOOKUP_AGE_MAX: Duration = Duration::from_secs(5);
/// None follows another sooner.
pub(super) const LOOKUP_AGE_MIN: Duration = Duration::from_secs(1);

/// What speaks against a replica, in the order of its weight: the least is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// By this opening.
    pub(super) tried: bool,
    /// It could not be reached, or said UNAVAILABLE, a moment ago.
    pub(super) failing: bool,
    /// It is one more than a gateway has connections.
    pub(super) spare: bool,
    /// Sessions of this gateway.
    pub(super) sessions: usize,
    /// The number of the opening that it had last.
    pub(super) last_used: u64,
}

/// The index of what an opening goes to.
pub(super) fn choose<R: Ord>(ranks: impl IntoIterator<Item = R>) -> Option<usize> {
    let ranks = ranks.into_iter().enumerate();
    ranks.min_by(|(_, one), (_, other)| one.cmp(other)).map(|(index, _)| index)
}

/// What is known of the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Since the last lookup; `None` before the first.
    pub(super) age: Option<Duration>,
    /// A connection failed since.
    pub(super) doubted: bool,
    /// A replica is known that is not failing.
    pub(super) usable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    None,
    /// The opening goes on with what is known.
    Background,
    /// The opening waits: there is nothing else that it could do.
    Awaited,
}

impl Answer {
    pub(super) fn lookup(self) -> Lookup {
        let Self { age, doubted, usable } = self;
        let due = if doubted || !usable { LOOKUP_AGE_MIN } else { LOOKUP_AGE_MAX };
        match (age.is_some_and(|age| age < due), usable) {
            (true, _) => Lookup::None,
            (false, true) => Lookup::Background,
            (false, false) => Lookup::Awaited,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Rank =
        Rank { tried: false, failing: false, spare: false, sessions: 0, last_used: 0 };

    #[test]
    fn the_replica_with_the_fewest_sessions_is_chosen() {
        let ranks = [3, 1, 2].map(|sessions| Rank { sessions, ..IDLE });
        assert_eq!(choose(ranks), Some(1));
        assert_eq!(choose::<Rank>([]), None);
    }

    #[test]
    fn equals_take_turns() {
        let ranks = [8, 7, 9].map(|last_used| Rank { last_used, ..IDLE });
        assert_eq!(choose(ranks), Some(1));
    }

    #[test]
    fn what_speaks_against_a_replica_has_its_weight() {
        let busy = Rank { sessions: 1000, last_used: 1000, ..IDLE };
        let spare = Rank { spare: true, ..IDLE };
        let failing = Rank { failing: true, ..IDLE };
        let tried = Rank { tried: true, ..IDLE };
        assert!(busy < spare && spare < failing && failing < tried);
        let failing_spare = Rank { failing: true, ..spare };
        assert!(failing < failing_spare && failing_spare < tried);
    }

    #[test]
    fn addresses_are_looked_up_when_they_are_old_or_in_doubt() {
        let seconds = |age| Some(Duration::from_secs(age));
        let fresh = Answer { age: seconds(4), doubted: false, usable: true };
        let cases = [
            (fresh, Lookup::None),
            (Answer { age: seconds(5), ..fresh }, Lookup::Background),
            (Answer { doubted: true, ..fresh }, Lookup::Background),
            (Answer { doubted: true, age: seconds(0), ..fresh }, Lookup::None),
            (Answer { usable: false, ..fresh }, Lookup::Awaited),
            (Answer { usable: false, age: seconds(0), ..fresh }, Lookup::None),
            (Answer { usable: false, age: None, ..fresh }, Lookup::Awaited),
        ];
        for (answer, lookup) in cases {
            assert_eq!(answer.lookup(), lookup, "{answer:?}");
        }
    }
}
