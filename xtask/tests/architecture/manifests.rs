//! What the manifests promise beside permissions: who gets requests, and that memory suffices (docs/performance.md).

use std::{collections::BTreeMap, fs, path::PathBuf};

use api_types::labels;
use serde::Deserialize;
use serde_json::Value;
use share::capacity::Limits;

use crate::root;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What a process holds without a session.
const BASE: usize = 32 * MIB;
/// A session's tasks, TLS and buffers while nothing is under way.
const IDLE_SESSION: usize = 32 * KIB;
/// A client's connection to the gateway without a terminal.
const CONNECTION: usize = 16 * KIB;
/// The default of the gateway's `--max-connections`.
const CONNECTIONS: usize = 4096;

fn sessions() -> usize {
    let windows = screen_wire::OUTPUT_WINDOW_BYTES + screen_wire::INPUT_WINDOW_BYTES;
    Limits::DEFAULT.in_all * (windows + IDLE_SESSION)
}

/// All objects of a component but its RBAC.
fn objects(component: &str) -> Vec<Value> {
    let path = root().join("manifests").join(component).join("deployment.yaml");
    let text = fs::read_to_string(path).expect("readable");
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    documents.map(|document| Value::deserialize(document).expect("a manifest")).collect()
}

/// The memory limit of a component's only container, in bytes.
fn limit(component: &str) -> usize {
    let objects = objects(component);
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment");
    let pod = &deployment.expect("a Deployment")["spec"]["template"]["spec"];
    let memory = pod["containers"][0]["resources"]["limits"]["memory"].as_str();
    let mebibytes = memory.and_then(|text| text.strip_suffix("Mi")).expect("in Mi");
    mebibytes.parse::<usize>().expect("a number") * MIB
}

#[test]
fn all_sessions_fit_into_the_limits_of_memory() {
    assert!(limit("terminal-broker") >= BASE + sessions());
    assert!(limit("gateway") >= BASE + sessions() + CONNECTIONS * CONNECTION);
}

/// Otherwise an Agent in the system's namespace would be sent guests' requests, tokens and all.
#[test]
fn no_selector_picks_the_pod_of_an_agent() {
    let agent = labels::for_agent("kubeopencode-server");
    for component in ["controller", "gateway", "terminal-broker"] {
        for object in objects(component) {
            let selector = &object["spec"]["selector"];
            let selector = selector.get("matchLabels").unwrap_or(selector);
            let mut pairs = selector.as_object().expect("a selector").iter();
            let picks =
                pairs.all(|(key, value)| agent.get(key).map(String::as_str) == value.as_str());
            assert!(!picks, "{component}: the selector of a {} picks Agents' pods", object["kind"]);
        }
    }
}

/// The chart puts them into its templates as they are.
#[test]
fn the_chart_has_the_definitions_of_the_kustomize_base() {
    let files = |folder: &str| -> BTreeMap<String, String> {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let text = |path: &PathBuf| fs::read_to_string(path).expect("readable");
        let name =
            |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
        paths.map(|path| (name(&path), text(&path))).collect()
    };
    let same = files("manifests/crds") == files("helm/kubeopencode/files/crds");
    assert!(same, "the chart's definitions are others: run `cargo xtask crds`");
}
