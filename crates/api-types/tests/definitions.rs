//! What the definitions look like from outside, and that the committed files are them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{path::Path, sync::LazyLock};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

/// `kubectl apply` keeps the manifest in an annotation, and annotations end at 256 KiB.
const LARGEST: usize = 256 * 1024;

/// Made once, since that takes most of a test's time.
static CRDS: LazyLock<Vec<CustomResourceDefinition>> = LazyLock::new(api_types::crds);

fn crd(kind: &str) -> CustomResourceDefinition {
    CRDS.iter().find(|crd| crd.spec.names.kind == kind).unwrap().clone()
}

fn schema(kind: &str) -> Value {
    serde_json::to_value(crd(kind).spec.versions[0].schema.as_ref().unwrap()).unwrap()
}

/// Calls `visit` with every node of a schema and its path.
fn walk(node: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, node);
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}.{name}"), visit);
    }
    for (key, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if node[key].is_object() {
            walk(&node[key], &format!("{path}{mark}"), visit);
        }
    }
}

fn each_node(visit: &mut dyn FnMut(&str, &Value)) {
    for kind in ["Agent", "AgentTemplate"] {
        walk(&schema(kind)["openAPIV3Schema"], kind, visit);
    }
}

#[test]
fn committed_definitions_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests/crds");
    for crd in CRDS.iter() {
        let file = api_types::crd_file_name(crd);
        let committed = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
        let fresh = committed == api_types::crd_yaml(crd).unwrap();
        assert!(fresh, "manifests/crds/{file} is out of date: run `cargo xtask crds`");
    }
}

#[test]
fn plain_kubectl_apply_takes_them() {
    for crd in CRDS.iter() {
        let file = api_types::crd_yaml(crd).unwrap();
        assert!(file.len() < LARGEST, "{} bytes", file.len());
    }
}

#[test]
fn names_and_short_names() {
    let names = |kind| {
        let names = crd(kind).spec.names;
        (names.plural, names.short_names.unwrap_or_default())
    };
    assert_eq!(names("Agent"), ("agents".to_owned(), vec!["ag".to_owned()]));
    assert_eq!(names("AgentTemplate"), ("agenttemplates".to_owned(), vec!["agt".to_owned()]));
    for crd in CRDS.iter() {
        assert_eq!(
            (crd.spec.group.as_str(), crd.spec.scope.as_str()),
            ("kubeopencode.io", "Namespaced")
        );
        assert!(crd.spec.versions[0].subresources.as_ref().unwrap().status.is_some());
    }
}

