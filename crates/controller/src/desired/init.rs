//! The containers that prepare an agent, and those that keep its repositories up to date. Pure.

use api_types::{ContainerExtras, SystemContainers, names};
use k8s_openapi::api::core::v1::{Container, EnvVar, VolumeMount};

use super::{
    containers::{argv, container, memory},
    env::{self, Trust, variable},
    files::{CONTEXT_JOB_KEY, PLUGIN_JOB_KEY, git_job_key, url_job_key},
    jobs, volumes,
};
use crate::resolve::{Checkout, Content, Place, ResolvedAgent};

/// Where the tools image keeps its program.
const TOOLS_IMAGE_BINARY: &str = "/agent-tools";
/// Less than the server asks for, which comes after them: they cost the node nothing.
const MEMORY_REQUEST: &str = "64Mi";
/// A repository of some gigabytes is cloned with it, and npm installs what plugins need.
const MEMORY_LIMIT: &str = "2Gi";

/// In the order in which they run. Contexts come after repositories, so that they can be written into one.
pub(super) fn init(agent: &ResolvedAgent) -> Vec<Container> {
    let mut containers = vec![opencode_init(agent), terminal_init(agent)];
    let git = agent.checkouts.iter().enumerate();
    containers.extend(git.map(|(index, checkout)| git_init(agent, index, checkout)));
    let urls = jobs::url_contexts(agent).enumerate();
    containers.extend(urls.map(|(index, (context, url))| {
        let place = context.place.as_ref();
        url_fetch(agent, index, place, url.secret_ref.is_some())
    }));
    if jobs::context(agent).is_some() {
        containers.push(context_init(agent));
    }
    if !agent.extensions.packages.is_empty() {
        containers.push(plugin_init(agent));
    }
    containers
}

/// One for each repository that is followed.
pub(super) fn sync(agent: &ResolvedAgent) -> Vec<Container> {
    let followed = agent.checkouts.iter().enumerate().filter(|(_, one)| one.sync.is_some());
    let sidecar = |(index, checkout): (usize, &Checkout)| {
        let name = format!("{}{index}", names::GIT_SYNC_PREFIX);
        let extras = extras(agent, |all| &all.git_sync);
        git(agent, &name, "git-sync", index, checkout, extras)
    };
    followed.map(sidecar).collect()
}

fn opencode_init(agent: &ResolvedAgent) -> Container {
    let extras = extras(agent, |all| &all.open_code_init);
    let mounts = [Some(volumes::tools_mount()), volumes::ca_mount(agent)];
    Container {
        // The image's own entry point copies OpenCode to the directory named by TOOLS_DIR.
        env: env::of_system(
            agent,
            Trust::Custom,
            vec![variable("TOOLS_DIR", names::TOOLS_DIR)],
            extras,
        ),
        volume_mounts: Some(with_users(mounts.into_iter().flatten().collect(), extras)),
        resources: Some(memory(MEMORY_REQUEST, MEMORY_LIMIT)),
        ..container(agent, names::OPENCODE_INIT, &agent.images.agent)
    }
}

fn terminal_init(agent: &ResolvedAgent) -> Container {
    let mut command = argv([TOOLS_IMAGE_BINARY, "install", names::TOOLS_DIR]);
    if agent.ca_source.is_some() {
        command.extend(argv(["--ca-bundle", names::CA_FILE]));
    }
    let mounts = [Some(volumes::tools_mount()), volumes::ca_mount(agent)];
    Container {
        command: Some(command),
        env: env::of_system(agent, Trust::Custom, vec![], None),
        volume_mounts: Some(mounts.into_iter().flatten().collect()),
        resources: Some(memory(MEMORY_REQUEST, MEMORY_LIMIT)),
        ..container(agent, names::TERMINAL_INIT, &agent.images.tools)
    }
}

fn git_init(agent: &ResolvedAgent, index: usize, checkout: &Checkout) -> Container {
    let name = format!("{}{index}", names::GIT_INIT_PREFIX);
    git(agent, &name, "git-init", index, checkout, extras(agent, |all| &all.git_init))
}

fn git(
    agent: &ResolvedAgent,
    name: &str,
    program: &str,
    index: usize,
    checkout: &Checkout,
    extras: Option<&ContainerExtras>,
) -> Container {
    let mut mounts = vec![match checkout.place {
        Place::Workspace(_) => volumes::workspace_mount(agent),
        Place::Outside(_) => volumes::mount(&volumes::git_volume(index), names::GIT_DIR),
    }];
    // Both containers of a repository share what they remember of it.
    mounts.push(scratch(&format!("git-{index}")));
    if checkout.secret.is_some() {
        mounts.push(access(&format!("{}{index}", names::GIT_INIT_PREFIX)));
    }
    let ours = vec![variable("HOME", names::SCRATCH_DIR), variable("SHELL", "/bin/bash")];
    program_of_ours(agent, name, [program, &git_job_key(index)], ours, mounts, extras)
}

