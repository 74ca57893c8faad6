//! Field by field: what the programs in the pod and Kubernetes are told of what a user wrote.

use serde_json::{Value, json};

use super::*;
use crate::fixture::specs;

fn objects(spec: Value) -> DesiredObjects {
    of(specs::read(&spec))
}

/// A file that the agent's pod gets.
fn file(objects: &DesiredObjects, key: &str) -> Value {
    let mut files = objects.config_maps.iter().filter_map(|map| map.data.as_ref()?.get(key));
    serde_json::from_str(files.next().unwrap()).unwrap()
}

fn pod_of(objects: &DesiredObjects) -> Value {
    json!(pod(objects))
}

/// The item of a list that has this name.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut items = list.as_array().unwrap().iter();
    items.find(|item| item["name"] == name).unwrap_or_else(|| panic!("no {name} in {list:#}"))
}

fn repository() -> Value {
    json!({
        "repository": "https://git.example.com/a.git", "ref": "v2", "path": "src", "depth": 7,
        "recurseSubmodules": true, "secretRef": { "name": "git-key" },
    })
}

/// The Secret that git-init-0 reads its credentials from.
fn secret_of_git(objects: &DesiredObjects) -> Value {
    let pod = pod_of(objects);
    let mounts = &named(&pod["initContainers"], "git-init-0")["volumeMounts"];
    let mount = mounts
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["mountPath"] == "/etc/kubeopencode/access");
    named(&pod["volumes"], mount.unwrap()["name"].as_str().unwrap())["secret"]["secretName"].clone()
}

#[test]
fn git_init_is_told_all_that_a_context_says_of_its_repository() {
    let git = json!({ "sync": { "enabled": true, "interval": "90s", "policy": "Rollout" } });
    let git = repository()
        .as_object()
        .unwrap()
        .clone()
        .into_iter()
        .chain(git.as_object().unwrap().clone());
    let context = json!({ "name": "code", "type": "Git", "mountPath": "code", "git": git.collect::<Value>() });
    let objects = objects(json!({ "contexts": [context] }));
    assert_eq!(
        file(&objects, "git-0.json"),
        json!({
            "name": "code", "repository": "https://git.example.com/a.git", "reference": "v2", "path": "src",
            "depth": 7, "recurseSubmodules": true, "credentials": "/etc/kubeopencode/access",
            "target": { "root": "/workspace", "path": "code" }, "persistent": true, "state": "/tmp",
            "sync": { "intervalSeconds": 90, "policy": "Rollout" },
        })
    );
    assert_eq!(secret_of_git(&objects), "git-key");
}

#[test]
fn git_init_is_told_all_that_a_skill_says_of_its_repository() {
    let mut git = repository();
    git["names"] = json!(["review", "release"]);
    let objects = objects(json!({ "skills": [{ "name": "team", "git": git }] }));
    assert_eq!(
        file(&objects, "git-0.json"),
        json!({
            "name": "team", "repository": "https://git.example.com/a.git", "reference": "v2", "path": "src",
            "depth": 7, "recurseSubmodules": true, "credentials": "/etc/kubeopencode/access",
            "target": { "root": "/etc/kubeopencode/git", "path": "repo" }, "persistent": true, "state": "/tmp",
            "select": ["review", "release"],
        })
    );
    assert_eq!(secret_of_git(&objects), "git-key");
    let pod = pod_of(&objects);
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    assert!(mounts.iter().any(|one| one["mountPath"] == "/skills/team"), "{mounts:#?}");
    assert_eq!(file(&objects, "opencode.json")["skills"]["paths"], json!(["/skills/team"]));
}

#[test]
fn url_fetch_is_told_all_that_a_context_says_of_its_address() {
    let context = json!({
        "name": "page", "type": "URL", "mountPath": "docs/page", "fileMode": 0o640,
        "url": {
            "source": "https://example.com/a", "headers": { "X-A": "1" }, "secretRef": { "name": "url-key" },
            "insecureSkipTLSVerify": true, "timeout": 7,
        },
    });
    let objects = objects(json!({ "contexts": [context] }));
    assert_eq!(
        file(&objects, "url-fetch-0.json"),
        json!({
            "label": "spec.contexts[0] \"page\"", "source": "https://example.com/a", "headers": { "X-A": "1" },
            "credentials": "/etc/kubeopencode/access", "insecureSkipTlsVerify": true, "timeoutSeconds": 7,
            "target": { "root": "/workspace", "path": "docs/page" }, "mode": 0o640,
        })
    );
    let pod = pod_of(&objects);
    let volume = named(&pod["volumes"], "kubeopencode-access-url-fetch-0");
    assert_eq!(volume["secret"]["secretName"], "url-key");
}

