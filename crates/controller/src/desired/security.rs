//! What the pod and its containers may do: by default what a namespace with
//! `pod-security.kubernetes.io/enforce: restricted` allows. Pure.

use api_types::{AgentPodSpec, DEFAULT_USER};
use k8s_openapi::api::core::v1::{
    Capabilities, PodSecurityContext, SeccompProfile, SecurityContext,
};

use crate::resolve::UserIds;

/// The user's own for every container, init containers too, or the default.
pub(super) fn of_container(pod: &AgentPodSpec) -> SecurityContext {
    pod.security_context.clone().unwrap_or_else(|| SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        seccomp_profile: Some(runtime_default()),
        ..SecurityContext::default()
    })
}

/// Fills in what the user left out: a user only where nothing sets one, a group that may write to
/// the volumes, and no `runAsNonRoot` where a user asks for root.
pub(super) fn of_pod(pod: &AgentPodSpec, user_ids: UserIds) -> PodSecurityContext {
    let users = pod.pod_security_context.clone().unwrap_or_default();
    let own = pod.security_context.as_ref();
    // A container's own settings win over its pod's.
    let user = own.and_then(|own| own.run_as_user).or(users.run_as_user);
    let group = own.and_then(|own| own.run_as_group).or(users.run_as_group);
    let default = match user_ids {
        UserIds::Fixed => user.is_none().then_some(DEFAULT_USER),
        UserIds::OfNamespace => None,
    };
    PodSecurityContext {
        run_as_user: users.run_as_user.or(default),
        run_as_group: users.run_as_group.or(default),
        fs_group: users.fs_group.or(group).or_else(|| user.filter(|user| *user != 0)).or(default),
        run_as_non_root: users.run_as_non_root.or_else(|| (user != Some(0)).then_some(true)),
        seccomp_profile: users.seccomp_profile.clone().or_else(|| Some(runtime_default())),
        ..users
    }
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(pod: PodSecurityContext, container: Option<SecurityContext>) -> AgentPodSpec {
        AgentPodSpec {
            pod_security_context: Some(pod),
            security_context: container,
            ..AgentPodSpec::default()
        }
    }

    #[test]
    fn a_user_is_set_only_where_nothing_sets_one() {
        let as_user = |id| PodSecurityContext { run_as_user: Some(id), ..Default::default() };
        let in_container = |id| SecurityContext { run_as_user: Some(id), ..Default::default() };
        let cases = [
            ("nothing set", pod(PodSecurityContext::default(), None), Some(1000), Some(true)),
            ("set on the pod", pod(as_user(2000), None), Some(2000), Some(true)),
            ("root on the pod", pod(as_user(0), None), Some(0), None),
            (
                "set on containers",
                pod(PodSecurityContext::default(), Some(in_container(2000))),
                None,
                Some(true),
            ),
            (
                "root in containers",
                pod(PodSecurityContext::default(), Some(in_container(0))),
                None,
                None,
            ),
            (
                "root in containers of another user's pod",
                pod(as_user(1000), Some(in_container(0))),
                Some(1000),
                None,
            ),
        ];
        for (name, spec, user, non_root) in cases {
            let context = of_pod(&spec, UserIds::Fixed);
            assert_eq!((context.run_as_user, context.run_as_non_root), (user, non_root), "{name}");
        }
    }

    #[test]
    fn where_admission_chooses_a_user_none_is_set() {
        let context = of_pod(&AgentPodSpec::default(), UserIds::OfNamespace);
        let expected = PodSecurityContext {
            run_as_non_root: Some(true),
            seccomp_profile: Some(runtime_default()),
            ..PodSecurityContext::default()
        };
        assert_eq!(context, expected);
        let own = PodSecurityContext { run_as_user: Some(5), ..PodSecurityContext::default() };
        assert_eq!(of_pod(&pod(own, None), UserIds::OfNamespace).run_as_user, Some(5));
    }

    #[test]
    fn whoever_the_user_is_may_write_to_the_volumes() {
        let set = |user, group, fs_group| PodSecurityContext {
            run_as_user: user,
            run_as_group: group,
            fs_group,
            ..PodSecurityContext::default()
        };
        let cases = [
            (set(None, None, None), Some(1000)),
            (set(Some(2000), None, None), Some(2000)),
            (set(Some(2000), Some(3000), None), Some(3000)),
            (set(Some(2000), Some(3000), Some(4000)), Some(4000)),
            (set(Some(0), None, None), None),
        ];
        for (written, expected) in cases {
            assert_eq!(
                of_pod(&pod(written.clone(), None), UserIds::Fixed).fs_group,
                expected,
                "{written:?}"
            );
        }
    }
}
