//! The persistent volumes of an agent: what Kubernetes would not change, and what is kept though the
//! agent does not ask for it any more. Pure.

use api_types::{
    Persistence,
    condition::{self, reason},
};

use super::conditions::{Conditions, Truth};

/// What was found out about the agent's claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volumes {
    /// A claim that exists and could not be changed, and the server's words.
    pub refused: Option<(String, String)>,
    /// Claims that exist and are not asked for.
    pub kept: Vec<String>,
}

impl Volumes {
    /// Absent where the agent has no claim and asks for none.
    pub(super) fn set_condition(
        &self,
        persistence: Option<&Persistence>,
        namespace: &str,
        conditions: &mut Conditions<'_>,
    ) {
        let is_asked =
            persistence.is_some_and(|asked| asked.sessions.is_some() || asked.workspace.is_some());
        let (truth, reason, message) = if let Some((claim, why)) = &self.refused {
            let message = format!(
                "PersistentVolumeClaim {claim:?} stays as it is: {why}. To begin with an empty volume of the new kind: kubectl delete pvc {claim} -n {namespace}"
            );
            (Truth::False, reason::CHANGE_REFUSED, message)
        } else if let Some(claim) = self.kept.first() {
            let message = format!(
                "the data of {} is kept; to delete it: kubectl delete pvc {} -n {namespace}",
                claim,
                self.kept.join(" ")
            );
            (Truth::True, reason::KEPT, message)
        } else if is_asked {
            (Truth::True, reason::AS_REQUESTED, "the claims are as the agent asks".to_owned())
        } else {
            return;
        };
        conditions.set(condition::VOLUMES_READY, truth, reason, message);
    }
}
