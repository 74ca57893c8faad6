//! One channel for each link that somebody visits, and for no other.

use std::collections::HashMap;

use tokio::{sync::watch, time::Instant};

use crate::{
    index::{Change, LinkKey},
    verdict::Share,
};

/// Below this many channels, clearing away is not worth it.
const SWEEP_AT_LEAST: usize = 64;

/// What became of a link.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// `None` once the token opens nothing any more.
    pub(crate) share: Option<Share>,
    /// When the watch told of it.
    pub(crate) told_at: Instant,
}

impl News {
    fn of(share: Option<Share>) -> Self {
        Self { share, told_at: Instant::now() }
    }
}

/// The channels' senders. One without a receiver is cleared away when the number
/// of senders has doubled since the last time.
#[derive(Debug)]
pub(super) struct Channels {
    senders: HashMap<LinkKey, watch::Sender<News>>,
    /// In senders.
    sweep_at: usize,
}

impl Default for Channels {
    fn default() -> Self {
        Self { senders: HashMap::new(), sweep_at: SWEEP_AT_LEAST }
    }
}

impl Channels {
    /// A channel of what becomes of the link from now on; it is `share` at present.
    pub(super) fn subscribe(&mut self, link: LinkKey, share: &Share) -> watch::Receiver<News> {
        if let Some(sender) = self.senders.get(&link) {
            return sender.subscribe();
        }
        self.sweep();
        let (sender, receiver) = watch::channel(News::of(Some(share.clone())));
        self.senders.insert(link, sender);
        receiver
    }

    /// Tells the visitors of each link what it is now.
    pub(super) fn publish(&mut self, changes: Vec<Change>) {
        for (link, share) in changes {
            if let Some(sender) = self.senders.get(&link) {
                sender.send_replace(News::of(share));
            }
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
    use fixtures::{agent, published};

    use super::*;
    use crate::index::ShareIndex;

    /// The link of an agent, and what it is.
    fn link(name: &str) -> (LinkKey, Share) {
        let mut index = ShareIndex::default();
        let mut changes = index.apply(&agent(name, "uid-1", published(1, "uid-1")));
        let (key, share) = changes.remove(0);
        (key, share.unwrap())
    }

    #[test]
    fn links_that_nobody_visits_take_no_room() {
        let mut channels = Channels::default();
        let (stays, share) = link("stays");
        let mut visitor = channels.subscribe(stays.clone(), &share);
        for visit in 0..10_000 {
            drop(channels.subscribe(link(&format!("agent-{visit}")).0, &share));
        }
        assert!(channels.senders.len() <= SWEEP_AT_LEAST, "{}", channels.senders.len());

        channels.publish(vec![(stays, None)]);
        assert!(visitor.has_changed().unwrap(), "a visitor's channel is never swept away");
        assert_eq!(visitor.borrow_and_update().share, None);
    }
}