#[test]
fn context_init_is_told_which_key_of_a_config_map_goes_where() {
    let config_map = json!({ "name": "guide", "key": "a.md", "optional": true });
    let context = json!({
        "name": "guide", "type": "ConfigMap", "mountPath": "a.md", "fileMode": 0o640, "configMap": config_map,
    });
    let objects = objects(json!({ "contexts": [context] }));
    let source =
        json!({ "file": { "path": "/etc/kubeopencode/config-maps/0/a.md", "optional": true } });
    assert_eq!(
        file(&objects, "context-init.json")["items"],
        json!([{
            "label": "spec.contexts[0] \"guide\"", "source": source, "mode": 0o640,
            "target": { "root": "/workspace", "path": "a.md" },
        }])
    );
    let items = json!([{ "key": "a.md", "path": "a.md" }]);
    assert_eq!(
        named(&pod_of(&objects)["volumes"], "kubeopencode-context-0")["configMap"],
        json!({ "name": "guide", "items": items, "optional": true })
    );
}

#[test]
fn the_working_directory_is_where_the_server_starts_and_the_files_go() {
    let context = json!({ "type": "Text", "text": "t", "mountPath": "a.md" });
    let objects = objects(json!({ "workspaceDir": "/srv/work", "contexts": [context] }));
    let server = server(&objects);
    assert_eq!(server.working_dir.as_deref(), Some("/srv/work"));
    assert_eq!(variable(&server, "WORKSPACE_DIR").as_deref(), Some("/srv/work"));
    assert_eq!(file(&objects, "context-init.json")["items"][0]["target"]["root"], "/srv/work");
    let pod = pod_of(&objects);
    for container in [&pod["containers"][0], named(&pod["initContainers"], "context-init")] {
        let mounted = named(&container["volumeMounts"], "workspace");
        assert_eq!(mounted["mountPath"], "/srv/work");
    }
}

#[test]
fn a_credential_is_the_key_of_its_secret_with_the_mode_of_its_file() {
    let credential = |more: Value| {
        let mut credential =
            json!({ "name": "key", "secretRef": { "name": "keys", "key": "token" } });
        credential.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        pod_of(&objects(json!({ "credentials": [credential] })))
    };
    let pod = credential(json!({ "env": "TOKEN" }));
    let variable = named(&pod["containers"][0]["env"], "TOKEN");
    assert_eq!(variable["valueFrom"]["secretKeyRef"], json!({ "name": "keys", "key": "token" }));

    for (written, mode) in [(json!(0o440), 0o440), (Value::Null, 0o600)] {
        let mut file = json!({ "mountPath": "/run/token", "fileMode": written });
        file.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let pod = credential(file);
        let items = json!([{ "key": "token", "path": "token", "mode": mode }]);
        assert_eq!(
            named(&pod["volumes"], "credential-0")["secret"],
            json!({ "secretName": "keys", "items": items, "defaultMode": mode })
        );
        assert_eq!(
            named(&pod["containers"][0]["volumeMounts"], "credential-0"),
            &json!({ "name": "credential-0", "mountPath": "/run/token", "subPath": "token", "readOnly": true })
        );
    }
}

#[test]
fn an_authority_is_the_key_of_a_config_map_or_a_secret() {
    let volume = |bundle: Value| {
        let pod = pod_of(&objects(json!({ "caBundle": bundle })));
        named(&pod["volumes"], "kubeopencode-ca").clone()
    };
    let items = |key: &str| json!([{ "key": key, "path": "tls.crt" }]);
    for (written, key) in [
        (json!({ "name": "ca" }), None),
        (json!({ "name": "ca", "key": "own.pem" }), Some("own.pem")),
    ] {
        let expected = json!({ "name": "ca", "items": items(key.unwrap_or("ca-bundle.crt")) });
        assert_eq!(volume(json!({ "configMapRef": written }))["configMap"], expected);
        let expected = json!({ "secretName": "ca", "items": items(key.unwrap_or("ca.crt")) });
        assert_eq!(volume(json!({ "secretRef": written }))["secret"], expected);
    }
}

