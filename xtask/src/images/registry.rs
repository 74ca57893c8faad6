//! The way of images into a registry, by skopeo, which finds the credentials that `docker login` or `podman login` left.

use std::{fs, str::FromStr};

use anyhow::{Context, Result, ensure};

use super::Layout;
use crate::{paths, shell::Cmd, step};

/// A registry's host, and a path where images lie below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegistryAddress(String);

impl RegistryAddress {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RegistryAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") {
            return Err("a registry has no scheme: ghcr.io, or registry.example.com/team; --plain-http is for one without TLS".to_owned());
        }
        let known = |character: char| {
            character.is_ascii_alphanumeric() || ['.', '-', '_', ':', '/'].contains(&character)
        };
        if text.is_empty()
            || text.ends_with('/')
            || text.starts_with('/')
            || !text.chars().all(known)
        {
            return Err(
                "a registry is a host and perhaps a path, such as registry.example.com/team"
                    .to_owned(),
            );
        }
        Ok(Self(text.to_owned()))
    }
}

/// Where images are pushed to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) registry: &'a RegistryAddress,
    pub(crate) tag: &'a str,
    pub(crate) transport: Transport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Https,
    /// Without TLS, or with a certificate that is not checked.
    Plain,
}

/// The repository of the image `name` below a registry; the chart's values name the same.
pub(crate) fn repository(name: &str) -> String {
    match name {
        // What Agents name since before this project built them.
        "agent-opencode" | "agent-devbox" => format!("kubeopencode/kubeopencode-{name}"),
        _ => format!("kubeopencode/{name}"),
    }
}

/// Pushes what is not there yet; each then has its tag, and the digest that its layout has.
pub(crate) fn push(layouts: &[Layout], destination: Destination<'_>) -> Result<()> {
    for layout in layouts {
        let target = reference(layout.name, destination);
        step::run(&format!("push {target}"), |_| push_one(layout, &target, destination.transport))?;
    }
    Ok(())
}

/// Such as `ghcr.io/kubeopencode/gateway:0.2.0`.
pub(crate) fn reference(name: &str, Destination { registry, tag, .. }: Destination<'_>) -> String {
    format!("{}/{}:{tag}", registry.as_str(), repository(name))
}

fn push_one(layout: &Layout, target: &str, transport: Transport) -> Result<()> {
    let digest_file = tempfile::NamedTempFile::new()?;
    let mut skopeo = Cmd::new("skopeo")
        .args(["--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests"])
        .arg("--digestfile")
        .arg(digest_file.path());
    if transport == Transport::Plain {
        skopeo = skopeo.arg("--dest-tls-verify=false");
    }
    if let Some(folder) = paths::variable("DOCKER_CONFIG") {
        skopeo =
            skopeo.arg("--dest-authfile").arg(std::path::Path::new(&folder).join("config.json"));
    }
    skopeo
        .arg(format!("oci:{}:{}", layout.folder.display(), super::layout::INDEX))
        .arg(format!("docker://{target}"))
        .run()
        .with_context(|| {
            format!("cannot push to {target}; if it refuses you, run `docker login` first")
        })?;
    let digest = fs::read_to_string(digest_file.path())?;
    ensure!(
        digest.trim() == layout.digest,
        "{target} has the digest {digest}, and was built with {}",
        layout.digest
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_registry_is_a_host_and_a_path_without_a_scheme() {
        for good in ["ghcr.io", "127.0.0.1:5000", "registry.example.com/team"] {
            assert_eq!(good.parse::<RegistryAddress>().unwrap().as_str(), good);
        }
        for bad in ["https://ghcr.io", "", "ghcr.io/", "a b", "/x"] {
            assert!(bad.parse::<RegistryAddress>().is_err(), "{bad}");
        }
    }

    /// Pushed under another name, an image would not be found.
    #[test]
    fn images_are_pushed_to_the_repositories_that_the_chart_names() {
        let values = fs::read_to_string(paths::repository().join("helm/kubeopencode/values.yaml"));
        let values: Value = serde_yaml_ng::from_str(&values.unwrap()).unwrap();
        for (path, name) in super::super::IN_CHART {
            assert_eq!(values.pointer(path).unwrap()["repository"], repository(name), "{path}");
        }
    }
}
