//! However certificates are made, they are in the Secrets and for the names that the programs go by.

use std::collections::BTreeSet;

use chart::{NAMESPACE, Objects, render_values};
use serde_json::{Value, json};

fn of_kind<'a>(objects: &'a Objects, kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|(key, _)| key.1 == kind).map(|(_, object)| object).collect()
}

fn render_mode(mode: &str) -> Objects {
    render_values(&json!({ "certificates": { "mode": mode } })).unwrap()
}

/// The Secrets that pods mount.
fn mounted(objects: &Objects) -> BTreeSet<String> {
    let volumes = of_kind(objects, "Deployment").into_iter().flat_map(|deployment| {
        deployment["spec"]["template"]["spec"]["volumes"].as_array().unwrap()
    });
    volumes
        .filter_map(|volume| volume["secret"]["secretName"].as_str())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_jobs_may_read_and_write_the_secrets_that_are_mounted_and_those_of_the_authority() {
    let objects = render_mode("job");
    let role = of_kind(&objects, "Role")
        .into_iter()
        .find(|role| role["metadata"]["name"] == "kubeopencode-certificates");
    let rules = role.unwrap()["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 2);
    assert_eq!(
        rules[0],
        json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": ["create"] })
    );
    assert_eq!(rules[1]["verbs"], json!(["get", "update"]));
    let names: BTreeSet<String> =
        serde_json::from_value(rules[1]["resourceNames"].clone()).unwrap();
    let mounted = mounted(&objects);
    assert!(names.is_superset(&mounted), "{names:?}");
    let others: Vec<_> = names.difference(&mounted).map(String::as_str).collect();
    assert_eq!(others, ["kubeopencode-ca", "kubeopencode-operator-tls"]);
}

#[test]
fn the_job_and_the_one_that_repeats_it_run_the_same_pod() {
    let objects = render_mode("job");
    let job = &of_kind(&objects, "Job")[0]["spec"]["template"];
    assert_eq!(job, &of_kind(&objects, "CronJob")[0]["spec"]["jobTemplate"]["spec"]["template"]);
    let container = &job["spec"]["containers"][0];
    assert_eq!(
        container["args"],
        json!(["certificates", "renew", format!("--namespace={NAMESPACE}"), "--no-list"])
    );
    assert_eq!(job["spec"]["serviceAccountName"], "kubeopencode-certificates");
}

#[test]
fn certificates_are_valid_for_as_long_as_values_say() {
    let job = json!({ "validityDays": 30, "renewBeforeDays": 10 });
    let objects = render_values(&json!({ "certificates": { "job": job } })).unwrap();
    let container = &of_kind(&objects, "Job")[0]["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().unwrap();
    assert_eq!(arguments[4..], [json!("--validity=30"), json!("--renew-before=10")]);
}

/// A Job cannot be changed: an upgrade would fail. And a hook would deadlock with `--wait`.
#[test]
fn another_pod_is_another_job_and_none_is_a_hook() {
    let name = |values: Value| -> String {
        let objects = render_values(&values).unwrap();
        let job = of_kind(&objects, "Job")[0]["metadata"].clone();
        assert!(job["annotations"]["helm.sh/hook"].is_null());
        job["name"].as_str().unwrap().to_owned()
    };
    let first = name(json!({}));
    assert_eq!(first, name(json!({ "gateway": { "replicas": 5 } })));
    assert_ne!(first, name(json!({ "image": { "tag": "v2" } })));
}

#[test]
fn cert_manager_makes_the_same_secrets() {
    let objects = render_mode("cert-manager");
    assert!(of_kind(&objects, "Job").is_empty() && of_kind(&objects, "CronJob").is_empty());
    let certificates = of_kind(&objects, "Certificate");
    let made: BTreeSet<_> = certificates
        .iter()
        .map(|one| one["spec"]["secretName"].as_str().unwrap().to_owned())
        .collect();
    assert!(made.is_superset(&mounted(&objects)), "{made:?}");
    let names = |secret: &str| -> Value {
        let found = certificates.iter().find(|one| one["spec"]["secretName"] == secret);
        json!([found.unwrap()["spec"]["dnsNames"], found.unwrap()["spec"]["usages"][1]])
    };
    let service = format!("kubeopencode-terminal-broker.{NAMESPACE}.svc");
    assert_eq!(
        names("kubeopencode-broker-tls"),
        json!([
            ["kubeopencode-terminal-broker", service, format!("{service}.cluster.local")],
            "server auth",
        ])
    );
    for (process, name) in
        [("gateway", "server"), ("controller", "controller"), ("operator", "operator")]
    {
        let secret = format!("kubeopencode-{process}-tls");
        assert_eq!(names(&secret), json!([[format!("kubeopencode-{name}")], "client auth"]));
    }
}

fn tools() -> Value {
    json!([{ "name": "nightly", "roles": ["list", "close"] }, { "name": "ide", "roles": ["attach"] }])
}

#[test]
fn the_jobs_make_and_remove_the_certificates_of_tools() {
    let objects = render_values(&json!({ "certificates": { "tools": tools() } })).unwrap();
    let jobs = of_kind(&objects, "Job");
    let of = |verb: &str| -> Vec<String> {
        let containers = jobs.iter().map(|job| &job["spec"]["template"]["spec"]["containers"][0]);
        let arguments = containers.map(|container| container["args"].as_array().unwrap());
        let found = arguments.into_iter().find(|arguments| arguments[1] == verb).unwrap();
        found[3..].iter().map(|argument| argument.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("renew"), ["--no-list", "--tool=nightly=list,close", "--tool=ide=attach"]);
    assert_eq!(of("remove"), ["--no-list", "--tool=nightly", "--tool=ide"]);
    for (role, rule) in [("kubeopencode-certificates", 1), ("kubeopencode-removal", 0)] {
        let roles = of_kind(&objects, "Role");
        let role = roles.iter().find(|one| one["metadata"]["name"] == role).unwrap();
        let named = role["rules"][rule]["resourceNames"].as_array().unwrap();
        for tool in ["nightly", "ide"] {
            assert!(named.contains(&json!(format!("kubeopencode-tool-{tool}-tls"))), "{named:?}");
        }
    }
}

#[test]
fn cert_manager_makes_those_of_tools_for_the_same_names() {
    let values = json!({ "certificates": { "mode": "cert-manager", "tools": tools() } });
    let objects = render_values(&values).unwrap();
    let certificates = of_kind(&objects, "Certificate");
    let nightly = certificates
        .iter()
        .find(|one| one["spec"]["secretName"] == "kubeopencode-tool-nightly-tls");
    let nightly = &nightly.unwrap()["spec"];
    let expected = ["kubeopencode-tool-nightly", "kubeopencode-list", "kubeopencode-close"];
    assert_eq!(nightly["dnsNames"], json!(expected));
    assert_eq!(nightly["commonName"], expected[0]);
    assert_eq!(nightly["usages"][1], "client auth");
}

#[test]
fn an_issuer_of_the_platform_takes_the_place_of_ours() {
    let issuer = json!({ "name": "platform", "kind": "ClusterIssuer" });
    let values = json!({ "certificates": { "mode": "cert-manager", "certManager": { "issuerRef": issuer } } });
    let objects = render_values(&values).unwrap();
    assert!(of_kind(&objects, "Issuer").is_empty());
    let certificates = of_kind(&objects, "Certificate");
    assert_eq!(certificates.len(), 4);
    assert!(certificates.iter().all(|one| one["spec"]["issuerRef"] == issuer));
}

#[test]
fn existing_secrets_are_mounted_and_nothing_is_made() {
    let existing = json!({ "gateway": "a", "controller": "b", "broker": "c" });
    let values = json!({ "certificates": { "mode": "existing", "existing": existing } });
    let objects = render_values(&values).unwrap();
    assert_eq!(mounted(&objects), BTreeSet::from(["a", "b", "c"].map(str::to_owned)));
    for kind in ["Job", "CronJob", "Certificate", "Issuer"] {
        assert!(of_kind(&objects, kind).is_empty(), "{kind}");
    }
    assert!(!objects.keys().any(|key| key.2 == "kubeopencode-certificates"));
}
