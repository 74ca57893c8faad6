//! The third document, "Pod Configuration".

use api_types::{AgentTemplate, labels};

use super::*;
use crate::resolve::UserIds;

#[test]
fn by_default_each_container_has_the_documents_security_context() {
    let agent = serde_json::from_value(json!({ "metadata": { "name": "demo" }, "spec": {} }));
    let pod = pod(&objects(with_every_container(&agent.unwrap()), None));
    let expected = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "seccompProfile": { "type": "RuntimeDefault" },
    });
    let all = containers(&pod);
    assert_eq!(
        all.keys().collect::<Vec<_>>(),
        [
            "context-init",
            "git-init-0",
            "git-sync-0",
            "opencode-init",
            "opencode-server",
            "plugin-init",
            "terminal-init",
            "url-fetch-0",
        ]
    );
    for (name, container) in all {
        assert_eq!(container["securityContext"], expected, "{name}");
    }
}

#[test]
fn a_hardened_agents_security_context_is_that_of_each_container() {
    let pod = pod(&objects(with_every_container(&example("pod-configuration-hardened")), None));
    let expected = json!({
        "runAsNonRoot": true,
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
        "seccompProfile": { "type": "RuntimeDefault" },
    });
    for (name, container) in containers(&pod) {
        assert_eq!(container["securityContext"], expected, "{name}");
    }
    let image = "ghcr.io/kubeopencode/kubeopencode-agent-devbox:latest";
    assert_eq!(containers(&pod)["opencode-server"]["image"], image);
    assert_eq!(pod["serviceAccountName"], "kubeopencode-agent");
}

#[test]
fn an_agents_pod_runs_as_the_user_and_the_groups_of_its_pod_security_context() {
    // Where admission would choose them, so that none is ours.
    let defaults = Defaults { user_ids: UserIds::OfNamespace, ..defaults() };
    let resolved = resolved(example("pod-configuration-user"), None, &defaults);
    let pod = pod(&desired(&resolved, &password(), Causes::default()));
    let context = &pod["securityContext"];
    for (field, id) in [("runAsUser", 1000), ("runAsGroup", 1000), ("fsGroup", 1000)] {
        assert_eq!(context[field], id, "{field}");
    }
    assert_eq!(
        (&context["runAsNonRoot"], &context["seccompProfile"]["type"]),
        (&json!(true), &json!("RuntimeDefault"))
    );
}

#[test]
fn an_advanced_agent_is_labelled_isolated_and_scheduled_as_it_asks() {
    let objects = objects(example("pod-configuration-advanced"), None);
    let template = json!(objects.deployment)["spec"]["template"].take();
    assert_eq!(template["metadata"]["labels"]["network-policy"], "agent-restricted");
    for (label, value) in labels::for_agent("advanced-agent") {
        assert_eq!(template["metadata"]["labels"][&label], value, "{label}");
    }
    let pod = &template["spec"];
    assert_eq!(pod["runtimeClassName"], "gvisor");
    assert_eq!(pod["nodeSelector"], json!({ "node-type": "ai-workload" }));
    let toleration = json!({
        "key": "dedicated", "operator": "Equal", "value": "ai-workload", "effect": "NoSchedule",
    });
    assert_eq!(pod["tolerations"], json!([toleration]));
}

#[test]
fn each_extra_port_is_one_of_the_container_and_of_the_service() {
    let objects = objects(example("pod-configuration-extra-ports"), None);
    let port = |name: &str, port: u16| json!({ "name": name, "port": port, "protocol": "TCP" });
    let expected =
        [port("http", 4096), port("webapp", 3000), port("vscode", 8080), port("postgres", 5432)];
    let service = json!(objects.service)["spec"].take();
    for (index, expected) in expected.iter().enumerate() {
        let on_container = &pod(&objects)["containers"][0]["ports"][index];
        let (name, protocol) = (&expected["name"], &expected["protocol"]);
        assert_eq!(
            on_container,
            &json!({ "name": name, "containerPort": expected["port"], "protocol": protocol })
        );
        let mut on_service = service["ports"][index].clone();
        assert_eq!(on_service["targetPort"].take(), *name);
        on_service.as_object_mut().unwrap().remove("targetPort");
        assert_eq!(on_service, *expected);
    }
    assert_eq!(service["ports"].as_array().unwrap().len(), expected.len());
    assert_eq!(
        (&service["type"], &json!(objects.service)["metadata"]["name"]),
        (&json!("ClusterIP"), &json!("dev-agent"))
    );
}

