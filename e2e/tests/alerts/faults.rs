//! The faults, each with the alert that is for it.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use api_types::names::{CONTROLLER_DEPLOYMENT, SERVER_NAMESPACE};
use futures::future::{FutureExt, LocalBoxFuture};
use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::ServiceAccount,
    flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration},
    rbac::v1::{ClusterRole, ClusterRoleBinding},
};
use kube::{Api, api::PostParams};
use scale::{
    access::{Account, BROKER, CONTROLLER},
    installation,
    process::Program,
};
use serde_json::json;

use crate::{
    cable::Cable,
    ground::Ground,
    guests::{self, Patience},
    healthy::{self, Healthy},
    site::{START, Site},
};

/// Nobody listens at port 1.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
/// Guests come back through one link as often as they like.
const OFTEN: [&str; 2] = ["--link-openings-per-minute=1000", "--link-opening-burst=1000"];
/// A controller that may not touch Deployments.
const CRIPPLED: Account = Account("crippled-controller");

pub(crate) struct Fault<'a> {
    pub(crate) alert: &'static str,
    pub(crate) fires: LocalBoxFuture<'a, Result<()>>,
}

/// All but a program that is missing.
pub(crate) fn all<'a>(ground: &'a Ground, healthy: &'a Healthy<'_>) -> Vec<Fault<'a>> {
    let token = healthy.token.as_str();
    [
        ("KubeOpenCodeNoLeader", no_leader(ground).boxed_local()),
        ("KubeOpenCodeControllerBehind", far_away(ground).boxed_local()),
        ("KubeOpenCodeReconcilesFail", forbidden(ground).boxed_local()),
        ("KubeOpenCodeAgentsNotReady", no_node(ground).boxed_local()),
        ("KubeOpenCodeWatchBroken", cut_off(ground).boxed_local()),
        ("KubeOpenCodeApiRequestsFail", throttled(ground, token).boxed_local()),
        ("KubeOpenCodeTerminalsUnavailable", no_broker(ground, token).boxed_local()),
        ("KubeOpenCodeFull", full(ground, token).boxed_local()),
        ("KubeOpenCodeTokensGuessed", guessed(ground).boxed_local()),
        ("KubeOpenCodePanics", defect(ground).boxed_local()),
        ("KubeOpenCodeCertificateEnds", old_certificate(ground).boxed_local()),
    ]
    .map(|(alert, fires)| Fault { alert, fires })
    .into()
}

/// Somebody who does nothing holds the lease for an hour.
async fn no_leader(ground: &Ground) -> Result<()> {
    let site = Site::new(ground, "no-leader").await?;
    let leases: Api<Lease> = Api::namespaced(ground.client.clone(), site.name);
    let held: Lease = serde_json::from_value(json!({
        "metadata": { "name": CONTROLLER_DEPLOYMENT },
        "spec": {
            "holderIdentity": "nobody",
            "leaseDurationSeconds": 3600,
            "renewTime": "2026-01-01T00:00:00.000000Z",
        },
    }))?;
    leases.create(&PostParams::default(), &held).await?;
    let controller = site.controller(CONTROLLER).await?;
    site.is_scraped(&[("controller", &controller)])?;
    site.fires("KubeOpenCodeNoLeader").await
}

/// Each request of the controller takes long, and many Agents are new.
async fn far_away(ground: &Ground) -> Result<()> {
    let site = Site::new(ground, "far-away").await?;
    let cable = Cable::to(ground.api_server()?, Duration::from_millis(400)).await?;
    site.api_server.set(Some(cable.address));
    let controller = site.leading_controller().await?;
    site.is_scraped(&[("controller", &controller)])?;
    site.agents(100).await?;
    site.fires("KubeOpenCodeControllerBehind").await
}

/// The controller's account has lost the right to make Deployments.
async fn forbidden(ground: &Ground) -> Result<()> {
    let site = Site::new(ground, "forbidden").await?;
    cripple(ground).await?;
    let controller = site.controller(CRIPPLED).await?;
    controller.reaches("kubeopencode_leader", 1, START).await?;
    site.is_scraped(&[("controller", &controller)])?;
    site.agents(30).await?;
    site.fires("KubeOpenCodeReconcilesFail").await
}

async fn cripple(ground: &Ground) -> Result<()> {
    let (client, params) = (&ground.client, PostParams::default());
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), SERVER_NAMESPACE);
    let metadata = json!({ "name": CRIPPLED.0 });
    accounts.create(&params, &serde_json::from_value(json!({ "metadata": metadata }))?).await?;
    let roles: Api<ClusterRole> = Api::all(client.clone());
    let mut rights = roles.get(CONTROLLER_DEPLOYMENT).await?.rules.unwrap_or_default();
    for rule in &mut rights {
        if rule.resources.iter().flatten().any(|resource| resource == "deployments") {
            rule.verbs.retain(|verb| !matches!(verb.as_str(), "create" | "patch"));
        }
    }
    let role = json!({ "metadata": metadata, "rules": rights });
    roles.create(&params, &serde_json::from_value(role)?).await?;
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    let binding = json!({
        "metadata": metadata,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": CRIPPLED.0 },
        "subjects": [{ "kind": "ServiceAccount", "name": CRIPPLED.0, "namespace": SERVER_NAMESPACE }],
    });
    bindings.create(&params, &serde_json::from_value(binding)?).await?;
    Ok(())
}

