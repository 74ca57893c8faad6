//! What the answer to the visit of a link means. Pure.

use api_types::names::SERVER_SERVICE;
use serde::Deserialize;

use crate::{check::finding::Finding, exit::report};

/// By which way a link is visited.
#[derive(Clone, Copy, Debug)]
pub(super) enum Via<'a> {
    /// Of the installation in this namespace.
    ApiServer(&'a str),
    /// The base of links.
    External(&'a str),
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    /// Where it sends its caller, if anywhere; without the token.
    pub(super) leads_to: Option<String>,
}

/// Why the link is not open.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It may open a little later.
    Waits(Finding),
    Stays(Finding),
}

impl Verdict {
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Waits(_))
    }

    pub(super) fn finding(self) -> Finding {
        let (Self::Waits(finding) | Self::Stays(finding)) = self;
        finding
    }
}

/// What the gateway, or the API server in its place, tells in JSON.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    /// `Status` where it is the API server that answers.
    kind: String,
    message: String,
    name: String,
    namespace: String,
}

/// The agent is `namespace`/`name`; the error is that of a visit that had no answer.
pub(super) fn judge(
    via: Via<'_>,
    opened: anyhow::Result<Answer>,
    name: &str,
    namespace: &str,
) -> Result<Finding, Verdict> {
    let subject = format!("Link of {namespace}/{name}");
    let failed = |message: String, fix: String| Finding::failed(&subject, message, fix);
    let answer = match opened {
        Ok(answer) => answer,
        Err(error) => return Err(Verdict::Stays(failed(report(&error), unreached(via)))),
    };
    let told: Told = serde_json::from_str(&answer.body).unwrap_or_default();
    if told.kind == "Status" {
        return Err(of_api_server(via, answer.status, &told, &subject));
    }
    match answer.status {
        200 if told.name == name && told.namespace == namespace => {
            Ok(Finding::ok(&subject, format!("opens {}", place(via))))
        }
        200 => {
            let message = format!("{} answers, and is not the gateway", place(via));
            Err(Verdict::Stays(failed(message, leads_to_gateway(via))))
        }
        404 | 429 | 503 => {
            let message = format!("is not open {}: {}", place(via), said(&answer, &told));
            Err(Verdict::Waits(failed(message, unopened(via))))
        }
        status if (300..400).contains(&status) => {
            let to = answer.leads_to.unwrap_or_else(|| "another address".to_owned());
            let message = format!("{} leads to {to}", place(via));
            Err(Verdict::Stays(failed(message, "give that address with --external-url".into())))
        }
        _ => {
            let message = format!("is not open {}: {}", place(via), said(&answer, &told));
            Err(Verdict::Stays(failed(message, leads_to_gateway(via))))
        }
    }
}

/// The API server did not hand on what the gateway says.
fn of_api_server(via: Via<'_>, status: u16, told: &Told, subject: &str) -> Verdict {
    let external = "give the URL of links with --external-url, such as https://agents.example.com";
    match status {
        401 | 403 => Verdict::Stays(Finding {
            fix: Some(external.to_owned()),
            ..Finding::unknown(subject, "get services/proxy of the gateway")
        }),
        404 => {
            let message = format!("there is no gateway: {}", told.message);
            Verdict::Stays(Finding::failed(subject, message, leads_to_gateway(via)))
        }
        _ => {
            let message = format!("the API server does not reach the gateway: {}", told.message);
            Verdict::Waits(Finding::failed(subject, message, unreached(via)))
        }
    }
}

fn place(via: Via<'_>) -> String {
    match via {
        Via::ApiServer(_) => "through the API server".to_owned(),
        Via::External(url) => format!("at {url}"),
    }
}

fn said(answer: &Answer, told: &Told) -> String {
    if told.message.is_empty() {
        format!("status {}", answer.status)
    } else {
        format!("{} (status {})", told.message, answer.status)
    }
}

fn unreached(via: Via<'_>) -> String {
    match via {
        Via::ApiServer(system) => format!(
            "kubectl get endpointslices,networkpolicies -n {system}; a policy has to let the API server \
             in to the gateway, or give --external-url"
        ),
        Via::External(url) => format!("curl -v {url}/s/check"),
    }
}

fn unopened(via: Via<'_>) -> String {
    match via {
        Via::ApiServer(system) => format!("kubectl logs -n {system} deployment/{SERVER_SERVICE}"),
        Via::External(_) => leads_to_gateway(via),
    }
}

fn leads_to_gateway(via: Via<'_>) -> String {
    match via {
        Via::ApiServer(system) => format!("kubectl get service {SERVER_SERVICE} -n {system}"),
        Via::External(_) => {
            format!("let Ingress, HTTPRoute or load balancer lead to the Service {SERVER_SERVICE}")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::finding::Level;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer { status, body: body.to_string(), leads_to: Some("https://b.example/".into()) }
    }

    #[test]
    fn an_answer_of_the_gateway_opens_waits_or_stays() {
        let info = json!({ "name": "demo", "namespace": "team-a" });
        let status = |message: &str| json!({ "kind": "Status", "message": message });
        let refusal = |message: &str| json!({ "message": message, "reason": "x" });
        let cases = [
            (200, json!("<html>"), Level::Failed, false, "answers, and is not the gateway"),
            (200, json!({ "name": "other" }), Level::Failed, false, "is not the gateway"),
            (
                404,
                refusal("This link is unknown"),
                Level::Failed,
                true,
                "This link is unknown (status 404)",
            ),
            (503, refusal("not ready"), Level::Failed, true, "not ready"),
            (429, refusal("too many"), Level::Failed, true, "too many"),
            (502, json!("<html>"), Level::Failed, false, "status 502"),
            (302, json!(""), Level::Failed, false, "leads to https://b.example/"),
            (403, status("forbidden"), Level::Unknown, false, "not allowed to get services/proxy"),
            (404, status("services \"x\" not found"), Level::Failed, false, "there is no gateway"),
            (
                503,
                status("no endpoints available"),
                Level::Failed,
                true,
                "does not reach the gateway",
            ),
        ];
        for (code, body, level, waits, says) in cases {
            let judged = judge(Via::ApiServer("system"), Ok(answer(code, &body)), "demo", "team-a");
            let verdict = judged.unwrap_err();
            assert_eq!(verdict.may_pass(), waits, "{code} {body}");
            let finding = verdict.finding();
            assert_eq!(finding.level, level, "{code} {body}");
            assert!(finding.message.contains(says), "{finding:?}");
            assert!(finding.fix.is_some(), "{finding:?}");
        }
        for (via, says) in [
            (Via::ApiServer("system"), "opens through the API server"),
            (Via::External("https://a.example"), "opens at https://a.example"),
        ] {
            let open = judge(via, Ok(answer(200, &info)), "demo", "team-a").unwrap();
            assert_eq!(open, Finding::ok("Link of team-a/demo", says));
        }
    }

    #[test]
    fn a_visit_without_an_answer_is_told_with_its_cause() {
        let url = "https://a.example";
        let none = Err(anyhow::anyhow!("connection refused"));
        let finding = judge(Via::External(url), none, "demo", "team-a").unwrap_err().finding();
        assert_eq!(
            finding,
            Finding::failed(
                "Link of team-a/demo",
                "connection refused",
                "curl -v https://a.example/s/check"
            )
        );
    }
}
