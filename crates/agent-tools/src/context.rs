//! context-init: writes what the agent shall find in its folders before it starts. Must touch nothing else there.

use agent_jobs::{ContextJob, Item, Source, Target};

use crate::{
    beneath::{self, WriteError},
    job::{self, JobArgs},
};

mod source;

use source::{Content, SourceError};

#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    #[error("{label}")]
    Source { label: String, source: SourceError },
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
    job.items.iter().try_for_each(write_item)
}

fn write_item(item: &Item) -> Result<(), ContextError> {
    let Item { label, source, target, mode } = item;
    let unreadable = |source| ContextError::Source { label: label.clone(), source };
    let unwritable = |source| ContextError::Write { label: label.clone(), source };
    match source::read(source).map_err(unreadable)? {
        Content::Absent => Ok(()),
        Content::File(bytes) => beneath::write_file(target, &bytes, *mode).map_err(unwritable),
        Content::Folder(_) => Ok(()),
    }
}
