//! The ConfigMap of `OpenCode`'s configuration. Pure.

use std::collections::BTreeMap;

use api_types::names;
use k8s_openapi::api::core::v1::ConfigMap;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use super::metadata::metadata;
use crate::resolve::ResolvedAgent;

/// The key of `OpenCode`'s configuration.
pub(super) const CONFIG_KEY: &str = "opencode.json";

/// None where the agent has no configuration.
pub(super) fn config_map(agent: &ResolvedAgent) -> Option<ConfigMap> {
    let config = agent.config.as_ref()?;
    Some(ConfigMap {
        metadata: metadata(&agent.identity, names::context_config_map(&agent.identity.name)),
        data: Some(BTreeMap::from([(CONFIG_KEY.to_owned(), text(config))])),
        ..ConfigMap::default()
    })
}

/// SHA-256 of the configuration in hexadecimal. OpenCode reads its configuration
/// once, and a file mounted by subPath never changes in a running pod: on the pod's
/// template this makes a new configuration a new pod.
pub(super) fn config_hash(config: &Map<String, Value>) -> String {
    hex::encode(digest(&SHA256, text(config).as_bytes()))
}

fn text(config: &Map<String, Value>) -> String {
    format!("{:#}\n", Value::Object(config.clone()))
}
