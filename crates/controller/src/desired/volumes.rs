//! The volumes of an agent's pod, and our own mounts of them. Pure.

use api_types::names;
use k8s_openapi::api::core::v1::{
    ConfigMapProjection, ConfigMapVolumeSource, EmptyDirVolumeSource, KeyToPath,
    PersistentVolumeClaimVolumeSource, ProjectedVolumeSource, SecretVolumeSource, Volume,
    VolumeMount, VolumeProjection,
};

use super::{
    config_maps, credentials,
    files::{CONFIG_KEY, Files, TUI_CONFIG_KEY},
    jobs::{GIT_ENTRY, url_contexts},
};
use crate::resolve::{CaSource, Content, Context, Place, ResolvedAgent};

/// Ours, the credentials', then the user's.
pub(super) fn volumes(agent: &ResolvedAgent, files: &Files) -> Vec<Volume> {
    let name = &agent.identity.name;
    let mut volumes = vec![empty_dir(names::TOOLS_VOLUME)];
    if !agent.has_own_workspace() {
        volumes.push(match agent.persistence.workspace {
            Some(_) => claim(names::WORKSPACE_VOLUME, names::workspace_claim(name)),
            None => empty_dir(names::WORKSPACE_VOLUME),
        });
    }
    if agent.persistence.sessions.is_some() {
        volumes.push(claim(names::SESSIONS_VOLUME, names::sessions_claim(name)));
    }
    if !files.is_empty() {
        volumes.push(projected(config_maps::names(name, files)));
    }
    volumes.extend(agent.ca_source.as_ref().map(custom_ca));
    if uses_contexts_volume(agent) {
        volumes.push(empty_dir(names::CONTEXT_VOLUME));
    }
    volumes.extend(agent.contexts.iter().filter_map(users_config_map));
    for (index, checkout) in agent.checkouts.iter().enumerate() {
        if matches!(checkout.place, Place::Outside(_)) {
            volumes.push(empty_dir(&git_volume(index)));
        }
    }
    if !agent.extensions.packages.is_empty() {
        volumes.push(empty_dir(names::PLUGINS_VOLUME));
    }
    if needs_scratch(agent) {
        volumes.push(empty_dir(names::SCRATCH_VOLUME));
    }
    volumes.extend(access(agent));
    volumes.extend(credentials::volumes(&agent.credentials));
    volumes.extend(agent.pod.extra_volumes.iter().flatten().cloned());
    volumes
}

/// Of the server.
pub(super) fn own_mounts(agent: &ResolvedAgent) -> Vec<VolumeMount> {
    let mut mounts = vec![tools_mount()];
    if !agent.has_own_workspace() {
        mounts.push(mount(names::WORKSPACE_VOLUME, &agent.workspace_dir));
    }
    if agent.persistence.sessions.is_some() {
        mounts.push(mount(names::SESSIONS_VOLUME, names::SESSIONS_DIR));
    }
    let extensions = &agent.extensions;
    for (config, key, path) in [
        (&extensions.config, CONFIG_KEY, names::CONFIG_FILE),
        (&extensions.tui_config, TUI_CONFIG_KEY, names::TUI_CONFIG_FILE),
    ] {
        if config.is_some() {
            mounts.push(read_only(entry(names::CONFIG_VOLUME, key, path)));
        }
    }
    mounts.extend(ca_mount(agent));
    for context in &agent.contexts {
        if let Some(Place::Outside(path)) = &context.place {
            mounts.push(entry(names::CONTEXT_VOLUME, &context.index.to_string(), path));
        }
    }
    for (index, checkout) in agent.checkouts.iter().enumerate() {
        if let Place::Outside(path) = &checkout.place {
            mounts.push(entry(&git_volume(index), GIT_ENTRY, path));
        }
    }
    if !extensions.packages.is_empty() {
        mounts.push(read_only(mount(names::PLUGINS_VOLUME, names::PLUGINS_DIR)));
    }
    mounts
}

pub(super) fn tools_mount() -> VolumeMount {
    mount(names::TOOLS_VOLUME, names::TOOLS_DIR)
}

/// The working directory as the server sees it, for the containers that fill it.
pub(super) fn workspace_mount(agent: &ResolvedAgent) -> VolumeMount {
    let own = agent.own_workspace().cloned();
    own.unwrap_or_else(|| mount(names::WORKSPACE_VOLUME, &agent.workspace_dir))
}

pub(super) fn ca_mount(agent: &ResolvedAgent) -> Option<VolumeMount> {
    agent.ca_source.as_ref().map(|_| read_only(mount(names::CA_VOLUME, names::CA_DIR)))
}

