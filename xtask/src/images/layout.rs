//! Images as a registry keeps them: an OCI image layout for each name, with an index of its platforms. What is pushed is a
//! layout byte for byte, so that its digest is known before, and without a network.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use ring::digest;
use serde_json::{Value, json};

use super::Image;
use crate::{
    apt::{self, Needed},
    cache::{self, Key},
    shell::Cmd,
    step,
};

/// Part of every key: a change of how layouts are made makes new ones.
const RECIPE: &str = "1";

/// The name of the index in a layout, for skopeo.
pub(super) const INDEX: &str = "index";

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const SOURCE: &str = "https://github.com/kubeopencode/kubeopencode";

/// The platforms of one image.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Such as `gateway`.
    pub(crate) name: &'static str,
    pub(crate) folder: PathBuf,
    /// Of the index, such as `sha256:0123…`.
    pub(crate) digest: String,
}

/// One for each name among `images`, in their order.
pub(crate) fn layouts(images: &[Image]) -> Result<Vec<Layout>> {
    step::run("skopeo", |_| {
        apt::ensure(&[Needed { program: "skopeo", package: "skopeo" }]).map(drop)
    })?;
    let mut names = Vec::new();
    for image in images {
        if !names.contains(&image.name) {
            names.push(image.name);
        }
    }
    names.into_iter().map(|name| layout(name, images)).collect()
}

fn layout(name: &'static str, images: &[Image]) -> Result<Layout> {
    let images: Vec<_> = images.iter().filter(|image| image.name == name).collect();
    // A reference names what an image is made of.
    let key = images.iter().fold(Key::new().bytes(RECIPE), |key, image| {
        key.bytes(image.platform.to_string()).bytes(&image.reference)
    });
    step::run(&format!("layout of {name}"), |step| {
        let built = cache::get_or_build(&format!("layout-{name}"), key, |folder| {
            images.iter().try_for_each(|image| add(image, folder))?;
            index(name, folder)
        })?;
        step.note(built.origin.note());
        let digest = only_digest(&read(&built.path.join("index.json"))?)?;
        Ok(Layout { name, folder: built.path, digest })
    })
}

fn add(image: &Image, folder: &Path) -> Result<()> {
    let from = format!("docker-archive:{}", image.archive.display());
    let to = format!("oci:{}:{}", folder.display(), image.platform.architecture());
    // Built here: there is no signature to check.
    Cmd::new("skopeo").args(["--insecure-policy", "copy", "--quiet", &from, &to]).run()
}

/// Writes the index of the platforms that lie in `folder`, and makes it the only thing by which the layout is entered.
fn index(name: &str, folder: &Path) -> Result<()> {
    let manifests = read(&folder.join("index.json"))?["manifests"].clone();
    let manifests = manifests.as_array().context("a layout lists its manifests")?;
    let platforms = manifests
        .iter()
        .map(|manifest| with_platform(manifest, folder))
        .collect::<Result<Vec<_>>>()?;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": platforms,
        "annotations": {
            "org.opencontainers.image.title": name,
            "org.opencontainers.image.source": SOURCE,
            "org.opencontainers.image.licenses": "Apache-2.0",
        },
    });
    let bytes = serde_json::to_vec(&index)?;
    let hash = hex::encode(digest::digest(&digest::SHA256, &bytes));
    fs::write(folder.join("blobs/sha256").join(&hash), &bytes)?;
    let entry = json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": INDEX_TYPE,
            "digest": format!("sha256:{hash}"),
            "size": bytes.len(),
            "annotations": { "org.opencontainers.image.ref.name": INDEX },
        }],
    });
    Ok(fs::write(folder.join("index.json"), serde_json::to_vec(&entry)?)?)
}

/// The entry of a manifest in the index, with the platform that the image's own configuration names.
fn with_platform(entry: &Value, folder: &Path) -> Result<Value> {
    let manifest = read(&blob(folder, &entry["digest"])?)?;
    let configuration = read(&blob(folder, &manifest["config"]["digest"])?)?;
    let wanted = &entry["annotations"]["org.opencontainers.image.ref.name"];
    let (os, architecture) = (&configuration["os"], &configuration["architecture"]);
    ensure!(wanted == architecture, "an image that was built for {wanted} says {architecture}");
    Ok(json!({
        "mediaType": entry["mediaType"],
        "digest": entry["digest"],
        "size": entry["size"],
        "platform": { "os": os, "architecture": architecture },
    }))
}

fn only_digest(entry: &Value) -> Result<String> {
    let digest = entry["manifests"][0]["digest"].as_str();
    Ok(digest.context("a layout names its index")?.to_owned())
}

fn blob(folder: &Path, digest: &Value) -> Result<PathBuf> {
    let hash = digest.as_str().and_then(|digest| digest.strip_prefix("sha256:"));
    Ok(folder.join("blobs/sha256").join(hash.context("a digest by SHA-256")?))
}

fn read(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&bytes).with_context(|| path.display().to_string())
}
