//! What the API server's refusal of an object means: a mistake in it, a rule of the cluster that
//! forbids it, or a failure of ours, such as a missing permission. Pure.

use kube::core::Status;

/// The longest text of the server's that is reported, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// Why the server did not take an object, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The object itself is at fault: only a change of it helps.
    Invalid(String),
    /// Admission forbids it: a quota, a webhook, a policy. That may change while the object stays.
    Rejected(String),
}

impl Refusal {
    /// The server's words.
    pub fn message(&self) -> &str {
        match self {
            Self::Invalid(message) | Self::Rejected(message) => message,
        }
    }

    /// `None` where the request failed for a reason that is not the user's.
    pub fn of(status: &Status) -> Option<Self> {
        let message = shorten(&status.message, LONGEST_MESSAGE);
        if is_admission(status) {
            return Some(Self::Rejected(message));
        }
        // 413 is an object that is larger than the server takes.
        let is_invalid = status.is_invalid() || matches!(status.code, 400 | 413);
        is_invalid.then_some(Self::Invalid(message))
    }
}

/// Webhooks and policies choose their code and reason, so their sentence is what tells them apart.
/// Built-in admission always says Forbidden, as authorization does, which then names its user.
fn is_admission(status: &Status) -> bool {
    let message = status.message.as_str();
    if message.starts_with("admission webhook \"") && message.contains("\" denied the request") {
        return true;
    }
    let Some((_, cause)) = message.split_once(" is forbidden: ") else { return false };
    let is_unauthorized = cause.starts_with("User \"") && cause.contains("\" cannot ");
    cause.starts_with("ValidatingAdmissionPolicy '") || status.is_forbidden() && !is_unauthorized
}

/// At most `longest` characters of a text, and whether there were more.
pub(crate) fn shorten(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEBHOOK: &str = r#"admission webhook "policy.example.com" denied the request: no"#;
    const POLICY: &str = r#"deployments.apps "demo-server" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"#;
    const QUOTA: &str = r#"deployments.apps "demo-server" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1"#;
    const POD_SECURITY: &str =
        r#"pods "demo" is forbidden: violates PodSecurity "restricted:latest": hostPath volumes"#;
    const NO_PERMISSION: &str = r#"deployments.apps "demo-server" is forbidden: User "system:serviceaccount:kubeopencode-system:kubeopencode-controller" cannot patch resource "deployments" in API group "apps" in the namespace "team-a""#;
    const QUOTES_ANOTHER: &str = r#"admission webhook "w" denied the request: secrets "x" is forbidden: User "u" cannot get resource"#;

    fn of(code: u16, reason: &str, message: &str) -> Option<Refusal> {
        Refusal::of(&Status::failure(message, reason).with_code(code))
    }

    #[test]
    fn admission_is_told_apart_from_a_mistake_and_from_a_missing_permission() {
        let rejected = |message: &str| Some(Refusal::Rejected(message.to_owned()));
        let invalid = |message: &str| Some(Refusal::Invalid(message.to_owned()));
        let cases = [
            ("quota", 403, "Forbidden", QUOTA, rejected(QUOTA)),
            ("pod security", 403, "Forbidden", POD_SECURITY, rejected(POD_SECURITY)),
            ("webhook", 403, "Forbidden", WEBHOOK, rejected(WEBHOOK)),
            ("webhook without a code", 400, "BadRequest", WEBHOOK, rejected(WEBHOOK)),
            ("webhook of its own code", 500, "InternalError", WEBHOOK, rejected(WEBHOOK)),
            ("webhook's quotation", 403, "Forbidden", QUOTES_ANOTHER, rejected(QUOTES_ANOTHER)),
            ("policy", 422, "Invalid", POLICY, rejected(POLICY)),
            ("policy that forbids", 403, "Forbidden", POLICY, rejected(POLICY)),
            ("content", 422, "Invalid", "spec.x: too long", invalid("spec.x: too long")),
            ("no object", 400, "BadRequest", "unknown field", invalid("unknown field")),
            ("size", 413, "RequestEntityTooLarge", "limit is 1", invalid("limit is 1")),
            ("permission", 403, "Forbidden", NO_PERMISSION, None),
            ("no Status", 403, "Failed to parse error data", "<html>", None),
            ("identity", 401, "Unauthorized", "Unauthorized", None),
            ("race", 409, "Conflict", "the object has been modified", None),
            ("webhook is down", 500, "InternalError", "failed calling webhook \"w\"", None),
        ];
        for (name, code, reason, message, expected) in cases {
            assert_eq!(of(code, reason, message), expected, "{name}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let Some(Refusal::Invalid(text)) = of(422, "Invalid", &"ä".repeat(2000)) else { panic!() };
        assert_eq!(text.chars().count(), LONGEST_MESSAGE + 1);
    }
}
