use std::collections::BTreeSet;

use api_types::names;
use serde_json::{Value, json};

use crate::{
    desired::{Causes, desired},
    fixture::{agent, defaults, specs},
    resolve::resolve,
    secret::Password,
};

fn sentence(spec: &Value) -> Option<String> {
    resolve(&agent(specs::read(spec)), None, &defaults()).err().map(|invalid| invalid.sentence())
}

/// The spec, with a volume of the user's at `path` of `container`: of the server, or of one of ours.
fn with_volume(mut spec: Value, container: &str, path: &str) -> Value {
    let mounts = json!([{ "name": "mine", "mountPath": path }]);
    let pod = &mut spec["podSpec"];
    pod["extraVolumes"] = json!([{ "name": "mine", "emptyDir": {} }]);
    match container {
        "server" => pod["extraVolumeMounts"] = mounts,
        ours => pod["systemContainers"][ours]["extraVolumeMounts"] = mounts,
    }
    spec
}

/// The paths at which the containers of a kind mount something, by the prefix of their names.
fn mounted(spec: &Value, prefix: &str) -> BTreeSet<String> {
    let resolved = resolve(&agent(specs::read(spec)), None, &defaults()).unwrap();
    let objects = desired(&resolved, &Password::from_bytes(&[7; 32]), Causes::default());
    let pod = objects.deployment.spec.unwrap().template.spec.unwrap();
    let all = pod.init_containers.into_iter().flatten().chain(pod.containers);
    let mounts = all.filter(|one| one.name.starts_with(prefix)).filter_map(|one| one.volume_mounts);
    mounts.flatten().map(|mount| mount.mount_path).collect()
}

const CONTAINERS: [(&str, &str); 6] = [
    ("server", "opencode-server"),
    ("openCodeInit", "opencode-init"),
    ("contextInit", "context-init"),
    ("gitInit", "git-init"),
    ("gitSync", "git-sync"),
    ("pluginInit", "plugin-init"),
];

#[test]
fn of_each_container_the_paths_are_taken_that_it_mounts_and_no_others() {
    let git = |path: &str, sync: bool| json!({ "type": "Git", "mountPath": path, "git": { "repository": "https://h/r", "sync": { "enabled": sync } } });
    let text = json!({ "type": "Text", "text": "t" });
    let rest = json!({ "caBundle": { "secretRef": { "name": "ca" } }, "persistence": { "sessions": {} }, "plugins": [{ "name": "p" }] });
    let specs = [
        json!({}),
        rest,
        json!({ "contexts": [text] }),
        json!({ "contexts": [git("code", false)] }),
        json!({ "contexts": [git("/opt/code", true)] }),
        json!({ "contexts": [git("/opt/code", false), git("code", true), text] }),
    ];
    let paths = [names::SCRATCH_DIR, names::SESSIONS_DIR, names::CA_DIR, "/workspace", "/mnt"];
    for spec in &specs {
        for (container, prefix) in CONTAINERS {
            for path in paths {
                // A user's own working directory takes the place of ours.
                let is_own = container == "server" && path == "/workspace";
                let is_taken = mounted(spec, prefix).contains(path) && !is_own;
                let refused = sentence(&with_volume(spec.clone(), container, path));
                assert_eq!(refused.is_some(), is_taken, "{container} {path} {spec}: {refused:?}");
            }
        }
    }
}

