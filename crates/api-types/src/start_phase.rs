//! What an agent does between its creation and its first answer, as everybody is told it: the
//! condition `Ready` with reason `Progressing` carries the sentence, and who reads it there, such as
//! the page of a share link, knows it to be ours and may show it to guests.

/// The phases of a start, in their order. `Display` is the sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum StartPhase {
    #[error("the agent's pod is being scheduled")]
    Scheduling,
    #[error("the agent's pod is starting")]
    Starting,
    #[error("the agent is cloning its repositories")]
    CloningRepositories,
    #[error("the agent is fetching its context from the web")]
    FetchingUrls,
    #[error("the agent is writing its context files")]
    WritingContexts,
    #[error("the agent is installing its plugins")]
    InstallingPlugins,
    #[error("the agent's server is starting")]
    StartingServer,
}

impl StartPhase {
    pub const ALL: [Self; 7] = [
        Self::Scheduling,
        Self::Starting,
        Self::CloningRepositories,
        Self::FetchingUrls,
        Self::WritingContexts,
        Self::InstallingPlugins,
        Self::StartingServer,
    ];

    /// The phase whose sentence `message` is. `None` for any other text, which may be a user's.
    pub fn from_message(message: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.to_string() == message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_sentences_are_known() {
        for phase in StartPhase::ALL {
            assert_eq!(StartPhase::from_message(&phase.to_string()), Some(phase));
        }
        assert_eq!(StartPhase::from_message("the agent's server is starting: https://x"), None);
        assert_eq!(StartPhase::from_message(""), None);
    }
}
