//! What a user leaves empty is not set, and what belongs to another type is ignored.

use api_types::{AgentSpec, ContextType, condition::reason};
use serde_json::{Value, json};

use super::*;
use crate::{
    fixture::{agent, defaults, resolved, specs},
    status::references,
};

fn contexts(items: &Value) -> AgentSpec {
    specs::read(&json!({ "contexts": items }))
}

/// Of every type, with the fields of all others.
fn foreign() -> Value {
    let file = "../api-types/tests/fixtures/accepted/foreign-fields.yaml";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let manifest: Value = serde_yaml_ng::from_str(&text).unwrap();
    manifest["spec"]["contexts"].clone()
}

/// The same context without the fields of other types.
fn own(item: &Value) -> Value {
    let own = match item["type"].as_str().unwrap() {
        "Text" => "text",
        "ConfigMap" => "configMap",
        "Git" => "git",
        "URL" => "url",
        other => panic!("{other} has no field of its own"),
    };
    let mut item = item.clone();
    let fields = item.as_object_mut().unwrap();
    fields.retain(|name, _| ["type", "name", "mountPath", own].contains(&name.as_str()));
    item
}

#[test]
fn fields_of_another_type_are_ignored() {
    let (mut foreign, runtime) = (foreign(), json!({ "type": "Runtime" }));
    let items = foreign.as_array().unwrap().iter();
    let own = items.map(|item| if item["type"] == "Runtime" { runtime.clone() } else { own(item) });
    let own: Value = own.collect();
    assert_eq!(own.as_array().unwrap().len(), 5, "one of each type");
    assert_ne!(foreign, own);
    assert_eq!(resolved(contexts(&foreign)), resolved(contexts(&own)));
    assert_eq!(references(&contexts(&foreign)), references(&contexts(&own)));
    // As Helm renders those that are not set.
    let blank = json!({
        "name": "", "configMap": { "name": "" }, "git": { "repository": "" }, "url": { "source": "" },
    });
    for (item, own) in foreign.as_array_mut().unwrap().iter_mut().zip(own.as_array().unwrap()) {
        *item = blank.clone();
        let fields = own.as_object().unwrap().clone();
        item.as_object_mut().unwrap().extend(fields);
    }
    assert_eq!(resolved(contexts(&foreign)), resolved(contexts(&own)));
}

#[test]
fn a_source_that_is_empty_is_missing() {
    let place = "docs/a";
    let cases = [
        ("configMap.name", json!({ "type": "ConfigMap", "configMap": { "name": "" } })),
        (
            "git.repository",
            json!({ "type": "Git", "mountPath": place, "git": { "repository": "" } }),
        ),
        ("url.source", json!({ "type": "URL", "url": { "source": "" } })),
    ];
    for (field, item) in cases {
        let refusal = resolve(&agent(contexts(&json!([item]))), None, &defaults()).unwrap_err();
        assert_eq!(refusal.reason, reason::INVALID_SPEC);
        let kind = item["type"].as_str().unwrap();
        let sentence = format!("spec.contexts[0].{field}: it must be set for type {kind}");
        assert_eq!(refusal.sentence(), sentence);
    }
}

#[test]
fn contexts_whose_names_are_empty_have_none() {
    let git = |path: &str| {
        let git = json!({ "repository": "https://example.com/a.git" });
        json!({ "type": "Git", "name": "", "mountPath": path, "git": git })
    };
    let text = json!({ "type": "Text", "name": "", "text": "Be kind." });
    let agent = resolved(contexts(&json!([git("a"), text, git("b")])));
    let names: Vec<_> = agent.checkouts.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["context-0", "context-2"]);
    let [text] = &agent.contexts[..] else { panic!("{:?}", agent.contexts) };
    assert_eq!((text.kind, &text.name), (ContextType::Text, &None));
    assert_eq!(text.label, "spec.contexts[1]");
}

#[test]
fn credentials_whose_names_are_empty_have_none() {
    let credentials = |secret: Value| {
        let one = json!({ "name": "", "secretRef": secret, "env": "", "mountPath": "" });
        specs::read(&json!({ "credentials": [one] }))
    };
    let agent = resolved(credentials(json!({ "name": "keys", "key": "" })));
    let [all] = &agent.credentials[..] else { panic!("{:?}", agent.credentials) };
    assert_eq!(
        (all.label.as_str(), &all.form),
        ("spec.credentials[0]", &CredentialForm::AllVariables)
    );
    let nowhere = credentials(json!({ "name": "keys", "key": "token" }));
    let refusal = resolve(&self::agent(nowhere), None, &defaults()).unwrap_err();
    assert_eq!(
        refusal.sentence(),
        "spec.credentials[0]: it names a key, but neither env nor mountPath to give it by: set one \
         of them, or remove secretRef.key to get every key as a variable"
    );
}

#[test]
fn a_template_may_leave_empty_what_it_must_name() {
    let template = specs::read_template(&json!({ "workspaceDir": "", "serviceAccountName": "" }));
    let template = AgentTemplate::new("base", template);
    let merged = resolve(&agent(AgentSpec::default()), Some(&template), &defaults()).unwrap();
    assert_eq!(merged, resolved(AgentSpec::default()));
}
