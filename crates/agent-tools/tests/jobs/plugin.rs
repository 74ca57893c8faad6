//! plugin-init with the machine's npm against a registry on the loopback.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Stdio},
    time::Duration,
};

use agent_jobs::{PluginJob, Specifier};
use serde_json::{Value, json};

use super::{
    Ended, Pod,
    authority::Authority,
    proxy::Proxy,
    registry::{Manifest, Packages, path},
    server::{Server, text},
};

pub(crate) fn command(pod: &Pod, plugins: &[&str], registry: &str) -> Command {
    let plugins = plugins.iter().map(|written| Specifier::parse(written).unwrap()).collect();
    let job = PluginJob { plugins, directory: pod.text("plugins") };
    let mut command = pod.command("plugin-init", &job);
    fs::create_dir_all(pod.path("tmp")).unwrap();
    command
        .env("PATH", path())
        .env("HOME", pod.path("tmp"))
        .env("TMPDIR", pod.path("tmp"))
        .env("NPM_CONFIG_REGISTRY", registry)
        // What npm waits for in vain, a test waits for too.
        .env("npm_config_fetch_retries", "0");
    command
}

fn install(pod: &Pod, plugins: &[&str], registry: &Server) -> Ended {
    pod.run(&mut command(pod, plugins, &registry.url("/")))
}

fn version(pod: &Pod, package: &str) -> String {
    let manifest = pod.read(&format!("plugins/node_modules/{package}/package.json"));
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["version"].as_str().unwrap().to_owned()
}

/// Two plugins that share a dependency.
fn packages(pod: &Pod) -> Packages {
    let depends =
        |range: &str| Manifest { dependencies: json!({"shared": range}), scripts: Value::Null };
    let packages = [
        ("shared", "1.0.0", Manifest::default()),
        ("shared", "1.2.0", Manifest::default()),
        ("plain", "1.0.0", depends("^1.0.0")),
        ("plain", "2.0.0-rc.1", depends("^1.0.0")),
        ("@corp/plugin", "1.0.0", depends("^1.1.0")),
    ];
    Packages::pack(pod, &packages)
}

#[test]
fn plugins_are_installed_together_and_share_what_they_depend_on() {
    let pod = Pod::new();
    let registry = packages(&pod).serve("", None);
    let plugins = ["plain@^1.0.0", "@corp/plugin@1.0.0", "@corp/plugin@1.0.0"];
    let ended = install(&pod, &plugins, &registry);
    ended.succeeded();

    assert_eq!(version(&pod, "plain"), "1.0.0");
    assert_eq!(version(&pod, "@corp/plugin"), "1.0.0");
    assert_eq!(version(&pod, "shared"), "1.2.0");
    assert!(pod.path("plugins/node_modules/@corp/plugin/index.js").is_file());
    assert!(!pod.path("plugins/node_modules/plain/node_modules").exists());
    let mut left: Vec<_> = fs::read_dir(pod.path("plugins")).unwrap().collect();
    assert_eq!(left.pop().unwrap().unwrap().file_name(), "node_modules");
    assert!(left.is_empty());
    assert_eq!(fs::read_dir(pod.path("tmp")).unwrap().count(), 0, "cache and logs go");
    let log = String::from_utf8(ended.output.stderr).unwrap();
    assert!(log.contains("agent-tools: plain@^1.0.0: version 1.0.0\n"), "{log}");
}

#[test]
fn what_an_earlier_run_left_is_kept_where_it_satisfies_and_replaced_where_not() {
    let pod = Pod::new();
    let registry = packages(&pod).serve("", None);
    install(&pod, &["plain@1.0.0"], &registry).succeeded();
    let tarballs = || registry.asked().iter().filter(|asked| asked.uri.contains("/-/")).count();
    assert_eq!(tarballs(), 2);
    install(&pod, &["plain@1.0.0"], &registry).succeeded();
    assert_eq!(tarballs(), 2);
    install(&pod, &["plain@2.0.0-rc.1", "@corp/plugin"], &registry).succeeded();
    assert_eq!(version(&pod, "plain"), "2.0.0-rc.1");
    assert_eq!(version(&pod, "@corp/plugin"), "1.0.0");
    install(&pod, &["@corp/plugin"], &registry).succeeded();
    assert!(!pod.path("plugins/node_modules/plain").exists());
}

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
        assert_eq!(fs::read_dir(pod.path("secret")).unwrap().count(), 1, "{dependency}");
        assert!(!pod.path("plugins/node_modules/dep").exists(), "{dependency}: {sentence}");
    }
}

