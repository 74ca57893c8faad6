//! plugin-init: installs npm packages for the agent's server. No script of any package ever runs here: this container
//! may hold a registry's token, which the agent does not.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use agent_jobs::{PluginJob, Specifier};
use anyhow::Context;

use crate::job::{self, JobArgs, log};

mod failure;
mod npm;

pub use failure::NpmFailure;
pub use npm::{NpmArgs, NpmError};

#[derive(clap::Args, Debug)]
pub struct PluginArgs {
    #[command(flatten)]
    job: JobArgs,
    #[command(flatten)]
    npm: NpmArgs,
}

#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    #[error("{first} and {second} are two versions of one package: remove one")]
    TwoVersions { first: Specifier, second: Specifier },
    #[error("cannot make the folder {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot empty {}", path.display())]
    Stale { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Npm(#[from] NpmError),
    #[error("npm installed {package} without a package.json, so that OpenCode could not load it")]
    Incomplete { package: String },
}

/// Installs the packages of a [`PluginJob`].
pub fn run(args: &PluginArgs) -> anyhow::Result<()> {
    job::run(&args.job, async |job: PluginJob| install(&job, args).await.context("spec.plugins"))
}

async fn install(job: &PluginJob, args: &PluginArgs) -> Result<(), PluginError> {
    let plugins = distinct(&job.plugins)?;
    if plugins.is_empty() {
        return Ok(());
    }
    let directory = Path::new(&job.directory);
    fs::create_dir_all(directory)
        .map_err(|source| PluginError::Folder { path: directory.to_owned(), source })?;
    discard_links(&directory.join("node_modules"))?;
    npm::install(&args.npm, directory, &plugins).await?;
    for plugin in plugins {
        let version = installed(directory, plugin.package())
            .ok_or_else(|| PluginError::Incomplete { package: plugin.package().to_owned() })?;
        log(format_args!("{plugin}: version {version}"));
    }
    Ok(())
}

/// A plugin may be there for the server and for the TUI, but in one version.
fn distinct(plugins: &[Specifier]) -> Result<Vec<&Specifier>, PluginError> {
    let mut distinct: Vec<&Specifier> = Vec::new();
    for plugin in plugins {
        match distinct.iter().find(|other| other.package() == plugin.package()) {
            None => distinct.push(plugin),
            Some(other) if *other == plugin => {}
            Some(other) => {
                let (first, second) = ((*other).clone(), plugin.clone());
                return Err(PluginError::TwoVersions { first, second });
            }
        }
    }
    Ok(distinct)
}

/// Of an earlier run's result, which the agent may have had in its hands, npm would follow the links. It makes none
/// itself, but for programs.
fn discard_links(modules: &Path) -> Result<(), PluginError> {
    let failed = |source| PluginError::Stale { path: modules.to_owned(), source };
    match has_links(modules) {
        Ok(false) => Ok(()),
        Ok(true) if modules.is_symlink() => fs::remove_file(modules).map_err(failed),
        Ok(true) => fs::remove_dir_all(modules).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn has_links(path: &Path) -> io::Result<bool> {
    let kind = path.symlink_metadata()?.file_type();
    if !kind.is_dir() {
        return Ok(kind.is_symlink());
    }
    let is_of_programs = path.file_name().is_some_and(|name| name == ".bin");
    for entry in fs::read_dir(path)? {
        if !is_of_programs && has_links(&entry?.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The version of a package that is there.
fn installed(directory: &Path, package: &str) -> Option<String> {
    let manifest = directory.join("node_modules").join(package).join("package.json");
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).ok()?).ok()?;
    Some(manifest.get("version")?.as_str()?.to_owned())
}
