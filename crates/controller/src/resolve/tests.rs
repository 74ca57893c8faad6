#![allow(clippy::large_stack_arrays, reason = "cases are written as literals")]

use api_types::{
    AgentSpec, AgentTemplateSpec, ContainerExtras, ContextItem, Credential, LocalRef, Persistence,
    Proxy, SecretKeyRef, SystemContainers, TemplateRef, VolumeClaim, condition::reason,
};
use k8s_openapi::api::core::v1::{EnvVar, Volume, VolumeMount};

use super::*;
use crate::fixture::{agent, demo, images, resolved};

fn refused(spec: AgentSpec) -> (&'static str, String) {
    let invalid = resolve(&agent(spec), None, &images()).unwrap_err();
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
        images: images(),
        workspace_dir: "/workspace".into(),
        service_account: "default".into(),
        port: 4096,
        extra_ports: vec![],
        config: None,
        credentials: vec![],
        pod: AgentPodSpec::default(),
        pull_secrets: vec![],
        lifecycle: Lifecycle::Running,
    };
    assert_eq!(resolve(&demo(), None, &images()), Ok(expected));
}

#[test]
fn a_template_that_is_missing_is_named() {
    let template_ref = Some(TemplateRef { name: "base".into() });
    let spec = AgentSpec { template_ref, ..AgentSpec::default() };
    let invalid = resolve(&agent(spec), None, &images()).unwrap_err();
    assert_eq!(invalid.reason, reason::TEMPLATE_NOT_FOUND);
    assert_eq!(
        invalid.sentence(),
        "spec.templateRef: there is no AgentTemplate \"base\" in this namespace"
    );
}

#[test]
fn fields_of_later_versions_are_named_and_empty_ones_are_not_used() {
    let context: ContextItem = from_json(serde_json::json!({ "type": "Text", "text": "hi" }));
    let variable = EnvVar { name: "A".into(), ..EnvVar::default() };
    let extras = |extra_env| ContainerExtras { extra_env: Some(extra_env), ..Default::default() };
    let system = |extras| AgentSpec {
        pod_spec: Some(AgentPodSpec {
            system_containers: Some(SystemContainers {
                git_init: Some(extras),
                ..Default::default()
            }),
            ..AgentPodSpec::default()
        }),
        ..AgentSpec::default()
    };
    let claim = Some(VolumeClaim::default());
    let used = [
        ("spec.contexts", AgentSpec { contexts: Some(vec![context]), ..AgentSpec::default() }),
        ("spec.podSpec.systemContainers", system(extras(vec![variable]))),
        (
            "spec.proxy",
            AgentSpec {
                proxy: Some(Proxy { no_proxy: Some("a".into()), ..Proxy::default() }),
                ..AgentSpec::default()
            },
        ),
        (
            "spec.persistence",
            AgentSpec {
                persistence: Some(Persistence { sessions: claim, workspace: None }),
                ..AgentSpec::default()
            },
        ),
        ("spec.standby", from_json(serde_json::json!({ "standby": { "idleTimeout": "30m" } }))),
        (
            "spec.caBundle",
            from_json(serde_json::json!({ "caBundle": { "secretRef": { "name": "ca" } } })),
        ),
        ("spec.plugins", from_json(serde_json::json!({ "plugins": [{ "name": "p" }] }))),
    ];
    for (field, spec) in used {
        assert_eq!(refused(spec), (reason::NOT_SUPPORTED_YET, field.to_owned()));
    }

    let empty = AgentSpec {
        contexts: Some(vec![]),
        skills: Some(vec![]),
        plugins: Some(vec![]),
        proxy: Some(Proxy::default()),
        persistence: Some(Persistence::default()),
        ..system(extras(vec![]))
    };
    resolved(empty);
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
    let pod = |pod| AgentSpec { pod_spec: Some(pod), ..AgentSpec::default() };
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
        ("spec.credentials", credentials(vec![at("/a"), at("/a/")])),
        ("spec.workspaceDir", workspace("relative")),
        ("spec.workspaceDir", workspace("//")),
        ("spec.workspaceDir", workspace("/tools/work")),
        ("spec.podSpec.extraVolumes", pod(volume("tools"))),
        ("spec.podSpec.extraVolumes", pod(volume("credential-0"))),
        ("spec.podSpec.extraVolumeMounts", pod(at_tools)),
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
    let agent = resolve(&agent(spec), Some(&template), &images()).unwrap();
    assert_eq!(agent.images.executor, "devbox:base");
    assert_eq!(agent.workspace_dir, "/base");
    assert_eq!(agent.service_account, "robot");
    assert_eq!(agent.pull_secrets, [LocalRef::from("registry")]);
}
