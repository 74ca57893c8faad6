//! `cargo xtask install --registry`: images into a registry, and Helm's chart, which names them by digest, into a cluster.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use api_types::names::SERVER_NAMESPACE;
use serde_json::{Value, json};

use super::Arguments;
use crate::{
    cluster,
    images::{self, Destination, IN_CHART, Layout, RegistryAddress},
    paths,
    shell::{Cmd, which},
};

/// The release, as Helm calls an installation.
const RELEASE: &str = "kubeopencode";

pub(super) fn run(arguments: &Arguments, registry: &RegistryAddress) -> Result<()> {
    let destination = arguments.pushing.to(registry);
    let layouts = images::layouts(&images::build_all(&arguments.pushing.platform)?)?;
    let values = values(destination, arguments.external_url.as_deref(), &layouts)?;
    let file = paths::repository().join("target/install/values.yaml");
    fs::create_dir_all(file.parent().context("a file has a folder")?)?;
    let text = serde_yaml_ng::to_string(&values)?;
    fs::write(&file, &text)?;
    let command = command(&file, arguments.cluster.context());
    if arguments.dry_run {
        print!("helm {}\n---\n{text}", command.join(" "));
        return Ok(());
    }
    images::push(&layouts, destination)?;
    let cluster = cluster::up(&arguments.cluster.or_current())?;
    let helm = which("helm").map_or_else(cluster::ensure_helm, Ok)?;
    Cmd::new(helm).args(&command).env("KUBECONFIG", cluster.kubeconfig()?).show()
}

/// Helm's arguments. It waits until everything is ready.
fn command(values: &Path, context: Option<&str>) -> Vec<String> {
    let chart = paths::repository().join("helm/kubeopencode");
    let mut words: Vec<_> = ["upgrade", "--install", RELEASE].map(str::to_owned).into();
    words.push(chart.display().to_string());
    words.extend(
        ["--namespace", SERVER_NAMESPACE, "--create-namespace", "--values"].map(str::to_owned),
    );
    words.push(values.display().to_string());
    words.push("--wait".to_owned());
    if let Some(context) = context {
        words.extend(["--kube-context".to_owned(), context.to_owned()]);
    }
    words
}

/// The chart's values by which each image is the one that was pushed.
fn values(
    destination: Destination<'_>,
    external_url: Option<&str>,
    layouts: &[Layout],
) -> Result<Value> {
    let mut values =
        json!({ "image": { "registry": destination.registry.as_str(), "tag": destination.tag } });
    for (path, name) in IN_CHART {
        let layout = layouts.iter().find(|layout| layout.name == name);
        let digest = &layout.with_context(|| format!("image {name} was not built"))?.digest;
        set(&mut values, path, json!({ "digest": digest }));
    }
    if let Some(url) = external_url {
        values["externalUrl"] = json!(url);
    }
    Ok(values)
}

/// Writes what a path such as `/a/b` leads to.
fn set(values: &mut Value, path: &str, value: Value) {
    let place = path.split('/').skip(1).fold(values, |place, key| &mut place[key]);
    *place = value;
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::images::Transport;

    fn layout(name: &'static str) -> Layout {
        Layout { name, folder: PathBuf::new(), digest: format!("sha256:{name}") }
    }

    #[test]
    fn the_values_name_every_image_of_the_chart_by_its_digest() {
        let registry = "registry.example.com/team".parse().unwrap();
        let destination =
            Destination { registry: &registry, tag: "0.2.0", transport: Transport::Https };
        let mut layouts = IN_CHART.map(|(_, name)| layout(name)).to_vec();
        let values = values(destination, Some("https://agents.example.com"), &layouts).unwrap();
        assert_eq!(
            values,
            json!({
                "image": { "registry": "registry.example.com/team", "tag": "0.2.0" },
                "externalUrl": "https://agents.example.com",
                "controller": { "image": { "digest": "sha256:controller" } },
                "gateway": { "image": { "digest": "sha256:gateway" } },
                "broker": { "image": { "digest": "sha256:terminal-broker" } },
                "certificates": { "job": { "image": { "digest": "sha256:kubeoc" } } },
                "agents": { "images": {
                    "opencode": { "digest": "sha256:agent-opencode" },
                    "executor": { "digest": "sha256:agent-devbox" },
                    "tools": { "digest": "sha256:agent-tools" },
                } },
            })
        );
        layouts.retain(|layout| layout.name != "kubeoc");
        let missing = super::values(destination, None, &layouts).unwrap_err().to_string();
        assert_eq!(missing, "image kubeoc was not built");
    }

    #[test]
    fn helm_installs_or_upgrades_in_the_systems_namespace_and_waits() {
        let said = command(Path::new("/values.yaml"), Some("prod")).join(" ");
        let chart = paths::repository().join("helm/kubeopencode").display().to_string();
        assert_eq!(
            said.replace(&chart, "CHART"),
            "upgrade --install kubeopencode CHART --namespace kubeopencode-system --create-namespace \
             --values /values.yaml --wait --kube-context prod"
        );
    }
}
