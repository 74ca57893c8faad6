//! plugin-init fails with one sentence that names the way out.

use std::{fs, os::unix::fs::symlink};

use super::{
    Pod,
    plugin::{command, packages},
    server::closed,
};

#[test]
fn what_the_registry_refuses_is_one_sentence_with_the_way_out() {
    let pod = Pod::new();
    let registry = packages(&pod).serve("", Some("t0ken"));
    let url = registry.url("/");
    let run = |plugin: &str, token: &str, url: &str| {
        let ended = pod.run(command(&pod, &[plugin], url).env("NPM_TOKEN", token));
        assert!(!format!("{ended:?}").contains("t0ken"), "{ended:?}");
        ended.refused().strip_prefix("spec.plugins: ").unwrap().to_owned()
    };
    assert_eq!(
        run("plain@1.0.0", "wrong", &url),
        format!(
            "the registry {url} refuses the credentials (E401): check NPM_TOKEN in \
             podSpec.systemContainers.pluginInit.extraEnv"
        )
    );
    for plugin in ["nowhere", "@corp/nowhere@1.0.0"] {
        assert_eq!(
            run(plugin, "t0ken", &url),
            format!(
                "there is no package {plugin} in the registry {url}, or it is private: check the name, \
                 NPM_CONFIG_REGISTRY and NPM_TOKEN"
            )
        );
    }
    assert_eq!(
        run("@corp/plugin@9.9.9", "t0ken", &url),
        format!(
            "the registry {url} has no such version of @corp/plugin@9.9.9: check what follows '@'"
        )
    );
    let (nowhere, _held) = closed();
    let expected = format!(
        "the registry {nowhere} cannot be reached (ECONNREFUSED): check NPM_CONFIG_REGISTRY and spec.proxy"
    );
    assert_eq!(run("plain", "t0ken", &nowhere), expected);
    let with_user = nowhere.replace("://", "://me:t0ken@");
    assert_eq!(run("plain", "t0ken", &with_user), expected);
    let expected = "NPM_CONFIG_REGISTRY must be a URL that begins with https:// or http://";
    for url in ["registry", "file:///etc", "ftp://h/", "--registry"] {
        assert_eq!(run("plain", "t0ken", url), expected);
    }
}

#[test]
fn two_versions_of_a_plugin_are_refused_and_no_plugin_needs_no_npm() {
    let pod = Pod::new();
    let mut two = command(&pod, &["a@1.0.0", "b", "a@2.0.0"], "");
    assert_eq!(
        pod.run(&mut two).refused(),
        "spec.plugins: a@1.0.0 and a@2.0.0 are two versions of one package: remove one"
    );
    pod.run(command(&pod, &[], "").env("PATH", "/nowhere")).succeeded();
}

#[test]
fn an_image_without_npm_or_without_node_is_named() {
    let pod = Pod::new();
    let ended = pod.run(command(&pod, &["a"], "").env("PATH", "/nowhere"));
    assert_eq!(
        ended.refused(),
        "spec.plugins: the executor image has no npm: use one with Node.js, or remove the plugins"
    );
    fs::create_dir(pod.path("bin")).unwrap();
    symlink("/usr/bin/env", pod.path("bin/env")).unwrap();
    let script = pod.put("bin/npm", "#!/usr/bin/env node\n");
    fs::set_permissions(script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ended = pod.run(command(&pod, &["a"], "").env("PATH", pod.path("bin")));
    assert_eq!(
        ended.refused(),
        "spec.plugins: the executor image has npm but no node: use one with Node.js"
    );
}
