//! Images that are pushed, and pulled back by their digests.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::Result;
use chart::{Outcome, Registry, objects, pod_template, pull};
use serde_json::Value;

/// What is compiled for another platform than this one: what runs in every agent, and a small server.
const OTHER_PLATFORM: &str = "agent-tools,scripted-model";

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

/// The architectures of an index, each as it and the image's own configuration name it.
fn architectures(layout: &Path, index: &Value) -> Vec<String> {
    let manifests = index["manifests"].as_array().unwrap().iter();
    let of = |manifest: &Value| {
        let configuration = &read(layout, &manifest["digest"])["config"]["digest"];
        let architecture = &read(layout, configuration)["architecture"];
        let platform = serde_json::json!({ "os": "linux", "architecture": architecture });
        assert_eq!(manifest["platform"], platform);
        architecture.as_str().unwrap().to_owned()
    };
    manifests.map(of).collect()
}

/// OpenCode's own: nothing is compiled for it.
#[test]
fn an_image_for_two_platforms_comes_back_whole_by_the_digest_that_was_printed() {
    let registry = Registry::up().unwrap();
    let push = ["images", "--push", &registry.address, "--plain-http", "--only", "agent-opencode"];
    let push = [&push[..], &["--platform", "linux/amd64,linux/arm64", "--tag"]].concat();
    let printed = succeeded(registry.xtask("user", &[&push[..], &["v1"]].concat()));
    let name = format!("{}/kubeopencode/kubeopencode-agent-opencode", registry.address);
    let (reference, digest) = printed.trim().split_once('@').unwrap();
    assert_eq!(reference, format!("{name}:v1"));

    let pulled = tempfile::tempdir().unwrap();
    succeeded(pull(&format!("{name}@{digest}"), pulled.path()));
    let blobs = blobs(pulled.path());
    assert!(blobs.contains(&digest["sha256:".len()..]), "{blobs:?}");
    let index = read(pulled.path(), &digest.into());
    assert_eq!(architectures(pulled.path(), &index), ["amd64", "arm64"]);
    let parts = |manifest: &Value| {
        let manifest = read(pulled.path(), &manifest["digest"]);
        let layers = manifest["layers"].as_array().unwrap().iter();
        let digests = layers.chain([&manifest["config"]]).map(|part| part["digest"].clone());
        digests.collect::<Vec<_>>()
    };
    let manifests = index["manifests"].as_array().unwrap();
    let parts: BTreeSet<_> =
        manifests.iter().flat_map(parts).map(|digest| digest.to_string()).collect();
    assert_eq!(blobs.len(), parts.len() + 3, "index, two manifests, configurations and layers");

    // By another tag it is the same, and nothing is built.
    let again = succeeded(registry.xtask("user", &[&push[..], &["v2"]].concat()));
    assert_eq!(again.trim(), format!("{name}:v2@{digest}"));
}

/// Those that compile soon stand for all; a release builds and runs each for both platforms.
#[test]
fn programs_for_another_platform_run_by_qemu_before_they_are_pushed() {
    let registry = Registry::up().unwrap();
    let other = if cfg!(target_arch = "aarch64") { "amd64" } else { "arm64" };
    let push = ["images", "--push", &registry.address, "--plain-http", "--only", OTHER_PLATFORM];
    let platform = format!("linux/{other}");
    let printed = succeeded(
        registry.xtask("user", &[&push[..], &["--smoke", "--platform", &platform]].concat()),
    );
    let digests: Vec<_> = printed.lines().map(|line| line.split_once('@').unwrap().1).collect();
    assert_eq!(digests.len(), OTHER_PLATFORM.split(',').count(), "{printed}");
    for (name, digest) in OTHER_PLATFORM.split(',').zip(digests) {
        let pulled = tempfile::tempdir().unwrap();
        let reference = format!("{}/kubeopencode/{name}@{digest}", registry.address);
        succeeded(pull(&reference, pulled.path()));
        let index = read(pulled.path(), &digest.into());
        assert_eq!(architectures(pulled.path(), &index), [other], "{name}");
    }
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
