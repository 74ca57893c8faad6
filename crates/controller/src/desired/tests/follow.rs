//! What git-sync is told of the place that it follows a repository at.

use agent_jobs::GitJob;
use serde_json::{Value, json};

use super::*;
use crate::fixture::specs;

/// The job of the first repository, which is at `path`.
fn job(path: &str, policy: &str, rest: Value) -> GitJob {
    let sync = json!({ "enabled": true, "policy": policy });
    let git = |path: &str| {
        let git = json!({ "repository": "https://git.example.com/a.git", "sync": sync });
        json!({ "type": "Git", "mountPath": path, "git": git })
    };
    let text = |path: &str| json!({ "type": "Text", "mountPath": path, "text": "x" });
    let others = ["code/AGENTS.md", "codex/notes", "/code/outside"].map(text);
    let contexts: Vec<_> =
        [git(path)].into_iter().chain(others).chain([git("code/vendor/lib")]).collect();
    let mut spec = json!({ "contexts": contexts });
    spec.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    let objects = of(specs::read(&spec));
    let mut files =
        objects.config_maps.iter().filter_map(|map| map.data.as_ref()?.get("git-0.json"));
    serde_json::from_str(files.next().unwrap()).unwrap()
}

fn others(job: &GitJob) -> Vec<&str> {
    job.others.iter().map(agent_jobs::RelativePath::as_str).collect()
}

#[test]
fn a_place_outside_the_working_directory_is_a_mount_and_no_other_is() {
    let is_mount = |path, policy| job(path, policy, json!({})).is_mount;
    assert!(is_mount("/etc/tool.conf", "HotReload"));
    assert!(!is_mount("code", "HotReload"));
    assert!(!is_mount("/workspace/code", "HotReload"));
}

#[test]
fn a_place_outlives_the_pod_where_its_volume_does() {
    let own = |volume: Value| {
        let mount = json!({ "name": "own", "mountPath": "/workspace/" });
        json!({ "podSpec": { "extraVolumes": [volume], "extraVolumeMounts": [mount] } })
    };
    let claim = json!({ "name": "own", "persistentVolumeClaim": { "claimName": "mine" } });
    let kept = json!({ "persistence": { "workspace": { "size": "1Gi" } } });
    for (path, rest, expected) in [
        ("code", json!({}), false),
        ("code", kept.clone(), true),
        ("/outside", kept, false),
        ("code", own(claim.clone()), true),
        ("/outside", own(claim), false),
        ("code", own(json!({ "name": "own", "emptyDir": {} })), false),
    ] {
        assert_eq!(job(path, "Rollout", rest.clone()).outlives_pod, expected, "{path} {rest}");
    }
}

#[test]
fn what_is_written_into_a_checkout_by_others_is_named() {
    let of = |path| job(path, "Rollout", json!({}));
    assert_eq!(others(&of("code")), ["AGENTS.md", "vendor/lib"]);
    assert_eq!(others(&of("/outside")), [""; 0]);
    assert_eq!(
        others(&of(".")),
        ["code/AGENTS.md", "codex/notes", "code/vendor/lib", ".kubeopencode/context.md"]
    );
}