/// There is no node on which an Agent's pod could run.
async fn no_node(ground: &Ground) -> Result<()> {
    let site = Site::new(ground, "no-node").await?;
    let controller = site.leading_controller().await?;
    site.is_scraped(&[("controller", &controller)])?;
    site.agents(1).await?;
    site.fires("KubeOpenCodeAgentsNotReady").await
}

/// A gateway loses its way to the API server.
async fn cut_off(ground: &Ground) -> Result<()> {
    let site = Site::new(ground, "cut-off").await?;
    let cable = Cable::to(ground.api_server()?, Duration::ZERO).await?;
    site.api_server.set(Some(cable.address));
    let (gateway, _) = site.gateway(site.name, NOWHERE, &[]).await?;
    site.is_scraped(&[("gateway", &gateway)])?;
    cable.cut();
    site.fires("KubeOpenCodeWatchBroken").await
}

/// The API server has no capacity for a broker that looks for pods. Its guests leave before the gateway gives up, which
/// would be another alert's fault.
async fn throttled(ground: &Ground, token: &str) -> Result<()> {
    let site = Site::new(ground, "throttled").await?;
    let (broker, address) = site.broker(healthy::NAMESPACE).await?;
    let (gateway, url) = site.gateway(healthy::NAMESPACE, address, &OFTEN).await?;
    throttle(ground).await?;
    site.is_scraped(&[("terminal-broker", &broker), ("gateway", &gateway)])?;
    let guests = guests::want_terminals(&url, token, 2, Patience::Short);
    guests::until(site.fires("KubeOpenCodeApiRequestsFail"), guests).await
}

/// Priority and fairness, as an administrator sets them: the account's reads of pods get no share.
async fn throttle(ground: &Ground) -> Result<()> {
    let (client, params) = (&ground.client, PostParams::default());
    let levels: Api<PriorityLevelConfiguration> = Api::all(client.clone());
    let level = json!({
        "metadata": { "name": "nothing" },
        "spec": { "type": "Limited", "limited": {
            "nominalConcurrencyShares": 0,
            "lendablePercent": 0,
            "borrowingLimitPercent": 0,
            "limitResponse": { "type": "Reject" },
        }},
    });
    levels.create(&params, &serde_json::from_value(level)?).await?;
    let schemas: Api<FlowSchema> = Api::all(client.clone());
    let schema = json!({
        "metadata": { "name": "nothing-for-the-broker" },
        "spec": {
            "priorityLevelConfiguration": { "name": "nothing" },
            "matchingPrecedence": 2,
            "rules": [{
                "subjects": [{
                    "kind": "ServiceAccount",
                    "serviceAccount": { "name": BROKER.0, "namespace": SERVER_NAMESPACE },
                }],
                "resourceRules": [{
                    "verbs": ["get", "list"],
                    "apiGroups": ["apps", ""],
                    "resources": ["deployments", "replicasets", "pods"],
                    "namespaces": ["*"],
                }],
            }],
        },
    });
    schemas.create(&params, &serde_json::from_value(schema)?).await?;
    Ok(())
}

/// There is no broker where the gateway looks for one.
async fn no_broker(ground: &Ground, token: &str) -> Result<()> {
    let site = Site::new(ground, "no-broker").await?;
    let (gateway, url) = site.gateway(healthy::NAMESPACE, NOWHERE, &[]).await?;
    site.is_scraped(&[("gateway", &gateway)])?;
    let guests = guests::want_terminals(&url, token, 8, Patience::Endless);
    guests::until(site.fires("KubeOpenCodeTerminalsUnavailable"), guests).await
}

/// The gateway may hold one terminal, and the first guest's has no end: it waits for a broker.
async fn full(ground: &Ground, token: &str) -> Result<()> {
    let site = Site::new(ground, "full").await?;
    let (gateway, url) = site.gateway(healthy::NAMESPACE, NOWHERE, &["--max-terminals=1"]).await?;
    site.is_scraped(&[("gateway", &gateway)])?;
    let guests = guests::want_terminals(&url, token, 2, Patience::Endless);
    guests::until(site.fires("KubeOpenCodeFull"), guests).await
}

/// Somebody tries tokens, from many addresses.
async fn guessed(ground: &Ground) -> Result<()> {
    let site = Site::new(ground, "guessed").await?;
    let (gateway, url) = site.gateway(healthy::NAMESPACE, NOWHERE, &[]).await?;
    site.is_scraped(&[("gateway", &gateway)])?;
    guests::until(site.fires("KubeOpenCodeTokensGuessed"), guests::try_tokens(&url)).await
}

/// No program of ours can be made to panic: this one is written to.
async fn defect(ground: &Ground) -> Result<()> {
    let site = Site::new(ground, "defect").await?;
    let program = Program {
        path: env!("CARGO_BIN_EXE_panicking").into(),
        arguments: vec![],
        kubeconfig: ground.access.kubeconfig.clone(),
        log: site.folder.path().join("panicking.log"),
    };
    let panicking = program.start()?;
    panicking.is_ready(START).await?;
    site.is_scraped(&[("panicking", &panicking)])?;
    site.fires("KubeOpenCodePanics").await
}

/// Nobody renews the broker's certificate, which ends in six days.
async fn old_certificate(ground: &Ground) -> Result<()> {
    let site = Site::new(ground, "old-certificate").await?;
    installation::certificates(site.folder.path(), time::Duration::days(6))?;
    let (broker, _) = site.broker(site.name).await?;
    site.is_scraped(&[("terminal-broker", &broker)])?;
    site.fires("KubeOpenCodeCertificateEnds").await
}
