//! How many terminals are open: per link, per agent and in all. Each costs its
//! agent's pod a process, so they are counted before a WebSocket is granted.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api_types::TokenLookup;
use share::index::AgentRef;

use crate::limits::{Limit, Refused};

/// When a terminal may have become free: nobody knows, so not too often.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// How many terminals may be open.
#[derive(Clone, Copy, Debug)]
pub struct TerminalLimits {
    pub per_link: usize,
    pub per_agent: usize,
    pub in_all: usize,
}

/// The open terminals of this process. A clone counts the same ones.
#[derive(Clone, Debug)]
pub struct Terminals {
    limits: TerminalLimits,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    of_link: HashMap<TokenLookup, usize>,
    of_agent: HashMap<AgentRef, usize>,
    in_all: usize,
}

/// One terminal's place, free again when dropped.
#[derive(Debug)]
pub struct TerminalSlot {
    link: TokenLookup,
    agent: AgentRef,
    terminals: Terminals,
}

impl Terminals {
    pub fn new(limits: TerminalLimits) -> Self {
        Self { limits, open: Arc::default() }
    }

    /// Takes a place, or says which limit is met.
    pub fn claim(&self, link: TokenLookup, agent: AgentRef) -> Result<TerminalSlot, Refused> {
        let mut open = self.open();
        let of = |count: Option<&usize>| count.copied().unwrap_or_default();
        let limit = if of(open.of_link.get(&link)) >= self.limits.per_link {
            Some(Limit::TerminalsOfLink)
        } else if of(open.of_agent.get(&agent)) >= self.limits.per_agent {
            Some(Limit::TerminalsOfAgent)
        } else if open.in_all >= self.limits.in_all {
            Some(Limit::TerminalsInAll)
        } else {
            None
        };
        if let Some(limit) = limit {
            return Err(Refused { limit, retry_after: RETRY_AFTER });
        }

        *open.of_link.entry(link).or_default() += 1;
        *open.of_agent.entry(agent.clone()).or_default() += 1;
        open.in_all += 1;
        drop(open);
        Ok(TerminalSlot { link, agent, terminals: self.clone() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TerminalSlot {
    fn drop(&mut self) {
        let mut open = self.terminals.open();
        release(&mut open.of_link, &self.link);
        release(&mut open.of_agent, &self.agent);
        open.in_all -= 1;
    }
}

fn release<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use api_types::ShareToken;

    use super::*;

    fn link(number: u8) -> TokenLookup {
        ShareToken::from_bytes(&[number; 32]).lookup()
    }

    fn agent(name: &str) -> AgentRef {
        AgentRef { namespace: "qa".into(), name: name.into() }
    }

    fn terminals() -> Terminals {
        Terminals::new(TerminalLimits { per_link: 2, per_agent: 3, in_all: 4 })
    }

    fn limit(claim: Result<TerminalSlot, Refused>) -> Limit {
        claim.unwrap_err().limit
    }

    #[test]
    fn each_limit_is_met_in_its_turn() {
        let terminals = terminals();
        let mut held: Vec<_> =
            (0..2).map(|_| terminals.claim(link(1), agent("a")).unwrap()).collect();
        assert_eq!(limit(terminals.claim(link(1), agent("a"))), Limit::TerminalsOfLink);

        held.push(terminals.claim(link(2), agent("a")).unwrap());
        assert_eq!(limit(terminals.claim(link(2), agent("a"))), Limit::TerminalsOfAgent);

        held.push(terminals.claim(link(3), agent("b")).unwrap());
        assert_eq!(limit(terminals.claim(link(4), agent("c"))), Limit::TerminalsInAll);
    }

    #[test]
    fn a_closed_terminal_leaves_its_place_and_no_trace() {
        let terminals = terminals();
        for _ in 0..10 {
            drop(terminals.claim(link(1), agent("a")).unwrap());
        }
        let open = terminals.open();
        assert_eq!((open.of_link.len(), open.of_agent.len(), open.in_all), (0, 0, 0));
    }
}
