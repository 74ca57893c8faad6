//! An npm registry on the loopback: it serves what `npm pack` made, by the registry's protocol.

use std::{
    collections::BTreeMap,
    fs,
    process::Command,
    sync::{Arc, mpsc},
};

use serde_json::{Value, json};

use super::{
    Pod,
    authority::Authority,
    server::{Asked, Reply, Server, stalled, text},
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
    /// Packs packages as their authors would: name, version, manifest. None of their scripts runs here.
    pub(crate) fn pack(pod: &Pod, packages: &[(&str, &str, Manifest)]) -> Self {
        let mut made = Self::default();
        let written: Vec<_> = packages.iter().map(|package| write(pod, package)).collect();
        let folders: Vec<_> = written.iter().map(|(folder, _)| folder.as_str()).collect();
        let packed = pack(pod, &folders);
        for ((_, mut manifest), packed) in written.into_iter().zip(packed) {
            let file = packed["filename"].as_str().unwrap().to_owned();
            manifest["dist"] = json!({"tarball": file, "integrity": packed["integrity"]});
            manifest["hasInstallScript"] = manifest["scripts"].is_object().into();
            let text = |key: &str| manifest[key].as_str().unwrap().to_owned();
            let (name, version) = (text("name"), text("version"));
            made.manifests.entry(name).or_default().insert(version, manifest);
            let tarball = fs::read(pod.path("packages").join(&file)).unwrap();
            made.tarballs.insert(file, tarball);
        }
        made
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

/// The folder of one package, and its manifest.
fn write(pod: &Pod, (name, version, manifest): &(&str, &str, Manifest)) -> (String, Value) {
    let Manifest { dependencies, scripts } = manifest;
    let mut written = json!({"name": name, "version": version, "main": "index.js"});
    if !dependencies.is_null() {
        written["dependencies"] = dependencies.clone();
    }
    let folder = format!("packages/{name}/{version}");
    if !scripts.is_null() {
        written["scripts"] = scripts.clone();
        // By this file npm would compile something, without a script of that name.
        pod.put(&format!("{folder}/binding.gyp"), "{}");
    }
    pod.put(&format!("{folder}/package.json"), written.to_string());
    pod.put(&format!("{folder}/index.js"), "export default async () => ({})\n");
    (format!("./{name}/{version}"), written)
}

/// What npm says of each tarball, which it leaves in the folder of all packages.
fn pack(pod: &Pod, folders: &[&str]) -> Vec<Value> {
    let packed = Command::new("npm")
        .args(["pack", "--json", "--ignore-scripts", "--no-update-notifier"])
        .args(folders)
        .env_clear()
        .env("PATH", path())
        .env("HOME", pod.path("home"))
        .current_dir(pod.path("packages"))
        .output()
        .unwrap();
    assert!(packed.status.success(), "{packed:?}");
    serde_json::from_slice(&packed.stdout).unwrap()
}
