//! A namespace of its own for one fault, the programs that run for it, and what Prometheus says of them.

use std::{
    cell::Cell,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Result, ensure};
use api_types::names::{CONTROLLER_DEPLOYMENT, SERVER_NAMESPACE};
use e2e::{
    prometheus::{self, Alert},
    waiting,
};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};
use scale::{
    access::{Account, BROKER, CONTROLLER, GATEWAY},
    agents, installation,
    process::{Process, Program, free_address},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ground::Ground;

/// How long a program may take to start.
pub(crate) const START: Duration = Duration::from_secs(30);
/// The longest that an alert takes is a minute; on a busy machine it is later.
const FIRES: Duration = Duration::from_mins(2);

pub(crate) struct Site<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) name: &'static str,
    pub(crate) folder: TempDir,
    /// In place of the API server's address.
    pub(crate) api_server: Cell<Option<SocketAddr>>,
}

impl<'a> Site<'a> {
    pub(crate) async fn new(ground: &'a Ground, name: &'static str) -> Result<Self> {
        agents::namespace(&ground.client, name).await?;
        Ok(Self { ground, name, folder: tempfile::tempdir()?, api_server: Cell::new(None) })
    }

    /// A controller of this namespace's Agents, with a lease of its own.
    pub(crate) async fn controller(&self, account: Account) -> Result<Process> {
        self.allow_lease(account).await?;
        let flags = [
            "--pod-name=controller".to_owned(),
            format!("--watch-namespaces={}", self.name),
            format!("--lease-namespace={}", self.name),
        ];
        self.start("controller", account, &flags).await
    }

    /// The same, once it leads.
    pub(crate) async fn leading_controller(&self) -> Result<Process> {
        let controller = self.controller(CONTROLLER).await?;
        controller.reaches("kubeopencode_leader", 1, START).await?;
        Ok(controller)
    }

    /// A gateway for the links of `namespace`, and where it serves.
    pub(crate) async fn gateway(
        &self,
        namespace: &str,
        broker: SocketAddr,
        more: &[&str],
    ) -> Result<(Process, String)> {
        let address = free_address(Ipv4Addr::LOCALHOST)?;
        let mut flags = vec![
            "--pod-name=gateway".to_owned(),
            format!("--watch-namespaces={namespace}"),
            format!("--listen={address}"),
            format!("--broker=https://{broker}"),
            format!("--tls-dir={}", self.certificates("kubeopencode-gateway-tls")?.display()),
        ];
        flags.extend(more.iter().copied().map(str::to_owned));
        let gateway = self.start("gateway", GATEWAY, &flags).await?;
        gateway.is_ready(START).await?;
        Ok((gateway, format!("http://{address}")))
    }

    /// A broker for the terminals of `namespace`, and where it serves.
    pub(crate) async fn broker(&self, namespace: &str) -> Result<(Process, SocketAddr)> {
        let address = free_address(Ipv4Addr::LOCALHOST)?;
        let flags = [
            "--pod-name=terminal-broker".to_owned(),
            format!("--watch-namespaces={namespace}"),
            format!("--listen={address}"),
            format!("--tls-dir={}", self.certificates("kubeopencode-broker-tls")?.display()),
        ];
        let broker = self.start("terminal-broker", BROKER, &flags).await?;
        broker.is_ready(START).await?;
        Ok((broker, address))
    }

    async fn start(&self, name: &str, account: Account, flags: &[String]) -> Result<Process> {
        let folder = self.folder.path();
        let kubeconfig =
            self.ground.access.of_account(account, &self.ground.client, folder).await?;
        if let Some(address) = self.api_server.get() {
            let mut changed: Value = serde_json::from_str(&fs::read_to_string(&kubeconfig)?)?;
            changed["clusters"][0]["cluster"]["server"] = json!(format!("https://{address}"));
            fs::write(&kubeconfig, changed.to_string())?;
        }
        let path = self.ground.programs.join(name);
        let log = folder.join(format!("{name}.log"));
        Program { path, arguments: flags.to_vec(), kubeconfig, log }.start()
    }

    /// The folder of one of the certificates, which end in a quarter of a year, or are those that are there.
    fn certificates(&self, secret: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(secret);
        if !folder.exists() {
            installation::certificates(self.folder.path(), time::Duration::days(90))?;
        }
        Ok(folder)
    }

    /// What the controller's account may do with the lease in the system's namespace it may here.
    async fn allow_lease(&self, account: Account) -> Result<()> {
        let client = &self.ground.client;
        let roles = |namespace: &str| Api::<Role>::namespaced(client.clone(), namespace);
        let theirs = roles(SERVER_NAMESPACE).get(CONTROLLER_DEPLOYMENT).await?;
        let name = Some(CONTROLLER_DEPLOYMENT.to_owned());
        let role =
            Role { metadata: ObjectMeta { name, ..ObjectMeta::default() }, rules: theirs.rules };
        roles(self.name).create(&PostParams::default(), &role).await?;
        let binding: RoleBinding = serde_json::from_value(json!({
            "metadata": { "name": CONTROLLER_DEPLOYMENT },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": CONTROLLER_DEPLOYMENT },
            "subjects": [{ "kind": "ServiceAccount", "name": account.0, "namespace": SERVER_NAMESPACE }],
        }))?;
        let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), self.name);
        bindings.create(&PostParams::default(), &binding).await?;
        Ok(())
    }

    /// Agents with nothing in particular.
    pub(crate) async fn agents(&self, count: u32) -> Result<()> {
        let spec = json!({ "workspaceDir": "/workspace", "config": {} });
        let names = (0..count).map(|number| format!("agent-{number}"));
        agents::create(&self.ground.client, self.name, names, &spec).await
    }

    pub(crate) fn is_scraped(&self, pods: &[(&str, &Process)]) -> Result<()> {
        let pods: Vec<_> = pods.iter().map(|(pod, process)| (*pod, process.metrics())).collect();
        self.ground.scrape(self.name, &pods)
    }

    /// Waits until `alert` fires here, as the only one that ever has.
    pub(crate) async fn fires(&self, alert: &str) -> Result<()> {
        let fires = waiting::until("it fires", FIRES, || async {
            let firing = prometheus::firing("namespace", self.name).await?;
            Ok((!firing.is_empty()).then_some(firing))
        });
        let (firing, took) = fires.await?;
        eprintln!("{alert}: {:.0} s", took.as_secs_f64());
        for fired in &firing {
            for text in fired.annotations.values() {
                // What Prometheus writes where a template fails, or a label is missing.
                let filled = !text.contains("<error") && !text.contains("<no value>");
                ensure!(filled && !text.contains("  "), "{}: {text}", fired.name());
            }
        }
        let ever = prometheus::ever_fired("namespace", self.name).await?;
        let names: Vec<&str> = firing.iter().map(Alert::name).collect();
        ensure!(names == [alert] && ever.len() <= 1, "{names:?} fire, and {ever:?} have");
        Ok(())
    }
}

impl Drop for Site<'_> {
    fn drop(&mut self) {
        // Its processes are gone too. Prometheus keeps what it has seen.
        let _ = self.ground.scrape(self.name, &[]);
    }
}
