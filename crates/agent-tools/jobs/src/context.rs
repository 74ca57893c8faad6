//! What context-init writes before the agent starts.

use serde::{Deserialize, Serialize};

use crate::Target;

/// For `agent-tools context-init`: files and folders to write, in order, then the document of those contexts
/// that have no path of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextJob {
    #[serde(default)]
    pub items: Vec<Item>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Document>,
}

/// One file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// What to call it in a message, as in `spec.contexts[2] "guide"`.
    pub label: String,
    pub source: Source,
    pub target: Target,
    /// Permission bits of each file.
    pub mode: u32,
}

/// What to copy. Paths are absolute, chosen by the controller, and lie in mounted volumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// One file.
    File {
        path: String,
        /// Whether nothing is written, silently, when the file does not exist.
        optional: bool,
    },
    /// Every file of a mounted `ConfigMap`. Kubelet's own entries, whose names begin with `..`, are not files of it.
    Directory { path: String, optional: bool },
}

/// A file of one `<context name=… type=…>` block for each context that has no path of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub target: Target,
    pub blocks: Vec<Block>,
}

/// One block of the document. A directory's files are each preceded by a line with their name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    pub name: Option<String>,
    /// `Text`, `ConfigMap`, `Git`, `Runtime` or `URL`.
    pub kind: String,
    pub source: Source,
}
