//! context-init: writes what the agent finds in its folders when it starts. Must touch nothing else there.

use std::collections::BTreeMap;

use agent_jobs::{Block, ContextJob, Document, Item, RelativePath, Target};

use crate::{
    beneath::{self, WriteError},
    job::{self, JobArgs},
};

mod document;
mod source;

use document::Text;
use source::{Content, SourceError};

/// Permission bits of the document.
const DOCUMENT_MODE: u32 = 0o644;

#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    #[error("{label}")]
    Source { label: String, source: SourceError },
    #[error("{label}: {file} is not UTF-8 text, so it needs a mountPath of its own")]
    NotText { label: String, file: String },
    #[error("{label}")]
    Write { label: String, source: WriteError },
}

/// Writes the files of a [`ContextJob`].
pub fn run(args: &JobArgs) -> anyhow::Result<()> {
    // Files are written by calls that block, and a signal must be heard meanwhile.
    job::run(args, async |job: ContextJob| {
        Ok(tokio::task::spawn_blocking(move || write(&job)).await??)
    })
}

fn write(job: &ContextJob) -> Result<(), ContextError> {
    job.items.iter().try_for_each(write_item)?;
    job.document.as_ref().map_or(Ok(()), write_document)
}

fn write_item(item: &Item) -> Result<(), ContextError> {
    let Item { label, source, target, mode } = item;
    let unreadable = |source| ContextError::Source { label: label.clone(), source };
    let unwritable = |source| ContextError::Write { label: label.clone(), source };
    match source::read(source).map_err(unreadable)? {
        Content::Absent => Ok(()),
        Content::File(bytes) => beneath::write_file(target, &bytes, *mode).map_err(unwritable),
        Content::Folder(files) => write_folder(target, &files, *mode).map_err(unwritable),
    }
}

/// A folder is there even if it has no files; those of others in it stay.
fn write_folder(
    target: &Target,
    files: &BTreeMap<RelativePath, Vec<u8>>,
    mode: u32,
) -> Result<(), WriteError> {
    beneath::make_folder(target)?;
    files.iter().try_for_each(|(name, bytes)| {
        let path = target.path.as_ref().map_or_else(|| name.clone(), |path| path.join(name));
        let target = Target { root: target.root.clone(), path: Some(path) };
        beneath::write_file(&target, bytes, mode)
    })
}

fn write_document(document: &Document) -> Result<(), ContextError> {
    let mut blocks = Vec::new();
    for block in &document.blocks {
        if let Some(text) = read_block(block)? {
            blocks.push((block, text));
        }
    }
    let rendered = document::render(&blocks);
    beneath::write_file(&document.target, rendered.as_bytes(), DOCUMENT_MODE).map_err(|source| {
        ContextError::Write { label: "contexts without a mountPath".into(), source }
    })
}

/// `None` where there is nothing, and it is optional.
fn read_block(block: &Block) -> Result<Option<Text>, ContextError> {
    let unreadable = |source| ContextError::Source { label: label(block), source };
    match source::read(&block.source).map_err(unreadable)? {
        Content::Absent => Ok(None),
        Content::File(bytes) => text(block, bytes, "it").map(Text::Whole).map(Some),
        Content::Folder(files) => {
            let texts = files.into_iter().map(|(name, bytes)| {
                let text = text(block, bytes, name.as_str())?;
                Ok((name, text))
            });
            texts.collect::<Result<_, _>>().map(Text::Files).map(Some)
        }
    }
}

fn text(block: &Block, bytes: Vec<u8>, file: &str) -> Result<String, ContextError> {
    String::from_utf8(bytes)
        .map_err(|_| ContextError::NotText { label: label(block), file: file.to_owned() })
}

/// As in `ConfigMap context "guide"`.
fn label(block: &Block) -> String {
    match &block.name {
        Some(name) => format!("{} context {name:?}", block.kind),
        None => format!("{} context without a name", block.kind),
    }
}
