//! The volumes of an agent's pod, and our own mounts of them. Pure.

use api_types::names;
use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, EmptyDirVolumeSource, Volume, VolumeMount,
};

use super::{config_map::CONFIG_KEY, credentials};
use crate::resolve::ResolvedAgent;

/// Ours, the credentials', then the user's.
pub(super) fn volumes(agent: &ResolvedAgent) -> Vec<Volume> {
    let mut volumes = vec![empty_dir(names::TOOLS_VOLUME)];
    if !users_mount_workspace(agent) {
        volumes.push(empty_dir(names::WORKSPACE_VOLUME));
    }
    if agent.config.is_some() {
        volumes.push(config(&agent.identity.name));
    }
    volumes.extend(credentials::volumes(&agent.credentials));
    volumes.extend(agent.pod.extra_volumes.iter().flatten().cloned());
    volumes
}

/// Of the server.
pub(super) fn own_mounts(agent: &ResolvedAgent) -> Vec<VolumeMount> {
    let mut mounts = vec![tools_mount()];
    if !users_mount_workspace(agent) {
        mounts.push(mount(names::WORKSPACE_VOLUME, &agent.workspace_dir));
    }
    if agent.config.is_some() {
        mounts.push(VolumeMount {
            sub_path: Some(CONFIG_KEY.to_owned()),
            read_only: Some(true),
            ..mount(names::CONFIG_VOLUME, names::CONFIG_FILE)
        });
    }
    mounts
}

pub(super) fn tools_mount() -> VolumeMount {
    mount(names::TOOLS_VOLUME, names::TOOLS_DIR)
}

pub(super) fn mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount { name: volume.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

/// A user who mounts a volume of their own there wants that one.
fn users_mount_workspace(agent: &ResolvedAgent) -> bool {
    let there = |path: &str| path.trim_end_matches('/') == agent.workspace_dir;
    agent.pod.extra_volume_mounts.iter().flatten().any(|mount| there(&mount.mount_path))
}

fn empty_dir(name: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    }
}

fn config(agent: &str) -> Volume {
    Volume {
        name: names::CONFIG_VOLUME.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: names::context_config_map(agent),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}