#[test]
fn extra_variables_reach_each_container_after_ours() {
    let pod = pod(&objects(with_every_container(&example("pod-configuration-extra-env")), None));
    let expected = json!([
        { "name": "CORPORATE_REGISTRY", "value": "registry.corp.example.com" },
        { "name": "NPM_TOKEN",
          "valueFrom": { "secretKeyRef": { "name": "npm-credentials", "key": "token" } } },
        { "name": "ENVIRONMENT",
          "valueFrom": { "configMapKeyRef": { "name": "cluster-config", "key": "environment" } } },
    ]);
    for (name, container) in containers(&pod) {
        let variables = container["env"].as_array().unwrap();
        assert_eq!(variables[variables.len() - 3..], *expected.as_array().unwrap(), "{name}");
    }
}

/// The table "Available container targets".
#[test]
fn each_target_of_system_containers_is_the_container_of_the_documents_table() {
    let table = [
        ("openCodeInit", "opencode-init"),
        ("contextInit", "context-init"),
        ("gitInit", "git-init-0"),
        ("gitSync", "git-sync-0"),
        ("pluginInit", "plugin-init"),
    ];
    let extras = |target: &str| {
        json!({
            "extraEnv": [{ "name": "TARGET", "value": target }],
            "extraVolumeMounts": [{ "name": "extra", "mountPath": format!("/mnt/{target}"), "readOnly": true }],
        })
    };
    let targets: Value =
        table.map(|(target, _)| (target.to_owned(), extras(target))).into_iter().collect();
    let agent =
        serde_json::from_value(json!({ "metadata": { "name": "demo" }, "spec": { "podSpec": {
        "extraVolumes": [{ "name": "extra", "emptyDir": {} }],
        "systemContainers": targets,
    } } }));
    let pod = pod(&objects(with_every_container(&agent.unwrap()), None));
    for (name, container) in containers(&pod) {
        let target = table.iter().find(|(_, container)| *container == name);
        let value = target.map_or(Value::Null, |(target, _)| json!(target));
        assert_eq!(variable(&container, "TARGET")["value"], value, "{name}");
        for (target, of) in table {
            let mounted = mount(&container, &format!("/mnt/{target}"));
            assert_eq!(mounted["readOnly"] == true, of == name, "{name}: {target}");
        }
    }
}

#[test]
fn a_template_for_openshift_gives_git_its_home_and_so_do_we_without_it() {
    let template: AgentTemplate = example("pod-configuration-openshift");
    let of_template = json!({ "metadata": { "name": "demo" }, "spec": { "templateRef": { "name": "ocp-base" } } });
    let plain = json!({ "metadata": { "name": "demo" }, "spec": {} });
    for (agent, template) in [(of_template, Some(&template)), (plain, None)] {
        let agent = with_every_container(&serde_json::from_value(agent).unwrap());
        let containers = containers(&pod(&objects(agent, template)));
        for name in ["git-init-0", "git-sync-0", "opencode-server"] {
            assert_eq!(variable(&containers[name], "HOME")["value"], "/tmp", "{name}");
            assert_eq!(variable(&containers[name], "SHELL")["value"], "/bin/bash", "{name}");
        }
    }
    // Read as it is, and not only equal to what we set.
    let targets = template.spec.pod_spec.unwrap().system_containers.unwrap();
    for target in [targets.git_init, targets.git_sync] {
        assert_eq!(json!(target), json!({ "extraEnv": [{ "name": "HOME", "value": "/tmp" }] }));
    }
}

