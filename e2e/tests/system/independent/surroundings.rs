//! An agent in a company: a private authority, a forward proxy, git with passwords and keys, a private npm registry. All
//! of them are real, and OpenCode itself says what it has of them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api_types::{Agent, condition};
use e2e::{
    agents,
    cluster::Space,
    guest::PATIENCE,
    kubeoc, opencode, pods,
    raw_guest::RawGuest,
    services::{
        AUTHORITY, CORP, DIRECT, REGISTRY, REGISTRY_SECRET, SSH_SECRET, Services, USER, WEB_SECRET,
    },
    waiting,
};
use serde_json::{Value, json};

/// How soon a plugin of the terminal UI has run once its terminal is open.
const LOADED: Duration = Duration::from_secs(20);

/// Trusts the authority, whose certificate is read by a reference of this name, and goes through the proxy.
fn corporate(reference: &str, more: Value) -> Value {
    let mut spec = json!({
        "caBundle": { reference: { "name": AUTHORITY } },
        "proxy": {
            "httpProxy": format!("http://{CORP}:3128"),
            "httpsProxy": format!("http://{CORP}:3128"),
            "noProxy": DIRECT,
        },
    });
    if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
        spec.extend(more);
    }
    spec
}

/// No image knows this user.
const ANY_USER: u32 = 1_234_567;

/// A `podSpec` as a namespace of OpenShift would have it, and stricter: any user, and a root that nobody writes.
fn hardened() -> Value {
    json!({
        "securityContext": {
            "runAsNonRoot": true, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] }, "seccompProfile": { "type": "RuntimeDefault" },
        },
        "podSecurityContext": { "runAsUser": ANY_USER, "runAsGroup": ANY_USER, "fsGroup": ANY_USER },
        "extraVolumes": [{ "name": "tmp", "emptyDir": {} }],
        "extraVolumeMounts": [{ "name": "tmp", "mountPath": "/tmp" }],
    })
}

/// Whether the agent's container is as [`hardened`] says.
async fn is_hardened(space: &Space, agent: &str) -> Result<()> {
    let found = prints(space, agent, "id -u; touch /opt/x 2>/dev/null || echo read-only").await?;
    ensure!(found == format!("{ANY_USER}\nread-only"), "{found}");
    Ok(())
}

async fn prints(space: &Space, agent: &str, script: &str) -> Result<String> {
    let pod = pods::of_agent(space, agent).await?;
    Ok(pods::exec(space, &pod, &["/bin/bash", "-c", script]).await?.trim().to_owned())
}

/// Over HTTPS with a password.
fn repository(host: &str, path: &str) -> Value {
    json!({
        "name": path, "type": "Git", "mountPath": path,
        "git": {
            "repository": format!("https://{host}:8443/cgi-bin/git/repo.git"),
            "secretRef": { "name": WEB_SECRET },
        },
    })
}

fn page(host: &str, path: &str) -> Value {
    json!({
        "name": path, "type": "URL", "mountPath": path,
        "url": {
            "source": format!("https://{host}:8443/page.txt"),
            "secretRef": { "name": WEB_SECRET },
        },
    })
}

