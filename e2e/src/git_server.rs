//! The git server of `e2e/git-server` in a test's own namespace; it serves plain files too.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use api_types::names;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Service},
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, PostParams},
};
use serde::Deserialize;
use serde_json::json;

use crate::{cluster::Space, pods, rollout};

const NAME: &str = "git-server";
const PORT: u16 = 8080;

/// A Deployment and a Service.
const MANIFEST: &str = include_str!("../git-server/git-server.yaml");

/// A server of one repository, `repo.git`, whose branch is `main`.
pub struct GitServer<'a> {
    space: &'a Space,
    pod: String,
}

impl<'a> GitServer<'a> {
    /// Starts it, with nothing to serve yet.
    pub async fn start(space: &'a Space) -> Result<Self> {
        let scripts: ConfigMap = serde_json::from_value(json!({
            "metadata": { "name": NAME },
            "data": {
                "serve.sh": include_str!("../git-server/serve.sh"),
                "commit.sh": include_str!("../git-server/commit.sh"),
                "http-backend.sh": include_str!("../git-server/http-backend.sh"),
            },
        }))?;
        let (deployment, service) = objects(&images(space).await?)?;
        let deployments: Api<Deployment> = space.api();
        space.api().create(&PostParams::default(), &scripts).await?;
        deployments.create(&PostParams::default(), &deployment).await?;
        space.api().create(&PostParams::default(), &service).await?;
        rollout::finished(&deployments, NAME).await?;
        let pods: Api<Pod> = space.api();
        let pods = pods.list(&ListParams::default().labels(&format!("app={NAME}"))).await?;
        let pod = pods.items.first().context("the git server has no pod")?.name_any();
        Ok(Self { space, pod })
    }

    /// Writes files, commits all of them, and gives the commit's name.
    pub async fn commit(&self, files: &[(&str, &str)], message: &str) -> Result<String> {
        for (path, content) in files {
            let write =
                r#"mkdir -p "$(dirname "/srv/work/$1")" && printf %s "$2" > "/srv/work/$1""#;
            self.run(&["/bin/sh", "-euc", write, "sh", path, content]).await?;
        }
        let name = self.run(&["/bin/sh", "/scripts/commit.sh", message]).await?;
        let name = name.trim().to_owned();
        anyhow::ensure!(name.len() == 40, "no commit was made: {name:?}");
        Ok(name)
    }

    /// Commits a file of random bytes, which no compression makes smaller.
    pub async fn grow(&self, megabytes: u16) -> Result<()> {
        let write = r#"head -c "$1" /dev/urandom > /srv/work/random"#;
        let bytes = (u32::from(megabytes) * 1_000_000).to_string();
        self.run(&["/bin/sh", "-euc", write, "sh", &bytes]).await?;
        self.run(&["/bin/sh", "/scripts/commit.sh", "large"]).await.map(drop)
    }

    /// Puts a file where it can be downloaded.
    pub async fn publish(&self, path: &str, content: &str) -> Result<()> {
        let write = r#"printf %s "$2" > "/srv/www/$1""#;
        self.run(&["/bin/sh", "-euc", write, "sh", path, content]).await.map(drop)
    }

    /// The repository, as an agent of the same namespace reaches it.
    pub fn repository(&self) -> String {
        format!("{}/cgi-bin/git/repo.git", self.url())
    }

    /// Where published files are.
    pub fn url(&self) -> String {
        format!("http://{NAME}.{}.svc.cluster.local:{PORT}", self.space.name)
    }

    async fn run(&self, command: &[&str]) -> Result<String> {
        pods::exec_in(self.space, &self.pod, NAME, command).await
    }
}

/// What the manifest says, with the images that agents of this cluster get.
fn objects(images: &BTreeMap<String, String>) -> Result<(Deployment, Service)> {
    let manifest = [("agent-opencode", "AGENT_IMAGE"), ("agent-devbox", "EXECUTOR_IMAGE")]
        .iter()
        .fold(MANIFEST.to_owned(), |manifest, (name, variable)| {
            manifest.replace(&format!("ghcr.io/kubeopencode/{name}:latest"), &images[*variable])
        });
    let mut documents = serde_yaml_ng::Deserializer::from_str(&manifest);
    let mut next = || documents.next().context("an object is missing");
    Ok((Deployment::deserialize(next()?)?, Service::deserialize(next()?)?))
}

/// The images that agents get, by the variable of the controller that names them.
async fn images(space: &Space) -> Result<BTreeMap<String, String>> {
    let all: Api<Deployment> = Api::namespaced(space.client.clone(), names::SERVER_NAMESPACE);
    let controller = all.get(names::CONTROLLER_DEPLOYMENT).await?;
    let pod = controller.spec.and_then(|spec| spec.template.spec).context("no pod")?;
    let variables =
        pod.containers.into_iter().flat_map(|container| container.env.into_iter().flatten());
    Ok(variables.filter_map(|one| Some((one.name, one.value?))).collect())
}
