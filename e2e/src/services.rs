//! What a company has around its agents, in a test's own namespace: files and git over TLS with a private authority, git
//! over ssh, a forward proxy and an npm registry. Real programs, all in one pod; see `e2e/services`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use hyper::Uri;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service};
use kube::{
    Api,
    api::{LogParams, PostParams},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::{cluster::Space, pods, settings};

/// The name of the pod, and of the Secret with its configuration.
const NAME: &str = "services";
/// What files and git are asked for with.
pub const USER: (&str, &str) = ("agent", "web-password");
/// The host that is reached through the proxy.
pub const CORP: &str = "corp";
/// The same one, which is in nobody's way.
pub const DIRECT: &str = "direct";
/// The ConfigMap, and the Secret, with the authority's certificate.
pub const AUTHORITY: &str = "corp-authority";
/// The Secrets for git over HTTPS (and for files), for git over ssh, and for the registry.
pub const WEB_SECRET: &str = "corp-web";
pub const SSH_SECRET: &str = "corp-ssh";
pub const REGISTRY_SECRET: &str = "corp-registry";
/// The registry, as plugin-init is told of it.
pub const REGISTRY: &str = "https://corp:4873/";

const FILES: [(&str, &str); 12] = [
    ("keys.sh", include_str!("../services/keys.sh")),
    ("lighttpd.conf", include_str!("../services/lighttpd.conf")),
    ("sshd_config", include_str!("../services/sshd_config")),
    ("tinyproxy.conf", include_str!("../services/tinyproxy.conf")),
    ("verdaccio.yaml", include_str!("../services/verdaccio.yaml")),
    ("publish.mjs", include_str!("../services/publish.mjs")),
    ("server-plugin.json", include_str!("../services/server-plugin/package.json")),
    ("server-plugin.js", include_str!("../services/server-plugin/index.js")),
    ("tui-plugin.json", include_str!("../services/tui-plugin/package.json")),
    ("tui-plugin.js", include_str!("../services/tui-plugin/index.js")),
    ("commit.sh", include_str!("../git-server/commit.sh")),
    ("http-backend.sh", include_str!("../git-server/http-backend.sh")),
];

pub struct Services<'a> {
    space: &'a Space,
}

impl<'a> Services<'a> {
    /// Starts all of them, and makes the objects by which agents are let in.
    pub async fn start(space: &'a Space) -> Result<Self> {
        let (authority, server) = certificates()?;
        let mut files = BTreeMap::from(FILES.map(|(name, text)| (name, text.to_owned())));
        files.insert("server.pem", server);
        files.insert("ca.crt", authority.clone());
        files.insert("users", format!("{}:{}\n", USER.0, USER.1));
        let services = Self { space };
        services.secret(NAME, json!(files)).await?;
        let manifest = include_str!("../services/services.yaml")
            .replace("image: services", &format!("image: {}", settings::services()?));
        let pod: Pod = serde_yaml_ng::from_str(&manifest)?;
        let pods: Api<Pod> = space.api();
        pods.create(&PostParams::default(), &pod).await?;
        for name in [CORP, DIRECT] {
            space.api().create(&PostParams::default(), &service(name)?).await?;
        }
        let trusted: ConfigMap = serde_json::from_value(json!({
            "metadata": { "name": AUTHORITY }, "data": { "ca-bundle.crt": authority },
        }))?;
        space.api().create(&PostParams::default(), &trusted).await?;
        services.secret(AUTHORITY, json!({ "ca.crt": authority })).await?;
        pods::wait(space, NAME, "ready", pods::is_ready).await?;
        services.let_in().await?;
        Ok(services)
    }

    /// Writes files, commits all of them, and gives the commit's name. What is committed can be downloaded, too.
    pub async fn commit(&self, files: &[(&str, &str)]) -> Result<String> {
        for (path, content) in files {
            let write = r#"printf %s "$2" | tee "/srv/work/$1" > "/srv/www/$1""#;
            self.run("web", &["/bin/sh", "-euc", write, "sh", path, content]).await?;
        }
        let name = self.run("web", &["/bin/sh", "/config/commit.sh", "more"]).await?;
        ensure!(name.trim().len() == 40, "no commit was made: {name:?}");
        Ok(name.trim().to_owned())
    }

    /// Publishes the plugins, and makes the Secret with the registry's token.
    pub async fn publish(&self) -> Result<()> {
        let publish = "node /config/publish.mjs /srv/plugins/server-plugin /srv/plugins/tui-plugin";
        let said = self.run("registry", &["/bin/sh", "-c", &format!("{publish} 2>&1")]).await?;
        let token = said.lines().find_map(|line| line.strip_prefix("token "));
        let token = token.with_context(|| said.clone())?;
        self.secret(REGISTRY_SECRET, json!({ "token": token })).await
    }

    /// The hosts that the proxy was asked for so far, with their ports, one for each request.
    pub async fn proxied(&self) -> Result<Vec<String>> {
        let container = Some("proxy".to_owned());
        let pods: Api<Pod> = self.space.api();
        let log = pods.logs(NAME, &LogParams { container, ..LogParams::default() }).await?;
        // `Request (file descriptor 4): CONNECT host:port HTTP/1.1`, or `GET http://host:port/path`.
        let asked = log.lines().filter_map(|line| {
            let (_, request) =
                line.split_once("): ").filter(|(begin, _)| begin.contains("Request"))?;
            let target: Uri = request.split(' ').nth(1)?.parse().ok()?;
            target.authority().map(ToString::to_string)
        });
        Ok(asked.collect())
    }

    async fn let_in(&self) -> Result<()> {
        self.secret(WEB_SECRET, json!({ "username": USER.0, "password": USER.1 })).await?;
        let client = self.run("ssh", &["cat", "/srv/ssh/client"]).await?;
        let host = self.run("ssh", &["cat", "/srv/ssh/host.pub"]).await?;
        let known = format!("[{CORP}]:2222 {host}");
        self.secret(SSH_SECRET, json!({ "ssh-privatekey": client, "known_hosts": known })).await
    }

    async fn secret(&self, name: &str, data: Value) -> Result<()> {
        let secret = json!({ "metadata": { "name": name }, "stringData": data });
        let secret: Secret = serde_json::from_value(secret)?;
        self.space.api().create(&PostParams::default(), &secret).await?;
        Ok(())
    }

    async fn run(&self, container: &str, command: &[&str]) -> Result<String> {
        pods::exec_in(self.space, NAME, container, command).await
    }
}

fn service(name: &str) -> Result<Service> {
    let ports =
        [("web", 8443), ("plain", 8080), ("ssh", 2222), ("proxy", 3128), ("registry", 4873)];
    let ports = ports.map(|(name, port)| json!({ "name": name, "port": port }));
    Ok(serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": { "selector": { "app": NAME }, "ports": ports },
    }))?)
}

/// An authority that nobody else knows, and a certificate of its with the key, all PEM.
fn certificates() -> Result<(String, String)> {
    let mut authority = CertificateParams::default();
    // Not the name of what it signs, which OpenSSL would take for signed by itself.
    authority.distinguished_name.push(DnType::CommonName, "Corp authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let certificate = authority.self_signed(&key)?.pem();
    let issuer = Issuer::new(authority, key);
    let names = [CORP, DIRECT, "localhost"].map(str::to_owned);
    let key = KeyPair::generate()?;
    let server = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
    Ok((certificate, server.pem() + &key.serialize_pem()))
}
