//! An npm registry on the loopback: it serves what `npm pack` made, by the registry's protocol.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    sync::{Arc, mpsc},
};

use serde_json::{Value, json};

use super::{
    Pod,
    authority::Authority,
    server::{Asked, Reply, Server, redirect, stalled, text},
};

/// What a package's manifest says beside its name and version.
#[derive(Clone, Default)]
pub(crate) struct Manifest {
    pub(crate) dependencies: Value,
    pub(crate) scripts: Value,
}

/// Packages, packed.
#[derive(Clone, Default)]
pub(crate) struct Packages {
    /// By name: the manifests of its versions.
    manifests: BTreeMap<String, BTreeMap<String, Value>>,
    tarballs: BTreeMap<String, Vec<u8>>,
}

/// The path of the machine's npm.
#[allow(clippy::disallowed_methods, reason = "the one place where the test reads its environment")]
pub(crate) fn path() -> String {
    std::env::var("PATH").unwrap()
}

impl Packages {
    /// Packs a package as its author would. None of its scripts runs here.
    pub(crate) fn add(&mut self, pod: &Pod, name: &str, version: &str, manifest: &Manifest) {
        let Manifest { dependencies, scripts } = manifest;
        let mut written = json!({"name": name, "version": version, "main": "index.js"});
        if !dependencies.is_null() {
            written["dependencies"] = dependencies.clone();
        }
        if !scripts.is_null() {
            written["scripts"] = scripts.clone();
        }
        let source = format!("packages/{name}/{version}");
        pod.put(&format!("{source}/package.json"), written.to_string());
        pod.put(&format!("{source}/index.js"), "export default async () => ({})\n");
        // By this file npm would compile something, without a script of that name.
        if !scripts.is_null() {
            pod.put(&format!("{source}/binding.gyp"), "{}");
        }
        let packed = pack(pod, &pod.path(&source));
        let file = packed["filename"].as_str().unwrap().to_owned();
        let tarball = fs::read(pod.path(&source).join(&file)).unwrap();
        written["dist"] = json!({"tarball": file, "integrity": packed["integrity"]});
        written["hasInstallScript"] = (!scripts.is_null()).into();
        self.manifests.entry(name.into()).or_default().insert(version.into(), written);
        self.tarballs.insert(file, tarball);
    }

    /// A registry below `path` that asks for `token`, if there is one.
    pub(crate) fn serve(self, path: &'static str, token: Option<&'static str>) -> Server {
        Server::http(move |asked| self.answer(path, token, "http", asked))
    }

    pub(crate) fn serve_https(self, authority: &Authority) -> Server {
        Server::https(authority.server(), move |asked| self.answer("", None, "https", asked))
    }

    /// One that says when it was asked for a package, and when the client is gone; an answer it does not give.
    pub(crate) fn stalling() -> (Server, mpsc::Receiver<&'static str>) {
        struct Gone(mpsc::Sender<&'static str>);
        impl Drop for Gone {
            fn drop(&mut self) {
                let _ = self.0.send("gone");
            }
        }
        let (sender, receiver) = mpsc::channel();
        let server = Server::http(move |_| {
            sender.send("asked").unwrap();
            let gone = Arc::new(Gone(sender.clone()));
            stalled().map(|body| {
                let held = http_body_util::BodyExt::map_frame(body, move |frame| {
                    let _ = &gone;
                    frame
                });
                http_body_util::BodyExt::boxed_unsync(held)
            })
        });
        (server, receiver)
    }

    fn answer(&self, path: &str, token: Option<&str>, scheme: &str, asked: &Asked) -> Reply {
        let bearer = token.map(|token| format!("Bearer {token}"));
        if bearer.is_some() && asked.header("authorization") != bearer.as_deref() {
            return text(401, "{\"error\":\"a token is needed\"}");
        }
        let Some(wanted) = asked.uri.strip_prefix(path) else { return text(404, "{}") };
        let wanted = wanted.trim_start_matches('/').replace("%2f", "/");
        if let Some(to) = wanted.strip_prefix("moved/") {
            return redirect(302, to);
        }
        if let Some(file) = wanted.strip_prefix("-/") {
            return self.tarballs.get(file).map_or(text(404, ""), |file| text(200, file.clone()));
        }
        let base = format!("{scheme}://{}{path}", asked.header("host").unwrap());
        match self.manifests.get(&wanted) {
            Some(versions) => text(200, packument(&wanted, versions, &base).to_string()),
            None => text(404, "{\"error\":\"not found\"}"),
        }
    }
}

fn packument(name: &str, versions: &BTreeMap<String, Value>, base: &str) -> Value {
    let latest = versions.keys().next_back().unwrap();
    let mut versions = versions.clone();
    for manifest in versions.values_mut() {
        let file = manifest["dist"]["tarball"].as_str().unwrap();
        manifest["dist"]["tarball"] = format!("{base}/-/{file}").into();
    }
    json!({"name": name, "dist-tags": {"latest": latest}, "versions": versions})
}

fn pack(pod: &Pod, source: &Path) -> Value {
    let packed = Command::new("npm")
        .args(["pack", "--json", "--ignore-scripts", "--no-update-notifier"])
        .env_clear()
        .env("PATH", path())
        .env("HOME", pod.path("home"))
        .current_dir(source)
        .output()
        .unwrap();
    assert!(packed.status.success(), "{packed:?}");
    let packed: Value = serde_json::from_slice(&packed.stdout).unwrap();
    packed[0].clone()
}
