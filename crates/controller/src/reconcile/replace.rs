//! A Deployment of the agent's whose selector is another one, as an earlier installation of the Go
//! project made it. A selector cannot be changed, so the Deployment is deleted and created anew.

use api_types::AgentId;
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::events::{Event, EventType};

use super::{Reconciler, owner};
use crate::{error::ControllerError, kinds::Child, observe::Observed};

/// Reason of the Event that tells of it.
const REPLACED: &str = "Replaced";

impl Reconciler {
    /// Whether the Deployment is on its way out: another reconcile creates it anew once it is gone.
    pub(super) async fn replace_outdated(
        &self,
        identity: &AgentId,
        held: &Observed<Deployment>,
        desired: &Deployment,
    ) -> Result<Replacement, ControllerError> {
        let Some(held) = held.owned().filter(|held| held.kept.selector != desired.kept().selector)
        else {
            return Ok(Replacement::NotNeeded);
        };
        self.applier.delete_after_dependents(owner(identity), held).await?;
        let note = format!(
            "Deployment {:?} had another selector, as an earlier installation made it: it is deleted \
             with its pods and created anew; volumes are kept",
            held.name
        );
        tracing::info!(agent = %identity, note);
        let event = Event {
            type_: EventType::Normal,
            reason: REPLACED.to_owned(),
            note: Some(note),
            action: "Replace".to_owned(),
            secondary: None,
        };
        // Nothing depends on it, and it is in the log.
        if let Err(error) = self.events.publish(&event, &identity.object_reference()).await {
            tracing::warn!(agent = %identity, %error, "cannot write an Event");
        }
        Ok(Replacement::Begun)
    }
}

/// What became of a Deployment with another selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replacement {
    NotNeeded,
    Begun,
}
