//! The open sessions and how many there may be. Pure: what it takes to end one (`H`) is the caller's.

use std::net::IpAddr;

use api_types::token::TokenLookup;
use share::index::AgentRef;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::closing::TooMany;

/// How many sessions may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub per_link: usize,
    pub per_agent: usize,
    pub in_all: usize,
}

/// What is known of a session from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub id: Uuid,
    pub link: TokenLookup,
    pub agent: AgentRef,
    pub client: IpAddr,
    pub opened_at: OffsetDateTime,
}

impl Facts {
    /// Names the link in logs and Events: 8 hexadecimal digits of a digest, which open nothing.
    pub fn link_id(&self) -> String {
        self.link.to_string().chars().take(8).collect()
    }
}

/// All open sessions, oldest first.
#[derive(Debug)]
pub struct Sessions<H> {
    limits: Limits,
    open: Vec<(Facts, H)>,
}

impl<H> Sessions<H> {
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: Vec::new() }
    }

    /// Adds a session, unless it were one too many.
    pub fn add(&mut self, facts: Facts, handle: H) -> Result<(), TooMany> {
        let count =
            |matches: &dyn Fn(&Facts) -> bool| self.list().filter(|(f, _)| matches(f)).count();
        if self.open.len() >= self.limits.in_all {
            return Err(TooMany::InAll);
        }
        if count(&|open| open.agent == facts.agent) >= self.limits.per_agent {
            return Err(TooMany::OfAgent);
        }
        if count(&|open| open.link == facts.link) >= self.limits.per_link {
            return Err(TooMany::OfLink);
        }
        self.open.push((facts, handle));
        Ok(())
    }

    /// Forgets a session; nothing happens if it is not there.
    pub fn remove(&mut self, id: Uuid) {
        self.open.retain(|(facts, _)| facts.id != id);
    }

    pub fn get(&self, id: Uuid) -> Option<&H> {
        self.open.iter().find(|(facts, _)| facts.id == id).map(|(_, handle)| handle)
    }

    /// Oldest first.
    pub fn list(&self) -> impl Iterator<Item = (&Facts, &H)> {
        self.open.iter().map(|(facts, handle)| (facts, handle))
    }
}

#[cfg(test)]
mod tests {
    use api_types::token::ShareToken;
    use time::macros::datetime;

    use super::*;

    const LIMITS: Limits = Limits { per_link: 2, per_agent: 3, in_all: 4 };

    fn session(id: u128, link: u8, agent: &str) -> Facts {
        Facts {
            id: Uuid::from_u128(id),
            link: ShareToken::from_bytes(&[link; 32]).lookup(),
            agent: AgentRef::new("team-a", agent),
            client: "203.0.113.9".parse().unwrap(),
            opened_at: datetime!(2026-11-21 12:00 UTC),
        }
    }

    fn opened(facts: impl IntoIterator<Item = Facts>) -> Sessions<&'static str> {
        let mut sessions = Sessions::new(LIMITS);
        facts.into_iter().for_each(|facts| sessions.add(facts, "handle").unwrap());
        sessions
    }

    #[test]
    fn each_limit_holds() {
        let two_of_a_link = || vec![session(1, 1, "demo"), session(2, 1, "demo")];
        let three_of_an_agent = || [two_of_a_link(), vec![session(3, 2, "demo")]].concat();
        let four = || [three_of_an_agent(), vec![session(4, 3, "other")]].concat();
        let cases = [
            ("a third of one link", two_of_a_link(), session(9, 1, "demo"), Err(TooMany::OfLink)),
            ("another link of the agent", two_of_a_link(), session(9, 2, "demo"), Ok(())),
            (
                "a fourth of one agent",
                three_of_an_agent(),
                session(9, 3, "demo"),
                Err(TooMany::OfAgent),
            ),
            ("another agent", three_of_an_agent(), session(9, 3, "other"), Ok(())),
            ("a fifth in all", four(), session(9, 4, "third"), Err(TooMany::InAll)),
        ];
        for (name, before, next, expected) in cases {
            assert_eq!(opened(before).add(next, "handle"), expected, "{name}");
        }
    }

    #[test]
    fn a_session_that_ended_makes_room() {
        let mut sessions = opened([session(1, 1, "demo"), session(2, 1, "demo")]);
        sessions.remove(Uuid::from_u128(1));
        assert_eq!(sessions.add(session(3, 1, "demo"), "handle"), Ok(()));
    }

    #[test]
    fn sessions_are_listed_oldest_first_and_found_by_id() {
        let mut sessions = opened([session(7, 1, "demo"), session(3, 2, "demo")]);
        sessions.add(session(5, 3, "other"), "third").unwrap();
        let ids: Vec<u128> = sessions.list().map(|(facts, _)| facts.id.as_u128()).collect();
        assert_eq!(ids, [7, 3, 5]);
        assert_eq!(sessions.get(Uuid::from_u128(5)), Some(&"third"));
        assert_eq!(sessions.get(Uuid::from_u128(6)), None);
    }

    #[test]
    fn a_link_is_named_by_the_start_of_its_digest() {
        let facts = session(1, 1, "demo");
        assert!(facts.link.to_string().starts_with(&facts.link_id()));
        assert_eq!(facts.link_id().len(), 8);
    }
}
