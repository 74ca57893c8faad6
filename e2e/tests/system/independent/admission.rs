//! What the real API server accepts and refuses: the documents' manifests, and a table of bad ones.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use e2e::cluster::Space;
use hyper::Request;
use serde::Deserialize;
use serde_json::{Value, json};

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
            let answer = dry_run(&space, Value::deserialize(document)?).await?;
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

/// Each with who refuses it: the API server, or those after it.
#[tokio::test]
async fn hostile_values_are_refused_with_the_field_named_or_left_to_the_controller() -> Result<()> {
    let space = Space::new("hostile-values").await?;
    let table =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/agent-tools/jobs/tests/hostile.json");
    let table: Value = serde_json::from_str(&fs::read_to_string(table)?)?;
    let rows = table["values"].as_array().context("a table without values")?;
    ensure!(rows.len() >= 150, "only {} values are in the table", rows.len());
    for row in rows {
        let kind = &table["kinds"][row["kind"].as_str().context("a value without a kind")?];
        let times = row["times"].as_u64().unwrap_or(1);
        let value = row["value"].as_str().context("no value")?.repeat(times.try_into()?);
        let (at, field) = (kind["at"].as_str(), kind["field"].as_str());
        let mut spec = kind["spec"].clone();
        *at.and_then(|at| spec.pointer_mut(at)).context("a field that is not there")? =
            value.into();
        let manifest = json!({
            "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent",
            "metadata": { "name": "demo" }, "spec": spec,
        });
        let refused_by = row["refusedBy"].as_array().context("a value without a fate")?;
        match (refused_by.contains(&"admission".into()), dry_run(&space, manifest).await?) {
            (false, None) => {}
            (true, Some(message)) => {
                let is_named = field.is_some_and(|field| message.contains(field));
                ensure!(is_named, "{row}: {message}");
            }
            (true, None) => bail!("{row}: was accepted"),
            (false, Some(message)) => bail!("{row}: was refused: {message}"),
        }
    }
    space.delete().await
}

/// Creates without persisting; `Some` is the message of a refusal.
async fn dry_run(space: &Space, manifest: Value) -> Result<Option<String>> {
    create(space, manifest, "dryRun=All&").await
}

/// Creates in the test's namespace, whatever the manifest's own is; `Some` is the message of a refusal.
pub(crate) async fn create(
    space: &Space,
    mut manifest: Value,
    options: &str,
) -> Result<Option<String>> {
    let (api, plural) = match manifest["kind"].as_str().context("a manifest without a kind")? {
        "Agent" => ("/apis/kubeopencode.io/v1alpha1", "agents"),
        "AgentTemplate" => ("/apis/kubeopencode.io/v1alpha1", "agenttemplates"),
        "ConfigMap" => ("/api/v1", "configmaps"),
        kind => bail!("what is a {kind}?"),
    };
    manifest["metadata"]["namespace"] = Value::String(space.name.clone());
    // As kubectl does it: an unknown field is an error, not a warning.
    let path = format!("{api}/namespaces/{}/{plural}?{options}fieldValidation=Strict", space.name);
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
