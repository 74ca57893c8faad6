//! Fields that the API has and this version does not serve yet: said, never
//! ignored. A field that is set to nothing is not used. Pure.

use api_types::{
    AgentPodSpec, AgentSpec, ContainerExtras, Persistence, Proxy, SystemContainers,
    condition::reason,
};

use super::Invalid;

/// Fails at the first field, in the order of the API's own list.
pub(super) fn check(spec: &AgentSpec) -> Result<(), Invalid> {
    let pod = spec.pod_spec.as_ref();
    let used = [
        ("spec.contexts", any(spec.contexts.as_deref())),
        ("spec.skills", any(spec.skills.as_deref())),
        ("spec.plugins", any(spec.plugins.as_deref())),
        ("spec.podSpec.systemContainers", pod.is_some_and(has_system_containers)),
        ("spec.caBundle", spec.ca_bundle.is_some()),
        ("spec.proxy", spec.proxy.as_ref().is_some_and(has_proxy)),
        ("spec.persistence", spec.persistence.as_ref().is_some_and(has_volumes)),
        ("spec.standby", spec.standby.is_some()),
    ];
    match used.into_iter().find(|(_, used)| *used) {
        None => Ok(()),
        Some((field, _)) => Err(Invalid::new(
            reason::NOT_SUPPORTED_YET,
            field,
            "this version of the controller does not serve it yet; remove it to start the agent",
        )),
    }
}

fn any<T>(list: Option<&[T]>) -> bool {
    list.is_some_and(|list| !list.is_empty())
}

fn has_proxy(proxy: &Proxy) -> bool {
    [&proxy.http_proxy, &proxy.https_proxy, &proxy.no_proxy]
        .into_iter()
        .flatten()
        .any(|value| !value.is_empty())
}

fn has_volumes(persistence: &Persistence) -> bool {
    persistence.sessions.is_some() || persistence.workspace.is_some()
}

fn has_system_containers(pod: &AgentPodSpec) -> bool {
    let Some(containers) = &pod.system_containers else { return false };
    let SystemContainers { open_code_init, context_init, git_init, git_sync, plugin_init } =
        containers;
    let used = |extras: &ContainerExtras| {
        any(extras.extra_env.as_deref()) || any(extras.extra_volume_mounts.as_deref())
    };
    [open_code_init, context_init, git_init, git_sync, plugin_init].into_iter().flatten().any(used)
}
