//! The contexts that are not repositories: what they hold and where they land. Pure.

use api_types::{AgentSpec, ContextItem, ContextType, UrlContext};

use super::{Invalid, Place, place};

/// The longest text that a ConfigMap can hold, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 1 << 20;
/// Permission bits of files where the user gives none.
const DEFAULT_MODE: u32 = 0o644;

/// Content that the agent gets before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its index among all contexts of the spec.
    pub index: usize,
    /// What a message calls it, as in `spec.contexts[2] "guide"`.
    pub label: String,
    pub name: Option<String>,
    pub kind: ContextType,
    pub content: Content,
    /// `None` is the document of all contexts without a path.
    pub place: Option<Place>,
    /// Permission bits of its files.
    pub mode: u32,
}

/// Where a context's content comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Text(String),
    /// All keys are a folder.
    ConfigMap {
        name: String,
        key: Option<String>,
        optional: bool,
    },
    Url(UrlContext),
    /// A description of the environment, which depends on the rest of the agent.
    Runtime,
}

/// In the user's order. Fields of another type than the context's own are ignored.
pub(super) fn resolve(spec: &AgentSpec, workspace_dir: &str) -> Result<Vec<Context>, Invalid> {
    let contexts = spec.contexts.iter().flatten().enumerate();
    contexts.filter_map(|(index, item)| context(index, item, workspace_dir).transpose()).collect()
}

/// What a message calls an entry of a list.
pub(super) fn label(list: &str, index: usize, name: Option<&str>) -> String {
    let name = name.map(|name| format!(" {name:?}")).unwrap_or_default();
    format!("spec.{list}[{index}]{name}")
}

/// None for a repository.
fn context(
    index: usize,
    item: &ContextItem,
    workspace_dir: &str,
) -> Result<Option<Context>, Invalid> {
    let refuse =
        |field: &str, why: String| Invalid::spec(format!("spec.contexts[{index}].{field}"), why);
    let missing = |field: &'static str, kind: &'static str| {
        move || refuse(field, format!("it must be set for type {kind}"))
    };
    let content = match item.kind {
        ContextType::Git => return Ok(None),
        ContextType::Runtime => Content::Runtime,
        ContextType::Text => text(item.text.clone().ok_or_else(missing("text", "Text"))?)
            .map_err(|why| refuse("text", why))?,
        ContextType::ConfigMap => {
            let from =
                item.config_map.clone().ok_or_else(missing("configMap.name", "ConfigMap"))?;
            let optional = from.optional.unwrap_or_default();
            Content::ConfigMap { name: from.name, key: from.key, optional }
        }
        ContextType::Url => {
            Content::Url(item.url.clone().ok_or_else(missing("url.source", "URL"))?)
        }
    };
    let path = item.mount_path.as_deref().filter(|_| item.kind != ContextType::Runtime);
    let place = path.map(|path| place::place(workspace_dir, path)).transpose();
    let place = place.map_err(|why| refuse("mountPath", why))?;
    if place == Some(Place::Workspace(None)) && !content.is_folder() {
        let why = "it is the working directory, where a file is needed: add the file's name";
        return Err(refuse("mountPath", why.to_owned()));
    }
    Ok(Some(Context {
        index,
        label: label("contexts", index, item.name.as_deref()),
        name: item.name.clone(),
        kind: item.kind,
        content,
        place,
        mode: item.file_mode.and_then(|mode| mode.try_into().ok()).unwrap_or(DEFAULT_MODE),
    }))
}

fn text(text: String) -> Result<Content, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err("it is longer than 1 MiB: shorten it, or use a repository or a URL".to_owned());
    }
    Ok(Content::Text(text))
}

impl Context {
    /// Whether it is a block of the document, for want of a path of its own.
    pub fn is_in_document(&self) -> bool {
        self.place.is_none()
    }
}

impl Content {
    /// Whether it is a folder of files, and not one file.
    pub fn is_folder(&self) -> bool {
        matches!(self, Self::ConfigMap { key: None, .. })
    }
}
