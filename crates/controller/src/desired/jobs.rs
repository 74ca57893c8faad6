//! What the programs in an agent's pod are to do. Pure.

use agent_jobs::{
    Block, ContextJob, Document, GitJob, Item, PluginJob, RelativePath, Source, SyncPolicy, Target,
    UrlJob,
};
use api_types::{UrlContext, names};

use super::files::text_key;
use crate::resolve::{Checkout, Content, Context, Place, ResolvedAgent};

/// The entry of a git volume that is mounted in the agent's container.
pub(super) const GIT_ENTRY: &str = "repo";

/// None where no context is to be written.
pub(super) fn context(agent: &ResolvedAgent) -> Option<ContextJob> {
    let written = agent.contexts.iter();
    let items = written.clone().flat_map(|context| items(agent, context)).collect();
    let blocks: Vec<_> = written.filter(|one| one.is_in_document()).map(block).collect();
    let document = (!blocks.is_empty()).then(|| Document {
        target: Target {
            root: agent.workspace_dir.clone(),
            path: RelativePath::parse(names::CONTEXT_DOCUMENT).ok(),
        },
        blocks,
    });
    let job = ContextJob { items, document };
    (job != ContextJob::default()).then_some(job)
}

/// Of a URL with a path url-fetch itself writes the file. Where a file may be missing that is mounted, an empty one comes
/// first: the kubelet would make a folder in its place.
fn items(agent: &ResolvedAgent, context: &Context) -> Vec<Item> {
    let Some(place) = &context.place else { return vec![] };
    if matches!(context.content, Content::Url(_)) {
        return vec![];
    }
    let item = |source| Item {
        label: context.label.clone(),
        source,
        target: target(agent, context.index, place),
        mode: context.mode,
    };
    let empty = needs_empty_file(context).then(|| text(context.index));
    empty.into_iter().chain([source(context)]).map(item).collect()
}

/// Whether a file of the context is mounted that may be missing.
pub(super) fn needs_empty_file(context: &Context) -> bool {
    let is_optional =
        matches!(context.content, Content::ConfigMap { key: Some(_), optional: true, .. });
    is_optional && matches!(context.place, Some(Place::Outside(_)))
}

fn block(context: &Context) -> Block {
    let kind = serde_json::to_value(context.kind).unwrap_or_default();
    Block {
        name: context.name.clone(),
        kind: kind.as_str().unwrap_or_default().to_owned(),
        source: source(context),
    }
}

fn source(context: &Context) -> Source {
    let index = context.index;
    match &context.content {
        Content::Text(_) | Content::Runtime => text(index),
        Content::Url(_) => {
            Source::File { path: format!("{}/{index}", names::CONTEXT_DIR), optional: false }
        }
        Content::ConfigMap { key: Some(key), optional, .. } => {
            let path = format!("{}/{index}/{key}", names::CONFIG_MAP_DIR);
            Source::File { path, optional: *optional }
        }
        Content::ConfigMap { key: None, optional, .. } => {
            let path = format!("{}/{index}", names::CONFIG_MAP_DIR);
            Source::Directory { path, optional: *optional }
        }
    }
}

/// A text among the agent's own files.
fn text(index: usize) -> Source {
    let path = format!("{}/{}", names::CONFIG_DIR, text_key(index));
    Source::File { path, optional: false }
}

/// What lies outside the working directory is an entry of the contexts' volume.
fn target(agent: &ResolvedAgent, index: usize, place: &Place) -> Target {
    match place {
        Place::Workspace(path) => Target { root: agent.workspace_dir.clone(), path: path.clone() },
        Place::Outside(_) => entry(names::CONTEXT_DIR, &index.to_string()),
    }
}

fn entry(root: &str, name: &str) -> Target {
    Target { root: root.to_owned(), path: RelativePath::parse(name).ok() }
}

