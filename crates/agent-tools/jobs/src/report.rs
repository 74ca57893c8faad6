//! What a program leaves behind as its container's termination message. Pure.

use serde::{Deserialize, Serialize};

/// The longest termination message that kubelet keeps, in bytes.
pub const REPORT_BYTES_MAX: usize = 4096;

/// A program that failed leaves a sentence, which people read with kubectl; one that dealt with a repository leaves
/// its state as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    Failed(String),
    Git(GitReport),
}

/// The state of one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitReport {
    /// Of the context or skill.
    pub name: String,
    /// The commit that is checked out.
    pub commit: String,
    /// When that was last found to be so, RFC 3339.
    pub last_synced: String,
    pub state: GitState,
}

/// How a checkout stands to its repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum GitState {
    /// The files are those of the commit, or were when the agent got them.
    Synced,
    /// There is a newer commit that only a new pod will have.
    Pending { commit: String },
    /// There is a newer commit, and the agent's own work is not touched for it.
    Diverged { commit: String, why: String },
    /// The repository could not be asked.
    Failed { why: String },
}

impl Report {
    /// The whole termination message, at most [`REPORT_BYTES_MAX`] bytes.
    pub fn to_message(&self) -> String {
        let message = match self {
            Self::Failed(sentence) => sentence.clone(),
            Self::Git(git) => serde_json::to_string(git).unwrap_or_default(),
        };
        let end = message.floor_char_boundary(REPORT_BYTES_MAX);
        message[..end].to_owned()
    }

    /// What a termination message says. Of a container that wrote none kubelet keeps the end of its log.
    pub fn parse(message: &str) -> Self {
        let sentence = || Self::Failed(message.trim().to_owned());
        if !message.starts_with('{') {
            return sentence();
        }
        serde_json::from_str(message).map_or_else(|_| sentence(), Self::Git)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let git = Report::Git(GitReport {
            name: "docs".into(),
            commit: "0a".repeat(20),
            last_synced: "2026-01-01T00:00:00Z".into(),
            state: GitState::Diverged { commit: "0b".repeat(20), why: "local edits".into() },
        });
        assert_eq!(Report::parse(&git.to_message()), git);
        let failed = Report::Failed("git: no such branch".into());
        assert_eq!(Report::parse(&failed.to_message()), failed);
    }

    #[test]
    fn a_long_sentence_ends_where_kubelet_would_cut_it_and_between_characters() {
        let message = Report::Failed("ü".repeat(REPORT_BYTES_MAX)).to_message();
        assert_eq!(message.len(), REPORT_BYTES_MAX);
        let odd = Report::Failed(format!("a{}", "ü".repeat(REPORT_BYTES_MAX))).to_message();
        assert_eq!(odd.len(), REPORT_BYTES_MAX - 1);
    }
}