pub(super) fn mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount { name: volume.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

/// Of one file or folder of a volume.
pub(super) fn entry(volume: &str, name: &str, path: &str) -> VolumeMount {
    VolumeMount { sub_path: Some(name.to_owned()), ..mount(volume, path) }
}

pub(super) fn read_only(mount: VolumeMount) -> VolumeMount {
    VolumeMount { read_only: Some(true), ..mount }
}

/// The volume of the repository with this index, where it is outside the working directory.
pub(super) fn git_volume(index: usize) -> String {
    format!("{}{index}", names::GIT_VOLUME_PREFIX)
}

/// The volume of the ConfigMap that the context with this index names.
pub(super) fn config_map_volume(index: usize) -> String {
    format!("{}{index}", names::CONFIG_MAP_VOLUME_PREFIX)
}

/// The volume of the Secret that a container authenticates itself with.
pub(super) fn access_volume(container: &str) -> String {
    format!("{}{container}", names::ACCESS_VOLUME_PREFIX)
}

/// Whether contexts lie outside the working directory, or wait for their document.
pub(super) fn uses_contexts_volume(agent: &ResolvedAgent) -> bool {
    agent.contexts.iter().any(|context| match &context.place {
        Some(Place::Outside(_)) => true,
        Some(Place::Workspace(_)) => false,
        None => matches!(context.content, Content::Url(_)),
    })
}

fn needs_scratch(agent: &ResolvedAgent) -> bool {
    let urls = url_contexts(agent).next().is_some();
    urls || !agent.checkouts.is_empty() || !agent.extensions.packages.is_empty()
}

fn access(agent: &ResolvedAgent) -> Vec<Volume> {
    let git = agent.checkouts.iter().enumerate().filter_map(|(index, checkout)| {
        let container = format!("{}{index}", names::GIT_INIT_PREFIX);
        Some((container, checkout.secret.clone()?))
    });
    let urls = url_contexts(agent).enumerate().filter_map(|(index, (_, url))| {
        let container = format!("{}{index}", names::URL_FETCH_PREFIX);
        Some((container, url.secret_ref.clone()?.name))
    });
    git.chain(urls)
        .map(|(container, secret)| secret_volume(&access_volume(&container), secret))
        .collect()
}

fn secret_volume(name: &str, secret: String) -> Volume {
    let secret = SecretVolumeSource { secret_name: Some(secret), ..SecretVolumeSource::default() };
    Volume { name: name.to_owned(), secret: Some(secret), ..Volume::default() }
}

fn users_config_map(context: &Context) -> Option<Volume> {
    let Content::ConfigMap { name, key, optional } = &context.content else { return None };
    let items = key.as_ref().map(|key| vec![item(key, key)]);
    let source = ConfigMapVolumeSource {
        name: name.clone(),
        items,
        optional: Some(*optional),
        default_mode: None,
    };
    let name = config_map_volume(context.index);
    Some(Volume { name, config_map: Some(source), ..Volume::default() })
}

fn custom_ca(source: &CaSource) -> Volume {
    let file = |key: &str| Some(vec![item(key, "tls.crt")]);
    let name = names::CA_VOLUME.to_owned();
    match source {
        CaSource::ConfigMap { name: from, key } => {
            let source = ConfigMapVolumeSource {
                name: from.clone(),
                items: file(key),
                ..ConfigMapVolumeSource::default()
            };
            Volume { name, config_map: Some(source), ..Volume::default() }
        }
        CaSource::Secret { name: from, key } => {
            let source = SecretVolumeSource {
                secret_name: Some(from.clone()),
                items: file(key),
                ..SecretVolumeSource::default()
            };
            Volume { name, secret: Some(source), ..Volume::default() }
        }
    }
}

fn item(key: &str, path: &str) -> KeyToPath {
    KeyToPath { key: key.to_owned(), path: path.to_owned(), mode: None }
}

fn empty_dir(name: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    }
}

fn claim(name: &str, claim_name: String) -> Volume {
    let source = PersistentVolumeClaimVolumeSource { claim_name, read_only: None };
    Volume { name: name.to_owned(), persistent_volume_claim: Some(source), ..Volume::default() }
}

/// All maps as one folder.
fn projected(config_maps: Vec<String>) -> Volume {
    let source = |name| VolumeProjection {
        config_map: Some(ConfigMapProjection { name, ..ConfigMapProjection::default() }),
        ..VolumeProjection::default()
    };
    let sources = Some(config_maps.into_iter().map(source).collect());
    Volume {
        name: names::CONFIG_VOLUME.to_owned(),
        projected: Some(ProjectedVolumeSource { sources, ..ProjectedVolumeSource::default() }),
        ..Volume::default()
    }
}
