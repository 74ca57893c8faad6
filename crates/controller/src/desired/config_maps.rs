//! The `ConfigMap` objects that hold an agent's files: as many as they need. Pure.

use std::collections::BTreeMap;

use api_types::{AgentId, names};
use k8s_openapi::api::core::v1::ConfigMap;

use super::{files::Files, metadata::metadata};

/// A further ConfigMap begins where one would grow beyond this, in bytes of its values. One file may
/// be longer: Kubernetes takes 1 MiB, and its limit on a request leaves room for escapes.
const VALUES_BYTES_MAX: usize = 768 << 10;

/// More than 64 contexts of type Text, two configurations and the jobs ever fill.
const CONFIG_MAPS_MAX: usize = 68;

/// In the order of their names; none where there are no files.
pub(super) fn config_maps(agent: &AgentId, files: &Files) -> Vec<ConfigMap> {
    let named = |(number, data)| ConfigMap {
        metadata: metadata(agent, name(&agent.name, number)),
        data: Some(data),
        ..ConfigMap::default()
    };
    packed(files).into_iter().enumerate().map(named).collect()
}

/// The names of the maps that hold `files`.
pub(super) fn names(agent: &str, files: &Files) -> Vec<String> {
    (0..packed(files).len()).map(|number| name(agent, number)).collect()
}

/// The names that an agent with `used` maps does not need, and may have needed: no list of
/// contexts fills more.
pub fn unused_config_maps(agent: &str, used: usize) -> impl Iterator<Item = String> {
    (used..CONFIG_MAPS_MAX).map(move |number| name(agent, number))
}

fn name(agent: &str, number: usize) -> String {
    match number {
        0 => names::context_config_map(agent),
        further => names::further_context_config_map(agent, further),
    }
}

fn packed(files: &Files) -> Vec<BTreeMap<String, String>> {
    let mut maps: Vec<(usize, BTreeMap<String, String>)> = Vec::new();
    for (key, value) in files.iter() {
        match maps.last_mut() {
            Some((bytes, map)) if *bytes + value.len() <= VALUES_BYTES_MAX => {
                *bytes += value.len();
                map.insert(key.clone(), value.clone());
            }
            _ => maps.push((value.len(), BTreeMap::from([(key.clone(), value.clone())]))),
        }
    }
    maps.into_iter().map(|(_, map)| map).collect()
}
