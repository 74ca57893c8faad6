//! What the link allows at present, as a session's end at the viewer reads it and tells the page. It
//! judges nothing: the visit does, and the broker for itself.

use api_types::Access;
use daemon::clock;
use share::Grant;
use tokio::sync::watch;

use super::message::LinkState;

/// The last grant of one visit.
pub(super) struct Link(watch::Receiver<Grant>);

impl Link {
    pub(super) fn new(grants: watch::Receiver<Grant>) -> Self {
        Self(grants)
    }

    pub(super) fn access(&self) -> Access {
        self.0.borrow().access
    }

    /// The state to tell of where it changed since it was told last.
    pub(super) fn news(&mut self) -> Option<LinkState> {
        // An error says that the session is over.
        self.0.has_changed().unwrap_or(false).then(|| self.state())
    }

    /// The state, which counts as told.
    pub(super) fn state(&mut self) -> LinkState {
        LinkState::of(*self.0.borrow_and_update(), clock::now())
    }
}
