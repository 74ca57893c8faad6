//! Errors of the API server, in words that help the user. Pure.

use kube::{Resource, core::Status};

use crate::exit::Failure;

/// A request, as RBAC names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) verb: &'static str,
    /// The plural, with its group.
    pub(crate) resource: &'static str,
    /// What users call one of them.
    pub(crate) singular: &'static str,
    /// Unset where it is about all namespaces.
    pub(crate) namespace: Option<&'a str>,
    /// Empty where it is about all of them.
    pub(crate) name: &'a str,
}

impl<'a> Request<'a> {
    pub(crate) fn of<K: Resource<DynamicType = ()>>(
        verb: &'static str,
        namespace: Option<&'a str>,
        name: &'a str,
    ) -> Self {
        let (resource, singular) = match &*K::kind(&()) {
            "Agent" => ("agents.kubeopencode.io", "agent"),
            "AgentTemplate" => ("agenttemplates.kubeopencode.io", "agent template"),
            "Pod" => ("pods", "pod"),
            "Deployment" => ("deployments.apps", "Deployment"),
            "ReplicaSet" => ("replicasets.apps", "ReplicaSet"),
            _ => ("secrets", "Secret"),
        };
        Self { verb, resource, singular, namespace, name }
    }

    fn place(&self) -> String {
        match self.namespace {
            Some(namespace) => format!("in namespace \"{namespace}\""),
            None => "in all namespaces".to_owned(),
        }
    }

    /// What it is about.
    fn object(&self) -> String {
        match self.name {
            "" => self.resource.to_owned(),
            name => format!("{} \"{name}\"", self.resource),
        }
    }
}

/// The object is another one, or in another version, than the request named.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Conflict(String);

/// Whether it may help to read the object and try again.
pub(crate) fn is_conflict(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Conflict>().is_some()
}

/// The failure that `error`, the answer to `request`, means to the user.
pub(crate) fn explain(error: kube::Error, request: &Request<'_>) -> anyhow::Error {
    match error {
        kube::Error::Api(status) => rejected(&status, request),
        kube::Error::Service(error) => {
            anyhow::anyhow!("cannot reach the API server: {}", root_cause(&*error))
        }
        other => anyhow::Error::new(other).context(format!(
            "cannot {} {}",
            request.verb,
            request.object()
        )),
    }
}

fn rejected(status: &Status, request: &Request<'_>) -> anyhow::Error {
    let Request { verb, resource, singular, name, .. } = request;
    let place = request.place();
    match status.code {
        401 => Failure::Forbidden(
            "the cluster rejected your credentials; log in again, or use another --context"
                .to_owned(),
        )
        .into(),
        403 if is_policy(&status.message) => not_accepted(status),
        403 => Failure::Forbidden(format!(
            "you are not allowed to {verb} {resource} {place}; ask for a role with the verb \
             \"{verb}\" on \"{resource}\""
        ))
        .into(),
        404 if is_unknown_kind(status) => Failure::NotFound(
            "KubeOpenCode is not installed in this cluster; check that --context is the right one"
                .to_owned(),
        )
        .into(),
        404 => Failure::NotFound(format!("{singular} \"{name}\" not found {place}")).into(),
        422 => not_accepted(status),
        409 => Conflict(format!("cannot {verb} {}: {}", request.object(), status.message)).into(),
        _ => anyhow::anyhow!("cannot {verb} {}: {}", request.object(), status.message),
    }
}

fn not_accepted(status: &Status) -> anyhow::Error {
    anyhow::anyhow!("the API server rejected the change: {}", status.message)
}

/// Whether it was a webhook, a quota or a policy that forbade it, and not a missing role: the API
/// server answers with the same code.
fn is_policy(message: &str) -> bool {
    if message.starts_with("admission webhook \"") {
        return true;
    }
    let cause = message.split_once(" is forbidden: ").map(|(_, cause)| cause);
    cause.is_some_and(|cause| !cause.starts_with("User \""))
}

/// An object that is missing is named in the details; a kind that is, is not.
fn is_unknown_kind(status: &Status) -> bool {
    status.details.as_ref().is_none_or(|details| details.name.is_empty())
}

fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use api_types::Agent;

    use super::*;

    fn explained(code: u16, details_name: &str) -> anyhow::Error {
        let status = Status {
            code,
            message: "as the server says".into(),
            details: serde_json::from_value(serde_json::json!({ "name": details_name })).ok(),
            ..Status::default()
        };
        let request = Request::of::<Agent>("patch", Some("team-a"), "demo");
        explain(kube::Error::Api(status.boxed()), &request)
    }

    #[test]
    fn an_error_says_what_would_help() {
        let cases = [
            (401, "", "use another --context"),
            (403, "demo", "a role with the verb \"patch\" on \"agents.kubeopencode.io\""),
            (404, "demo", "agent \"demo\" not found in namespace \"team-a\""),
            (404, "", "KubeOpenCode is not installed"),
            (422, "demo", "the API server rejected the change: as the server says"),
            (500, "", "cannot patch agents.kubeopencode.io \"demo\": as the server says"),
        ];
        for (code, name, expected) in cases {
            let text = explained(code, name).to_string();
            assert!(text.contains(expected), "{code}: {text}");
        }
    }

    #[test]
    fn a_policy_is_told_apart_from_a_missing_role() {
        let policies = [
            "admission webhook \"guard.example.com\" denied the request: not on a Friday",
            "agents.kubeopencode.io \"demo\" is forbidden: exceeded quota: q",
            "agents.kubeopencode.io \"demo\" is forbidden: ValidatingAdmissionPolicy 'p' denied",
        ];
        for message in policies {
            let status = Status { code: 403, message: message.into(), ..Status::default() };
            let request = Request::of::<Agent>("patch", Some("team-a"), "demo");
            let error = explain(kube::Error::Api(status.boxed()), &request);
            assert!(error.downcast_ref::<Failure>().is_none(), "{error}");
            assert!(error.to_string().ends_with(message), "{error}");
        }
        let role = "agents.kubeopencode.io \"demo\" is forbidden: User \"u\" cannot patch resource";
        assert!(!is_policy(role));
    }

    #[test]
    fn scripts_tell_missing_permissions_from_missing_agents() {
        let forbidden = explained(403, "demo");
        assert!(matches!(forbidden.downcast_ref(), Some(Failure::Forbidden(_))));
        let missing = explained(404, "demo");
        assert!(matches!(missing.downcast_ref(), Some(Failure::NotFound(_))));
    }
}
