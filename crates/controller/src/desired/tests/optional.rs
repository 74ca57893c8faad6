//! A context that may be missing: whatever is mounted is there.

use agent_jobs::{ContextJob, Item, Source};
use serde_json::{Value, json};

use super::of;

/// What context-init writes for one context, and the text that it finds among the agent's own files.
fn items(path: &str, config_map: &Value) -> (Vec<Item>, Option<String>) {
    let context = json!({ "type": "ConfigMap", "configMap": config_map, "mountPath": path, "fileMode": 0o600 });
    let objects = of(serde_json::from_value(json!({ "contexts": [context] })).unwrap());
    let data = objects.config_maps[0].data.clone().unwrap();
    let job: ContextJob = serde_json::from_str(&data["context-init.json"]).unwrap();
    (job.items, data.get("text-0").cloned())
}

/// The kubelet would make a folder of a file that it is to mount and that is not there.
#[test]
fn a_file_that_is_mounted_is_empty_where_its_key_is_missing() {
    let optional = json!({ "name": "m", "key": "k", "optional": true });
    let (written, text) = items("/opt/motd", &optional);
    assert_eq!(text.as_deref(), Some(""));
    let [empty, key] = written.as_slice() else { panic!("{written:?}") };
    let path = "/etc/kubeopencode/config/text-0".to_owned();
    assert_eq!(empty.source, Source::File { path, optional: false });
    let path = "/etc/kubeopencode/config-maps/0/k".to_owned();
    assert_eq!(key.source, Source::File { path, optional: true });
    assert_eq!((&empty.target, empty.mode), (&key.target, 0o600));
}

#[test]
fn nothing_else_needs_an_empty_file() {
    let cases = [
        ("motd", json!({ "name": "m", "key": "k", "optional": true })),
        ("/opt/motd", json!({ "name": "m", "key": "k" })),
        ("/opt/all", json!({ "name": "m", "optional": true })),
    ];
    for (path, config_map) in cases {
        let (written, text) = items(path, &config_map);
        assert_eq!((written.len(), text), (1, None), "{path} {config_map}");
    }
}
