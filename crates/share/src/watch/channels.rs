//! One channel for each agent that somebody listens to, and for no other.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::index::AgentRef;

/// Below this many channels, clearing away is not worth it.
const SWEEP_AT_LEAST: usize = 64;

/// The channels' senders. One without a receiver is cleared away when the number
/// of senders has doubled since the last time.
#[derive(Debug)]
pub(super) struct Channels {
    senders: HashMap<AgentRef, watch::Sender<u64>>,
    /// In senders.
    sweep_at: usize,
}

impl Default for Channels {
    fn default() -> Self {
        Self { senders: HashMap::new(), sweep_at: SWEEP_AT_LEAST }
    }
}

impl Channels {
    pub(super) fn subscribe(&mut self, agent: &AgentRef) -> watch::Receiver<u64> {
        if let Some(sender) = self.senders.get(agent) {
            return sender.subscribe();
        }
        self.sweep();
        let (sender, receiver) = watch::channel(0);
        self.senders.insert(agent.clone(), sender);
        receiver
    }

    /// Wakes everybody who listens to `agent`.
    pub(super) fn bump(&mut self, agent: &AgentRef) {
        if let Some(sender) = self.senders.get(agent) {
            sender.send_modify(|changes| *changes = changes.wrapping_add(1));
        }
    }

    fn sweep(&mut self) {
        if self.senders.len() >= self.sweep_at {
            self.senders.retain(|_, sender| sender.receiver_count() > 0);
            self.sweep_at = (2 * self.senders.len()).max(SWEEP_AT_LEAST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_that_nobody_listens_to_take_no_room() {
        let mut channels = Channels::default();
        let stays = AgentRef::new("team-a", "stays");
        let mut listener = channels.subscribe(&stays);
        for visitor in 0..10_000 {
            drop(channels.subscribe(&AgentRef::new("team-a", format!("agent-{visitor}"))));
        }
        assert!(channels.senders.len() <= SWEEP_AT_LEAST, "{}", channels.senders.len());

        channels.bump(&stays);
        assert!(listener.has_changed().unwrap(), "a listener is never swept away");
        assert_eq!(*listener.borrow_and_update(), 1);
    }
}
