//! What the policies refuse, in the whole sentence of a real API server, and what they let pass: `policies.yaml` says who
//! writes what. Each policy is tried under another name and in a namespace of its own, as a release has the names.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use chart::{Objects, Outcome, kubectl, render, render_in, render_values, value_sets};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admission::stored;

/// How soon the API server goes by a policy that was made.
const IN_FORCE: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    before: Vec<Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    who: String,
    create: Option<Value>,
    change: Option<Change>,
    says: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    of: String,
    patch: Value,
    subresource: Option<String>,
}

fn table() -> Table {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies.yaml");
    let mut table: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    // What is merged has merged itself.
    table.apply_merge().and_then(|()| table.apply_merge()).unwrap();
    serde_yaml_ng::from_value(table).unwrap()
}

/// A namespace with people in it, where policies of its own are in force.
struct Place(&'static str);

impl Place {
    /// `stored` is there before the policies are.
    fn new(name: &'static str, chart: &Objects, before: &[Value]) -> Self {
        let place = Self(name);
        define_agents();
        apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
        place.apply(
            json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" } }),
        );
        for (person, rules) in people(chart) {
            place.settle(person, &rules);
        }
        for object in before {
            place.apply(object.clone());
        }
        for policy in policies(chart) {
            apply(&place.confined(policy));
        }
        place
    }

    fn apply(&self, mut object: Value) {
        object["metadata"]["namespace"] = json!(self.0);
        apply(&object);
    }

    /// An account with these rights.
    fn settle(&self, person: &str, rules: &Value) {
        let rbac = "rbac.authorization.k8s.io";
        let metadata = json!({ "name": person });
        self.apply(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }));
        let api = format!("{rbac}/v1");
        self.apply(
            json!({ "apiVersion": api, "kind": "Role", "metadata": metadata, "rules": rules }),
        );
        self.apply(json!({
            "apiVersion": api, "kind": "RoleBinding", "metadata": metadata,
            "roleRef": { "apiGroup": rbac, "kind": "Role", "name": person },
            "subjects": [{ "kind": "ServiceAccount", "name": person, "namespace": self.0 }],
        }));
    }

    /// The same policy, for this namespace and nobody else.
    fn confined(&self, mut policy: Value) -> Value {
        let name = policy["metadata"]["name"].as_str().unwrap();
        let name = name.replace("kubeopencode", self.0);
        // Without the labels by which a release's objects are found.
        policy["metadata"] = json!({ "name": name });
        if policy["kind"] == "ValidatingAdmissionPolicyBinding" {
            policy["spec"]["policyName"] = json!(name);
            policy["spec"]["matchResources"] = json!({ "namespaceSelector": {
                "matchLabels": { "kubernetes.io/metadata.name": self.0 },
            } });
        }
        policy
    }

    fn tried(&self, case: &Case) -> Outcome {
        let account = match case.who.as_str() {
            "admin" => None,
            built_in if built_in.ends_with("-controller") => Some(("kube-system", built_in)),
            person => Some((self.0, person)),
        };
        let account = account
            .map(|(namespace, name)| format!("--as=system:serviceaccount:{namespace}:{name}"));
        let here = ["--dry-run=server", "--namespace", self.0];
        let common = here.into_iter().chain(account.as_deref());
        match (&case.create, &case.change) {
            (Some(object), None) => {
                let line: Vec<_> =
                    ["create", "--filename", "-"].into_iter().chain(common).collect();
                kubectl(&line, &object.to_string()).unwrap()
            }
            (None, Some(Change { of, patch, subresource })) => {
                let patch = patch.to_string();
                let subresource = subresource.as_ref().map(|of| format!("--subresource={of}"));
                let line = ["patch", of, "--type=merge", "--patch", &patch].into_iter();
                let line: Vec<_> = line.chain(common).chain(subresource.as_deref()).collect();
                kubectl(&line, "").unwrap()
            }
            _ => panic!("{}: either create or change", case.what),
        }
    }

    /// Tries it until a policy has a say in it: the API server takes note of a policy a moment after it was made.
    fn in_force(&self, case: &Case) {
        let begun = Instant::now();
        while !self.tried(case).errors.contains(&format!("'{}-", self.0)) {
            assert!(begun.elapsed() < IN_FORCE, "{}: no policy says anything", case.what);
        }
    }
}

fn apply(object: &Value) {
    stored(
        &["apply", "--server-side", "--force-conflicts", "--filename", "-"],
        &object.to_string(),
    );
}

/// As the release of another test would have made the definitions, which takes them up then.
fn define_agents() {
    let (_, defaults) = value_sets().unwrap().into_iter().find(|(n, _)| n == "defaults").unwrap();
    let release = render_in("platform", &defaults).unwrap().output;
    for ((_, kind, name), mut definition) in chart::objects(&release).unwrap() {
        if kind == "CustomResourceDefinition" {
            let annotations = &mut definition["metadata"]["annotations"];
            annotations["meta.helm.sh/release-name"] = json!("kubeopencode");
            annotations["meta.helm.sh/release-namespace"] = json!("platform");
            apply(&definition);
            stored(&["wait", "--for=condition=Established", "--timeout=60s", "crd", &name], "");
        }
    }
}

