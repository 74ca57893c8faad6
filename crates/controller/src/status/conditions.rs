//! Conditions that change their time only when they change their truth. Pure.

use api_types::{Condition, condition::status, time_convert::to_k8s_time};
use time::OffsetDateTime;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
}

/// The new conditions of one agent, in the order in which they are set.
#[derive(Debug)]
pub(super) struct Conditions<'a> {
    old: &'a [Condition],
    generation: Option<i64>,
    now: OffsetDateTime,
    set: Vec<Condition>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(old: &'a [Condition], generation: Option<i64>, now: OffsetDateTime) -> Self {
        Self { old, generation, now, set: vec![] }
    }

    pub(super) fn set(
        &mut self,
        type_: &str,
        truth: Truth,
        reason: &str,
        message: impl Into<String>,
    ) {
        let status = match truth {
            Truth::True => status::TRUE,
            Truth::False => status::FALSE,
        };
        let unchanged = self.old.iter().find(|old| old.type_ == type_ && old.status == status);
        self.set.push(Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.into(),
            observed_generation: self.generation,
            last_transition_time: unchanged
                .map_or_else(|| to_k8s_time(self.now), |old| old.last_transition_time.clone()),
        });
    }

    /// Leaves the condition as it was, also where there was none.
    pub(super) fn keep(&mut self, type_: &str) {
        self.set.extend(self.old.iter().find(|old| old.type_ == type_).cloned());
    }

    /// All that were set; the others are gone.
    pub(super) fn finish(self) -> Vec<Condition> {
        self.set
    }
}
