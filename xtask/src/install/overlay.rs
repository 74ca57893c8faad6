//! A kustomize overlay over `manifests/` that names the images of this build. It lies under `target/`, as it
//! belongs to this checkout alone.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use api_types::names;
use serde_json::{Value, json};

use crate::{
    images::{Image, find},
    paths,
};

/// An overlay over the whole system; without `images`, those that `manifests/` names stay. With `node_port`
/// the gateway is also reached by that port of each node.
pub(crate) fn system(
    images: &[Image],
    external_url: Option<&str>,
    node_port: Option<u16>,
) -> Result<PathBuf> {
    let ours: &[&str] =
        if images.is_empty() { &[] } else { &["controller", "gateway", "terminal-broker"] };
    let renamed = renamed(images, ours)?;
    let mut patches = vec![json!({
        "target": { "kind": "Deployment", "name": names::CONTROLLER_DEPLOYMENT },
        "patch": controller_patch(images, external_url)?.to_string(),
    })];
    patches.extend(node_port.map(|port| {
        json!({
            "target": { "kind": "Service", "name": names::SERVER_SERVICE },
            "patch": json!([
                { "op": "add", "path": "/spec/type", "value": "NodePort" },
                { "op": "add", "path": "/spec/ports/0/nodePort", "value": port },
            ]).to_string(),
        })
    }));
    write(
        "system",
        &json!({ "resources": ["../../../manifests"], "images": renamed, "patches": patches }),
    )
}

/// An overlay over the demo's scripted model and git server; the latter is made of the agents' images.
pub(crate) fn demo(images: &[Image]) -> Result<PathBuf> {
    let renamed = renamed(images, &["scripted-model", "agent-opencode", "agent-devbox"])?;
    write("demo", &json!({ "resources": ["../../../e2e/demo"], "images": renamed }))
}

fn write(name: &str, content: &Value) -> Result<PathBuf> {
    let folder = paths::repository().join("target/overlays").join(name);
    fs::create_dir_all(&folder)?;
    let mut kustomization = content.clone();
    kustomization["apiVersion"] = json!("kustomize.config.k8s.io/v1beta1");
    kustomization["kind"] = json!("Kustomization");
    fs::write(folder.join("kustomization.yaml"), serde_json::to_string_pretty(&kustomization)?)?;
    Ok(folder)
}

/// The names in `manifests/`, replaced by those of this build.
fn renamed(images: &[Image], which: &[&str]) -> Result<Vec<Value>> {
    which
        .iter()
        .map(|name| {
            let reference = find(images, name)?;
            let (new_name, new_tag) =
                reference.rsplit_once(':').context("an image without a tag")?;
            let base = format!("ghcr.io/kubeopencode/{name}");
            Ok(json!({ "name": base, "newName": new_name, "newTag": new_tag }))
        })
        .collect()
}

/// What agents are made of where a user names no image: those of this build, which no registry has.
fn controller_patch(images: &[Image], external_url: Option<&str>) -> Result<Value> {
    let path = "/spec/template/spec/containers/0/env/-";
    let add = |name: &str, value: &str| json!({ "op": "add", "path": path, "value": { "name": name, "value": value } });
    let mut operations = Vec::new();
    if !images.is_empty() {
        operations.extend([
            add("AGENT_IMAGE", find(images, "agent-opencode")?),
            add("EXECUTOR_IMAGE", find(images, "agent-devbox")?),
            add("TOOLS_IMAGE", find(images, "agent-tools")?),
            add("IMAGE_PULL_POLICY", "IfNotPresent"),
        ]);
    }
    operations.extend(external_url.map(|url| add("EXTERNAL_URL", url)));
    Ok(Value::Array(operations))
}
