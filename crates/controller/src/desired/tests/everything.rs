//! An agent that uses every field at once, and what must be true of its objects whatever the
//! snapshots hold.

use std::collections::{BTreeMap, BTreeSet};

use agent_jobs::{ContextJob, GitJob, PluginJob, UrlJob};
use api_types::AgentSpec;
use k8s_openapi::api::core::v1::{Container, PodSpec};
use serde_json::{Value, json};

use super::{of, pod, variable};
use crate::{desired::DesiredObjects, fixture::specs};

fn everything() -> AgentSpec {
    specs::read(&specs::everything())
}

fn containers(pod: &PodSpec) -> BTreeMap<String, Container> {
    let all = pod.init_containers.iter().flatten().chain(&pod.containers);
    all.map(|container| (container.name.clone(), container.clone())).collect()
}

fn file<T: serde::de::DeserializeOwned>(objects: &DesiredObjects, key: &str) -> T {
    let mut data = objects.config_maps.iter().filter_map(|map| map.data.as_ref()?.get(key));
    serde_json::from_str(data.next().unwrap()).unwrap()
}

#[test]
fn its_objects() {
    let objects = of(everything());
    insta::assert_yaml_snapshot!("everything_deployment", objects.deployment);
    insta::assert_yaml_snapshot!("everything_config_maps", objects.config_maps);
    insta::assert_yaml_snapshot!("everything_claims", objects.claims);
}

#[test]
fn its_containers_run_in_this_order() {
    let pod = pod(&of(everything()));
    let names = |containers: &[Container]| {
        containers.iter().map(|container| container.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&pod.init_containers.unwrap()),
        [
            "opencode-init",
            "terminal-init",
            "git-init-0",
            "git-init-1",
            "git-init-2",
            "url-fetch-0",
            "url-fetch-1",
            "context-init",
            "plugin-init",
        ]
    );
    assert_eq!(names(&pod.containers), ["opencode-server", "git-sync-0", "git-sync-1"]);
}

#[test]
fn each_volume_is_mounted_and_each_mount_has_its_volume() {
    let pod = pod(&of(everything()));
    let volumes = pod.volumes.iter().flatten().map(|volume| volume.name.clone());
    let volumes: BTreeSet<_> = volumes.collect();
    assert_eq!(volumes.len(), pod.volumes.iter().flatten().count());
    let mut mounted = BTreeSet::new();
    for (name, container) in containers(&pod) {
        let mounts = container.volume_mounts.unwrap();
        let paths: BTreeSet<_> = mounts.iter().map(|mount| mount.mount_path.clone()).collect();
        assert_eq!(paths.len(), mounts.len(), "{name} mounts a path twice");
        mounted.extend(mounts.into_iter().map(|mount| mount.name));
    }
    assert_eq!(mounted, volumes);
}

#[test]
fn every_container_trusts_the_authority_and_knows_the_proxy() {
    for (name, container) in containers(&pod(&of(everything()))) {
        let value = |variable_name| variable(&container, variable_name);
        let path = Some("/etc/ssl/certs/custom-ca/tls.crt".to_owned());
        assert_eq!(value("CUSTOM_CA_CERT_PATH"), path, "{name}");
        assert_eq!(value("NODE_EXTRA_CA_CERTS"), path, "{name}");
        let mounts = container.volume_mounts.iter().flatten();
        let mut paths = mounts.map(|mount| mount.mount_path.as_str());
        assert!(paths.any(|path| path == "/etc/ssl/certs/custom-ca"), "{name}");
        // Before terminal-init has run there is no joined file.
        let early = ["opencode-init", "terminal-init"].contains(&name.as_str());
        let joined = (!early).then(|| "/tools/ca-bundle.crt".to_owned());
        assert_eq!(value("SSL_CERT_FILE"), joined, "{name}");
        assert_eq!(value("GIT_SSL_CAINFO"), joined, "{name}");
        for variable_name in ["https_proxy", "HTTPS_PROXY"] {
            // A reference to another variable stays one.
            assert_eq!(
                value(variable_name).as_deref(),
                Some("http://$(USER)@proxy:3128"),
                "{name}"
            );
        }
        let never = "corp.example,.svc,.cluster.local,localhost,127.0.0.1,::1";
        assert_eq!(value("no_proxy").as_deref(), Some(never), "{name}");
        assert_eq!(value("EVERYWHERE").as_deref(), Some("1"), "{name}");
    }
}

