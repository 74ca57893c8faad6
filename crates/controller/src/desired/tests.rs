#![allow(clippy::needless_pass_by_value, reason = "cases are written as literals")]

mod determinism;
mod documents;
mod everything;
mod fields;
mod follow;
mod ignored;
mod optional;
mod restricted;
mod templates;
mod variables;

use std::collections::BTreeMap;

use api_types::{AgentPodSpec, AgentSpec, Credential, LinkName, SecretKeyRef, ShareToken, labels};
use k8s_openapi::api::core::v1::{Container, PodSpec, Volume, VolumeMount};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{fixture::resolved, secret::Tokens};

fn password() -> Password {
    Password::from_bytes(&[7; 32])
}

fn of(spec: AgentSpec) -> DesiredObjects {
    desired(&resolved(spec), &password(), Causes::default())
}

fn pod(objects: &DesiredObjects) -> PodSpec {
    objects.deployment.spec.clone().unwrap().template.spec.unwrap()
}

fn server(objects: &DesiredObjects) -> Container {
    pod(objects).containers.remove(0)
}

fn variable(container: &Container, name: &str) -> Option<String> {
    let env = container.env.iter().flatten();
    let found: Vec<_> = env.filter(|variable| variable.name == name).collect();
    assert!(found.len() < 2, "{name} is set twice");
    found.first().and_then(|variable| variable.value.clone())
}

fn config(config: serde_json::Value) -> AgentSpec {
    AgentSpec { config: Some(config.to_string().parse().unwrap()), ..AgentSpec::default() }
}

fn with_pod(pod: AgentPodSpec) -> AgentSpec {
    AgentSpec { pod_spec: Some(Box::new(pod)), ..AgentSpec::default() }
}

fn rich() -> AgentSpec {
    let credential =
        |name: &str, key: Option<&str>, env: Option<&str>, path: Option<&str>| Credential {
            name: name.into(),
            secret_ref: SecretKeyRef { name: format!("{name}-secret"), key: key.map(Into::into) },
            env: env.map(Into::into),
            mount_path: path.map(Into::into),
            file_mode: 0o400,
        };
    let mut spec: AgentSpec = serde_json::from_value(json!({
        "agentImage": "opencode:1",
        "executorImage": "devbox:2",
        "workspaceDir": "/src",
        "serviceAccountName": "robot",
        "port": 5000,
        "extraPorts": [
            { "name": "preview", "port": 3000 },
            { "name": "dns", "port": 53, "protocol": "UDP" },
        ],
        "config": { "model": "local/echo", "autoupdate": false },
        "imagePullSecrets": [{ "name": "registry" }],
        "podSpec": {
            "labels": { "team": "a", "kubeopencode.io/agent": "another" },
            "scheduling": { "nodeSelector": { "disk": "ssd" } },
            "runtimeClassName": "gvisor",
            "resources": { "limits": { "memory": "1Gi" } },
            "extraVolumes": [{ "name": "cache", "emptyDir": {} }],
            "extraVolumeMounts": [{ "name": "cache", "mountPath": "/cache" }],
            "extraEnv": [{ "name": "EDITOR", "value": "vi" }],
        },
    }))
    .unwrap();
    spec.credentials = Some(vec![
        credential("api", Some("token"), Some("API_TOKEN"), None),
        credential("all", None, None, None),
        credential("ssh", Some("id"), None, Some("/home/agent/.ssh/id")),
        credential("dir", None, None, Some("/etc/creds")),
    ]);
    spec
}

#[test]
fn the_plainest_agent() {
    let objects = of(AgentSpec::default());
    insta::assert_yaml_snapshot!("plain_deployment", objects.deployment);
    insta::assert_yaml_snapshot!("plain_service", objects.service);
    assert_eq!((objects.config_maps, objects.claims), (vec![], vec![]));
}

#[test]
fn an_agent_that_uses_everything() {
    let objects = of(rich());
    insta::assert_yaml_snapshot!("rich_deployment", objects.deployment);
    insta::assert_yaml_snapshot!("rich_service", objects.service);
    insta::assert_yaml_snapshot!("rich_config_maps", objects.config_maps);
}

