//! plugin-init with the machine's npm against a registry on the loopback: what it installs, and how it gets there.

use std::{
    fs,
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

pub(crate) fn install(pod: &Pod, plugins: &[&str], registry: &Server) -> Ended {
    pod.run(&mut command(pod, plugins, &registry.url("/")))
}

pub(crate) fn version(pod: &Pod, package: &str) -> String {
    let manifest = pod.read(&format!("plugins/node_modules/{package}/package.json"));
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["version"].as_str().unwrap().to_owned()
}

/// Two plugins that share a dependency.
pub(crate) fn packages(pod: &Pod) -> Packages {
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
    assert_eq!(events.recv_timeout(Duration::from_mins(1)), Ok("gone"));
    assert_eq!(pod.read("termination-log"), "stopped by SIGTERM before the work was done");
}
