//! What the controller asks of the programs in an agent's pod, and what they report. Pure.
//!
//! A job is a file of JSON in the agent's ConfigMap, and a program's only argument is its path: nothing
//! that a user wrote is ever part of a command line. What users write is parsed into types that cannot
//! hold anything dangerous, when the controller resolves an agent and again when a program reads its job.

mod context;
mod git;
mod path;
mod plugin;
mod reference;
mod report;
mod repository;
pub mod secret_keys;
mod url;

pub use context::{Block, ContextJob, Document, Item, Source};
pub use git::{GitJob, Sync, SyncPolicy};
pub use path::{RelativePath, RelativePathError, Target};
pub use plugin::{PluginJob, Specifier, SpecifierError};
pub use reference::{Reference, ReferenceError};
pub use report::{GitReport, GitState, REPORT_BYTES_MAX, Report};
pub use repository::{Repository, RepositoryError, RepositoryParts};
pub use url::{BODY_BYTES_MAX, UrlJob};
