//! What was built of what, as an in-toto statement with SLSA's provenance. It is not signed: the workflow attests the same
//! subjects under its own identity.

use std::{fs, path::Path};

use anyhow::Result;
use serde_json::{Value, json};

use super::VERSION;
use crate::{
    images::{self, Layout},
    paths,
    shell::Cmd,
};

const SOURCE: &str = "https://github.com/kubeopencode/kubeopencode";

pub(super) fn write(folder: &Path, files: &[(String, String)], layouts: &[Layout]) -> Result<()> {
    let commit =
        Cmd::new("git").args(["rev-parse", "HEAD"]).current_dir(paths::repository()).read()?;
    let text = serde_json::to_string_pretty(&statement(files, layouts, &commit))?;
    Ok(fs::write(folder.join("provenance.intoto.json"), text)?)
}

/// <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>, <https://slsa.dev/spec/v1.0/provenance>.
fn statement(files: &[(String, String)], layouts: &[Layout], commit: &str) -> Value {
    let files = files.iter().map(|(name, hash)| subject(name, hash));
    let images = layouts.iter().map(|Layout { name, digest, .. }| {
        subject(&images::repository(name), digest.trim_start_matches("sha256:"))
    });
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": files.chain(images).collect::<Vec<_>>(),
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": format!("{SOURCE}/blob/main/docs/guides/releases.md#provenance"),
                "externalParameters": { "version": VERSION },
                "resolvedDependencies": [{
                    "uri": format!("git+{SOURCE}"),
                    "digest": { "gitCommit": commit },
                }],
            },
            "runDetails": { "builder": { "id": format!("{SOURCE}/blob/main/xtask") } },
        },
    })
}

fn subject(name: &str, hash: &str) -> Value {
    json!({ "name": name, "digest": { "sha256": hash } })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn files_and_images_are_subjects_by_their_digests_and_the_commit_is_what_they_are_made_of() {
        let layout =
            Layout { name: "gateway", folder: PathBuf::new(), digest: "sha256:0123".to_owned() };
        let made = statement(&[("kubeoc.tar.gz".to_owned(), "4567".to_owned())], &[layout], "89ab");
        assert_eq!(
            made["subject"],
            json!([
                { "name": "kubeoc.tar.gz", "digest": { "sha256": "4567" } },
                { "name": "kubeopencode/gateway", "digest": { "sha256": "0123" } },
            ])
        );
        let dependencies = &made["predicate"]["buildDefinition"]["resolvedDependencies"];
        assert_eq!(dependencies[0]["digest"]["gitCommit"], "89ab");
    }
}
