//! What each container mounts where, and what is written there: nothing is in the way of anything else. Pure.

mod table;

use std::collections::BTreeSet;

use api_types::{ContainerExtras, SystemContainers, names};
use k8s_openapi::api::core::v1::VolumeMount;

use self::table::{
    Kind::{Closed, File, Folder},
    Origin, Table,
};
use super::{Checkout, Content, Context, CredentialForm, Invalid, Place, ResolvedAgent, place};

/// Who else is at the path of the document, in a message.
const DOCUMENT: &str = "the document of the contexts without a mountPath";
/// The same for the writable space of a container of ours.
const SCRATCH: &str = "the container's own volume, which is writable";

/// A user's own mount of the working directory replaces ours; every other path may be used once.
pub(super) fn check(agent: &ResolvedAgent) -> Result<(), Invalid> {
    let mut table = of_server(agent)?;
    table.release(&agent.workspace_dir);
    extra(agent, &mut table, "spec.podSpec.extraVolumeMounts", users_mounts(agent))?;
    if agent.has_own_workspace() && agent.persistence.workspace.is_some() {
        let message = "the working directory is a volume of podSpec.extraVolumeMounts already: remove one of the two";
        return Err(Invalid::spec("spec.persistence.workspace", message));
    }
    for (name, container) in Container::ALL {
        let field = format!("spec.podSpec.systemContainers.{name}.extraVolumeMounts");
        let mut table = of_system(agent, container)?;
        extra(agent, &mut table, &field, mounts(container.extras(agent)))?;
    }
    volume_names(agent)
}

/// What the agent's own container has, but for the user's volumes.
fn of_server(agent: &ResolvedAgent) -> Result<Table<'_>, Invalid> {
    let mut table = Table::new(&agent.workspace_dir);
    trust(agent, &mut table)?;
    if agent.persistence.sessions.is_some() {
        let sessions = (Folder, Origin::Ours);
        table.claim("spec.persistence.sessions", names::SESSIONS_DIR, sessions)?;
    }
    workspace(agent, &mut table)?;
    let [by_context_init, by_git_init] =
        [Container::ContextInit, Container::GitInit].map(|one| mounts(one.extras(agent)));
    document(agent, &mut table, Origin::Written(by_context_init))?;
    contexts(agent, &mut table, |context, place| match (place, &context.content) {
        (Place::Outside(_), _) => Some(Origin::Ours),
        (Place::Workspace(_), Content::Url(_)) => Some(Origin::Written(&[])),
        (Place::Workspace(_), _) => Some(Origin::Written(by_context_init)),
    })?;
    checkouts(agent, &mut table, |checkout| match checkout.place {
        Place::Outside(_) => Some(Origin::Ours),
        Place::Workspace(_) => Some(Origin::Written(by_git_init)),
    })?;
    for credential in &agent.credentials {
        let (path, kind) = match &credential.form {
            CredentialForm::File { path, .. } => (path, File),
            CredentialForm::Directory { path, .. } => (path, Folder),
            CredentialForm::Variable { .. } | CredentialForm::AllVariables => continue,
        };
        table.claim(&credential.label, path, (kind, Origin::Ours))?;
    }
    Ok(table)
}

/// What a container of ours has, but for the user's volumes; nothing where the pod has no such container. What is reserved
/// in every container is refused elsewhere.
fn of_system(agent: &ResolvedAgent, container: Container) -> Result<Table<'_>, Invalid> {
    let mut table = Table::new(&agent.workspace_dir);
    if !container.is_needed(agent) {
        return Ok(table);
    }
    trust(agent, &mut table)?;
    let read_by_server = Origin::Written(users_mounts(agent));
    match container {
        Container::OpenCodeInit => {}
        Container::ContextInit => {
            workspace(agent, &mut table)?;
            document(agent, &mut table, read_by_server)?;
            contexts(agent, &mut table, |context, place| {
                let is_within = matches!(place, Place::Workspace(_));
                (is_within && is_written_by_context_init(context)).then_some(read_by_server)
            })?;
        }
        Container::GitInit | Container::GitSync => {
            scratch(&mut table)?;
            let is_within = |checkout: &Checkout| {
                matches!(checkout.place, Place::Workspace(_)) && container.is_for(checkout)
            };
            if agent.checkouts.iter().any(is_within) {
                workspace(agent, &mut table)?;
            }
            checkouts(agent, &mut table, |checkout| is_within(checkout).then_some(read_by_server))?;
        }
        Container::PluginInit => scratch(&mut table)?,
    }
    Ok(table)
}

/// Of a URL with a path of its own another container writes the file.
fn is_written_by_context_init(context: &Context) -> bool {
    context.is_in_document() || !matches!(context.content, Content::Url(_))
}

fn trust(agent: &ResolvedAgent, table: &mut Table<'_>) -> Result<(), Invalid> {
    match agent.ca_source {
        Some(_) => table.claim("spec.caBundle", names::CA_DIR, (Closed, Origin::Ours)),
        None => Ok(()),
    }
}

