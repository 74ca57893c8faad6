//! Where only some namespaces are watched, nobody has a right beyond them, and each program is told which they are.

use std::collections::BTreeSet;

use chart::{NAMESPACE, Objects, render_values};
use serde_json::{Value, json};

/// What a process must not be granted in the whole cluster.
const OF_A_NAMESPACE: [&str; 6] =
    ["secrets", "pods", "pods/exec", "configmaps", "deployments", "*"];

const PROGRAMS: [&str; 3] =
    ["kubeopencode-controller", "kubeopencode-server", "kubeopencode-terminal-broker"];

fn of_kind<'a>(objects: &'a Objects, kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|(key, _)| key.1 == kind).map(|(_, object)| object).collect()
}

fn names(objects: &[&Value]) -> Vec<String> {
    objects.iter().map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

fn watching(namespaces: &[&str]) -> Objects {
    render_values(&json!({ "watchNamespaces": namespaces })).unwrap()
}

/// Resources that the `ClusterRole`s grant, and must not.
fn cluster_wide(objects: &Objects) -> BTreeSet<String> {
    let roles = of_kind(objects, "ClusterRole").into_iter();
    let granted = roles.flat_map(|role| role["rules"].as_array().unwrap());
    let resources = granted.flat_map(|rule| rule["resources"].as_array().unwrap());
    let resources = resources.map(|resource| resource.as_str().unwrap());
    resources.filter(|resource| OF_A_NAMESPACE.contains(resource)).map(str::to_owned).collect()
}

#[test]
fn nobody_is_granted_anything_of_another_namespace() {
    for namespaces in [&["team-a"][..], &["team-a", "team-b"], &[NAMESPACE]] {
        let objects = watching(namespaces);
        assert_eq!(cluster_wide(&objects), BTreeSet::new(), "{namespaces:?}");
        // For people, by the roles that they have in a namespace; bound to no process.
        let roles = of_kind(&objects, "ClusterRole");
        assert_eq!(names(&roles), ["kubeopencode-edit", "kubeopencode-view"]);
        assert!(of_kind(&objects, "ClusterRoleBinding").is_empty());
        assert!(roles.iter().all(|role| role["aggregationRule"].is_null()));
        for binding in of_kind(&objects, "RoleBinding") {
            assert_eq!(binding["roleRef"]["kind"], "Role", "{binding}");
        }
        let known: BTreeSet<_> = namespaces.iter().copied().chain(["", NAMESPACE]).collect();
        let found: BTreeSet<_> = objects.keys().map(|(namespace, ..)| &**namespace).collect();
        assert_eq!(found, known, "{namespaces:?}");
    }
    // The check itself.
    let whole = cluster_wide(&watching(&[]));
    assert_eq!(whole.len(), OF_A_NAMESPACE.len() - 1, "{whole:?}");
}

#[test]
fn in_each_namespace_a_role_grants_what_else_a_cluster_role_does() {
    let (whole, two) = (watching(&[]), watching(&["team-a", "team-b"]));
    for program in PROGRAMS {
        let of_cluster = &whole[&(String::new(), "ClusterRole".into(), program.into())];
        for team in ["team-a", "team-b"] {
            let name = format!("{program}-agents");
            let role = &two[&(team.into(), "Role".into(), name.clone())];
            assert_eq!(role["rules"], of_cluster["rules"], "{name}");
            let binding = &two[&(team.into(), "RoleBinding".into(), name.clone())];
            let account =
                json!([{ "kind": "ServiceAccount", "name": program, "namespace": NAMESPACE }]);
            assert_eq!(
                (&binding["subjects"], &binding["roleRef"]["name"]),
                (&account, &json!(name))
            );
        }
    }
}

/// In the release's namespace Secrets are those of the certificates, and of their jobs only.
#[test]
fn secrets_of_the_releases_namespace_are_the_jobs() {
    let objects = watching(&["team-a"]);
    let roles = objects.iter().filter(|(key, _)| key.0 == NAMESPACE && key.1 == "Role");
    let reading = roles.filter(|(_, role)| role["rules"].to_string().contains("secrets"));
    let reading: Vec<_> = reading.map(|(key, _)| key.2.as_str()).collect();
    assert_eq!(reading, ["kubeopencode-certificates", "kubeopencode-removal"]);
}

#[test]
fn each_program_is_told_what_to_watch() {
    let told = |objects: &Objects, program: &str| {
        let key = (NAMESPACE.to_owned(), "Deployment".to_owned(), program.to_owned());
        let env = &objects[&key]["spec"]["template"]["spec"]["containers"][0]["env"];
        let found = env.as_array().unwrap().iter().find(|one| one["name"] == "WATCH_NAMESPACES");
        found.map(|variable| variable["value"].clone())
    };
    let (whole, two) = (watching(&[]), watching(&["team-a", "team-b"]));
    for program in PROGRAMS {
        assert_eq!(told(&whole, program), None);
        assert_eq!(told(&two, program), Some(json!("team-a,team-b")));
    }
}

/// Who installs it needs no right in the cluster but those in the namespaces.
#[test]
fn without_definitions_and_roles_of_people_nothing_is_of_the_cluster() {
    let values = json!({
        "watchNamespaces": ["team-a"], "crds": { "install": false }, "roles": { "aggregate": false },
    });
    let objects = render_values(&values).unwrap();
    let of_cluster: Vec<_> = objects.keys().filter(|key| key.0.is_empty()).collect();
    assert!(of_cluster.is_empty(), "{of_cluster:?}");
}