fn url_fetch(
    agent: &ResolvedAgent,
    index: usize,
    place: Option<&Place>,
    has_secret: bool,
) -> Container {
    let name = format!("{}{index}", names::URL_FETCH_PREFIX);
    let mut mounts = vec![match place {
        Some(Place::Workspace(_)) => volumes::workspace_mount(agent),
        Some(Place::Outside(_)) | None => volumes::mount(names::CONTEXT_VOLUME, names::CONTEXT_DIR),
    }];
    mounts.push(scratch(&name));
    if has_secret {
        mounts.push(access(&name));
    }
    let ours = vec![variable("HOME", names::SCRATCH_DIR)];
    program_of_ours(agent, &name, ["url-fetch", &url_job_key(index)], ours, mounts, None)
}

fn context_init(agent: &ResolvedAgent) -> Container {
    let mut mounts = vec![volumes::workspace_mount(agent)];
    if volumes::uses_contexts_volume(agent) {
        mounts.push(volumes::mount(names::CONTEXT_VOLUME, names::CONTEXT_DIR));
    }
    let named = agent
        .contexts
        .iter()
        .filter(|context| matches!(context.content, Content::ConfigMap { .. }));
    mounts.extend(named.map(|context| {
        let path = format!("{}/{}", names::CONFIG_MAP_DIR, context.index);
        volumes::read_only(volumes::mount(&volumes::config_map_volume(context.index), &path))
    }));
    let extras = extras(agent, |all| &all.context_init);
    let job = ["context-init", CONTEXT_JOB_KEY];
    program_of_ours(agent, names::CONTEXT_INIT, job, vec![], mounts, extras)
}

/// npm is in the image that the agent works in; our own holds nothing else.
fn plugin_init(agent: &ResolvedAgent) -> Container {
    let mounts = vec![
        volumes::mount(names::PLUGINS_VOLUME, names::PLUGINS_DIR),
        scratch(names::PLUGIN_INIT),
    ];
    let ours = vec![variable("HOME", names::SCRATCH_DIR), variable("SHELL", "/bin/bash")];
    let extras = extras(agent, |all| &all.plugin_init);
    let job = ["plugin-init", PLUGIN_JOB_KEY];
    let made = program_of_ours(agent, names::PLUGIN_INIT, job, ours, mounts, extras);
    Container {
        command: Some(command(names::AGENT_TOOLS_BINARY, job)),
        ..with_image(agent, made, &agent.images.executor)
    }
}

/// A program of our image, and the job that it reads.
fn program_of_ours(
    agent: &ResolvedAgent,
    name: &str,
    job: [&str; 2],
    ours: Vec<EnvVar>,
    mounts: Vec<VolumeMount>,
    extras: Option<&ContainerExtras>,
) -> Container {
    let common = [
        Some(volumes::read_only(volumes::tools_mount())),
        Some(volumes::read_only(volumes::mount(names::CONFIG_VOLUME, names::CONFIG_DIR))),
        volumes::ca_mount(agent),
    ];
    let mounts = common.into_iter().flatten().chain(mounts).collect();
    Container {
        command: Some(command(TOOLS_IMAGE_BINARY, job)),
        env: env::of_system(agent, Trust::Joined, ours, extras),
        volume_mounts: Some(with_users(mounts, extras)),
        resources: Some(memory(MEMORY_REQUEST, MEMORY_LIMIT)),
        ..container(agent, name, &agent.images.tools)
    }
}

/// Nothing that a user wrote is on a command line: the job is a file.
fn command(binary: &str, [program, job]: [&str; 2]) -> Vec<String> {
    argv([binary, program, "--job", &format!("{}/{job}", names::CONFIG_DIR)])
}

fn with_image(agent: &ResolvedAgent, made: Container, image: &str) -> Container {
    let Container { image, image_pull_policy, .. } = container(agent, &made.name, image);
    Container { image, image_pull_policy, ..made }
}

fn with_users(mut mounts: Vec<VolumeMount>, extras: Option<&ContainerExtras>) -> Vec<VolumeMount> {
    let users = extras.and_then(|extras| extras.extra_volume_mounts.as_ref());
    mounts.extend(users.into_iter().flatten().cloned());
    mounts
}

fn extras<'a>(
    agent: &'a ResolvedAgent,
    of: impl Fn(&'a SystemContainers) -> &'a Option<ContainerExtras>,
) -> Option<&'a ContainerExtras> {
    agent.pod.system_containers.as_ref().and_then(|all| of(all).as_ref())
}

fn scratch(name: &str) -> VolumeMount {
    volumes::entry(names::SCRATCH_VOLUME, name, names::SCRATCH_DIR)
}

fn access(container: &str) -> VolumeMount {
    volumes::read_only(volumes::mount(&volumes::access_volume(container), names::ACCESS_DIR))
}
