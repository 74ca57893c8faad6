//! Answers a visitor who wakes a sleeping agent. The broker is asked, whose word goes to the
//! controllers; nothing is written to the cluster from here, and no body is ever read.
//!
//! Who may ask so must have meant it. A browser names the page that posts in `Origin`, which has to
//! be our own, as for the WebSocket. A request without one comes from a program, or from a browser
//! that says nothing of a form: no form can have the content type of JSON, and a script of another
//! site that sets it has to ask first (a CORS preflight, which is answered by 405). So it needs that.

use std::time::Duration;

use api_types::LinkName;
use daemon::clock;
use http::{
    HeaderMap, Response,
    header::{CONTENT_TYPE, ORIGIN},
};
use share::{Denial, Sleep, Visitor, Wake, audit::link_id};
use terminal_proto::v1::WakeRequest;
use tokio::time::timeout;
use tonic::{Code, Status};

use super::{Caller, Gateway};
use crate::{answer::Body, error::RequestError, router::Presented, spans};

/// How long the brokers may take, one after the other. The first one gives its controllers 10 s, and
/// itself 2 s before that.
const WAKE_DEADLINE: Duration = Duration::from_secs(15);
/// How long our own watch may take to bring what the broker has seen. Without it the page would find
/// the agent still asleep.
const NEWS_DEADLINE: Duration = Duration::from_secs(2);

impl Gateway {
    pub(super) async fn wake(
        &self,
        presented: Presented,
        caller: &Caller<'_>,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, RequestError> {
        let client = caller.client;
        let (token, mut wake) = self.judge(presented, caller, |token| {
            Wake::admit(&self.links, token, client, self.stale_grace, clock::now)
        })?;
        spans::admitted(&caller.span, wake.visitor());
        self.check_origin(caller.peer, headers)?;
        if !headers.contains_key(ORIGIN) && !is_json(headers) {
            return Err(RequestError::NotJson);
        }
        if wake.sleep() == Sleep::Awake {
            return Ok(self.answers.woken());
        }
        self.limits.link_opening(wake.visitor().link).map_err(RequestError::RateLimited)?;

        let request =
            WakeRequest { token: token.expose().to_owned(), client_address: client.ip.to_string() };
        let woken = timeout(WAKE_DEADLINE, self.broker.wake(request, &caller.span)).await;
        woken.map_err(|_late| RequestError::NotWoken)?.map_err(|status| refusal(&status))?;
        let Visitor { agent, link, link_name, .. } = wake.visitor();
        let (link, link_name) = (link_id(*link), link_name.as_ref().map(LinkName::as_str));
        tracing::info!(link, link_name, %agent, client = %client.ip, "agent woken by a visitor");
        // What the page asks next tells it whatever happened meanwhile.
        let _ = timeout(NEWS_DEADLINE, wake.awake(clock::now)).await;
        Ok(self.answers.woken())
    }
}

/// A link that the broker does not know is one that it has not heard of yet: ours admits the wish.
fn refusal(status: &Status) -> RequestError {
    tracing::warn!(code = ?status.code(), message = status.message(), "the broker woke no agent");
    match status.code() {
        Code::FailedPrecondition => Denial::Suspended.into(),
        _ => RequestError::NotWoken,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_counts_as_what_no_form_can_send() {
        let json = |value: &'static str| {
            is_json(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]))
        };
        assert!(json("application/json") && json("Application/JSON; charset=utf-8"));
        for form in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
            assert!(!json(form), "{form}");
        }
        assert!(!json("text/plain; application/json"));
        assert!(!is_json(&HeaderMap::new()));
    }
}