fn workspace(agent: &ResolvedAgent, table: &mut Table<'_>) -> Result<(), Invalid> {
    table.claim("spec.workspaceDir", &agent.workspace_dir, (Folder, Origin::Ours))
}

fn scratch(table: &mut Table<'_>) -> Result<(), Invalid> {
    table.claim(SCRATCH, names::SCRATCH_DIR, (Folder, Origin::Ours))
}

fn document<'a>(
    agent: &ResolvedAgent,
    table: &mut Table<'a>,
    origin: Origin<'a>,
) -> Result<(), Invalid> {
    if !agent.contexts.iter().any(Context::is_in_document) {
        return Ok(());
    }
    let path = format!("{}/{}", agent.workspace_dir, names::CONTEXT_DOCUMENT);
    table.claim(DOCUMENT, path, (File, origin))
}

fn contexts<'a>(
    agent: &ResolvedAgent,
    table: &mut Table<'a>,
    origin: impl Fn(&Context, &Place) -> Option<Origin<'a>>,
) -> Result<(), Invalid> {
    for context in &agent.contexts {
        let Some(place) = &context.place else { continue };
        let Some(origin) = origin(context, place) else { continue };
        let field = format!("spec.contexts[{}].mountPath", context.index);
        let kind = if context.content.is_folder() { Folder } else { File };
        table.claim(field, absolute(agent, place), (kind, origin))?;
    }
    Ok(())
}

fn checkouts<'a>(
    agent: &ResolvedAgent,
    table: &mut Table<'a>,
    origin: impl Fn(&Checkout) -> Option<Origin<'a>>,
) -> Result<(), Invalid> {
    for checkout in &agent.checkouts {
        if let Some(origin) = origin(checkout) {
            table.claim(&checkout.label, absolute(agent, &checkout.place), (Folder, origin))?;
        }
    }
    Ok(())
}

fn absolute(agent: &ResolvedAgent, place: &Place) -> String {
    match place {
        Place::Outside(path) => path.clone(),
        // Two contexts may not be one file, but the working directory itself is shared.
        Place::Workspace(None) => format!("{}/.", agent.workspace_dir),
        Place::Workspace(Some(path)) => format!("{}/{}", agent.workspace_dir, path.as_str()),
    }
}

fn extra<'a>(
    agent: &'a ResolvedAgent,
    table: &mut Table<'a>,
    field: &str,
    mounts: &'a [VolumeMount],
) -> Result<(), Invalid> {
    let volumes = agent.pod.extra_volumes.iter().flatten();
    let known: BTreeSet<_> = volumes.map(|volume| volume.name.as_str()).collect();
    for (index, mount) in mounts.iter().enumerate() {
        let refuse = |what: &str, why| Invalid::spec(format!("{field}[{index}].{what}"), why);
        let path = place::absolute(&mount.mount_path).and_then(place::free);
        let path = path.map_err(|why| refuse("mountPath", why))?;
        let by = format!("{field}[{index}].mountPath");
        table.claim(by, path, (Folder, Origin::Users(mount)))?;
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

fn users_mounts(agent: &ResolvedAgent) -> &[VolumeMount] {
    agent.pod.extra_volume_mounts.as_deref().unwrap_or_default()
}

fn mounts(extras: Option<&ContainerExtras>) -> &[VolumeMount] {
    extras.and_then(|extras| extras.extra_volume_mounts.as_deref()).unwrap_or_default()
}

/// A container of ours that users may add to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    OpenCodeInit,
    ContextInit,
    GitInit,
    GitSync,
    PluginInit,
}

impl Container {
    const ALL: [(&'static str, Self); 5] = [
        ("openCodeInit", Self::OpenCodeInit),
        ("contextInit", Self::ContextInit),
        ("gitInit", Self::GitInit),
        ("gitSync", Self::GitSync),
        ("pluginInit", Self::PluginInit),
    ];

    fn is_needed(self, agent: &ResolvedAgent) -> bool {
        match self {
            Self::OpenCodeInit => true,
            Self::ContextInit => agent.contexts.iter().any(is_written_by_context_init),
            Self::GitInit | Self::GitSync => agent.checkouts.iter().any(|one| self.is_for(one)),
            Self::PluginInit => !agent.extensions.packages.is_empty(),
        }
    }

    /// Whether there is one for the repository, where it is one of those that are.
    fn is_for(self, checkout: &Checkout) -> bool {
        self != Self::GitSync || checkout.sync.is_some()
    }

    fn extras(self, agent: &ResolvedAgent) -> Option<&ContainerExtras> {
        let SystemContainers { open_code_init, context_init, git_init, git_sync, plugin_init } =
            agent.pod.system_containers.as_ref()?;
        match self {
            Self::OpenCodeInit => open_code_init,
            Self::ContextInit => context_init,
            Self::GitInit => git_init,
            Self::GitSync => git_sync,
            Self::PluginInit => plugin_init,
        }
        .as_ref()
    }
}

#[cfg(test)]
mod tests;
