//! What the chart has and is off by default, all of it at once: one namespace only, TLS that ends at the gateway, a
//! certificate for a tool, Secrets by label, traces.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use api_types::{
    Agent, condition, labels,
    names::{BROKER_SERVICE, SERVER_NAMESPACE},
};
use chart::kubectl;
use e2e::{agents, broker, browser::Browser, cluster::Space, http, pods};
use fixtures::{Authority, Collector, ReceivedSpan};
use hyper::Request;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{Client, Config, api::ListParams};
use serde_json::json;
use tempfile::TempDir;
use terminal_proto::v1::{
    AttachRequest, CloseSessionRequest, ListSessionsRequest, Open, attach_request,
    terminal_broker_client::TerminalBrokerClient,
};
use tonic::{Code, transport::Channel};

use crate::release::{NODE_PORT, Release, succeeded};

const CERTIFICATE: &str = "visitors-tls";
const TOOL: &str = "nightly";
const REASON: &str = "the night shift is over";
/// The page is told at once; a browser draws it when it comes to it.
const TOLD: Duration = Duration::from_secs(20);

pub(crate) struct Options {
    folder: TempDir,
    node: IpAddr,
    authority: Authority,
    collector: Collector,
    /// Whose Agents are not meant.
    elsewhere: Space,
}

impl Options {
    /// For an installation whose only namespace is `space`.
    pub(crate) async fn prepared(space: &Space) -> Result<Self> {
        let node = Release::node(&space.client).await?;
        let authority = Authority::generate();
        let (certificate, key) = authority.issue(&node.to_string());
        let collector = Collector::start_at(node).await;
        let folder = tempfile::tempdir()?;
        let values = json!({
            "watchNamespaces": [space.name],
            "roles": { "aggregate": false },
            "externalUrl": format!("https://{node}:{NODE_PORT}"),
            "gateway": { "tls": { "secretName": CERTIFICATE } },
            "certificates": { "tools": [{ "name": TOOL, "roles": ["list", "close"] }] },
            "agents": { "secrets": "labelled" },
            "traces": { "endpoint": format!("http://{}", collector.address) },
        });
        fs::write(folder.path().join("values.yaml"), values.to_string())?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": { "name": CERTIFICATE, "namespace": SERVER_NAMESPACE },
            "stringData": { "tls.crt": certificate, "tls.key": key },
        });
        succeeded("certificate", kubectl(&["apply", "--filename", "-"], &secret.to_string())?)?;
        let elsewhere = space.beside("elsewhere").await?;
        Ok(Self { folder, node, authority, collector, elsewhere })
    }

    /// The file that is given to Helm beside the release's own.
    pub(crate) fn values(&self) -> Result<String> {
        let file = self.folder.path().join("values.yaml");
        Ok(file.to_str().context("UTF-8")?.to_owned())
    }

    pub(crate) fn gateway(&self) -> String {
        format!("https://{}:{NODE_PORT}", self.node)
    }

    /// `page` is open at the terminal of the agent `afloat`, the only one, by `token`.
    pub(crate) async fn hold(&mut self, space: &Space, page: &Browser, token: &str) -> Result<()> {
        self.https_is_all_that_is_served(token).await?;
        self.other_namespaces_are_let_alone(space).await?;
        a_secret_needs_its_label(space).await?;
        a_tool_may_list_and_close_only(space, page).await?;
        let came = |spans: &[ReceivedSpan]| {
            ["gateway", "terminal-broker", "controller"]
                .iter()
                .all(|service| spans.iter().any(|span| span.service.contains(service)))
        };
        self.collector.spans(came).await;
        Ok(())
    }

    /// Removes what Helm does not know of.
    pub(crate) async fn delete(self) -> Result<()> {
        let secret = ["delete", "secret", CERTIFICATE, "--namespace", SERVER_NAMESPACE];
        succeeded("delete", kubectl(&secret, "")?)?;
        self.elsewhere.delete_whole().await
    }

    /// By a client that knows the test's authority only.
    async fn https_is_all_that_is_served(&self, token: &str) -> Result<()> {
        let path = format!("/s/{token}/info");
        let mut config = Config::new(self.gateway().parse()?);
        config.root_cert = Some(vec![self.authority.der()]);
        let info = Request::get(&path).body(Vec::new())?;
        let info = Client::try_from(config)?.request_text(info).await?;
        ensure!(info.contains("afloat"), "the link's information: {info}");
        let plain = http::get_at(&format!("http://{}:{NODE_PORT}", self.node), &path, &[]).await;
        ensure!(plain.is_err(), "plain HTTP is answered: {plain:?}");
        Ok(())
    }

    async fn other_namespaces_are_let_alone(&self, space: &Space) -> Result<()> {
        agents::create(&self.elsewhere, "ignored", json!({})).await?;
        // Whoever reconciles this one has seen that one, if it sees it at all.
        let secrets = json!({ "imagePullSecrets": [{ "name": crate::release::CREDENTIALS }] });
        agents::ready(space, "watched", secrets).await?;
        let ignored: Agent = self.elsewhere.api().get("ignored").await?;
        ensure!(ignored.status.is_none(), "an Agent elsewhere has a status: {:?}", ignored.status);
        let made = self.elsewhere.api::<Deployment>().list(&ListParams::default()).await?;
        ensure!(made.items.is_empty(), "an Agent elsewhere has a Deployment");
        for account in ["kubeopencode-controller", "kubeopencode-server", BROKER_SERVICE] {
            for verb in ["get", "list", "watch"] {
                for kind in ["agents.kubeopencode.io", "secrets", "pods"] {
                    let may = may(account, verb, kind, &self.elsewhere.name)?;
                    ensure!(!may, "{account} may {verb} {kind} elsewhere");
                }
            }
        }
        ensure!(may("kubeopencode-controller", "list", "agents.kubeopencode.io", &space.name)?);
        let of_ours = "--selector=app.kubernetes.io/part-of=kubeopencode";
        let roles = ["get", "clusterroles,clusterrolebindings", of_ours, "--output=name"];
        let roles = succeeded("roles", kubectl(&roles, "")?)?;
        ensure!(roles.is_empty(), "there are roles for the whole cluster: {roles}");
        Ok(())
    }
}