#[test]
fn a_corporate_authority_is_mounted_in_the_git_containers_and_the_executor() {
    let pod = pod(&objects(with_every_container(&example("pod-configuration-git-ca")), None));
    let volumes = pod["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|volume| volume["name"] == "corp-ca").unwrap();
    let items = json!([{ "key": "ca-certificates.crt", "path": "tls.crt" }]);
    assert_eq!(volume["configMap"], json!({ "name": "corp-ca-bundle", "items": items }));
    let mounted = json!({ "name": "corp-ca", "mountPath": "/etc/ssl/corp", "readOnly": true });
    for (name, container) in containers(&pod) {
        let is_git = ["git-init-0", "git-sync-0"].contains(&name.as_str());
        let expected = if is_git || name == "opencode-server" { &mounted } else { &Value::Null };
        assert_eq!(&mount(&container, "/etc/ssl/corp"), expected, "{name}");
        let authority = variable(&container, "GIT_SSL_CAINFO")["value"].clone();
        let expected = if is_git { json!("/etc/ssl/corp/tls.crt") } else { Value::Null };
        assert_eq!(authority, expected, "{name}");
        if is_git {
            assert_eq!(variable(&container, "HOME")["value"], "/tmp", "{name}");
        }
    }
}

#[test]
fn the_token_of_a_private_registry_reaches_plugin_init_alone() {
    let objects = objects(with_every_container(&example("pod-configuration-npm-registry")), None);
    let token = json!({ "secretKeyRef": { "name": "npm-credentials", "key": "token" } });
    for (name, container) in containers(&pod(&objects)) {
        let of = |variable_name, field: &str| variable(&container, variable_name)[field].clone();
        let registry = (of("NPM_TOKEN", "valueFrom"), of("NPM_CONFIG_REGISTRY", "value"));
        let expected = if name == "plugin-init" {
            (token.clone(), json!("https://npm.corp.example.com"))
        } else {
            (Value::Null, Value::Null)
        };
        assert_eq!(registry, expected, "{name}");
    }
    let files = objects.config_maps[0].data.clone().unwrap();
    assert!(files["plugin-init.json"].contains("@corp/opencode-plugin@1.0.0"));
    assert!(files["opencode.json"].contains("file:///plugins/node_modules/@corp/opencode-plugin"));
}

/// "Agent wins entirely if it defines a podSpec", in the three manifests that show it.
#[test]
fn a_pod_spec_is_inherited_whole_or_replaced_whole() {
    let template: AgentTemplate = example("pod-configuration-merge-template");
    let mut marked = template.clone();
    // What only the template has, and what only the agent has.
    let pod_spec = marked.spec.pod_spec.as_mut().unwrap();
    pod_spec.runtime_class_name = Some("of-the-template".into());
    let heir = with_every_container(&example("pod-configuration-merge-inherits"));
    let inherited = pod(&objects(heir, Some(&marked)));
    assert_eq!(inherited["runtimeClassName"], "of-the-template");
    let git = &containers(&inherited)["git-init-0"];
    // Appended after ours, where the template's systemContainers have it.
    let last = git["env"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last, json!({ "name": "HOME", "value": "/tmp" }));

    let own = with_every_container(&example("pod-configuration-merge-overrides"));
    let replaced = pod(&objects(own.clone(), Some(&marked)));
    assert_eq!(
        replaced["runtimeClassName"],
        Value::Null,
        "nothing of the template's podSpec stays"
    );
    let server = &containers(&replaced)["opencode-server"];
    assert_eq!(server["resources"], json!({ "limits": { "memory": "8Gi" } }));
    let env = &containers(&replaced)["git-init-0"]["env"];
    assert_eq!(env.as_array().unwrap().last().unwrap()["name"], "HOME", "as it declares again");
    let mut silent = own;
    silent.spec.pod_spec.as_mut().unwrap().system_containers = None;
    let env = &containers(&pod(&objects(silent, Some(&marked))))["git-init-0"]["env"];
    assert_ne!(env.as_array().unwrap().last().unwrap()["name"], "HOME", "only where it does");
}

/// "When an Agent references a template, the Agent's extraPorts replaces the template's list".
#[test]
fn ports_of_a_template_reach_the_service_until_the_agent_has_its_own() {
    let template = json!({ "metadata": { "name": "base" }, "spec": {
        "workspaceDir": "/workspace", "serviceAccountName": "default",
        "extraPorts": [{ "name": "dns", "port": 53, "protocol": "UDP" }],
    } });
    let template: AgentTemplate = serde_json::from_value(template).unwrap();
    let ports = |own: Value| {
        let mut agent = json!({ "metadata": { "name": "demo" }, "spec": { "templateRef": { "name": "base" } } });
        agent["spec"]["extraPorts"] = own;
        let objects = objects(serde_json::from_value(agent).unwrap(), Some(&template));
        let (service, pod) = (json!(objects.service), pod(&objects));
        let lists = [&service["spec"]["ports"], &pod["containers"][0]["ports"]];
        lists.map(|ports| {
            let ports = ports.as_array().unwrap().iter();
            ports
                .map(|port| format!("{}/{}", port["name"], port["protocol"]))
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    let inherited = r#""http"/"TCP" "dns"/"UDP""#;
    assert_eq!(ports(Value::Null), [inherited, inherited]);
    let own = r#""http"/"TCP" "web"/"TCP""#;
    assert_eq!(ports(json!([{ "name": "web", "port": 3000 }])), [own, own]);
    let none = r#""http"/"TCP""#;
    assert_eq!(ports(json!([])), [none, none]);
}
