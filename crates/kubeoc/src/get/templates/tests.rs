use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::table::{View, table};

fn stored<K: crate::stored::Kind>(object: &Value) -> Stored<K> {
    serde_json::from_str(&object.to_string()).unwrap()
}

fn template(namespace: &str, name: &str) -> TemplateRow {
    let object = json!({
        "metadata": {
            "name": name, "namespace": namespace, "creationTimestamp": "2026-11-19T12:00:00Z",
        },
        "spec": { "workspaceDir": "/workspace", "serviceAccountName": "reviewer" },
    });
    TemplateRow::of(&stored(&object), datetime!(2026-11-21 12:00 UTC))
}

fn user(namespace: &str, template: Option<&str>, agent: &str) -> Option<Usage> {
    Usage::of(&stored(&json!({
        "metadata": { "name": agent, "namespace": namespace },
        "spec": { "templateRef": template.map(|name| json!({ "name": name })) },
    })))
}

#[test]
fn each_template_names_the_agents_of_its_namespace_that_use_it() {
    let mut rows =
        [template("team-a", "base"), template("team-b", "base"), template("team-b", "x")];
    let uses = [
        user("team-a", Some("base"), "one"),
        user("team-a", None, "alone"),
        user("team-b", Some("base"), "elsewhere"),
        user("team-a", Some("base"), "two"),
        user("team-a", Some("gone"), "lost"),
    ];
    count(&mut rows, uses.into_iter().flatten());
    insta::assert_snapshot!(table(COLUMNS, View::default(), &rows), @r"
    NAME   SERVICEACCOUNT   AGENTS   AGE
    base   reviewer         2        2d
    base   reviewer         1        2d
    x      reviewer         0        2d
    ");
    let all = View { all_namespaces: true, wide: true, ..View::default() };
    insta::assert_snapshot!(table(COLUMNS, all, &rows), @r"
    NAMESPACE   NAME   IMAGE    WORKSPACEDIR   SERVICEACCOUNT   AGENTS   USEDBY      AGE
    team-a      base   <none>   /workspace     reviewer         2        one,two     2d
    team-b      base   <none>   /workspace     reviewer         1        elsewhere   2d
    team-b      x      <none>   /workspace     reviewer         0        <none>      2d
    ");
}
