//! Whatever a user writes yields a pod that a namespace with `pod-security.kubernetes.io/enforce: restricted` takes,
//! or a sentence, unless its podSpec asks for something else; and then for nothing more than that.

use pod_security::violations;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    fixture::{agent, defaults, specs},
    resolve::{Invalid, resolve},
};

/// The spec of the pod, and what its template has besides.
fn pod_of(spec: &Value) -> Result<Value, Invalid> {
    let resolved = resolve(&agent(specs::read(spec)), None, &defaults())?;
    let causes = Causes { references: Some("digest".to_owned()), ..Causes::default() };
    let objects = desired(&resolved, &password(), causes);
    Ok(json!(objects.deployment)["spec"]["template"]["spec"].take())
}

/// A pod that has only what the user wrote, and where they left out a context, a sound one.
fn asked(spec: &Value) -> Value {
    let pod = &spec["podSpec"];
    let or = |value: &Value, default: Value| if value.is_null() { default } else { value.clone() };
    let sound = json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    let mut context = or(&pod["podSecurityContext"], json!({}));
    context["seccompProfile"] = or(&context["seccompProfile"], json!({ "type": "RuntimeDefault" }));
    context["runAsNonRoot"] = or(&context["runAsNonRoot"], json!(true));
    let container = json!({
        "securityContext": or(&pod["securityContext"], sound),
        "lifecycle": pod["lifecycle"],
    });
    json!({ "securityContext": context, "containers": [container], "volumes": pod["extraVolumes"] })
}

fn is_sentence(invalid: &Invalid) -> bool {
    invalid.field.starts_with("spec.") && !invalid.message.is_empty()
}

proptest! {
    #[test]
    fn an_agent_that_asks_for_nothing_special_is_restricted(spec in specs::modest()) {
        match pod_of(&spec) {
            Ok(pod) => prop_assert_eq!(violations(&pod), [].into()),
            Err(invalid) => prop_assert!(is_sentence(&invalid), "{invalid:?}"),
        }
    }

    #[test]
    fn a_pod_breaks_no_rule_that_its_user_did_not_ask_to_break(spec in specs::demanding()) {
        let asked = violations(&asked(&spec));
        match pod_of(&spec) {
            // Root is root however it is asked for.
            Ok(pod) => prop_assert!(
                violations(&pod).into_iter().all(|rule| asked.contains(rule)
                    || rule == "running as non-root" && asked.contains("running as non-root user")),
                "{:?} and not just {:?}", violations(&pod), asked
            ),
            Err(invalid) => prop_assert!(is_sentence(&invalid), "{invalid:?}"),
        }
    }
}

/// Else the properties would say little.
#[test]
fn most_specs_are_built_and_some_break_each_rule() {
    let mut runner = TestRunner::deterministic();
    let mut broken = std::collections::BTreeSet::new();
    for (specs, least) in [(specs::modest(), 190), (specs::demanding(), 120)] {
        let specs = (0..200).map(|_| specs.new_tree(&mut runner).unwrap().current());
        let pods: Vec<_> = specs.filter_map(|spec| pod_of(&spec).ok()).collect();
        assert!(pods.len() >= least, "only {} of 200 are built", pods.len());
        broken.extend(pods.iter().flat_map(violations));
    }
    // A podSpec has no fields for the others.
    assert_eq!(broken.len(), 13, "{broken:?}");
}

/// The check itself: each field that the standard names, set to what it forbids.
#[test]
fn the_check_finds_each_field_that_is_forbidden() {
    let sound = pod_of(&json!({})).unwrap();
    let cases = [
        ("host namespaces", "/hostNetwork", json!(true)),
        ("host namespaces", "/hostPID", json!(true)),
        ("host namespaces", "/hostIPC", json!(true)),
        ("HostProcess", "/securityContext/windowsOptions", json!({ "hostProcess": true })),
        (
            "HostProcess",
            "/containers/0/securityContext/windowsOptions",
            json!({ "hostProcess": true }),
        ),
        ("privileged containers", "/initContainers/0/securityContext/privileged", json!(true)),
        ("volume types", "/volumes/0/hostPath", json!({ "path": "/" })),
        ("host ports", "/containers/0/ports/0/hostPort", json!(80)),
        ("host probes", "/containers/0/livenessProbe/tcpSocket/host", json!("10.0.0.1")),
        ("AppArmor", "/securityContext/appArmorProfile", json!({ "type": "Unconfined" })),
        ("SELinux", "/containers/0/securityContext/seLinuxOptions", json!({ "role": "r" })),
        ("/proc mount type", "/containers/0/securityContext/procMount", json!("Unmasked")),
        ("sysctls", "/securityContext/sysctls", json!([{ "name": "kernel.sem" }])),
        (
            "privilege escalation",
            "/initContainers/1/securityContext/allowPrivilegeEscalation",
            json!(null),
        ),
        ("running as non-root", "/securityContext/runAsNonRoot", json!(null)),
        ("running as non-root", "/containers/0/securityContext/runAsNonRoot", json!(false)),
        ("running as non-root user", "/securityContext/runAsUser", json!(0)),
        ("seccomp", "/containers/0/securityContext/seccompProfile/type", json!("Unconfined")),
        ("seccomp", "/securityContext/seccompProfile/type", json!("Unconfined")),
        ("capabilities", "/containers/0/securityContext/capabilities/drop", json!(["CHOWN"])),
        ("capabilities", "/containers/0/securityContext/capabilities/add", json!(["SYS_ADMIN"])),
        (
            "privilege escalation",
            "/ephemeralContainers",
            json!([{ "securityContext": { "capabilities": { "drop": ["ALL"] } } }]),
        ),
    ];
    for (rule, path, value) in cases {
        let mut pod = sound.clone();
        let (parent, field) = path.rsplit_once('/').unwrap();
        pod.pointer_mut(parent).unwrap()[field] = value;
        assert_eq!(violations(&pod), [rule].into(), "{path}");
    }
}
