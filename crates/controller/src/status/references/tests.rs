use serde_json::{Value, json};

use super::*;

#[test]
fn every_reference_is_found_at_its_field() {
    let spec = json!({
        "contexts": [
            { "type": "ConfigMap", "configMap": { "name": "notes" } },
            { "type": "ConfigMap", "configMap": { "name": "maybe", "optional": true } },
            { "type": "Git", "mountPath": "a", "git": { "repository": "https://h/r", "secretRef": { "name": "git" } } },
            { "type": "URL", "url": { "source": "https://h/f", "secretRef": { "name": "url" } } },
            { "type": "Text", "text": "t" },
        ],
        "skills": [{ "name": "s", "git": { "repository": "https://h/r", "secretRef": { "name": "skill" } } }],
        "credentials": [{ "name": "c", "secretRef": { "name": "keys" } }],
        "podSpec": {
            "extraEnv": [
                { "name": "A", "valueFrom": { "configMapKeyRef": { "name": "env", "key": "a" } } },
                { "name": "B", "valueFrom": { "secretKeyRef": { "name": "env", "key": "b", "optional": true } } },
                { "name": "C", "value": "c" },
            ],
            "extraVolumes": [
                { "name": "m", "configMap": { "name": "files" } },
                { "name": "s", "secret": { "secretName": "certs", "optional": true } },
                { "name": "p", "projected": { "sources": [{ "secret": { "name": "part" } }, { "configMap": { "name": "part" } }] } },
                { "name": "d", "csi": { "driver": "d", "nodePublishSecretRef": { "name": "csi" } } },
            ],
            "systemContainers": { "gitSync": { "extraEnv": [
                { "name": "A", "valueFrom": { "secretKeyRef": { "name": "sync", "key": "a" } } },
            ] } },
        },
        "caBundle": { "configMapRef": { "name": "ca" } },
        "imagePullSecrets": [{ "name": "registry" }],
        "serviceAccountName": "robot",
    });
    let found = references(&serde_json::from_value(spec).unwrap());
    let optional = |one: &Reference| if one.optional { "?" } else { "" };
    let found: Vec<_> = found.iter().map(|one| format!("{one}{}", optional(one))).collect();
    let expected = [
        r#"ConfigMap "notes" (spec.contexts[0].configMap)"#,
        r#"ConfigMap "maybe" (spec.contexts[1].configMap)?"#,
        r#"Secret "git" (spec.contexts[2].git.secretRef)"#,
        r#"Secret "url" (spec.contexts[3].url.secretRef)"#,
        r#"Secret "skill" (spec.skills[0].git.secretRef)"#,
        r#"Secret "keys" (spec.credentials[0].secretRef)"#,
        r#"ConfigMap "files" (spec.podSpec.extraVolumes[0].configMap)"#,
        r#"Secret "certs" (spec.podSpec.extraVolumes[1].secret)?"#,
        r#"Secret "part" (spec.podSpec.extraVolumes[2].projected.sources[0].secret)"#,
        r#"ConfigMap "part" (spec.podSpec.extraVolumes[2].projected.sources[1].configMap)"#,
        r#"Secret "csi" (spec.podSpec.extraVolumes[3].csi.nodePublishSecretRef)"#,
        r#"key "a" in ConfigMap "env" (spec.podSpec.extraEnv[0].valueFrom.configMapKeyRef)"#,
        r#"key "b" in Secret "env" (spec.podSpec.extraEnv[1].valueFrom.secretKeyRef)?"#,
        r#"key "a" in Secret "sync" (spec.podSpec.systemContainers.gitSync.extraEnv[0].valueFrom.secretKeyRef)"#,
        r#"key "ca-bundle.crt" in ConfigMap "ca" (spec.caBundle.configMapRef)"#,
        r#"Secret "registry" (spec.imagePullSecrets[0])"#,
        r#"ServiceAccount "robot" (spec.serviceAccountName)"#,
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_empty_name_is_none() {
    let spec = json!({ "serviceAccountName": "", "caBundle": { "secretRef": { "name": "ca" } } });
    let found = references(&serde_json::from_value(spec).unwrap());
    assert_eq!(found.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["ca"]);
}

fn named(pod: &Value) -> Vec<String> {
    let found = references(&serde_json::from_value(json!({ "podSpec": pod })).unwrap());
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn of_items_only_their_keys_are_used() {
    let items = json!([{ "key": "a", "path": "x" }, { "key": "b", "path": "y" }]);
    let volumes = json!([
        { "name": "m", "configMap": { "name": "files", "items": items } },
        { "name": "s", "secret": { "secretName": "certs", "items": items } },
        { "name": "p", "projected": { "sources": [
            { "secret": { "name": "part", "items": items } },
            { "configMap": { "name": "part", "items": items } },
        ] } },
        { "name": "all", "configMap": { "name": "whole", "items": [] } },
    ]);
    let volume = "spec.podSpec.extraVolumes";
    let expected = [
        format!(r#"key "a" in ConfigMap "files" ({volume}[0].configMap)"#),
        format!(r#"key "b" in ConfigMap "files" ({volume}[0].configMap)"#),
        format!(r#"key "a" in Secret "certs" ({volume}[1].secret)"#),
        format!(r#"key "b" in Secret "certs" ({volume}[1].secret)"#),
        format!(r#"key "a" in Secret "part" ({volume}[2].projected.sources[0].secret)"#),
        format!(r#"key "b" in Secret "part" ({volume}[2].projected.sources[0].secret)"#),
        format!(r#"key "a" in ConfigMap "part" ({volume}[2].projected.sources[1].configMap)"#),
        format!(r#"key "b" in ConfigMap "part" ({volume}[2].projected.sources[1].configMap)"#),
        format!(r#"ConfigMap "whole" ({volume}[3].configMap)"#),
    ];
    let pod = json!({ "extraVolumes": volumes });
    assert_eq!(named(&pod), expected);
    // Of an object that is not there a sentence would say the same for each.
    let mut found = references(&serde_json::from_value(json!({ "podSpec": pod })).unwrap());
    for one in &mut found {
        one.keys = Keys::All;
    }
    assert_eq!(named_once(found).len(), 5);
}

#[test]
fn the_secrets_of_every_kind_of_storage_are_named() {
    let secret = json!({ "name": "s" });
    let sources = [
        ("azureFile", json!({ "secretName": "s", "shareName": "f" }), "secretName"),
        ("cephfs", json!({ "monitors": [], "secretRef": secret }), "secretRef"),
        ("cinder", json!({ "volumeID": "v", "secretRef": secret }), "secretRef"),
        ("csi", json!({ "driver": "d", "nodePublishSecretRef": secret }), "nodePublishSecretRef"),
        ("flexVolume", json!({ "driver": "d", "secretRef": secret }), "secretRef"),
        (
            "iscsi",
            json!({ "targetPortal": "a", "iqn": "b", "lun": 0, "secretRef": secret }),
            "secretRef",
        ),
        ("rbd", json!({ "monitors": [], "image": "i", "secretRef": secret }), "secretRef"),
        ("scaleIO", json!({ "gateway": "g", "system": "s", "secretRef": secret }), "secretRef"),
        ("storageos", json!({ "volumeName": "v", "secretRef": secret }), "secretRef"),
    ];
    for (kind, source, field) in sources {
        let volumes = json!([{ "name": "v", kind: source }]);
        let expected = format!(r#"Secret "s" (spec.podSpec.extraVolumes[0].{kind}.{field})"#);
        assert_eq!(named(&json!({ "extraVolumes": volumes })), [expected]);
    }
}
