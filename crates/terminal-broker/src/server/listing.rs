//! One page of the open sessions, as a caller asks for it and as it is answered. Pure.

use prost_types::Timestamp;
use terminal_proto::v1::{AgentReference, ListSessionsRequest, ListSessionsResponse, Session};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    closing::Violation,
    session::{Page, SessionInfo},
};

/// The most sessions of one answer, some 400 bytes each.
const PAGE_SIZE_MAX: usize = 1000;

/// A well-formed wish for some sessions.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    namespace: String,
    agent: String,
    pub(super) page_size: usize,
    /// The number of the last session that was listed before.
    pub(super) after: u64,
}

impl Listing {
    /// Of the broker that counts its sessions in `run`.
    pub(super) fn parse(request: ListSessionsRequest, run: Uuid) -> Result<Self, Violation> {
        let ListSessionsRequest { namespace, agent, page_size, page_token } = request;
        let page_size = match usize::try_from(page_size) {
            Ok(size @ 1..=PAGE_SIZE_MAX) => size,
            _ => PAGE_SIZE_MAX,
        };
        let after = match page_token.as_str() {
            "" => 0,
            token => number(token, run).ok_or(Violation::PageToken)?,
        };
        Ok(Self { namespace, agent, page_size, after })
    }

    pub(super) fn wants(&self, session: &SessionInfo) -> bool {
        (self.namespace.is_empty() || self.namespace == session.agent.namespace)
            && (self.agent.is_empty() || self.agent == session.agent.name)
    }
}

pub(super) fn response(page: &Page, run: Uuid, replica: &str) -> ListSessionsResponse {
    let token = page.goes_on_after.map(|number| token(number, run));
    ListSessionsResponse {
        sessions: page.sessions.iter().map(session).collect(),
        next_page_token: token.unwrap_or_default(),
        replica: replica.to_owned(),
    }
}

fn token(number: u64, run: Uuid) -> String {
    format!("{}.{number}", run.simple())
}

fn number(token: &str, run: Uuid) -> Option<u64> {
    let (of, number) = token.split_once('.')?;
    number.parse().ok().filter(|_| Uuid::try_parse(of) == Ok(run))
}

fn session(open: &SessionInfo) -> Session {
    let SessionInfo { id, agent, link_name, client, opened_at, counters, .. } = open;
    Session {
        session_id: id.to_string(),
        agent: Some(AgentReference {
            namespace: agent.namespace.clone(),
            name: agent.name.clone(),
        }),
        client_address: client.to_string(),
        opened_at: Some(timestamp(*opened_at)),
        input_bytes: counters.input(),
        output_bytes: counters.output(),
        link: link_name.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    // Nanoseconds of a second fit an i32.
    let nanos = i32::try_from(time.nanosecond()).unwrap_or(0);
    Timestamp { seconds: time.unix_timestamp(), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Uuid = Uuid::from_u128(7);

    fn request(page_size: u32, page_token: &str) -> ListSessionsRequest {
        ListSessionsRequest {
            page_size,
            page_token: page_token.to_owned(),
            ..ListSessionsRequest::default()
        }
    }

    #[test]
    fn a_page_is_of_some_sessions_and_at_most_a_thousand() {
        for (asked, given) in [(0, 1000), (1, 1), (1000, 1000), (1001, 1000), (u32::MAX, 1000)] {
            assert_eq!(Listing::parse(request(asked, ""), RUN).unwrap().page_size, given);
        }
    }

    #[test]
    fn a_token_is_good_for_the_run_that_gave_it() {
        let given = token(41, RUN);
        assert_eq!(Listing::parse(request(0, &given), RUN).unwrap().after, 41);
        let others =
            [&*token(41, Uuid::from_u128(8)), "41", "x.41", &given[..given.len() - 2], "."];
        for other in others {
            let refused = Listing::parse(request(0, other), RUN);
            assert_eq!(refused, Err(Violation::PageToken), "{other}");
        }
    }
}
