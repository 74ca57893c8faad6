#![allow(clippy::large_stack_arrays, reason = "cases are written as literals")]

use api_types::{
    AgentSpec, AgentTemplateSpec, Credential, LocalRef, Persistence, SecretKeyRef, TemplateRef,
    condition::reason,
};
use k8s_openapi::api::core::v1::{Volume, VolumeMount};
use serde_json::json;

use super::*;
use crate::fixture::{agent, defaults, demo, resolved};

fn refused(spec: AgentSpec) -> (&'static str, String) {
    let invalid = resolve(&agent(spec), None, &defaults()).unwrap_err();
    (invalid.reason, invalid.field)
}

fn from_json<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn credential(key: Option<&str>, env: Option<&str>, path: Option<&str>) -> Credential {
    Credential {
        name: "c".into(),
        secret_ref: SecretKeyRef { name: "keys".into(), key: key.map(Into::into) },
        env: env.map(Into::into),
        mount_path: path.map(Into::into),
        file_mode: 0o600,
    }
}

#[test]
fn an_agent_that_says_nothing_gets_every_default() {
    let expected = ResolvedAgent {
        identity: AgentId { name: "demo".into(), namespace: "team-a".into(), uid: "uid-1".into() },
        images: defaults().images,
        user_ids: UserIds::Fixed,
        server_password: ServerPassword::Generated,
        workspace_dir: "/workspace".into(),
        service_account: "default".into(),
        port: 4096,
        extra_ports: vec![],
        contexts: vec![],
        checkouts: vec![],
        extensions: Extensions::default(),
        credentials: vec![],
        pod: AgentPodSpec::default(),
        ca_source: None,
        proxy: None,
        pull_secrets: vec![],
        persistence: Persistence::default(),
        lifecycle: Lifecycle::Running,
    };
    assert_eq!(resolve(&demo(), None, &defaults()), Ok(expected));
}

#[test]
fn a_template_that_is_missing_is_named() {
    let template_ref = Some(TemplateRef { name: "base".into() });
    let spec = AgentSpec { template_ref, ..AgentSpec::default() };
    let invalid = resolve(&agent(spec), None, &defaults()).unwrap_err();
    assert_eq!(invalid.reason, reason::TEMPLATE_NOT_FOUND);
    assert_eq!(
        invalid.sentence(),
        "spec.templateRef: there is no AgentTemplate \"base\" in this namespace: create it, or name another"
    );
}

#[test]
fn every_example_is_an_agent_that_can_be_built() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut resolved = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let documents: Vec<serde_json::Value> = serde_yaml_ng::Deserializer::from_str(&text)
            .map(|document| serde::Deserialize::deserialize(document).unwrap())
            .collect();
        let template: Option<AgentTemplate> = documents
            .iter()
            .find(|document| document["kind"] == "AgentTemplate")
            .cloned()
            .map(from_json);
        for agent in documents.iter().filter(|document| document["kind"] == "Agent") {
            let mut agent: Agent = from_json(agent.clone());
            agent.metadata.namespace = Some("team-a".into());
            let outcome = resolve(&agent, template.as_ref(), &defaults());
            assert_eq!(outcome.map(|_| ()), Ok(()), "{}", path.display());
            resolved += 1;
        }
    }
    assert!(resolved >= 10, "only {resolved} agents");
}

#[test]
fn each_form_of_a_credential() {
    let (name, key, path) = (|| "KEY".to_owned(), || "token".to_owned(), || "/run/c".to_owned());
    let variable = CredentialForm::Variable { name: name(), key: key() };
    let file = CredentialForm::File { path: path(), key: key(), mode: 0o600 };
    let cases = [
        (credential(Some("token"), Some("KEY"), None), vec![variable.clone()]),
        (credential(Some("token"), None, Some("/run/c")), vec![file.clone()]),
        (credential(Some("token"), Some("KEY"), Some("/run/c")), vec![variable, file]),
        (credential(None, None, None), vec![CredentialForm::AllVariables]),
        (
            credential(None, None, Some("/run/c")),
            vec![CredentialForm::Directory { path: path(), mode: 0o600 }],
        ),
    ];
    for (written, expected) in cases {
        let spec = AgentSpec { credentials: Some(vec![written.clone()]), ..AgentSpec::default() };
        let forms: Vec<_> = resolved(spec).credentials.into_iter().map(|c| c.form).collect();
        assert_eq!(forms, expected, "{written:?}");
    }
}

