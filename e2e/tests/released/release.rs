//! The release under test: images in a registry that asks for a password, and a chart that was packed.

use std::{fs, net::IpAddr, path::PathBuf};

use anyhow::{Context, Result, ensure};
use api_types::names::{BROKER_SERVICE, SERVER_NAMESPACE, SERVER_SERVICE};
use chart::{Outcome, Registry, helm, helm_on_cluster, kubectl};
use e2e::{browser::Browser, cluster::Space, pods, rollout, waiting};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{Api, Client, api::ListParams};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The Secret with the registry's credentials.
pub(crate) const CREDENTIALS: &str = "registry";

pub(crate) const NODE_PORT: u16 = 30746;

const NAME: &str = "kubeopencode";

/// Counts how often the page's terminal is connected from now on.
const COUNT_OPENINGS: &str = "window.openings = 0; const Plain = window.WebSocket;\
    window.WebSocket = class extends Plain { constructor(...of) { super(...of);\
        this.addEventListener('open', () => { window.openings += 1; }); } };";

pub(crate) struct Release {
    registry: Registry,
    _folder: TempDir,
    chart: PathBuf,
    values: PathBuf,
}

impl Release {
    /// Pushes every image, and packs the chart with values that name them by digest.
    pub(crate) fn packaged() -> Result<Self> {
        let registry = Registry::up()?;
        let options = ["--plain-http", "--tag", "e2e"];
        let push = ["images", "--push", &registry.address];
        succeeded("push", registry.xtask("user", &[&push[..], &options].concat())?)?;
        let install = ["install", "--registry", &registry.address, "--dry-run"];
        let said =
            succeeded("values", registry.xtask("user", &[&install[..], &options].concat())?)?;
        let (_, values) = said.split_once("\n---\n").context("it prints values")?;
        let mut values: Value = serde_yaml_ng::from_str(values)?;
        values["gateway"]["service"] = json!({ "type": "NodePort", "nodePort": NODE_PORT });
        values["image"]["pullSecrets"] = json!([{ "name": CREDENTIALS }]);

        let folder = tempfile::tempdir()?;
        let file = folder.path().join("values.yaml");
        fs::write(&file, values.to_string())?;
        let pack = ["package", "--destination", folder.path().to_str().context("UTF-8")?];
        succeeded("package", helm(&pack, &[&chart::chart()])?)?;
        let packed = format!("{NAME}-{}.tgz", env!("CARGO_PKG_VERSION"));
        Ok(Self { registry, chart: folder.path().join(packed), values: file, _folder: folder })
    }

