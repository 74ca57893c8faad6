//! Writes the custom resource definitions that the API's types generate, and a page on each; tests keep the files fresh.

mod constraints;
mod reference;

use std::{fs, path::Path};

use anyhow::Context;

use crate::paths;

/// The kustomize base applies the files, and the chart puts them into its templates.
const FOLDERS: [&str; 2] = ["manifests/crds", "helm/kubeopencode/files/crds"];

const REFERENCE: &str = "docs/reference";

/// Writes every definition into each folder, and its page, and names the files.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = paths::repository();
    for crd in api_types::crds() {
        let (file, yaml) = (api_types::crd_file_name(&crd), api_types::crd_yaml(&crd)?);
        for folder in FOLDERS {
            write(&root.join(folder), &file, &yaml)?;
        }
        write(&root.join(REFERENCE), &reference::file_name(&crd), &reference::page(&crd))?;
    }
    Ok(())
}

fn write(folder: &Path, file: &str, content: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let path = folder.join(file);
    fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}