#[test]
fn a_token_reaches_its_registry_only() {
    let pod = Pod::new();
    let registry = packages(&pod).serve("/api/npm", Some("t0ken"));
    for url in [registry.url("/api/npm"), registry.url("/api/npm/")] {
        let _ = fs::remove_dir_all(pod.path("plugins"));
        let mut command = command(&pod, &["@corp/plugin@1.0.0"], &url);
        let ended = pod.run(command.env("NPM_TOKEN", "t0ken\n"));
        ended.succeeded();
        assert!(!format!("{ended:?}").contains("t0ken"), "{ended:?}");
    }
    assert_eq!(version(&pod, "@corp/plugin"), "1.0.0");
    let authorized =
        registry.asked().iter().filter(|asked| asked.header("authorization").is_some()).count();
    assert_eq!(authorized, registry.asked().len());

    let mut lower = command(&pod, &["plain"], "");
    lower.env_remove("NPM_CONFIG_REGISTRY").env("npm_config_registry", registry.url("/api/npm"));
    pod.run(lower.env("NPM_TOKEN", "t0ken")).succeeded();

    // A package whose files lie on another host: that one is not given the token.
    let foreign = Server::http(|_| text(404, ""));
    let tarball = foreign.url("/plain.tgz");
    let home = Server::http(move |asked| {
        assert_eq!(asked.header("authorization"), Some("Bearer t0ken"));
        let dist = json!({"tarball": tarball});
        let version = json!({"name": "plain", "version": "3.0.0", "dist": dist});
        let tags = json!({"latest": "3.0.0"});
        text(
            200,
            json!({"name": "plain", "dist-tags": tags, "versions": {"3.0.0": version}}).to_string(),
        )
    });
    let mut command = command(&pod, &["plain@3.0.0"], &home.url("/"));
    pod.run(command.env("NPM_TOKEN", "t0ken")).refused();
    let [asked] = &foreign.asked()[..] else { panic!("{:?}", foreign.asked()) };
    assert_eq!(asked.header("authorization"), None);
}

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
    drop(registry);
    let expected = format!(
        "the registry {url} cannot be reached (ECONNREFUSED): check NPM_CONFIG_REGISTRY and spec.proxy"
    );
    assert_eq!(run("plain", "t0ken", &url), expected);
    let with_user = url.replace("://", "://me:t0ken@");
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

#[test]
fn a_private_authority_is_trusted_and_a_proxy_used() {
    let pod = Pod::new();
    let authority = Authority::new("corp");
    let ca = pod.put("ca.crt", authority.pem());
    let registry = packages(&pod).serve_https(&authority);
    let url = registry.url("/");
    let ended = install(&pod, &["plain"], &registry);
    let expected = format!("spec.plugins: the certificate of the registry {url} is not trusted (");
    assert!(ended.refused().starts_with(&expected), "{ended:?}");
    assert!(ended.refused().ends_with("): put its CA into spec.caBundle"), "{ended:?}");

    let proxy = Proxy::open();
    let mut command = command(&pod, &["plain@1.0.0"], &url);
    command.env("CUSTOM_CA_CERT_PATH", &ca).env("HTTPS_PROXY", proxy.url());
    // Of an image that has a bundle of its own.
    pod.put("tmp/.npmrc", format!("cafile={}\n", pod.put("own.crt", Authority::new("own").pem())));
    pod.run(&mut command).succeeded();
    assert_eq!(version(&pod, "plain"), "1.0.0");
    let heads = proxy.heads();
    let connect = format!("CONNECT {} ", registry.address());
    assert!(!heads.is_empty() && heads.iter().all(|head| head.starts_with(&connect)), "{heads:?}");
}

#[test]
fn a_signal_ends_npm_as_well() {
    let pod = Pod::new();
    let (registry, events) = Packages::stalling();
    let mut command = command(&pod, &["plain"], &registry.url("/"));
    let mut tool = command.stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(events.recv(), Ok("asked"));
    let pid = rustix::process::Pid::from_child(&tool);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(tool.wait().unwrap().code(), Some(1));
    assert_eq!(events.recv_timeout(Duration::from_secs(60)), Ok("gone"));
    assert_eq!(pod.read("termination-log"), "stopped by SIGTERM before the work was done");
}
