//! Security contexts that contradict each other: kubelet would refuse the container, again and
//! again, where a sentence can say it once. Pure.

use api_types::AgentPodSpec;

use super::Invalid;

/// Where a setting of every container stands, which wins over the pod's.
const OF_CONTAINERS: &str = "spec.podSpec.securityContext";
const OF_POD: &str = "spec.podSpec.podSecurityContext";

pub(super) fn check(pod: &AgentPodSpec) -> Result<(), Invalid> {
    let own = pod.security_context.as_ref();
    let all = pod.pod_security_context.as_ref();
    let user = effective(own.and_then(|own| own.run_as_user), all.and_then(|all| all.run_as_user));
    let non_root =
        effective(own.and_then(|own| own.run_as_non_root), all.and_then(|all| all.run_as_non_root));
    if let (Some((0, of_user)), Some((true, of_rule))) = (user, non_root) {
        let message = format!(
            "it is 0, the root user, and {of_rule}.runAsNonRoot is true: change one of the two"
        );
        return Err(Invalid::spec(format!("{of_user}.runAsUser"), message));
    }
    let privileged = own.and_then(|own| own.privileged).unwrap_or_default();
    if privileged && own.and_then(|own| own.allow_privilege_escalation) == Some(false) {
        let message =
            "privileged is true and allowPrivilegeEscalation is false: remove one of the two";
        return Err(Invalid::spec(OF_CONTAINERS, message));
    }
    Ok(())
}

/// A value, and where it stands.
fn effective<T>(own: Option<T>, all: Option<T>) -> Option<(T, &'static str)> {
    own.map(|own| (own, OF_CONTAINERS)).or(all.map(|all| (all, OF_POD)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_sentence_names_where_each_of_the_two_stands() {
        let root = || json!({ "runAsUser": 0 });
        let rule = || json!({ "runAsNonRoot": true });
        let both = json!({ "runAsUser": 0, "runAsNonRoot": true });
        let cases = [
            (root(), rule(), Some(("securityContext", "podSecurityContext"))),
            (rule(), root(), Some(("podSecurityContext", "securityContext"))),
            (both.clone(), json!({}), Some(("securityContext", "securityContext"))),
            (json!({}), both.clone(), Some(("podSecurityContext", "podSecurityContext"))),
            // A container's own settings win.
            (json!({ "runAsUser": 1 }), both.clone(), None),
            (json!({ "runAsNonRoot": false }), both, None),
        ];
        for (own, all, expected) in cases {
            let pod: Value = json!({ "securityContext": own, "podSecurityContext": all });
            let refused = check(&serde_json::from_value(pod).unwrap()).err();
            let expected = expected.map(|(user, rule)| {
                format!(
                    "spec.podSpec.{user}.runAsUser: it is 0, the root user, and \
                     spec.podSpec.{rule}.runAsNonRoot is true: change one of the two"
                )
            });
            assert_eq!(refused.map(|invalid| invalid.sentence()), expected, "{own} {all}");
        }
    }
}