#[test]
fn every_object_belongs_to_the_agent_and_says_so() {
    let objects = of(rich());
    let share = share_secret(&resolved(rich()).identity, &tokens(&[]), None);
    let metadata = [
        &objects.server_secret.as_ref().unwrap().metadata,
        &objects.config_maps[0].metadata,
        &objects.deployment.metadata,
        &objects.service.metadata,
        &share.metadata,
    ];
    for metadata in metadata {
        let owner = &metadata.owner_references.as_ref().unwrap()[0];
        assert_eq!((owner.uid.as_str(), owner.controller), ("uid-1", Some(true)));
        let labels = metadata.labels.as_ref().unwrap();
        assert!(
            labels::for_agent("demo").iter().all(|(key, value)| labels.get(key) == Some(value))
        );
    }
}

#[test]
fn suspending_changes_nothing_but_the_replicas() {
    let running = of(rich());
    let mut suspended = of(AgentSpec { suspend: true, ..rich() });
    let spec = suspended.deployment.spec.as_mut().unwrap();
    assert_eq!(spec.replicas.replace(1), Some(0));
    assert_eq!(suspended, running);
}

#[test]
fn the_server_is_started_without_a_shell_and_probed_without_its_password_in_sight() {
    let objects = of(AgentSpec::default());
    let server = server(&objects);
    let serve = ["/tools/opencode", "serve", "--port", "4096", "--hostname", "0.0.0.0"];
    assert_eq!(server.command.unwrap(), serve);
    let text = serde_json::to_string(&objects.deployment).unwrap();
    assert!(!text.contains(password().expose()));
}

#[test]
fn a_server_without_a_password_is_probed_all_the_same() {
    let generated = resolved(AgentSpec::default());
    let open = ResolvedAgent { server_password: ServerPassword::None, ..generated.clone() };
    let (generated, open) =
        [generated, open].map(|agent| desired(&agent, &password(), Causes::default())).into();
    assert!(generated.server_secret.is_some() && open.server_secret.is_none());
    let has_password = |objects: &DesiredObjects| {
        let text = serde_json::to_string(&objects.deployment).unwrap();
        text.contains("OPENCODE_SERVER_PASSWORD") || text.contains("secretKeyRef")
    };
    assert!(has_password(&generated) && !has_password(&open));
    let probes = |objects| {
        let server = server(objects);
        (server.startup_probe, server.readiness_probe, server.liveness_probe)
    };
    assert_eq!(probes(&open), probes(&generated));
}

#[test]
fn a_new_configuration_is_a_new_pod_and_the_same_one_is_not() {
    let template = |spec| of(spec).deployment.spec.unwrap().template.metadata;
    let (one, two) = (config(json!({ "model": "a" })), config(json!({ "model": "b" })));
    assert_ne!(template(one.clone()), template(two));
    assert_eq!(template(one.clone()), template(one));
}

