//! Writes the custom resource definitions that the API's types generate; a test of those types keeps the files fresh.

use anyhow::Context;

use crate::paths;

/// The kustomize base applies the files, and the chart puts them into its templates.
const FOLDERS: [&str; 2] = ["manifests/crds", "helm/kubeopencode/files/crds"];

/// Writes every definition into each folder, and names the files.
pub(crate) fn run() -> anyhow::Result<()> {
    for folder in FOLDERS.map(|folder| paths::repository().join(folder)) {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("creating {}", folder.display()))?;
        for crd in api_types::crds() {
            let path = folder.join(api_types::crd_file_name(&crd));
            let yaml = api_types::crd_yaml(&crd)?;
            std::fs::write(&path, yaml).with_context(|| format!("writing {}", path.display()))?;
            println!("{}", path.display());
        }
    }
    Ok(())
}
