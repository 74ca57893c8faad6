//! Paths and volume names that two parts of an agent must not both want. Pure.

use std::collections::BTreeSet;

use api_types::names;

use super::{CredentialForm, Invalid, ResolvedAgent};

/// A path that is `dir` or lies in it.
pub(super) fn is_within(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A user's own mount of the working directory replaces ours; every other path may
/// be used once.
pub(super) fn check(agent: &ResolvedAgent) -> Result<(), Invalid> {
    let mut taken = BTreeSet::from([names::TOOLS_DIR, names::OPENCODE_BINARY, names::CONFIG_FILE]);
    for credential in &agent.credentials {
        let (CredentialForm::File { path, .. } | CredentialForm::Directory { path, .. }) =
            &credential.form
        else {
            continue;
        };
        claim(&mut taken, "spec.credentials", path)?;
    }
    if taken.contains(agent.workspace_dir.as_str()) {
        return claim(&mut taken, "spec.workspaceDir", &agent.workspace_dir);
    }
    for mount in agent.pod.extra_volume_mounts.iter().flatten() {
        claim(&mut taken, "spec.podSpec.extraVolumeMounts", &mount.mount_path)?;
    }
    volume_names(agent)
}

fn claim<'a>(
    taken: &mut BTreeSet<&'a str>,
    field: &'static str,
    path: &'a str,
) -> Result<(), Invalid> {
    let bare = path.trim_end_matches('/');
    if taken.insert(bare) {
        return Ok(());
    }
    Err(Invalid::spec(field, format!("{bare} is mounted already")))
}

fn volume_names(agent: &ResolvedAgent) -> Result<(), Invalid> {
    let ours = |name: &str| {
        [names::TOOLS_VOLUME, names::WORKSPACE_VOLUME, names::CONFIG_VOLUME].contains(&name)
            || name.starts_with(names::CREDENTIAL_VOLUME_PREFIX)
    };
    let mut seen = BTreeSet::new();
    for volume in agent.pod.extra_volumes.iter().flatten() {
        if ours(&volume.name) || !seen.insert(&volume.name) {
            let message = format!("the name {:?} is taken: choose another", volume.name);
            return Err(Invalid::spec("spec.podSpec.extraVolumes", message));
        }
    }
    Ok(())
}