fn policies(chart: &Objects) -> impl Iterator<Item = Value> {
    let all = chart.iter().filter(|(key, _)| key.1.starts_with("ValidatingAdmissionPolicy"));
    all.map(|(_, policy)| policy.clone())
}

/// Each with what they may do beside reading everything.
fn people(chart: &Objects) -> [(&'static str, Value); 5] {
    let role = |name: &str| {
        let key = (String::new(), "ClusterRole".to_owned(), name.to_owned());
        chart[&key]["rules"].as_array().unwrap().clone()
    };
    let grant = |group: &str, resources: &[&str], verbs: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    let agents =
        grant("kubeopencode.io", &["agents", "agenttemplates"], &["create", "update", "patch"]);
    let mut robot = grant("", &["serviceaccounts"], &["use"]);
    robot["resourceNames"] = json!(["robot"]);
    let workloads = ["deployments", "replicasets", "statefulsets"];
    let workloads = vec![
        grant("", &["pods"], &["create", "update", "patch"]),
        grant("apps", &workloads, &["create", "update", "patch"]),
    ];
    let editor = [role("kubeopencode-edit"), role("kubeopencode-use-service-accounts")].concat();
    [
        ("author", vec![agents.clone()]),
        ("user-of-robot", vec![agents, robot]),
        ("editor", editor),
        ("controller", role("kubeopencode-controller")),
        ("workloads", workloads),
    ]
    .map(|(person, mut rules)| {
        rules.push(grant("*", &["*"], &["get"]));
        (person, json!(rules))
    })
}

fn said(outcome: &Outcome) -> Option<&str> {
    let (_, sentence) = outcome.errors.trim().rsplit_once("denied request: ")?;
    Some(sentence)
}

#[test]
fn who_breaks_a_policy_is_refused_and_told_the_way_out_and_nobody_else_is() {
    let (_, path) = value_sets().unwrap().into_iter().find(|(name, _)| name == "policies").unwrap();
    let table = table();
    let place = Place::new("tried", &render(&path).unwrap(), &table.before);
    let refused: Vec<_> = table.cases.iter().filter(|case| case.says.is_some()).collect();
    assert!(refused.len() >= 12 && table.cases.len() - refused.len() >= 16);
    // One of each policy.
    for field in ["spec.serviceAccountName", "metadata.labels: KubeOpenCode", "spec.template"] {
        let of_policy = |case: &&&Case| case.says.as_deref().unwrap().starts_with(field);
        place.in_force(refused.iter().find(of_policy).unwrap());
    }
    let mut wrong = Vec::new();
    for case in &table.cases {
        let outcome = place.tried(case);
        let is_right = outcome.succeeded == case.says.is_none()
            && said(&outcome) == case.says.as_deref()
            && !(outcome.succeeded && outcome.errors.contains("ValidatingAdmissionPolicy"));
        if !is_right {
            wrong.push(format!("{} by {}: {}", case.what, case.who, outcome.errors));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An upgrade refuses nothing that was taken before it, but pods that nobody but us has a reason to make.
#[test]
fn by_default_authors_are_warned_and_their_agents_are_taken() {
    let table = table();
    let place = Place::new("told", &render_values(&json!({})).unwrap(), &table.before);
    let refused = |field: &str| {
        let says = |case: &&Case| case.says.as_deref().is_some_and(|says| says.starts_with(field));
        table.cases.iter().find(says).unwrap()
    };
    for field in ["spec.serviceAccountName", "metadata.labels: KubeOpenCode"] {
        let case = refused(field);
        place.in_force(case);
        let outcome = place.tried(case);
        let says = case.says.as_deref().unwrap();
        assert!(outcome.succeeded && outcome.errors.contains(says), "{}", outcome.errors);
    }
    let pod = refused("metadata.labels: the label");
    place.in_force(pod);
    assert_eq!(said(&place.tried(pod)), pod.says.as_deref());
}

#[test]
fn a_policy_is_for_the_namespaces_that_are_watched_and_left_out_where_it_is_not_wanted() {
    let made = |values: Value| -> Vec<Value> {
        let objects = render_values(&values).unwrap();
        policies(&objects)
            .filter(|policy| policy["kind"].as_str().unwrap().ends_with("Binding"))
            .collect()
    };
    let names = |policies: &[Value]| -> Vec<String> {
        policies.iter().map(|policy| policy["metadata"]["name"].as_str().unwrap().into()).collect()
    };
    let all = ["kubeopencode-labels", "kubeopencode-pods", "kubeopencode-service-accounts"];
    let whole = made(json!({}));
    assert_eq!(names(&whole), all);
    assert!(whole.iter().all(|policy| policy["spec"]["matchResources"].is_null()));
    let two = ["team-a", "team-b"];
    let some = made(json!({ "watchNamespaces": two, "policies": { "enabled": true } }));
    assert_eq!(names(&some), all);
    for policy in some {
        let selector = &policy["spec"]["matchResources"]["namespaceSelector"];
        assert_eq!(selector["matchExpressions"][0]["values"], json!(two));
    }
    assert_eq!(names(&made(json!({ "watchNamespaces": two }))), [""; 0]);
    assert_eq!(names(&made(json!({ "policies": { "enabled": false } }))), [""; 0]);
    let one = made(json!({ "policies": { "labels": "None", "pods": "None" } }));
    assert_eq!(names(&one), ["kubeopencode-service-accounts"]);
}
