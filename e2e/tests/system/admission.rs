//! What the real API server accepts and refuses: the documents' manifests, and a table of bad ones.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use e2e::cluster::Space;
use hyper::Request;
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

fn folder(name: &str) -> Result<fs::ReadDir> {
    Ok(fs::read_dir(Path::new(FIXTURES).join(name))?)
}

fn examples() -> Result<fs::ReadDir> {
    Ok(fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples"))?)
}

#[tokio::test]
async fn every_manifest_of_the_documents_is_accepted() -> Result<()> {
    let space = Space::new("accepted").await?;
    let mut count = 0;
    for entry in
        [folder("spec")?, folder("accepted")?, folder("blank")?, examples()?].into_iter().flatten()
    {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        for document in serde_yaml_ng::Deserializer::from_str(&fs::read_to_string(&path)?) {
            let manifest = Value::deserialize(document)?;
            if manifest["kind"] == "ConfigMap" {
                // Not ours: an example brings it along.
                continue;
            }
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
    let plural = match manifest["kind"].as_str().context("a manifest without a kind")? {
        "Agent" => "agents",
        "AgentTemplate" => "agenttemplates",
        kind => bail!("what is a {kind}?"),
    };
    manifest["metadata"]["namespace"] = Value::String(space.name.clone());
    // As kubectl does it: an unknown field is an error, not a warning.
    let path = format!(
        "/apis/kubeopencode.io/v1alpha1/namespaces/{}/{plural}?dryRun=All&fieldValidation=Strict",
        space.name
    );
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&manifest)?)?;
    match space.client.request::<Value>(request).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
            Ok(Some(status.message))
        }
        Err(error) => Err(error.into()),
    }
}
