//! Reads what a mounted volume holds.

use std::{collections::BTreeMap, fs, io, path::Path};

use agent_jobs::{RelativePath, RelativePathError, Source};

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("there is no {path}: create the ConfigMap or its key, or set optional to true")]
    Missing { path: String },
    #[error("cannot read {path}")]
    Read { path: String, source: io::Error },
    #[error("the name {name:?} cannot be that of a file")]
    Name { name: String, source: RelativePathError },
    #[error("the name {name:?} is not UTF-8")]
    NameBytes { name: std::ffi::OsString },
}

/// What a source holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing, and it is optional.
    Absent,
    File(Vec<u8>),
    /// Its files by name.
    Folder(BTreeMap<RelativePath, Vec<u8>>),
}

pub(super) fn read(source: &Source) -> Result<Content, SourceError> {
    let (path, optional, content) = match source {
        Source::File { path, optional } => (path, *optional, read_file(path).map(Content::File)),
        Source::Directory { path, optional } => {
            (path, *optional, read_folder(path).map(Content::Folder))
        }
    };
    match content {
        Err(SourceError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            if optional {
                Ok(Content::Absent)
            } else {
                Err(SourceError::Missing { path: path.clone() })
            }
        }
        other => other,
    }
}

fn read_file(path: impl AsRef<Path>) -> Result<Vec<u8>, SourceError> {
    fs::read(&path).map_err(failed(path.as_ref()))
}

/// A key of a mounted `ConfigMap` is a link, which is followed; an entry of kubelet's own begins with `..`, which no
/// key does.
fn read_folder(path: &str) -> Result<BTreeMap<RelativePath, Vec<u8>>, SourceError> {
    let failed = failed(Path::new(path));
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(path).map_err(&failed)? {
        let entry = entry.map_err(&failed)?;
        let name =
            entry.file_name().into_string().map_err(|name| SourceError::NameBytes { name })?;
        if name.starts_with("..") {
            continue;
        }
        let key =
            RelativePath::parse(&name).map_err(|source| SourceError::Name { name, source })?;
        files.insert(key, read_file(entry.path())?);
    }
    Ok(files)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> SourceError {
    let path = path.display().to_string();
    move |source| SourceError::Read { path: path.clone(), source }
}