/// One for each repository.
pub(super) fn git(agent: &ResolvedAgent) -> Vec<GitJob> {
    agent.checkouts.iter().map(|checkout| git_job(agent, checkout)).collect()
}

fn git_job(agent: &ResolvedAgent, checkout: &Checkout) -> GitJob {
    let policy = checkout.sync.map(|sync| sync.policy);
    let is_rolled_out = policy == Some(SyncPolicy::Rollout);
    let is_hot = policy == Some(SyncPolicy::HotReload);
    GitJob {
        name: checkout.name.clone(),
        repository: checkout.repository.clone(),
        reference: checkout.reference.clone(),
        depth: checkout.depth,
        recurse_submodules: checkout.recurse_submodules,
        path: checkout.path.clone(),
        select: checkout.select.clone(),
        target: match &checkout.place {
            Place::Workspace(path) => {
                Target { root: agent.workspace_dir.clone(), path: path.clone() }
            }
            Place::Outside(_) => entry(names::GIT_DIR, GIT_ENTRY),
        },
        credentials: checkout.secret.is_some().then(|| names::ACCESS_DIR.to_owned()),
        // Every volume outlives its containers: whatever the agent made of it stays.
        persistent: true,
        outlives_pod: is_rolled_out && agent.outlives_pod(&checkout.place),
        is_mount: is_hot && matches!(checkout.place, Place::Outside(_)),
        others: if is_rolled_out { others(agent, &checkout.place) } else { vec![] },
        sync: checkout.sync,
        state: Some(names::SCRATCH_DIR.to_owned()),
    }
}

/// What other contexts and repositories put beneath a place in the working directory.
fn others(agent: &ResolvedAgent, place: &Place) -> Vec<RelativePath> {
    let Place::Workspace(at) = place else { return vec![] };
    let contexts = agent.contexts.iter().filter_map(|context| context.place.as_ref());
    let places = contexts.chain(agent.checkouts.iter().map(|checkout| &checkout.place));
    let in_workspace = |place: &Place| match place {
        Place::Workspace(path) => path.clone(),
        Place::Outside(_) => None,
    };
    let document = RelativePath::parse(names::CONTEXT_DOCUMENT).ok();
    let beneath = |path: RelativePath| match at {
        None => Some(path),
        Some(at) => {
            let rest = path.as_str().strip_prefix(at.as_str())?.strip_prefix('/')?;
            RelativePath::parse(rest).ok()
        }
    };
    places.filter_map(in_workspace).chain(document).filter_map(beneath).collect()
}

/// The contexts that are URLs, in the order of their jobs.
pub(super) fn url_contexts(agent: &ResolvedAgent) -> impl Iterator<Item = (&Context, &UrlContext)> {
    agent.contexts.iter().filter_map(|context| match &context.content {
        Content::Url(url) => Some((context, url)),
        Content::Text(_) | Content::Runtime | Content::ConfigMap { .. } => None,
    })
}

/// One for each URL. What is for the document of contexts waits on their volume.
pub(super) fn urls(agent: &ResolvedAgent) -> Vec<UrlJob> {
    let job = |(context, url): (&Context, &UrlContext)| UrlJob {
        label: context.label.clone(),
        source: url.source.clone(),
        headers: url.headers.clone(),
        credentials: url.secret_ref.is_some().then(|| names::ACCESS_DIR.to_owned()),
        insecure_skip_tls_verify: url.insecure_skip_tls_verify,
        timeout_seconds: url.timeout,
        target: match &context.place {
            Some(place) => target(agent, context.index, place),
            None => entry(names::CONTEXT_DIR, &context.index.to_string()),
        },
        mode: context.mode,
    };
    url_contexts(agent).map(job).collect()
}

/// None where there are no plugins.
pub(super) fn plugins(agent: &ResolvedAgent) -> Option<PluginJob> {
    let plugins = agent.extensions.packages.clone();
    (!plugins.is_empty()).then(|| PluginJob { plugins, directory: names::PLUGINS_DIR.to_owned() })
}