/// Whether a ServiceAccount of the installation has this right.
fn may(account: &str, verb: &str, kind: &str, namespace: &str) -> Result<bool> {
    let who = format!("--as=system:serviceaccount:{SERVER_NAMESPACE}:{account}");
    let asked = kubectl(&["auth", "can-i", verb, kind, "--namespace", namespace, &who], "")?;
    match asked.output.trim() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => anyhow::bail!("kubectl auth can-i: {}{}", asked.output, asked.errors),
    }
}

async fn a_secret_needs_its_label(space: &Space) -> Result<()> {
    let key = ["create", "secret", "generic", "key", "--from-literal=key=x", "--namespace"];
    succeeded("secret", kubectl(&[&key[..], &[&space.name]].concat(), "")?)?;
    let credential =
        json!({ "name": "key", "secretRef": { "name": "key", "key": "key" }, "env": "KEY" });
    agents::patch(space, "watched", json!({ "spec": { "credentials": [credential] } })).await?;
    let is_refused = |agent: &Agent| {
        let ready = agents::condition_of(agent, condition::READY);
        ready.is_some_and(|(_, reason)| reason == "SecretNotAllowed")
    };
    Box::pin(agents::wait(space, "watched", "refused", is_refused)).await?;
    let label = format!("{}=true", labels::FOR_AGENTS);
    let words = ["label", "secret", "key", &label, "--namespace", &space.name];
    succeeded("label", kubectl(&words, "")?)?;
    Box::pin(agents::wait(space, "watched", "Ready", agents::is_ready)).await.map(drop)
}

async fn a_tool_may_list_and_close_only(space: &Space, page: &Browser) -> Result<()> {
    let mut sessions = Vec::new();
    for pod in pods::list_component(&space.client, "terminal-broker").await? {
        let address: IpAddr = pod.status.and_then(|it| it.pod_ip).context("no address")?.parse()?;
        let address = SocketAddr::new(address, broker::GRPC);
        let secret = format!("kubeopencode-tool-{TOOL}-tls");
        let mut tool =
            TerminalBrokerClient::new(broker::channel(&space.client, address, &secret).await?);
        let listed = tool.list_sessions(ListSessionsRequest::default()).await?.into_inner();
        may_not_attach(&mut tool).await?;
        sessions.extend(listed.sessions.into_iter().map(|session| (tool.clone(), session)));
    }
    let [(mut tool, session)] = <[_; 1]>::try_from(sessions)
        .map_err(|sessions| anyhow::anyhow!("{} sessions are open", sessions.len()))?;
    let agent = session.agent.context("a session without an agent")?;
    ensure!((agent.namespace, &*agent.name) == (space.name.clone(), "afloat"));
    let request = CloseSessionRequest { session_id: session.session_id, reason: REASON.to_owned() };
    tool.close_session(request).await?;
    page.says(REASON, TOLD).await.map(drop)
}

async fn may_not_attach(tool: &mut TerminalBrokerClient<Channel>) -> Result<()> {
    let open = AttachRequest { request: Some(attach_request::Request::Open(Open::default())) };
    let refused = tool.attach(tokio_stream::iter([open])).await;
    let code = refused.map(drop).map_err(|status| status.code());
    ensure!(code == Err(Code::PermissionDenied), "a tool without the role attached: {code:?}");
    Ok(())
}
