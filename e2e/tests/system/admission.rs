//! What the real API server accepts and refuses: the documents' manifests, and a table of bad ones.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use e2e::cluster::Space;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, PostParams},
};
use serde::Deserialize;
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/api-types/tests/fixtures");

/// A manifest that must be refused, by a message that contains `names`.
#[derive(Deserialize)]
struct Refused {
    name: String,
    names: String,
    manifest: Value,
}

#[tokio::test]
async fn every_manifest_of_the_documents_is_accepted() -> Result<()> {
    let space = Space::new("accepted").await?;
    let mut count = 0;
    for entry in fs::read_dir(Path::new(FIXTURES).join("spec"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        for document in serde_yaml_ng::Deserializer::from_str(&fs::read_to_string(&path)?) {
            let manifest = Value::deserialize(document)?;
            let answer = dry_run(&space, manifest).await?;
            ensure!(answer.is_none(), "{}: {}", path.display(), answer.unwrap_or_default());
            count += 1;
        }
    }
    ensure!(count >= 10, "only {count} manifests were found");
    space.delete().await
}

#[tokio::test]
async fn bad_manifests_are_refused_with_the_field_named() -> Result<()> {
    let space = Space::new("refused").await?;
    let table = fs::read_to_string(Path::new(FIXTURES).join("refused.yaml"))?;
    let table: Vec<Refused> = serde_yaml_ng::from_str(&table)?;
    ensure!(table.len() >= 40, "only {} manifests are in the table", table.len());
    for row in table {
        let Some(message) = dry_run(&space, row.manifest).await? else {
            bail!("{}: was accepted", row.name);
        };
        ensure!(
            message.contains(&row.names),
            "{}: {:?} is not in {message:?}",
            row.name,
            row.names
        );
    }
    space.delete().await
}

/// Creates without persisting; `Some` is the message of a refusal.
async fn dry_run(space: &Space, mut manifest: Value) -> Result<Option<String>> {
    let kind = manifest["kind"].as_str().context("a manifest without a kind")?;
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("kubeopencode.io", "v1alpha1", kind));
    manifest["metadata"]["namespace"] = Value::String(space.name.clone());
    let api: Api<DynamicObject> = Api::namespaced_with(space.client.clone(), &space.name, &kind);
    let create = PostParams { dry_run: true, ..PostParams::default() };
    match api.create(&create, &serde_json::from_value(manifest)?).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
            Ok(Some(status.message))
        }
        Err(error) => Err(error.into()),
    }
}
