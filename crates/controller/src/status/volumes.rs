//! The persistent volumes of an agent: what Kubernetes would not change, and what is kept though the
//! agent does not ask for it any more. Pure.

use api_types::{
    Persistence,
    condition::{self, reason},
};

use super::conditions::{Conditions, Truth};
use crate::refusal::Refusal;

/// What was found out about the agent's claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volumes {
    /// Claims that exist and could not be changed.
    pub refused: Vec<Refused>,
    /// Claims that exist and are not asked for.
    pub kept: Kept,
    /// Claims that grow, with what the cluster says of it.
    pub growing: Vec<(String, String)>,
}

/// The names of these claims. They are collected last, so that without them the claims were not judged:
/// what is known of them is what was known before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept(Option<Vec<String>>);

impl FromIterator<String> for Kept {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self(Some(names.into_iter().collect()))
    }
}

/// A claim that could not be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub claim: String,
    pub why: Refusal,
}

impl Volumes {
    /// Whether a rule of the cluster refused a change, which may pass later.
    pub fn may_change(&self) -> bool {
        self.refused.iter().any(|refused| matches!(refused.why, Refusal::Rejected(_)))
    }

    /// Absent where the agent has no claim and asks for none, and as it was where the claims were not judged.
    pub(super) fn set_condition(
        &self,
        persistence: Option<&Persistence>,
        namespace: &str,
        conditions: &mut Conditions<'_>,
    ) {
        let Some(kept) = &self.kept.0 else {
            return conditions.keep(condition::VOLUMES_READY);
        };
        let is_asked =
            persistence.is_some_and(|asked| asked.sessions.is_some() || asked.workspace.is_some());
        let (truth, reason, message) = if !self.refused.is_empty() {
            let refused: Vec<_> = self.refused.iter().map(|one| one.sentence(namespace)).collect();
            (Truth::False, reason::CHANGE_REFUSED, refused.join("; "))
        } else if let Some(claim) = kept.first() {
            let message = format!(
                "the data of {} is kept; to delete it: kubectl delete pvc {} -n {namespace}",
                claim,
                kept.join(" ")
            );
            (Truth::True, reason::KEPT, message)
        } else if is_asked {
            let growing = self.growing.iter();
            let growing = growing
                .map(|(claim, says)| format!("; PersistentVolumeClaim {claim:?} grows: {says}"));
            let message =
                format!("the claims are as the agent asks{}", growing.collect::<String>());
            (Truth::True, reason::AS_REQUESTED, message)
        } else {
            return;
        };
        conditions.set(condition::VOLUMES_READY, truth, reason, message);
    }
}

impl Refused {
    /// Its data is nowhere in danger but where a person follows the last advice.
    fn sentence(&self, namespace: &str) -> String {
        let Self { claim, why } = self;
        let stays = format!(
            "PersistentVolumeClaim {claim:?} stays as it is, with its data: {}",
            why.message()
        );
        match why {
            Refusal::Rejected(_) => format!("{stays}; retrying"),
            Refusal::Invalid(_) => format!(
                "{stays}. Ask for what it has in spec.persistence, or begin with an empty volume, which deletes \
                 the data: kubectl delete pvc {claim} -n {namespace}"
            ),
        }
    }
}
