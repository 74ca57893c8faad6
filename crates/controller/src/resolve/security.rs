//! Security contexts that contradict each other: kubelet would refuse the container, again and
//! again, where a sentence can say it once. Pure.

use api_types::AgentPodSpec;

use super::Invalid;

/// A container's own settings win over the pod's.
pub(super) fn check(pod: &AgentPodSpec) -> Result<(), Invalid> {
    let own = pod.security_context.as_ref();
    let all = pod.pod_security_context.as_ref();
    let user = own.and_then(|own| own.run_as_user).or(all.and_then(|all| all.run_as_user));
    let non_root =
        own.and_then(|own| own.run_as_non_root).or(all.and_then(|all| all.run_as_non_root));
    if user == Some(0) && non_root == Some(true) {
        let message =
            "runAsUser is 0, the root user, and runAsNonRoot is true: change one of the two";
        return Err(Invalid::spec("spec.podSpec", message));
    }
    let privileged = own.and_then(|own| own.privileged).unwrap_or_default();
    if privileged && own.and_then(|own| own.allow_privilege_escalation) == Some(false) {
        let message =
            "privileged is true and allowPrivilegeEscalation is false: remove one of the two";
        return Err(Invalid::spec("spec.podSpec.securityContext", message));
    }
    Ok(())
}
