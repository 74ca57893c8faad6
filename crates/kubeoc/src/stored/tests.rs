use kube::core::{ObjectList, WatchEvent};

use super::*;

fn nested(depth: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

/// An Agent with what no command reads, nested `depth` levels deep.
fn deep(depth: usize) -> String {
    let nested = nested(depth);
    format!(
        r#"{{"metadata":{{"name":"deep","namespace":"team-a","managedFields":[{{"fieldsV1":{nested}}}]}},
            "spec":{{"config":{nested},"maxConcurrentTasks":3000000000,"profile":"Reviews",
                     "templateRef":{{"name":""}},"executorImage":"","serviceAccountName":""}},
            "status":{{"ready":true}}}}"#
    )
}

fn read(text: &str) -> Stored<Agent> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn what_no_command_reads_may_be_anything() {
    let stored = read(&deep(5_000));
    assert_eq!((stored.name(), stored.namespace()), ("deep", "team-a"));
    assert_eq!(stored.unreadable, None);
    let spec = AgentSpec { profile: Some("Reviews".into()), ..AgentSpec::default() };
    assert_eq!(stored.object.spec, spec);
    assert!(stored.object.status.is_some_and(|status| status.ready));
}

#[test]
fn one_that_cannot_be_read_spoils_neither_a_list_nor_a_watch() {
    let odd = r#"{"metadata":{"name":"odd"},"spec":{"suspend":"perhaps"},"status":{"ready":true}}"#;
    let list = format!(
        r#"{{"kind":"AgentList","apiVersion":"v1","metadata":{{}},"items":[{odd},{}]}}"#,
        deep(200)
    );
    let list: ObjectList<Stored<Agent>> = serde_json::from_str(&list).unwrap();
    assert_eq!(list.items.iter().map(Stored::name).collect::<Vec<_>>(), ["odd", "deep"]);
    let unreadable = list.items[0].unreadable.as_deref().unwrap();
    assert!(unreadable.starts_with("spec cannot be read: invalid type"), "{unreadable}");
    assert!(list.items[0].object.status.as_ref().is_some_and(|status| status.ready));

    let event = format!(r#"{{"type":"ADDED","object":{}}}"#, deep(200));
    let event: WatchEvent<Stored<Agent>> = serde_json::from_str(&event).unwrap();
    assert!(matches!(event, WatchEvent::Added(agent) if agent.name() == "deep"));
}

#[test]
fn a_template_is_read_as_well() {
    let text =
        r#"{"metadata":{"name":"base"},"spec":{"workspaceDir":"/w","serviceAccountName":"x"}}"#;
    let stored: Stored<AgentTemplate> = serde_json::from_str(text).unwrap();
    let spec = &stored.object.spec;
    assert_eq!((spec.workspace_dir.as_str(), spec.service_account_name.as_str()), ("/w", "x"));
    let manifest = stored.manifest().unwrap();
    assert_eq!(manifest["kind"].get(), r#""AgentTemplate""#);
}