#[tokio::test]
async fn code_and_documents_come_by_tls_and_ssh_and_through_the_proxy_where_one_is_named()
-> Result<()> {
    let space = Space::new("corp").await?;
    let services = Services::start(&space).await?;
    let commit = services.commit(&[("page.txt", "from the intranet")]).await?;
    let over_ssh = json!({
        "name": "ssh", "type": "Git", "mountPath": "ssh",
        "git": {
            "repository": format!("ssh://git@{CORP}:2222/srv/git/repo.git"),
            "secretRef": { "name": SSH_SECRET },
        },
    });
    let contexts = json!([
        repository(CORP, "https"),
        over_ssh,
        page(CORP, "page.txt"),
        page(DIRECT, "direct.txt"),
        repository(DIRECT, "direct"),
        { "type": "Text", "text": "Be kind." },
    ]);
    let spec = json!({ "contexts": contexts, "podSpec": hardened() });
    agents::ready(&space, "insider", corporate("configMapRef", spec)).await?;
    is_hardened(&space, "insider").await?;

    for folder in ["https", "ssh", "direct"] {
        let head = prints(&space, "insider", &format!("git -C {folder} rev-parse HEAD")).await?;
        ensure!(head == commit, "{folder}: {head:?}");
    }
    for file in ["page.txt", "direct.txt"] {
        ensure!(prints(&space, "insider", &format!("cat {file}")).await? == "from the intranet");
    }
    let before = services.proxied().await?;
    let through = before.iter().filter(|host| **host == format!("{CORP}:8443")).count();
    ensure!(through >= 2, "the repository and the page: {before:?}");

    // What the agent itself runs trusts the same, and goes the same way.
    let ask = |host: &str| {
        let (user, password) = USER;
        format!(
            "git ls-remote https://{user}:{password}@{host}:8443/cgi-bin/git/repo.git main 2>&1"
        )
    };
    let expected = format!("{commit}\trefs/heads/main");
    for host in [CORP, DIRECT] {
        let answer = prints(&space, "insider", &ask(host)).await?;
        ensure!(answer == expected, "{host}: {answer}");
    }
    let (user, password) = USER;
    let plain = format!("curl -sS -u {user}:{password} http://{CORP}:8080/page.txt");
    ensure!(prints(&space, "insider", &plain).await? == "from the intranet");
    let after = services.proxied().await?;
    ensure!(after.contains(&format!("{CORP}:8080")), "httpProxy: {after:?}");
    ensure!(after.len() > before.len(), "the agent's own git passed by the proxy: {after:?}");
    ensure!(!after.iter().any(|host| host.starts_with(DIRECT)), "noProxy: {after:?}");

    let stranger = json!({ "contexts": [page(DIRECT, "page.txt")] });
    agents::create(&space, "stranger", stranger).await?;
    let message = init_failed(&space, "stranger").await?;
    ensure!(message.contains("is not trusted"), "{message}");
    space.delete().await
}

/// The sentence of `Ready` once an init container has failed.
async fn init_failed(space: &Space, name: &str) -> Result<String> {
    let failed = |agent: &Agent| {
        agents::condition_of(agent, condition::READY).is_some_and(|(_, r)| r == "InitFailed")
    };
    let agent = Box::pin(agents::wait(space, name, "InitFailed", failed)).await?;
    let conditions = agent.status.unwrap_or_default().conditions;
    let ready = conditions.into_iter().find(|one| one.type_ == condition::READY);
    Ok(ready.context("no condition Ready")?.message)
}

#[tokio::test]
async fn plugins_of_a_private_registry_are_loaded_by_server_and_terminal() -> Result<()> {
    let space = Space::new("plugins").await?;
    let services = Services::start(&space).await?;
    services.publish().await?;
    let token = json!({ "secretKeyRef": { "name": REGISTRY_SECRET, "key": "token" } });
    let mut pod = hardened();
    pod["systemContainers"] = json!({ "pluginInit": { "extraEnv": [
        { "name": "NPM_CONFIG_REGISTRY", "value": REGISTRY },
        { "name": "NPM_TOKEN", "valueFrom": token },
    ] } });
    let spec = corporate(
        "secretRef",
        json!({
            "plugins": [
                { "name": "@corp/server-plugin@^1.0.0", "options": { "team": "payments" } },
                { "name": "@corp/tui-plugin", "target": "tui", "options": { "team": "payments" } },
            ],
            "podSpec": pod,
        }),
    );
    agents::ready(&space, "plugged", spec).await?;
    is_hardened(&space, "plugged").await?;

    let tools = opencode::get(&space, "plugged", "/experimental/tool/ids").await?;
    let tools = tools.as_array().context("no list of tools")?;
    ensure!(tools.contains(&json!("corp_greet")), "{tools:?}");
    let config = opencode::get(&space, "plugged", "/config").await?;
    ensure!(config["username"] == "payments", "the plugin had no options: {config}");
    let proxied = services.proxied().await?;
    ensure!(proxied.iter().any(|host| host == "corp:4873"), "npm passed by the proxy: {proxied:?}");

    ensure!(prints(&space, "plugged", "cat /tmp/tui-plugin 2>/dev/null").await?.is_empty());
    let link = kubeoc::share(&space, "plugged", &[]).await?;
    let mut guest = RawGuest::open(&link).await?;
    guest.shows("Ask anything", PATIENCE).await?;
    waiting::until("the terminal's plugin has run", LOADED, || async {
        let left = prints(&space, "plugged", "cat /tmp/tui-plugin 2>/dev/null").await?;
        Ok((left == "function payments").then_some(()))
    })
    .await?;
    space.delete().await
}
