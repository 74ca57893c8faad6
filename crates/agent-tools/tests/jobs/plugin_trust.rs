//! plugin-init runs nothing of a package, and neither follows what the agent left nor leaves the registry.

use std::{fs, os::unix::fs::symlink, process::Command};

use serde_json::{Value, json};

use super::{
    Pod,
    plugin::{command, install, packages, version},
    registry::{Manifest, Packages, path},
    tree,
};

#[test]
fn no_script_of_a_plugin_runs_nor_of_what_it_depends_on() {
    let pod = Pod::new();
    let touch = format!("touch {}", pod.text("ran"));
    let scripts: serde_json::Map<_, _> = [
        "preinstall",
        "install",
        "postinstall",
        "prepublish",
        "preprepare",
        "prepare",
        "postprepare",
        "prepack",
        "postpack",
        "dependencies",
        "preuninstall",
        "uninstall",
        "postuninstall",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), Value::from(touch.clone())))
    .collect();
    let scripts = Value::from(scripts);
    let plain = Manifest { dependencies: json!({"eager": "*"}), scripts: scripts.clone() };
    let eager = Manifest { dependencies: Value::Null, scripts };
    let packages = [("plain", "1.0.0", plain), ("eager", "1.0.0", eager)];
    let registry = Packages::pack(&pod, &packages).serve("", None);
    for (name, value) in [
        ("npm_config_unrelated", "x"),
        ("NPM_CONFIG_IGNORE_SCRIPTS", "false"),
        ("npm_config_ignore_scripts", "false"),
        ("npm_config_foreground_scripts", "true"),
        ("npm_config_dangerously_allow_all_scripts", "true"),
    ] {
        let _ = fs::remove_dir_all(pod.path("plugins"));
        let mut command = command(&pod, &["plain"], &registry.url("/"));
        pod.run(command.env(name, value)).succeeded();
        assert_eq!(version(&pod, "eager"), "1.0.0");
        assert!(!pod.path("ran").exists(), "{name}={value}");
    }
}

#[test]
fn a_plugin_cannot_bring_what_is_not_a_package_of_a_registry() {
    let pod = Pod::new();
    let touch = format!("touch {}", pod.text("ran"));
    let secret =
        json!({"name": "dep", "version": "1.0.0", "scripts": {"prepare": touch, "install": touch}});
    pod.put("secret/package.json", secret.to_string());
    // A repository that git would clone.
    for arguments in
        [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "--message=one"]]
    {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=who", "-c", "user.email=who@example.com"]).args(arguments);
        git.current_dir(pod.path("secret")).env_clear().env("PATH", path());
        assert!(git.status().unwrap().success());
    }
    let before = tree(&pod.path("secret"));
    let (secret, tarball) = (pod.text("secret"), pod.put("secret.tgz", "none"));
    let dependencies = [
        format!("git+file://{secret}"),
        "git+https://127.0.0.1:1/a.git".to_owned(),
        "git+ssh://git@127.0.0.1:1/a.git".to_owned(),
        "github:who/what".to_owned(),
        "who/what".to_owned(),
        format!("git+ssh://-oProxyCommand={touch}/x"),
        format!("file:{secret}"),
        format!("file:{tarball}"),
        format!("link:{secret}"),
    ];
    let manifests = dependencies.each_ref().map(|dependency| Manifest {
        dependencies: json!({"dep": dependency}),
        scripts: Value::Null,
    });
    let versions: Vec<_> = (0..manifests.len()).map(|number| format!("{number}.0.0")).collect();
    let packages: Vec<_> = (versions.iter().zip(manifests))
        .map(|(version, manifest)| ("plain", version.as_str(), manifest))
        .collect();
    let registry = Packages::pack(&pod, &packages).serve("", None);
    for (dependency, version) in dependencies.iter().zip(&versions) {
        let ended = install(&pod, &[&format!("plain@{version}")], &registry);
        let sentence = ended.refused();
        assert!(sentence.starts_with("spec.plugins: "), "{dependency}: {sentence}");
        assert!(!pod.path("ran").exists(), "{dependency}");
        assert!(tree(&pod.path("secret")) == before, "{dependency}");
        assert!(!pod.path("plugins/node_modules/dep").exists(), "{dependency}: {sentence}");
    }
}

#[test]
fn a_link_in_the_place_of_a_folder_is_not_followed() {
    let pod = Pod::new();
    let registry = packages(&pod).serve("", None);
    pod.put("outside/canary", "alive");
    for link in ["node_modules", "node_modules/plain", "node_modules/@corp", "node_modules/.bin"] {
        let _ = fs::remove_dir_all(pod.path("plugins"));
        let at = pod.path("plugins").join(link);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(pod.path("outside"), at).unwrap();
        install(&pod, &["plain@1.0.0", "@corp/plugin"], &registry).succeeded();
        assert_eq!(version(&pod, "@corp/plugin"), "1.0.0");
        assert_eq!(
            tree(&pod.path("outside")),
            [("canary".to_owned(), b"alive".to_vec())],
            "{link}"
        );
    }
}
