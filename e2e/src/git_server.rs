//! A real git server in the cluster, which serves plain files too: busybox' httpd with git's own
//! http-backend, in the images that agents are made of. One for each test.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use api_types::names;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, Service},
};
use kube::{
    Api,
    api::PostParams,
    runtime::wait::{await_condition, conditions::is_pod_running},
};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    cluster::{PATIENCE, Space},
    pods,
};

const NAME: &str = "git-server";
const PORT: u16 = 8080;

/// Copies busybox, and makes the script by which httpd calls git.
const PREPARE: &str = r"
/bin/busybox cp /bin/busybox /srv/busybox
/bin/busybox mkdir -p /srv/www/cgi-bin /srv/git
/bin/busybox cat > /srv/www/cgi-bin/git <<'EOF'
#!/bin/sh
export GIT_PROJECT_ROOT=/srv/git GIT_HTTP_EXPORT_ALL=1 HOME=/srv
exec git -c safe.directory='*' http-backend
EOF
/bin/busybox chmod 0755 /srv/www/cgi-bin/git
";

/// Makes a repository of what stands in `/srv/work`, or one commit more.
const COMMIT: &str = r#"
set -e
export HOME=/srv
cd /srv/work
git init --quiet --initial-branch=main .
git add --all
git -c user.name=e2e -c user.email=e2e@example.com commit --quiet --message "$1"
test -d /srv/git/repo.git || git init --quiet --bare --initial-branch=main /srv/git/repo.git
git push --quiet --force /srv/git/repo.git main
git rev-parse HEAD
"#;

/// A server of one repository, `repo.git`, whose branch is `main`.
pub struct GitServer<'a> {
    space: &'a Space,
}

impl<'a> GitServer<'a> {
    /// Starts it, with nothing to serve yet.
    pub async fn start(space: &'a Space) -> Result<Self> {
        let images = images(space).await?;
        let (agent, executor) = (&images["AGENT_IMAGE"], &images["EXECUTOR_IMAGE"]);
        let restricted = json!({
            "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
        });
        let mounts = json!([{ "name": "srv", "mountPath": "/srv" }]);
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": NAME, "labels": { "app": NAME } },
            "spec": {
                "automountServiceAccountToken": false,
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000,
                    "seccompProfile": { "type": "RuntimeDefault" },
                },
                "initContainers": [{
                    "name": "prepare", "image": agent, "imagePullPolicy": "IfNotPresent",
                    "command": ["/bin/busybox", "sh", "-euc", PREPARE],
                    "securityContext": restricted, "volumeMounts": mounts,
                }],
                "containers": [{
                    "name": names::SERVER_CONTAINER, "image": executor,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["/srv/busybox", "httpd", "-f", "-p", PORT.to_string(), "-h", "/srv/www"],
                    "securityContext": restricted, "volumeMounts": mounts,
                }],
                "volumes": [{ "name": "srv", "emptyDir": {} }],
            },
        }))?;
        let service: Service = serde_json::from_value(json!({
            "metadata": { "name": NAME },
            "spec": { "selector": { "app": NAME }, "ports": [{ "port": PORT }] },
        }))?;
        let pods: Api<Pod> = space.api();
        pods.create(&PostParams::default(), &pod).await?;
        space.api().create(&PostParams::default(), &service).await?;
        // On the heap: a watch's future is larger than a stack frame should be.
        let running = Box::pin(await_condition(pods, NAME, is_pod_running()));
        timeout(PATIENCE, running).await.context("the git server does not start")??;
        Ok(Self { space })
    }

    /// Writes files, commits all of them, and gives the commit's name.
    pub async fn commit(&self, files: &[(&str, &str)], message: &str) -> Result<String> {
        for (path, content) in files {
            let write =
                r#"mkdir -p "$(dirname "/srv/work/$1")" && printf %s "$2" > "/srv/work/$1""#;
            pods::exec(self.space, NAME, &["/bin/sh", "-euc", write, "sh", path, content]).await?;
        }
        let commit = ["/bin/sh", "-c", COMMIT, "sh", message];
        let name = pods::exec(self.space, NAME, &commit).await?;
        let name = name.trim().to_owned();
        anyhow::ensure!(name.len() == 40, "no commit was made: {name:?}");
        Ok(name)
    }

    /// Puts a file where it can be downloaded.
    pub async fn publish(&self, path: &str, content: &str) -> Result<()> {
        let write = r#"printf %s "$2" > "/srv/www/$1""#;
        pods::exec(self.space, NAME, &["/bin/sh", "-euc", write, "sh", path, content]).await?;
        Ok(())
    }

    /// The repository, as an agent of the same namespace reaches it.
    pub fn repository(&self) -> String {
        format!("{}/cgi-bin/git/repo.git", self.url())
    }

    /// Where published files are.
    pub fn url(&self) -> String {
        format!("http://{NAME}.{}.svc.cluster.local:{PORT}", self.space.name)
    }
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