#[test]
fn print_columns() {
    let columns = |kind| {
        let version = crd(kind).spec.versions.remove(0);
        let columns = version.additional_printer_columns.unwrap().into_iter();
        columns
            .map(|column| {
                let wide = if column.priority == Some(1) { " (wide)" } else { "" };
                format!("{}{wide}: {} {}", column.name, column.type_, column.json_path)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        columns("Agent"),
        [
            "Profile (wide): string .spec.profile",
            "Image (wide): string .spec.executorImage",
            "ServiceAccount: string .spec.serviceAccountName",
            "Ready: boolean .status.ready",
            r#"Share: string .status.conditions[?(@.type=="ShareReady")].reason"#,
            "Age: date .metadata.creationTimestamp",
        ]
    );
    assert_eq!(
        columns("AgentTemplate"),
        [
            "Image (wide): string .spec.executorImage",
            "WorkspaceDir (wide): string .spec.workspaceDir",
            "ServiceAccount: string .spec.serviceAccountName",
            "Age: date .metadata.creationTimestamp",
        ]
    );
}

#[test]
fn defaults() {
    let mut found = Vec::new();
    walk(&schema("Agent")["openAPIV3Schema"]["properties"]["spec"], "", &mut |path, node| {
        if let Some(default) = node.get("default") {
            found.push(format!("{path} = {default}"));
        }
    });
    let expected = [
        r#".caBundle.configMapRef.key = "ca-bundle.crt""#,
        r#".caBundle.secretRef.key = "ca.crt""#,
        ".contexts[].git.depth = 1",
        ".contexts[].git.recurseSubmodules = false",
        r#".contexts[].git.ref = "HEAD""#,
        r#".contexts[].git.secretRef.name = """#,
        ".contexts[].git.sync.enabled = false",
        r#".contexts[].git.sync.interval = "5m""#,
        r#".contexts[].git.sync.policy = "HotReload""#,
        ".contexts[].url.insecureSkipTLSVerify = false",
        r#".contexts[].url.secretRef.name = """#,
        ".contexts[].url.timeout = 30",
        ".credentials[].fileMode = 384",
        r#".extraPorts[].protocol = "TCP""#,
        r#".imagePullSecrets[].name = """#,
        r#".persistence.sessions.size = "1Gi""#,
        r#".persistence.workspace.size = "10Gi""#,
        r#".plugins[].target = "server""#,
        ".port = 4096",
        ".share.enabled = false",
        r#".share.links[].access = "Interact""#,
        ".skills[].git.depth = 1",
        ".skills[].git.recurseSubmodules = false",
        r#".skills[].git.ref = "HEAD""#,
        r#".skills[].git.secretRef.name = """#,
        ".suspend = false",
        r#".templateRef.name = """#,
    ];
    assert_eq!(found, expected);
}

/// The parts of "structural" (Kubernetes' documentation of custom resources)
/// that a derived schema gets wrong most easily.
#[test]
fn schemas_are_structural() {
    each_node(&mut |path, node| {
        let open = node["x-kubernetes-int-or-string"] == true
            || node["x-kubernetes-preserve-unknown-fields"] == true;
        assert!(node["type"].is_string() || open, "{path} has no type");
        for forbidden in ["$ref", "anyOf", "oneOf", "allOf", "not", "nullable", "uniqueItems"] {
            assert!(node.get(forbidden).is_none(), "{path} has {forbidden}");
        }
        if let Some(format) = node["format"].as_str() {
            assert!(["int32", "int64", "date-time"].contains(&format), "{path}: format {format}");
        }
    });
}

/// The API server prices rules by these bounds, and refuses what may cost too much.
#[test]
fn whatever_a_rule_reads_is_bounded() {
    each_node(&mut |path, node| {
        if path.contains(".status") || path.ends_with("Agent") || path.ends_with("AgentTemplate") {
            return;
        }
        let ruled = node.get("x-kubernetes-validations").is_some();
        match node["type"].as_str() {
            Some("string") if ruled => assert!(node["maxLength"].is_number(), "{path}"),
            Some("array") if ruled => assert!(node["maxItems"].is_number(), "{path}"),
            _ => {}
        }
    });
}

/// An object of any depth costs the API server the square of it where each field has managers.
#[test]
fn what_may_be_of_any_depth_has_one_manager() {
    let mut found = 0;
    for kind in ["Agent", "AgentTemplate"] {
        let schema = schema(kind);
        walk(&schema["openAPIV3Schema"], kind, &mut |path, node| {
            if node["x-kubernetes-preserve-unknown-fields"] == true {
                // A list without keys has one manager, with all that is in it.
                let in_list = path.contains("[]");
                assert!(in_list || node["x-kubernetes-map-type"] == "atomic", "{path}");
                found += 1;
            }
            // Each link may be its own manager's; nothing in one is of any depth.
            let keyed = path.contains(".status") || path == "Agent.spec.share.links";
            assert!(node["x-kubernetes-list-type"] != "map" || keyed, "{path}");
        });
    }
    assert_eq!(found, 4, "the config and the plugins' options of both kinds");
}

#[test]
fn every_time_is_as_short_as_a_time() {
    each_node(&mut |path, node| {
        if node["format"] == "date-time" {
            assert_eq!(
                (&node["maxLength"], node["pattern"].is_string()),
                (&35.into(), true),
                "{path}"
            );
        }
    });
}

#[test]
fn every_field_and_rule_of_ours_explains_itself() {
    each_node(&mut |path, node| {
        let ours = !path.contains("podSpec.") && !path.contains("conditions[]");
        let entry = path.ends_with("[]") || path.ends_with("{}");
        let envelope = ["apiVersion", "kind", "metadata"].iter().any(|name| path.ends_with(name));
        if ours && !entry && !envelope {
            assert!(node["description"].is_string(), "{path} has no description");
        }
        for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
            assert!(rule["message"].is_string(), "{path}: {rule}");
        }
    });
}
