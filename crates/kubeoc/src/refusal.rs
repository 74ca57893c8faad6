//! Errors of the API server, in words that help the user. Pure.

use kube::core::Status;

use crate::exit::Failure;

/// A request, as RBAC names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) verb: &'static str,
    /// The plural, with its group.
    pub(crate) resource: &'static str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

pub(crate) const AGENTS: &str = "agents.kubeopencode.io";
pub(crate) const SECRETS: &str = "secrets";

/// The failure that `error`, the answer to `request`, means to the user.
pub(crate) fn explain(error: kube::Error, request: &Request<'_>) -> anyhow::Error {
    match error {
        kube::Error::Api(status) => rejected(&status, request),
        kube::Error::Service(error) => {
            anyhow::anyhow!("cannot reach the API server: {}", root_cause(&*error))
        }
        other => anyhow::Error::new(other)
            .context(format!("cannot {} {} \"{}\"", request.verb, request.resource, request.name)),
    }
}

fn rejected(status: &Status, request: &Request<'_>) -> anyhow::Error {
    let Request { verb, resource, namespace, name } = request;
    match status.code {
        401 => Failure::Forbidden(
            "the cluster rejected your credentials; log in again, or use another --context"
                .to_owned(),
        )
        .into(),
        403 => Failure::Forbidden(format!(
            "you are not allowed to {verb} {resource} in namespace \"{namespace}\"; ask for a role \
             with the verb \"{verb}\" on \"{resource}\""
        ))
        .into(),
        404 if is_unknown_kind(status) => Failure::NotFound(
            "KubeOpenCode is not installed in this cluster; check that --context is the right one"
                .to_owned(),
        )
        .into(),
        404 => Failure::NotFound(format!(
            "{} \"{name}\" not found in namespace \"{namespace}\"",
            singular(resource)
        ))
        .into(),
        422 => anyhow::anyhow!("the API server rejected the change: {}", status.message),
        _ => anyhow::anyhow!("cannot {verb} {resource} \"{name}\": {}", status.message),
    }
}

/// An object that is missing is named in the details; a kind that is, is not.
fn is_unknown_kind(status: &Status) -> bool {
    status.details.as_ref().is_none_or(|details| details.name.is_empty())
}

fn singular(resource: &str) -> &'static str {
    if resource == AGENTS { "agent" } else { "Secret" }
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
    use super::*;

    const PATCH: Request<'static> =
        Request { verb: "patch", resource: AGENTS, namespace: "team-a", name: "demo" };

    fn explained(code: u16, details_name: &str) -> anyhow::Error {
        let status = Status {
            code,
            message: "as the server says".into(),
            details: serde_json::from_value(serde_json::json!({ "name": details_name })).ok(),
            ..Status::default()
        };
        explain(kube::Error::Api(status.boxed()), &PATCH)
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
    fn scripts_tell_missing_permissions_from_missing_agents() {
        let forbidden = explained(403, "demo");
        assert!(matches!(forbidden.downcast_ref(), Some(Failure::Forbidden(_))));
        let missing = explained(404, "demo");
        assert!(matches!(missing.downcast_ref(), Some(Failure::NotFound(_))));
    }
}
