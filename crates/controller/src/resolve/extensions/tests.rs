use serde_json::json;

use super::*;

fn spec(spec: Value) -> AgentSpec {
    serde_json::from_value(spec).unwrap()
}

fn refused(written: Value) -> String {
    resolve(&spec(written)).unwrap_err().sentence()
}

fn config(text: &str) -> AgentSpec {
    AgentSpec { config: Some(text.parse().unwrap()), ..AgentSpec::default() }
}

fn nested(depth: usize, inner: &str) -> String {
    format!("{}{inner}{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

fn skill(name: &str) -> Value {
    json!({ "name": name, "git": { "repository": "https://git.example.com/s.git" } })
}

#[test]
fn skills_and_plugins_are_added_to_the_users_own_entries() {
    let resolved = resolve(&spec(json!({
        "config": { "model": "a/b", "skills": { "paths": ["/mine"], "x": 1 }, "plugin": ["mine"] },
        "skills": [skill("review"), skill("deploy")],
        "plugins": [
            { "name": "one@1.0.0" },
            { "name": "@corp/two", "options": { "level": 3 } },
            { "name": "three", "target": "tui" },
            { "name": "one@1.0.0", "target": "tui", "options": "x" },
        ],
    })))
    .unwrap();
    let one = "file:///plugins/node_modules/one";
    let expected = json!({
        "model": "a/b",
        "skills": { "paths": ["/mine", "/skills/review", "/skills/deploy"], "x": 1 },
        "plugin": ["mine", one, ["file:///plugins/node_modules/@corp/two", { "level": 3 }]],
    });
    assert_eq!(Value::Object(resolved.config.unwrap()), expected);
    let tui = json!({ "plugin": ["file:///plugins/node_modules/three", [one, "x"]] });
    assert_eq!(Value::Object(resolved.tui_config.unwrap()), tui);
    let packages: Vec<_> = resolved.packages.iter().map(ToString::to_string).collect();
    assert_eq!(packages, ["one@1.0.0", "@corp/two", "three"]);
}

#[test]
fn where_there_is_nothing_to_say_there_is_no_file() {
    assert_eq!(resolve(&AgentSpec::default()), Ok(Extensions::default()));
    let tui_only = resolve(&spec(json!({ "plugins": [{ "name": "p", "target": "tui" }] })));
    assert_eq!(tui_only.unwrap().config, None);
}

#[test]
fn an_entry_of_the_users_that_nothing_can_be_added_to_is_named() {
    let skills = json!([skill("review")]);
    let sentence = refused(json!({ "config": { "skills": [] }, "skills": skills }));
    assert!(sentence.starts_with("spec.config.skills: it must be an object"), "{sentence}");
    let sentence = refused(json!({ "config": { "skills": { "paths": 1 } }, "skills": skills }));
    assert!(sentence.starts_with("spec.config.skills.paths: it must be a list"), "{sentence}");
    let plugins = json!([{ "name": "p" }]);
    let sentence = refused(json!({ "config": { "plugin": {} }, "plugins": plugins }));
    assert!(sentence.starts_with("spec.config.plugin: it must be a list"), "{sentence}");
}

#[test]
fn a_plugin_is_a_package_of_a_registry_in_one_version() {
    let named = |name: &str| refused(json!({ "plugins": [{ "name": "ok" }, { "name": name }] }));
    for name in ["../x", "git+https://h/r", "a@file:../b", "a;b"] {
        assert!(named(name).starts_with("spec.plugins[1].name: "), "{}", named(name));
    }
    let sentence = named("ok@2");
    assert_eq!(sentence, "spec.plugins[1].name: ok is in the list too: use one version of it");
}

#[test]
fn a_configuration_is_read_as_deep_as_serde_json_reads() {
    assert!(resolve(&config(&nested(126, "{}"))).is_ok());
    let sentence = resolve(&config(&nested(127, "{}"))).unwrap_err().sentence();
    assert!(sentence.starts_with("spec.config: it cannot be read (recursion"), "{sentence}");
}

/// 200 KB that would become a file of 50 MB.
#[test]
fn a_file_that_no_config_map_holds_is_refused_before_it_is_made() {
    let wide = format!("[{}0]", "0,".repeat(100_000));
    let sentence = resolve(&config(&nested(120, &wide))).unwrap_err().sentence();
    assert!(sentence.contains("larger than 1 MiB"), "{sentence}");
}
