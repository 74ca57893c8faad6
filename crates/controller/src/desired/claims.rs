//! The persistent volumes of an agent. Pure.

use std::collections::BTreeMap;

use api_types::{DEFAULT_SESSIONS_SIZE, DEFAULT_WORKSPACE_SIZE, VolumeClaim, names};
use k8s_openapi::{
    api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements},
    apimachinery::pkg::api::resource::Quantity,
};

use super::metadata::metadata;
use crate::resolve::ResolvedAgent;

/// Those that the agent asks for. They are deleted with the agent, and with nothing else.
pub(super) fn claims(agent: &ResolvedAgent) -> Vec<PersistentVolumeClaim> {
    let name = &agent.identity.name;
    let asked = [
        (names::sessions_claim(name), &agent.persistence.sessions, DEFAULT_SESSIONS_SIZE),
        (names::workspace_claim(name), &agent.persistence.workspace, DEFAULT_WORKSPACE_SIZE),
    ];
    let made = asked.into_iter().filter_map(|(name, claim, size)| {
        claim.as_ref().map(|claim| self::claim(agent, name, claim, size))
    });
    made.collect()
}

fn claim(
    agent: &ResolvedAgent,
    name: String,
    claim: &VolumeClaim,
    default_size: &str,
) -> PersistentVolumeClaim {
    let size = claim.size.clone().unwrap_or_else(|| Quantity(default_size.to_owned()));
    PersistentVolumeClaim {
        metadata: metadata(&agent.identity, name),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: claim.storage_class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), size)])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