#[test]
fn what_is_in_the_way_of_something_is_refused_with_both_named() {
    let bundle = json!({ "caBundle": { "configMapRef": { "name": "ca" } } });
    let code = json!({ "contexts": [{ "type": "Git", "name": "code", "mountPath": "src/code", "git": { "repository": "https://h/r" } }] });
    let text =
        |path: &str| json!({ "contexts": [{ "type": "Text", "text": "t", "mountPath": path }] });
    let url = json!({ "contexts": [{ "type": "URL", "url": { "source": "https://h/f" }, "mountPath": "docs/f" }] });
    let document = json!({ "contexts": [{ "type": "Text", "text": "t" }] });
    let volume = "spec.podSpec.extraVolumeMounts[0].mountPath";
    let cases = [
        (bundle.clone(), "server", "/etc/ssl/certs", volume, "spec.caBundle"),
        (bundle.clone(), "server", "/etc", volume, "spec.caBundle"),
        (bundle.clone(), "server", "/etc/ssl/certs/custom-ca/x", volume, "spec.caBundle"),
        (
            bundle,
            "openCodeInit",
            "/etc/ssl/certs",
            "spec.podSpec.systemContainers.openCodeInit.extraVolumeMounts[0].mountPath",
            "spec.caBundle",
        ),
        (code.clone(), "server", "/workspace/src/code", volume, "spec.contexts[0] \"code\""),
        (code.clone(), "server", "/workspace/src", volume, "spec.contexts[0] \"code\""),
        (
            code,
            "gitInit",
            "/workspace/src",
            "spec.podSpec.systemContainers.gitInit.extraVolumeMounts[0].mountPath",
            "spec.contexts[0] \"code\"",
        ),
        (text("docs/a.md"), "server", "/workspace/docs", volume, "spec.contexts[0].mountPath"),
        (
            text("docs/a.md"),
            "server",
            "/workspace/docs/a.md/x",
            volume,
            "spec.contexts[0].mountPath",
        ),
        (text("/opt/a.md"), "server", "/opt/a.md/x", volume, "spec.contexts[0].mountPath"),
        (url, "server", "/workspace/docs", volume, "spec.contexts[0].mountPath"),
        (document, "server", "/workspace/.kubeopencode", volume, "the document of the contexts"),
    ];
    for (spec, container, path, field, other) in cases {
        let said = sentence(&with_volume(spec.clone(), container, path));
        let said = said.unwrap_or_else(|| panic!("{path} is admitted: {spec}"));
        assert!(said.starts_with(&format!("{field}: {path} ")), "{said}");
        assert!(said.contains(other) && said.ends_with(": choose another path"), "{said}");
    }
}

#[test]
fn a_volume_that_hides_nothing_may_lie_anywhere() {
    let code = json!({ "contexts": [{ "type": "Git", "mountPath": "code", "git": { "repository": "https://h/r" } }] });
    let key = json!({ "credentials": [{ "name": "k", "secretRef": { "name": "s", "key": "k" }, "mountPath": "/home/agent/.ssh/id" }] });
    let sessions = json!({ "persistence": { "sessions": {} } });
    let cases = [
        (json!({}), "/etc/ssl/certs"),
        (json!({}), "/tmp"),
        (json!({}), "/workspace/.kubeopencode"),
        (code.clone(), "/workspace/cache"),
        (code.clone(), "/workspace/code/node_modules"),
        (code, "/workspace"),
        (key, "/home/agent"),
        (sessions, "/data"),
        (json!({ "workspaceDir": "/work/space", "contexts": [{ "type": "Runtime" }] }), "/work"),
    ];
    for (spec, path) in cases {
        assert_eq!(sentence(&with_volume(spec.clone(), "server", path)), None, "{path}: {spec}");
    }
}

#[test]
fn a_volume_that_has_what_is_written_beneath_it_hides_nothing() {
    let code = json!({ "contexts": [{ "type": "Git", "mountPath": "src/code", "git": { "repository": "https://h/r" } }] });
    let both =
        with_volume(with_volume(code, "server", "/workspace/src"), "gitInit", "/workspace/./src/");
    assert_eq!(sentence(&both), None);
    let mut other = both;
    other["podSpec"]["systemContainers"]["gitInit"]["extraVolumeMounts"][0]["subPath"] = json!("x");
    assert!(sentence(&other).unwrap().contains("hides /workspace/src/code"));
}

#[test]
fn contexts_are_not_in_the_way_of_each_other() {
    let text = |path: Option<&str>| json!({ "type": "Text", "text": "t", "mountPath": path });
    let said = |contexts: Value| sentence(&json!({ "contexts": contexts }));
    let document = said(json!([text(None), text(Some(".kubeopencode/context.md"))]));
    assert_eq!(
        document.unwrap(),
        "spec.contexts[1].mountPath: /workspace/.kubeopencode/context.md is used already, by the document of the \
         contexts without a mountPath: choose another path"
    );
    assert_eq!(said(json!([text(Some(".kubeopencode/context.md"))])), None);
    let nested = said(json!([text(Some("a")), text(Some("a/b"))]));
    assert!(nested.unwrap().contains("nothing else can be beneath /workspace/a"));
    assert_eq!(said(json!([text(Some("a/b")), text(Some("a/c")), text(None)])), None);
}

#[test]
fn the_working_directory_is_no_other_volume() {
    let sessions = json!({ "workspaceDir": "/data/sessions", "persistence": { "sessions": {} } });
    assert!(sentence(&sessions).unwrap().starts_with("spec.workspaceDir: /data/sessions is used"));
    let code =
        json!([{ "type": "Git", "mountPath": "code", "git": { "repository": "https://h/r" } }]);
    let scratch = json!({ "workspaceDir": "/tmp", "contexts": code });
    assert!(sentence(&scratch).unwrap().starts_with("spec.workspaceDir: /tmp is used already"));
}