#[test]
fn each_proxy_is_a_variable_in_both_cases_of_each_container() {
    let proxy = json!({
        "httpProxy": "http://plain:1", "httpsProxy": "http://secure:2", "noProxy": "corp.example",
    });
    let never = "corp.example,.svc,.cluster.local,localhost,127.0.0.1,::1";
    let pod = pod(&objects(json!({ "proxy": proxy })));
    for container in pod.init_containers.unwrap().into_iter().chain(pod.containers) {
        for (name, value) in [
            ("HTTP_PROXY", "http://plain:1"),
            ("HTTPS_PROXY", "http://secure:2"),
            ("NO_PROXY", never),
        ] {
            for name in [name, &name.to_lowercase()] {
                assert_eq!(
                    variable(&container, name).as_deref(),
                    Some(value),
                    "{}: {name}",
                    container.name
                );
            }
        }
    }
}

#[test]
fn claims_have_the_size_and_the_class_that_are_asked_for() {
    let claims = |persistence: Value| {
        let claims = objects(json!({ "persistence": persistence })).claims.into_iter();
        let claim = |claim| {
            let claim = json!(claim);
            let (spec, name) =
                (&claim["spec"], claim["metadata"]["name"].as_str().unwrap().to_owned());
            (
                name,
                spec["resources"]["requests"]["storage"].clone(),
                spec["storageClassName"].clone(),
            )
        };
        claims.map(claim).collect::<Vec<_>>()
    };
    let (sessions, workspace) =
        ("demo-server-sessions".to_owned(), "demo-server-workspace".to_owned());
    assert_eq!(
        claims(json!({ "sessions": {}, "workspace": {} })),
        [
            (sessions.clone(), json!("1Gi"), Value::Null),
            (workspace.clone(), json!("10Gi"), Value::Null)
        ]
    );
    let asked = json!({
        "sessions": { "size": "2Gi", "storageClassName": "slow" },
        "workspace": { "size": "20Gi", "storageClassName": "fast" },
    });
    assert_eq!(
        claims(asked),
        [(sessions, json!("2Gi"), json!("slow")), (workspace, json!("20Gi"), json!("fast"))]
    );
}

/// What Kubernetes' own types say, in their places of the pod.
#[test]
fn the_pod_has_what_the_pod_spec_says() {
    let [complete, _] = specs::complete();
    let asked = &complete["podSpec"];
    let pod = pod_of(&objects(json!({ "podSpec": asked })));
    for field in ["nodeSelector", "tolerations", "affinity"] {
        assert_eq!(pod[field], asked["scheduling"][field], "{field}");
    }
    assert_eq!(pod["runtimeClassName"], asked["runtimeClassName"]);
    assert_eq!(pod["securityContext"]["runAsUser"], asked["podSecurityContext"]["runAsUser"]);
    let server = &pod["containers"][0];
    for field in ["resources", "lifecycle", "securityContext"] {
        assert_eq!(server[field], asked[field], "{field}");
    }
    for (list, asked) in [
        (&pod["volumes"], &asked["extraVolumes"][0]),
        (&server["volumeMounts"], &asked["extraVolumeMounts"][0]),
        (&server["env"], &asked["extraEnv"][0]),
    ] {
        assert!(list.as_array().unwrap().contains(asked), "{asked}");
    }
}

#[test]
fn the_pod_has_the_images_the_account_the_port_and_the_pull_secrets_that_are_asked_for() {
    let [complete, _] = specs::complete();
    let pod = pod_of(&objects(complete));
    assert_eq!(named(&pod["initContainers"], "opencode-init")["image"], "opencode:1");
    assert_eq!(pod["containers"][0]["image"], "devbox:2");
    assert_eq!(pod["serviceAccountName"], "robot");
    assert_eq!(pod["imagePullSecrets"], json!([{ "name": "registry" }]));
    let ports = json!([
        { "name": "http", "containerPort": 5000, "protocol": "TCP" },
        { "name": "dns", "containerPort": 53, "protocol": "UDP" },
    ]);
    assert_eq!(pod["containers"][0]["ports"], ports);
    let serve = pod["containers"][0]["command"].as_array().unwrap();
    assert!(serve.contains(&json!("5000")), "{serve:?}");
}
