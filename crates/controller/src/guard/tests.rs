use api_types::{Agent, AgentTemplate};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Secret};
use kube::{
    ResourceExt,
    core::{ObjectList, WatchEvent},
};
use serde_json::json;

use super::*;

/// An agent named `name` with this spec, as text, so that any depth can be written.
fn agent(name: &str, spec: &str) -> String {
    format!(
        r#"{{"apiVersion":"kubeopencode.io/v1alpha1","kind":"Agent","metadata":{{"name":"{name}","namespace":"team-a","uid":"uid-{name}","generation":2,"resourceVersion":"7"}},"spec":{spec}}}"#
    )
}

fn nested(depth: usize) -> String {
    format!("{}1{}", r#"{"a":["#.repeat(depth / 2), "]}".repeat(depth / 2))
}

fn list<K: Watched>(items: &[String]) -> Vec<Result<K, Box<Unreadable>>> {
    let text = format!(
        r#"{{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"9"}},"items":[{}]}}"#,
        items.join(",")
    );
    let list: ObjectList<Guarded<K>> = serde_json::from_str(&text).unwrap();
    list.items.into_iter().map(|item| item.0).collect()
}

#[test]
fn what_cannot_be_read_is_named_and_its_neighbours_are_read() {
    let cases = [
        (r#"{"maxConcurrentTasks":3000000000}"#, "spec.maxConcurrentTasks: invalid value: integer"),
        (r#"{"port":"http"}"#, "spec.port: invalid type: string"),
        (r#"{"suspend":null}"#, "spec.suspend: invalid type: null"),
        (r#"{"share":{"expiresAt":"soon"}}"#, "spec.share.expiresAt: "),
        (r#"{"standby":{"idleTimeout":"soon"}}"#, "spec.standby.idleTimeout: "),
        (r#"{"contexts":[{"type":"Text"},{"type":"Fax"}]}"#, "spec.contexts[1].type: unknown"),
        (
            r#"{"podSpec":{"extraVolumes":[{"name":"v","secret":{"defaultMode":3000000000}}]}}"#,
            "spec.podSpec: extraVolumes[0].secret.defaultMode: invalid value: integer",
        ),
        (
            r#"{"podSpec":{"extraVolumes":[{"name":"v","ephemeral":{"volumeClaimTemplate":{"metadata":{"creationTimestamp":"9999-12-31T23:59:59Z"},"spec":{}}}}]}}"#,
            "spec.podSpec: extraVolumes[0].ephemeral.volumeClaimTemplate.metadata.creationTimestamp",
        ),
        (r#""none""#, "spec: invalid type: string"),
    ];
    for (spec, expected) in cases {
        let items = [agent("good", "{}"), agent("bad", spec), agent("also-good", "{}")];
        let [good, bad, also_good] = list::<Agent>(&items).try_into().unwrap();
        assert_eq!(
            (good.unwrap().name_any(), also_good.unwrap().name_any().len()),
            ("good".into(), 9)
        );

        let bad = bad.unwrap_err();
        assert!(bad.to_string().starts_with(expected), "{spec}: {bad}");
        assert!(!bad.to_string().contains(" at line "), "{bad}");
        let (metadata, uid) = (&bad.metadata, Some("uid-bad".to_owned()));
        assert_eq!((&metadata.uid, metadata.generation), (&uid, Some(2)));
    }
}

#[test]
fn a_watch_goes_on_after_an_object_that_cannot_be_read() {
    let event = |object: &str| format!(r#"{{"type":"MODIFIED","object":{object}}}"#);
    for (spec, readable) in [("{}", true), (r#"{"port":-1}"#, false)] {
        let event = event(&agent("demo", spec));
        let event: WatchEvent<Guarded<Agent>> = serde_json::from_str(&event).unwrap();
        let WatchEvent::Modified(agent) = event else { panic!("{event:?}") };
        assert_eq!((agent.name_any().as_str(), agent.0.is_ok()), ("demo", readable));
    }
}

/// Within a list and an event, a few levels are taken already: 124 and more used to stop both.
#[test]
fn no_depth_makes_an_agent_unreadable() {
    for depth in [120, 124, 126, 128, 10_000, 1_000_000] {
        let (config, fields) = (nested(depth), nested(depth));
        let deep = agent("deep", &format!(r#"{{"config":{config}}}"#)).replacen(
            r#""metadata":{"#,
            &format!(r#""metadata":{{"managedFields":[{{"manager":"m","fieldsV1":{fields}}}],"#),
            1,
        );
        let read = list::<Agent>(std::slice::from_ref(&deep)).remove(0);
        let read = read.unwrap_or_else(|unreadable| panic!("{depth}: {unreadable}"));
        assert_eq!((read.name_any().as_str(), read.metadata.managed_fields), ("deep", None));
        assert_eq!(read.spec.config, Some(config.parse().unwrap()));
        assert!(list::<AgentTemplate>(&[deep]).remove(0).is_err(), "it has no workspaceDir");
    }
}

#[test]
fn managed_fields_are_read_of_what_we_apply() {
    let metadata = |time: &str| json!({ "name": "demo", "managedFields": [{ "time": time }] });
    let read = |time| {
        let deployment = json!({ "metadata": metadata(time) });
        list::<Deployment>(&[deployment.to_string()]).remove(0)
    };
    assert!(read("2026-11-21T12:00:00Z").unwrap().metadata.managed_fields.is_some());
    let unreadable = read("9999-12-31T23:59:59Z").unwrap_err();
    assert_eq!(unreadable.field, "metadata.managedFields[0].time");
    let secret = json!({ "metadata": { "name": "s" }, "data": { "token": "!" } });
    let unreadable = list::<Secret>(&[secret.to_string()]).remove(0).unwrap_err();
    assert_eq!(unreadable.field, "data.token");
}

#[test]
fn a_sentence_quotes_little_of_a_manifest() {
    let long = format!(r#"{{"port":"{}"}}"#, "€".repeat(100_000));
    let unreadable = list::<Agent>(&[agent("demo", &long)]).remove(0).unwrap_err();
    let length = unreadable.message.len();
    assert!((LONGEST_MESSAGE - 3..=LONGEST_MESSAGE).contains(&length), "{length}");
}

#[test]
fn a_status_that_cannot_be_read_is_kept_as_it_is() {
    let text = r#"{"metadata":{},"spec":{},"status":{"ready":"yes","share":{"active":true}}}"#;
    let unreadable = list::<Agent>(&[text.to_owned()]).remove(0).unwrap_err();
    assert_eq!(unreadable.field, "status.ready");
    let expected = json!({ "ready": "yes", "share": { "active": true } });
    assert_eq!(json!(unreadable.status), expected);
}
