//! The packaged chart in a cluster of its own, with images of a registry; what must hold is in `e2e/tests/released`.

use anyhow::Result;

use crate::{
    apt::{self, Needed},
    cluster::{self, Choice},
    images::{self, Platform},
    paths, sccache, script, step,
};

const NEEDED: [Needed; 3] = [
    Needed { program: "chromium", package: "chromium" },
    Needed { program: "chromedriver", package: "chromium-driver" },
    Needed { program: "skopeo", package: "skopeo" },
];

/// Makes a cluster beside that of `choice`, and removes it; after a failure it stays, to be looked at.
pub(crate) fn end_to_end(choice: &Choice) -> Result<()> {
    let choice = choice.beside("release")?;
    let (helm, registry) = (cluster::ensure_helm()?, cluster::ensure_registry()?);
    step::run("browser, skopeo", |_| apt::ensure(&NEEDED))?;
    // Here, where package registries can be reached: from the node they cannot.
    images::layouts(&images::build_all(&[Platform::host()])?)?;
    // What an earlier failure left is none that has nothing of ours.
    if cluster::exists(&choice)? {
        cluster::down(&choice)?;
    }
    let cluster = cluster::up(&choice)?;
    eprintln!("a release in a cluster");
    sccache::wrap(cluster.on_its_node("cargo")?)
        .args(["test", "--locked", "--offline", "--features", "e2e/cluster", "--test", "released"])
        .current_dir(paths::repository())
        .env("HELM", helm)
        .env("KUBECTL", cluster.kubectl_program()?)
        .env("REGISTRY", registry)
        .env("XTASK", paths::program()?)
        .env("KUBECONFIG", cluster.kubeconfig()?)
        .env("E2E_KUBEOC", images::program("kubeoc")?)
        .env("E2E_OPENCODE", script::config().to_string())
        .env("E2E_ARTIFACTS", paths::repository().join("target/e2e"))
        .show()?;
    cluster::down(&choice)
}