    /// Puts the registry's credentials into a namespace, and into the one of the system, which admits only pods of the
    /// restricted profile.
    pub(crate) fn lets_pull(&self, namespace: &str) -> Result<()> {
        let system = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": SERVER_NAMESPACE,
                "labels": { "pod-security.kubernetes.io/enforce": "restricted" },
            },
        });
        succeeded("namespace", kubectl(&["apply", "--filename", "-"], &system.to_string())?)?;
        for namespace in [SERVER_NAMESPACE, namespace] {
            let file =
                format!("--from-file=.dockerconfigjson={}", self.registry.credentials().display());
            let secret = [
                "create",
                "secret",
                "generic",
                CREDENTIALS,
                "--namespace",
                namespace,
                "--type=kubernetes.io/dockerconfigjson",
                &file,
            ];
            succeeded("secret", kubectl(&secret, "")?)?;
        }
        Ok(())
    }

    pub(crate) fn install(&self, further: &[&str]) -> Result<()> {
        let words = self.words("install", further)?;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        succeeded("install", helm_on_cluster(&words)?).map(drop)
    }

    pub(crate) fn uninstall() -> Result<()> {
        let words = ["uninstall", NAME, "--namespace", SERVER_NAMESPACE, "--wait", "--timeout=3m"];
        succeeded("uninstall", helm_on_cluster(&words)?).map(drop)
    }

    /// Where a guest reaches the gateway: at the node, as where no load balancer is.
    pub(crate) async fn gateway(client: &Client) -> Result<String> {
        Ok(format!("http://{}:{NODE_PORT}", Self::node(client).await?))
    }

    /// The node's address, where pods reach the test, too.
    pub(crate) async fn node(client: &Client) -> Result<IpAddr> {
        let nodes: Api<Node> = Api::all(client.clone());
        let node = nodes.list(&ListParams::default()).await?.items.pop().context("no node")?;
        let addresses = node.status.and_then(|status| status.addresses).unwrap_or_default();
        let internal = addresses.into_iter().find(|address| address.type_ == "InternalIP");
        Ok(internal.context("it has no address")?.address.parse()?)
    }

    /// Replaces the pods of all three programs, and tells how often `page` was connected meanwhile.
    pub(crate) async fn upgraded_under(&self, page: &Browser, client: &Client) -> Result<u64> {
        page.page.execute(COUNT_OPENINGS, vec![]).await?;
        let before = pods_of_the_page(client).await?;
        let annotations = ["controller", "gateway", "broker"]
            .map(|of| format!("--set={of}.podAnnotations.round=two"));
        let words = self.words("upgrade", &annotations.each_ref().map(String::as_str))?;
        // Beside the visitors, who come all the while.
        let upgraded = tokio::task::spawn_blocking(move || {
            helm_on_cluster(&words.iter().map(String::as_str).collect::<Vec<_>>())
        });
        succeeded("upgrade", upgraded.await??)?;
        let gone = waiting::until("the old pods are gone", e2e::cluster::PATIENCE, || async {
            let now = pods_of_the_page(client).await?;
            Ok(before.iter().all(|pod| !now.contains(pod)).then_some(()))
        });
        gone.await?;
        for deployment in [SERVER_SERVICE, BROKER_SERVICE] {
            rollout::finished(&rollout::deployments(client), deployment).await?;
        }
        let openings = page.page.execute("return window.openings", vec![]).await?;
        openings.as_u64().context("a number of openings")
    }

    /// Whether each container of the system and of the test's agents runs an image of the registry.
    pub(crate) async fn made_every_image(&self, space: &Space) -> Result<()> {
        let system: Api<Pod> = Api::namespaced(space.client.clone(), SERVER_NAMESPACE);
        let mut all = system.list(&ListParams::default()).await?.items;
        all.extend(space.api::<Pod>().list(&ListParams::default()).await?);
        ensure!(all.len() >= 6, "{} pods run", all.len());
        for container in all
            .iter()
            .filter_map(|pod| pod.spec.as_ref())
            .flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()))
        {
            let image = container.image.as_deref().unwrap_or_default();
            let pushed = image.starts_with(&self.registry.address) && image.contains("@sha256:");
            ensure!(pushed, "{} runs {image}", container.name);
        }
        Ok(())
    }

    /// Helm's arguments. It waits until everything is ready.
    fn words(&self, verb: &str, further: &[&str]) -> Result<Vec<String>> {
        let chart = self.chart.to_str().context("UTF-8")?;
        let values = self.values.to_str().context("UTF-8")?;
        let words = [verb, NAME, chart, "--namespace", SERVER_NAMESPACE, "--values", values];
        let all = [&words[..], &["--wait", "--timeout=5m"], further].concat();
        Ok(all.into_iter().map(str::to_owned).collect())
    }
}

async fn pods_of_the_page(client: &Client) -> Result<Vec<String>> {
    let gateways = pods::of_component(client, "gateway").await?;
    Ok([gateways, pods::of_component(client, "terminal-broker").await?].concat())
}

pub(crate) fn succeeded(what: &str, outcome: Outcome) -> Result<String> {
    ensure!(outcome.succeeded, "{what}: {}{}", outcome.output, outcome.errors);
    Ok(outcome.output)
}
