//! How many terminals one process holds: through one link, of one agent and in all. Each costs its
//! agent's pod a process, so a place is taken before a terminal opens, and kept until what it cost
//! is gone.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU16,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use api_types::{AgentId, TokenLookup};

/// How many terminals may be open at a time. Gateway and broker have the same, so that a terminal
/// which one of them admits is not refused by the other for its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Terminals")]
pub struct Limits {
    /// Maximum number of terminals open through one link
    #[arg(long = "max-terminals-per-link", env = "MAX_TERMINALS_PER_LINK", value_name = "COUNT",
        default_value_t = Self::DEFAULT.per_link)]
    pub per_link: usize,

    /// Maximum number of terminals open for one agent
    #[arg(long = "max-terminals-per-agent", env = "MAX_TERMINALS_PER_AGENT", value_name = "COUNT",
        default_value_t = Self::DEFAULT.per_agent)]
    pub per_agent: usize,

    /// Maximum number of terminals open in this process
    #[arg(long = "max-terminals", env = "MAX_TERMINALS", value_name = "COUNT",
        default_value_t = Self::DEFAULT.in_all)]
    pub in_all: usize,
}

impl Limits {
    pub const DEFAULT: Self = Self { per_link: 8, per_agent: 16, in_all: 1000 };
}

/// Which limit a further terminal would exceed. HTTP 429, gRPC `RESOURCE_EXHAUSTED`, close code
/// 1013.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Full {
    #[error("too many terminals are open through this link; try again later")]
    Link,
    /// The link's own `maxViewers`.
    #[error("as many viewers as this link allows are here already; try again later")]
    Viewers,
    #[error("too many terminals of this agent are open; try again later")]
    Agent,
    #[error("too many terminals are open; try again later")]
    Process,
}

impl Full {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Link, Self::Viewers, Self::Agent, Self::Process];

    /// A stable word for metrics and logs.
    pub fn category(self) -> &'static str {
        match self {
            Self::Link => "terminals_per_link",
            Self::Viewers => "max_viewers",
            Self::Agent => "terminals_per_agent",
            Self::Process => "terminals",
        }
    }
}

/// The open terminals of this process. A clone counts the same ones.
#[derive(Clone, Debug)]
pub struct Capacity {
    limits: Limits,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    of_link: HashMap<TokenLookup, usize>,
    of_agent: HashMap<AgentId, usize>,
    in_all: usize,
}

/// One terminal's place, free again when dropped.
#[derive(Debug)]
pub struct Slot {
    link: TokenLookup,
    agent: AgentId,
    capacity: Capacity,
}

impl Capacity {
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: Arc::default() }
    }

    /// Takes a place, or says which limit is met. `max_viewers` is the link's own limit, which lowers
    /// that of all links and never raises it.
    pub fn claim(
        &self,
        link: TokenLookup,
        agent: &AgentId,
        max_viewers: Option<NonZeroU16>,
    ) -> Result<Slot, Full> {
        let mut open = self.open();
        let of = |count: Option<&usize>| count.copied().unwrap_or_default();
        let through_it = of(open.of_link.get(&link));
        if max_viewers.is_some_and(|most| through_it >= usize::from(most.get())) {
            return Err(Full::Viewers);
        }
        if through_it >= self.limits.per_link {
            return Err(Full::Link);
        }
        if of(open.of_agent.get(agent)) >= self.limits.per_agent {
            return Err(Full::Agent);
        }
        if open.in_all >= self.limits.in_all {
            return Err(Full::Process);
        }
        *open.of_link.entry(link).or_default() += 1;
        *open.of_agent.entry(agent.clone()).or_default() += 1;
        open.in_all += 1;
        drop(open);
        Ok(Slot { link, agent: agent.clone(), capacity: self.clone() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Each change is a few additions, so a panic elsewhere left nothing half done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.capacity.open();
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
    use super::*;
    use fixtures::token;

    fn link(number: u8) -> TokenLookup {
        token(number).lookup()
    }

    fn agent(name: &str) -> AgentId {
        AgentId::new("qa", name, "uid-1")
    }

    fn capacity() -> Capacity {
        Capacity::new(Limits { per_link: 2, per_agent: 3, in_all: 4 })
    }

    #[test]
    fn each_limit_is_met_in_its_turn() {
        let capacity = capacity();
        let claim = |number, name| capacity.claim(link(number), &agent(name), None);
        let mut held: Vec<_> = (0..2).map(|_| claim(1, "a").unwrap()).collect();
        assert_eq!(claim(1, "a").unwrap_err(), Full::Link);

        held.push(claim(2, "a").unwrap());
        assert_eq!(claim(2, "a").unwrap_err(), Full::Agent);

        held.push(claim(3, "b").unwrap());
        assert_eq!(claim(4, "c").unwrap_err(), Full::Process);
    }

    #[test]
    fn a_link_lowers_the_limit_of_all_links_and_never_raises_it() {
        let capacity = capacity();
        let claim = |number, most| capacity.claim(link(number), &agent("a"), NonZeroU16::new(most));
        let one = claim(1, 1).unwrap();
        assert_eq!(claim(1, 1).unwrap_err(), Full::Viewers);
        let other = claim(2, 1).unwrap();
        drop(one);
        let again = claim(1, 1).unwrap();
        // Its owner allows more from now on.
        assert_eq!(claim(1, 2).map(drop), Ok(()));
        drop((other, again));
        let _held = [claim(1, 1000).unwrap(), claim(1, 1000).unwrap()];
        assert_eq!(claim(1, 1000).unwrap_err(), Full::Link);
    }

    #[test]
    fn a_closed_terminal_leaves_its_place_and_no_trace() {
        let capacity = capacity();
        for _ in 0..10 {
            drop(capacity.claim(link(1), &agent("a"), None).unwrap());
        }
        let open = capacity.open();
        assert_eq!((open.of_link.len(), open.of_agent.len(), open.in_all), (0, 0, 0));
    }
}
