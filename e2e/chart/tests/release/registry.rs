//! Images that are pushed, and pulled back by their digests.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::Result;
use chart::{Outcome, Registry, objects, pod_template, pull};
use serde_json::Value;

fn succeeded(outcome: Result<Outcome>) -> String {
    let outcome = outcome.unwrap();
    assert!(outcome.succeeded, "{}", outcome.errors);
    outcome.output
}

/// The blobs of a layout that its index leads to; each must be what its name says.
fn blobs(layout: &Path) -> BTreeSet<String> {
    let folder = layout.join("blobs/sha256");
    let names = fs::read_dir(&folder).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let sum = std::process::Command::new("sha256sum").arg(folder.join(&name)).output().unwrap();
        assert!(sum.stdout.starts_with(name.as_bytes()), "{name} is another file");
        name
    });
    names.collect()
}

fn read(layout: &Path, digest: &Value) -> Value {
    let hash = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
    serde_json::from_slice(&fs::read(layout.join("blobs/sha256").join(hash)).unwrap()).unwrap()
}

#[test]
fn a_pushed_image_comes_back_whole_by_the_digest_that_was_printed() {
    let registry = Registry::up().unwrap();
    let push = ["images", "--push", &registry.address, "--plain-http", "--only", "agent-opencode"];
    let printed = succeeded(registry.xtask("user", &[&push[..], &["--tag", "v1"]].concat()));
    let name = format!("{}/kubeopencode/kubeopencode-agent-opencode", registry.address);
    let (reference, digest) = printed.trim().split_once('@').unwrap();
    assert_eq!(reference, format!("{name}:v1"));

    let pulled = tempfile::tempdir().unwrap();
    succeeded(pull(&format!("{name}@{digest}"), pulled.path()));
    let blobs = blobs(pulled.path());
    assert!(blobs.contains(&digest["sha256:".len()..]), "{blobs:?}");
    let index = read(pulled.path(), &digest.into());
    let [manifest] = &index["manifests"].as_array().unwrap()[..] else {
        panic!("one platform was built: {index}")
    };
    assert_eq!(manifest["platform"]["os"], "linux");
    let layers = read(pulled.path(), &manifest["digest"])["layers"].as_array().unwrap().len();
    assert_eq!(blobs.len(), layers + 3, "index, manifest, configuration and layers");

    // By another tag it is the same, and nothing is built.
    let again = succeeded(registry.xtask("user", &[&push[..], &["--tag", "v2"]].concat()));
    assert_eq!(again.trim(), format!("{name}:v2@{digest}"));
}

/// One that compiles in a minute stands for all; a release builds and runs each for both.
#[test]
fn an_image_for_two_platforms_is_one_index_and_its_programs_run_by_qemu() {
    let registry = Registry::up().unwrap();
    let push = ["images", "--push", &registry.address, "--plain-http", "--only", "scripted-model"];
    let both = ["--platform", "linux/amd64,linux/arm64", "--smoke"];
    let printed = succeeded(registry.xtask("user", &[&push[..], &both].concat()));
    let (_, digest) = printed.trim().split_once('@').unwrap();

    let pulled = tempfile::tempdir().unwrap();
    let name = format!("{}/kubeopencode/scripted-model@{digest}", registry.address);
    succeeded(pull(&name, pulled.path()));
    let index = read(pulled.path(), &digest.into());
    let manifests = index["manifests"].as_array().unwrap();
    let platforms: Vec<_> = manifests
        .iter()
        .map(|manifest| {
            let configuration = &read(pulled.path(), &manifest["digest"])["config"]["digest"];
            let architecture = &read(pulled.path(), configuration)["architecture"];
            assert_eq!(manifest["platform"]["architecture"], *architecture);
            architecture.as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(platforms, ["amd64", "arm64"]);
}

#[test]
fn without_credentials_the_registry_is_named_and_what_to_do() {
    let registry = Registry::up().unwrap();
    let push = ["images", "--push", &registry.address, "--plain-http", "--only", "agent-opencode"];
    let refused = registry.xtask("nobody", &push).unwrap();
    assert!(!refused.succeeded);
    let words = [registry.address.as_str(), "docker login"];
    assert!(words.iter().all(|word| refused.errors.contains(word)), "{}", refused.errors);
}

/// What `install --registry` would do: every image that the chart then names is one of the registry.
#[test]
fn an_install_names_every_image_by_a_digest_that_the_registry_has() {
    let registry = Registry::up().unwrap();
    let options = ["--plain-http", "--tag", "v3"];
    let pushed = succeeded(
        registry.xtask("user", &[&["images", "--push", &registry.address], &options[..]].concat()),
    );
    let install = ["install", "--registry", &registry.address, "--dry-run"];
    let said = succeeded(registry.xtask("user", &[&install[..], &options].concat()));
    let (command, values) = said.split_once("\n---\n").unwrap();
    assert!(command.starts_with("helm upgrade --install kubeopencode "), "{command}");

    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, values).unwrap();
    let rendered = chart::text(file.path()).unwrap();
    let objects = objects(&rendered).unwrap();
    let images: BTreeSet<_> = objects
        .values()
        .filter_map(pod_template)
        .flat_map(|template| template["spec"]["containers"].as_array().unwrap())
        .map(|container| container["image"].as_str().unwrap())
        .collect();
    assert_eq!(images.len(), 4, "{images:?}");
    let known: BTreeSet<_> = pushed.lines().map(|line| line.replace(":v3@", "@")).collect();
    for image in images {
        assert!(known.contains(image), "{image} was not pushed: {known:?}");
    }
    for agents in ["kubeopencode-agent-opencode", "kubeopencode-agent-devbox", "agent-tools"] {
        let image = known.iter().find(|image| image.contains(&format!("/{agents}@"))).unwrap();
        assert!(rendered.contains(image.as_str()), "{image}");
    }
}