#[test]
fn mistakes_name_their_field() {
    let credentials = |list| AgentSpec { credentials: Some(list), ..AgentSpec::default() };
    let workspace =
        |dir: &str| AgentSpec { workspace_dir: Some(dir.into()), ..AgentSpec::default() };
    let pod = |pod| AgentSpec { pod_spec: Some(Box::new(pod)), ..AgentSpec::default() };
    let volume = |name: &str| AgentPodSpec {
        extra_volumes: Some(vec![Volume { name: name.into(), ..Volume::default() }]),
        ..AgentPodSpec::default()
    };
    let mount =
        VolumeMount { name: "v".into(), mount_path: "/tools/".into(), ..Default::default() };
    let at_tools = AgentPodSpec { extra_volume_mounts: Some(vec![mount]), ..Default::default() };
    let at = |path| credential(None, None, Some(path));
    let server_port = ExtraPort { name: "web".into(), port: 4096, ..ExtraPort::default() };
    let cases = [
        ("spec.credentials[1]", credentials(vec![at("/a"), credential(Some("k"), None, None)])),
        ("spec.credentials[0]", credentials(vec![credential(None, Some("A"), None)])),
        ("spec.credentials[1] \"c\"", credentials(vec![at("/a"), at("/a/")])),
        ("spec.credentials[0].mountPath", credentials(vec![at("/tools/x")])),
        ("spec.credentials[0].mountPath", credentials(vec![at("/a/../proc")])),
        ("spec.workspaceDir", workspace("relative")),
        ("spec.workspaceDir", workspace("//")),
        ("spec.workspaceDir", workspace("/tools/work")),
        ("spec.podSpec.extraVolumes[0].name", pod(volume("tools"))),
        ("spec.podSpec.extraVolumes[0].name", pod(volume("credential-0"))),
        ("spec.podSpec.extraVolumeMounts[0].mountPath", pod(at_tools)),
        (
            "spec.extraPorts",
            AgentSpec { extra_ports: Some(vec![server_port]), ..Default::default() },
        ),
    ];
    for (field, spec) in cases {
        assert_eq!(refused(spec), (reason::INVALID_SPEC, field.to_owned()));
    }
}

#[test]
fn an_extra_port_is_not_the_servers() {
    let ports = json!({ "port": 5000, "extraPorts": [{ "name": "web", "port": 5000 }] });
    let invalid = resolve(&agent(from_json(ports)), None, &defaults()).unwrap_err();
    let expected = "spec.extraPorts: \"web\" takes port 5000, which is the server's: \
                    choose another, or change spec.port";
    assert_eq!(invalid.sentence(), expected);
}

#[test]
fn a_templates_settings_are_resolved_too() {
    let template_ref = Some(TemplateRef { name: "base".into() });
    let spec = AgentSpec { template_ref, ..AgentSpec::default() };
    let template = AgentTemplate::new(
        "base",
        AgentTemplateSpec {
            executor_image: Some("devbox:base".into()),
            workspace_dir: "/base/".into(),
            service_account_name: "robot".into(),
            image_pull_secrets: Some(vec![LocalRef::from("registry")]),
            ..AgentTemplateSpec::default()
        },
    );
    let agent = resolve(&agent(spec), Some(&template), &defaults()).unwrap();
    assert_eq!(agent.images.executor, "devbox:base");
    assert_eq!(agent.workspace_dir, "/base");
    assert_eq!(agent.service_account, "robot");
    assert_eq!(agent.pull_secrets, [LocalRef::from("registry")]);
}