#[test]
fn what_is_for_one_container_reaches_that_one() {
    for (name, container) in containers(&pod(&of(everything()))) {
        let expected = match name.as_str() {
            "opencode-init" => Some("openCodeInit"),
            "context-init" => Some("contextInit"),
            "plugin-init" => Some("pluginInit"),
            name if name.starts_with("git-init") => Some("gitInit"),
            name if name.starts_with("git-sync") => Some("gitSync"),
            _ => None,
        };
        assert_eq!(variable(&container, "ONLY").as_deref(), expected, "{name}");
        let mounts = container.volume_mounts.iter().flatten();
        let corp = mounts.filter(|mount| mount.mount_path == "/etc/ssl/corp").count();
        assert_eq!(corp, usize::from(name.starts_with("git-init")), "{name}");
    }
}

/// A sidecar ends to report, and the pod is not ready meanwhile.
#[test]
fn a_service_has_its_pod_also_while_a_sidecar_reports() {
    let anyway = |spec: AgentSpec| of(spec).service.spec.unwrap().publish_not_ready_addresses;
    assert_eq!(anyway(everything()), Some(true));
    assert_eq!(anyway(AgentSpec::default()), None);
}

#[test]
fn no_value_of_a_users_is_on_a_command_line() {
    let objects = of(everything());
    for (name, container) in containers(&pod(&objects)) {
        let words =
            container.command.into_iter().flatten().chain(container.args.into_iter().flatten());
        for word in words.filter(|word| word.starts_with("/etc/kubeopencode/config/")) {
            let key = word.trim_start_matches("/etc/kubeopencode/config/");
            file::<Value>(&objects, key);
        }
        assert!(name == "opencode-init" || container.image.is_some());
    }
}

#[test]
fn the_jobs_are_what_the_programs_read() {
    let objects = of(everything());
    let context: ContextJob = file(&objects, "context-init.json");
    let document = context.document.unwrap();
    let blocks: Vec<_> = document.blocks.iter().map(|block| block.kind.as_str()).collect();
    assert_eq!(blocks, ["Text", "ConfigMap", "Runtime", "URL"]);
    let targets = context.items.iter().map(|item| {
        let path = item.target.path.as_ref().unwrap().as_str();
        format!("{} {path} {:o}", item.target.root, item.mode)
    });
    assert_eq!(
        targets.collect::<Vec<_>>(),
        [
            "/src docs/guide.md 600",
            "/etc/kubeopencode/contexts 2 644",
            "/etc/kubeopencode/contexts 4 644"
        ]
    );
    let git: GitJob = file(&objects, "git-0.json");
    assert_eq!((git.target.root.as_str(), git.target.path.unwrap().as_str()), ("/src", "code"));
    assert_eq!(git.sync.unwrap().interval_seconds, 60);
    let skill: GitJob = file(&objects, "git-2.json");
    assert_eq!(skill.select.len(), 2);
    let url: UrlJob = file(&objects, "url-fetch-1.json");
    assert_eq!((url.timeout_seconds, url.credentials.is_some()), (5, true));
    let plugins: PluginJob = file(&objects, "plugin-init.json");
    assert_eq!(plugins.plugins.len(), 2);
}

#[test]
fn texts_beyond_one_config_map_are_spread_over_several() {
    let text = |index: usize| json!({ "type": "Text", "text": "x".repeat(400_000), "mountPath": format!("f{index}") });
    let contexts: Vec<_> = (0..5).map(text).collect();
    let objects = of(serde_json::from_value(json!({ "contexts": contexts })).unwrap());
    let names: Vec<_> =
        objects.config_maps.iter().map(|map| map.metadata.name.clone().unwrap()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(names[..2], ["demo-server-context", "demo-server-context-1"]);
    let volumes = pod(&objects).volumes.unwrap();
    let projected = volumes.iter().find_map(|volume| volume.projected.as_ref()).unwrap();
    let sources = projected.sources.as_ref().unwrap().iter();
    let sources: Vec<_> =
        sources.map(|source| source.config_map.as_ref().unwrap().name.clone()).collect();
    assert_eq!(sources, names);
}

#[test]
fn a_change_of_a_text_makes_a_new_pod() {
    let template = |text: &str| {
        let spec = json!({ "contexts": [{ "type": "Text", "text": text }] });
        of(serde_json::from_value(spec).unwrap()).deployment.spec.unwrap().template
    };
    assert_ne!(template("a"), template("b"));
    assert_eq!(template("a"), template("a"));
}

#[test]
fn a_dollar_in_a_value_of_ours_is_no_reference() {
    let spec = serde_json::from_value(json!({ "workspaceDir": "/src/$(HOME)$$" })).unwrap();
    let server = pod(&of(spec)).containers.remove(0);
    assert_eq!(variable(&server, "WORKSPACE_DIR").as_deref(), Some("/src/$$(HOME)$$$$"));
    assert_eq!(server.working_dir.as_deref(), Some("/src/$(HOME)$$"));
}
