//! What each container mounts where: no path and no volume name twice. Pure.

use std::collections::{BTreeMap, BTreeSet};

use api_types::{ContainerExtras, SystemContainers, names};
use k8s_openapi::api::core::v1::VolumeMount;

use super::{Content, CredentialForm, Invalid, Place, ResolvedAgent, place};

/// The paths that a container uses, each with the field that asks for it.
type Table = BTreeMap<String, String>;

/// A user's own mount of the working directory replaces ours; every other path may be used once.
pub(super) fn check(agent: &ResolvedAgent) -> Result<(), Invalid> {
    let users = agent.pod.extra_volume_mounts.as_deref().unwrap_or_default();
    let mut table = fixed(agent);
    for context in agent.contexts.iter().filter(|one| !matches!(one.content, Content::Runtime)) {
        if let Some(place) = &context.place {
            let path = absolute(agent, place);
            claim(&mut table, &format!("spec.contexts[{}].mountPath", context.index), path)?;
        }
    }
    for checkout in &agent.checkouts {
        claim(&mut table, &checkout.label, absolute(agent, &checkout.place))?;
    }
    for (field, path) in files_of_credentials(agent) {
        claim(&mut table, &field, path.to_owned())?;
    }
    table.remove(&agent.workspace_dir);
    extra(agent, &mut table, "spec.podSpec.extraVolumeMounts", users)?;
    if agent.has_own_workspace() && agent.persistence.workspace.is_some() {
        let message = "the working directory is a volume of podSpec.extraVolumeMounts already: remove one of the two";
        return Err(Invalid::spec("spec.persistence.workspace", message));
    }
    for (name, extras) in system_containers(agent) {
        let field = format!("spec.podSpec.systemContainers.{name}.extraVolumeMounts");
        let mut table = fixed(agent);
        table.insert(names::SCRATCH_DIR.to_owned(), "the container's scratch space".to_owned());
        let mounts = extras.extra_volume_mounts.as_deref().unwrap_or_default();
        extra(agent, &mut table, &field, mounts)?;
    }
    volume_names(agent)
}

/// Ours, where the agent has them; what is reserved in every agent is refused elsewhere.
fn fixed(agent: &ResolvedAgent) -> Table {
    let mut table = Table::from([(agent.workspace_dir.clone(), "spec.workspaceDir".to_owned())]);
    if agent.ca_source.is_some() {
        table.insert(names::CA_DIR.to_owned(), "spec.caBundle".to_owned());
    }
    if agent.persistence.sessions.is_some() {
        table.insert(names::SESSIONS_DIR.to_owned(), "spec.persistence.sessions".to_owned());
    }
    table
}

fn absolute(agent: &ResolvedAgent, place: &Place) -> String {
    match place {
        Place::Outside(path) => path.clone(),
        // Two contexts may not be one file, but the working directory itself is shared.
        Place::Workspace(None) => format!("{}/.", agent.workspace_dir),
        Place::Workspace(Some(path)) => format!("{}/{}", agent.workspace_dir, path.as_str()),
    }
}

fn files_of_credentials(agent: &ResolvedAgent) -> impl Iterator<Item = (String, &str)> {
    agent.credentials.iter().filter_map(|credential| match &credential.form {
        CredentialForm::File { path, .. } | CredentialForm::Directory { path, .. } => {
            Some((credential.label.clone(), path.as_str()))
        }
        CredentialForm::Variable { .. } | CredentialForm::AllVariables => None,
    })
}

fn extra(
    agent: &ResolvedAgent,
    table: &mut Table,
    field: &str,
    mounts: &[VolumeMount],
) -> Result<(), Invalid> {
    let volumes = agent.pod.extra_volumes.iter().flatten();
    let known: BTreeSet<_> = volumes.map(|volume| volume.name.as_str()).collect();
    for (index, mount) in mounts.iter().enumerate() {
        let refuse = |what: &str, why| Invalid::spec(format!("{field}[{index}].{what}"), why);
        let path = place::absolute(&mount.mount_path).and_then(place::free);
        claim(
            table,
            &format!("{field}[{index}].mountPath"),
            path.map_err(|why| refuse("mountPath", why))?,
        )?;
        if !known.contains(mount.name.as_str()) && !is_shared(&mount.name) {
            let why = format!("there is no volume {:?} in podSpec.extraVolumes", mount.name);
            return Err(refuse("name", why));
        }
    }
    Ok(())
}

/// Volumes of ours that users have always been able to mount elsewhere.
fn is_shared(volume: &str) -> bool {
    [names::TOOLS_VOLUME, names::WORKSPACE_VOLUME].contains(&volume)
}

fn claim(table: &mut Table, field: &str, path: String) -> Result<(), Invalid> {
    if let Some(other) = table.get(&path) {
        return Err(Invalid::spec(field, format!("{path} is used already, by {other}")));
    }
    table.insert(path, field.to_owned());
    Ok(())
}

fn volume_names(agent: &ResolvedAgent) -> Result<(), Invalid> {
    let ours = |name: &str| {
        is_shared(name)
            || name.starts_with(names::VOLUME_PREFIX)
            || name.starts_with(names::CREDENTIAL_VOLUME_PREFIX)
    };
    let mut seen = BTreeSet::new();
    for (index, volume) in agent.pod.extra_volumes.iter().flatten().enumerate() {
        if ours(&volume.name) || !seen.insert(&volume.name) {
            let message = format!("the name {:?} is taken: choose another", volume.name);
            return Err(Invalid::spec(format!("spec.podSpec.extraVolumes[{index}].name"), message));
        }
    }
    Ok(())
}

fn system_containers(agent: &ResolvedAgent) -> Vec<(&'static str, &ContainerExtras)> {
    let Some(containers) = &agent.pod.system_containers else { return vec![] };
    let SystemContainers { open_code_init, context_init, git_init, git_sync, plugin_init } =
        containers;
    let named = [
        ("openCodeInit", open_code_init),
        ("contextInit", context_init),
        ("gitInit", git_init),
        ("gitSync", git_sync),
        ("pluginInit", plugin_init),
    ];
    named.into_iter().filter_map(|(name, extras)| Some((name, extras.as_ref()?))).collect()
}
