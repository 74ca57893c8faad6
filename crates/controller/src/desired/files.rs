//! The files that an agent's `ConfigMap`s hold: `OpenCode`'s configuration, texts, and what the init
//! containers are to do. Pure.

use std::collections::BTreeMap;

use ring::digest::{Context as Digest, SHA256};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{jobs, runtime};
use crate::resolve::{Content, ResolvedAgent};

/// The key of the server's configuration.
pub(super) const CONFIG_KEY: &str = "opencode.json";
/// The key of the terminal UI's configuration.
pub(super) const TUI_CONFIG_KEY: &str = "tui.json";
/// The key of what context-init does.
pub(super) const CONTEXT_JOB_KEY: &str = "context-init.json";
/// The key of what plugin-init does.
pub(super) const PLUGIN_JOB_KEY: &str = "plugin-init.json";

/// Files by their key.
pub(super) struct Files(BTreeMap<String, String>);

/// All that the agent needs.
pub(super) fn files(agent: &ResolvedAgent) -> Files {
    let extensions = &agent.extensions;
    let configs = [(CONFIG_KEY, &extensions.config), (TUI_CONFIG_KEY, &extensions.tui_config)];
    let configs = configs
        .into_iter()
        .filter_map(|(key, config)| Some((key.to_owned(), pretty(config.as_ref()?))));
    let texts = agent.contexts.iter().filter_map(|context| {
        let text = match &context.content {
            Content::Text(text) => text.clone(),
            Content::Runtime => runtime::text(agent),
            Content::ConfigMap { .. } if jobs::needs_empty_file(context) => String::new(),
            Content::ConfigMap { .. } | Content::Url(_) => return None,
        };
        Some((text_key(context.index), text))
    });
    let context = jobs::context(agent).map(|job| (CONTEXT_JOB_KEY.to_owned(), json(&job)));
    let plugins = jobs::plugins(agent).map(|job| (PLUGIN_JOB_KEY.to_owned(), json(&job)));
    let git = jobs::git(agent).into_iter().enumerate();
    let git = git.map(|(index, job)| (git_job_key(index), json(&job)));
    let urls = jobs::urls(agent).into_iter().enumerate();
    let urls = urls.map(|(index, job)| (url_job_key(index), json(&job)));
    Files(configs.chain(texts).chain(context).chain(plugins).chain(git).chain(urls).collect())
}

impl Files {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// SHA-256 of all of them in hexadecimal; none where there are none.
    pub(super) fn hash(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let mut digest = Digest::new(&SHA256);
        for (key, value) in &self.0 {
            for part in [key, value] {
                digest.update(&part.len().to_be_bytes());
                digest.update(part.as_bytes());
            }
        }
        Some(hex::encode(digest.finish()))
    }
}

pub(super) fn text_key(index: usize) -> String {
    format!("text-{index}")
}

pub(super) fn git_job_key(index: usize) -> String {
    format!("git-{index}.json")
}

pub(super) fn url_job_key(index: usize) -> String {
    format!("url-fetch-{index}.json")
}

fn pretty(config: &Map<String, Value>) -> String {
    format!("{:#}\n", Value::Object(config.clone()))
}

/// Jobs are plain structs with string keys, which always have a JSON form.
fn json(job: &impl Serialize) -> String {
    serde_json::to_string_pretty(job).unwrap_or_default()
}