#[test]
fn everything_is_permitted_unless_the_configuration_says_otherwise() {
    let permission = |spec| variable(&server(&of(spec)), "OPENCODE_PERMISSION");
    let all = Some(r#"{"*":"allow"}"#.to_owned());
    assert_eq!(permission(AgentSpec::default()), all);
    assert_eq!(permission(config(json!({ "model": "a" }))), all);
    assert_eq!(permission(config(json!({ "permission": { "bash": "ask" } }))), None);
}

#[test]
fn a_hook_before_the_end_has_its_time() {
    let grace = |lifecycle| {
        let pod: AgentPodSpec = serde_json::from_value(json!({ "lifecycle": lifecycle })).unwrap();
        self::pod(&of(with_pod(pod))).termination_grace_period_seconds
    };
    let hook = json!({ "exec": { "command": ["/bin/true"] } });
    assert_eq!(grace(json!({ "preStop": hook })), Some(30));
    assert_eq!(grace(json!({ "postStart": hook })), Some(10));
}

#[test]
fn a_users_volume_takes_the_place_of_our_workspace() {
    let mount =
        VolumeMount { name: "mine".into(), mount_path: "/workspace/".into(), ..Default::default() };
    let extra = AgentPodSpec {
        extra_volumes: Some(vec![Volume { name: "mine".into(), ..Volume::default() }]),
        extra_volume_mounts: Some(vec![mount]),
        ..AgentPodSpec::default()
    };
    let objects = of(with_pod(extra));
    let volumes: Vec<_> = pod(&objects).volumes.unwrap().into_iter().map(|v| v.name).collect();
    assert_eq!(volumes, ["tools", "mine"]);
    // However the path is written, whatever fills the working directory fills that volume.
    let spec = json!({
        "contexts": [{ "type": "Text", "text": "t" }],
        "podSpec": {
            "extraVolumes": [{ "name": "mine", "emptyDir": {} }],
            "extraVolumeMounts": [{ "name": "mine", "mountPath": "/workspace/./" }],
        },
    });
    let init = pod(&of(serde_json::from_value(spec).unwrap())).init_containers.unwrap();
    let mounts = init.iter().flat_map(|container| container.volume_mounts.iter().flatten());
    let names: Vec<_> = mounts.map(|mount| mount.name.as_str()).collect();
    assert!(names.contains(&"mine") && !names.contains(&"workspace"), "{names:?}");
}

/// Of the default link, and a further one of each name.
fn tokens(names: &[&str]) -> Tokens {
    let token = |number: u8| ShareToken::from_bytes(&[number; 32]);
    let further = names.iter().zip(2..);
    let further = further.map(|(name, number)| (LinkName::parse(name).unwrap(), token(number)));
    Tokens { default: token(1), named: further.collect() }
}

#[test]
fn the_share_secret_holds_each_link_where_the_installation_knows_its_own() {
    let identity = resolved(AgentSpec::default()).identity;
    let keys = |names: &[&str], external| {
        share_secret(&identity, &tokens(names), external)
            .data
            .unwrap()
            .into_keys()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&[], None), ["token"]);
    assert_eq!(keys(&["qa"], None), ["qa.token", "token"]);
    let external = Some("https://a.example/team");
    assert_eq!(keys(&["qa"], external), ["qa.token", "qa.url", "token", "url"]);
    let data = share_secret(&identity, &tokens(&["qa"]), external).data.unwrap();
    for (key, token) in [("url", 1), ("qa.url", 2)] {
        let token = ShareToken::from_bytes(&[token; 32]);
        let url = String::from_utf8(data[key].0.clone()).unwrap();
        assert_eq!(url, format!("https://a.example/team/s/{}", token.expose()));
    }
}

fn labels_of_a_user() -> impl Strategy<Value = BTreeMap<String, String>> {
    let ours = labels::for_agent("demo").into_keys().collect::<Vec<_>>();
    let key = prop_oneof![prop::sample::select(ours), "[a-z]{1,8}"];
    prop::collection::btree_map(key, "[a-z]{0,8}", 0..8)
}

proptest! {
    #[test]
    fn labels_of_a_user_never_override_ours(users in labels_of_a_user()) {
        let pod = AgentPodSpec { labels: Some(users.clone()), ..AgentPodSpec::default() };
        let objects = of(with_pod(pod));
        let template = objects.deployment.spec.unwrap().template.metadata.unwrap();
        let mut expected = users;
        expected.extend(labels::for_agent("demo"));
        prop_assert_eq!(template.labels.unwrap(), expected);
    }

    #[test]
    fn the_same_agent_yields_the_same_bytes(
        users in labels_of_a_user(),
        entries in prop::collection::vec(("[a-z]{1,6}", any::<i32>()), 0..8),
    ) {
        // The same settings, written down in another order.
        let config = |entries: Vec<(String, i32)>| {
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!(r#""{key}":{value}"#)).collect();
            format!("{{{}}}", entries.join(",")).parse().unwrap()
        };
        let unique: BTreeMap<_, _> = entries.into_iter().collect();
        let forward: Vec<_> = unique.into_iter().collect();
        let backward: Vec<_> = forward.iter().rev().cloned().collect();
        let bytes = |entries| {
            let objects = of(AgentSpec {
                config: Some(config(entries)),
                pod_spec: Some(Box::new(AgentPodSpec { labels: Some(users.clone()), ..Default::default() })),
                ..AgentSpec::default()
            });
            serde_json::to_vec(&(objects.deployment, objects.config_maps, objects.service)).unwrap()
        };
        prop_assert_eq!(bytes(forward), bytes(backward));
    }
}
