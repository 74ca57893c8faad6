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
    /// The whole termination message, at most [`REPORT_BYTES_MAX`] bytes. Of what is longer a text is cut, so that it
    /// can be read on the other side.
    pub fn to_message(&self) -> String {
        match self {
            Self::Failed(sentence) => head(sentence, REPORT_BYTES_MAX).to_owned(),
            Self::Git(git) => git.to_message(),
        }
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

impl GitReport {
    fn to_message(&self) -> String {
        let mut git = self.clone();
        // The sentence first: what is left of the others tells nobody anything.
        for number in 0..TEXTS {
            let message = serde_json::to_string(&git).unwrap_or_default();
            let Some(over @ 1..) = message.len().checked_sub(REPORT_BYTES_MAX) else {
                return message;
            };
            if let Some(text) = git.text(number) {
                *text = shortened(text, over);
            }
        }
        serde_json::to_string(&git).unwrap_or_default()
    }

    /// The texts, the longest first.
    fn text(&mut self, number: usize) -> Option<&mut String> {
        let (why, commit) = match &mut self.state {
            GitState::Synced => (None, None),
            GitState::Pending { commit } => (None, Some(commit)),
            GitState::Diverged { commit, why } => (Some(why), Some(commit)),
            GitState::Failed { why } => (Some(why), None),
        };
        let texts: [_; TEXTS] = [
            why,
            Some(&mut self.name),
            commit,
            Some(&mut self.commit),
            Some(&mut self.last_synced),
        ];
        texts.into_iter().nth(number).flatten()
    }
}

/// How many texts a report has.
const TEXTS: usize = 5;

/// What stands for the rest of a text.
const CUT: &str = "…";

/// A text without its end, which is so many bytes shorter in JSON, or as short as can be.
fn shortened(text: &str, over: usize) -> String {
    // Without the quotation marks.
    let bytes = |part: &str| serde_json::to_string(part).map_or(part.len(), |json| json.len() - 2);
    let bytes_max = bytes(text).saturating_sub(over + bytes(CUT));
    let mut sum = 0;
    let is_within = |(_, character): &(usize, char)| {
        sum += bytes(character.encode_utf8(&mut [0; 4]));
        sum <= bytes_max
    };
    let end = text.char_indices().take_while(is_within).last();
    let end = end.map_or(0, |(at, character)| at + character.len_utf8());
    format!("{}{CUT}", &text[..end])
}

/// The beginning of a text.
fn head(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
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

    #[test]
    fn a_git_report_of_any_length_is_read_as_what_it_is() {
        let git = |name: &str, state| GitReport {
            name: name.into(),
            commit: "0a".repeat(20),
            last_synced: "2026-01-01T00:00:00Z".into(),
            state,
        };
        let commit = || "0b".repeat(20);
        for text in ["x", "ü", "\"", "\\", "\u{1}", "\u{1f600}"] {
            let why = format!("it is so: {}", text.repeat(9000));
            for state in [
                GitState::Diverged { commit: commit(), why: why.clone() },
                GitState::Failed { why: why.clone() },
            ] {
                let message = Report::Git(git("docs", state.clone())).to_message();
                assert!(message.len() <= REPORT_BYTES_MAX, "{}", message.len());
                let Report::Git(read) = Report::parse(&message) else { panic!("{message}") };
                assert_eq!(git("docs", read.state.clone()), read, "the rest is whole");
                let (GitState::Diverged { why: cut, .. } | GitState::Failed { why: cut }) =
                    read.state
                else {
                    panic!("{message}")
                };
                assert!(cut.ends_with('…') && why.starts_with(cut.trim_end_matches('…')), "{cut}");
                assert!(cut.starts_with("it is so: "), "{cut}");
            }
            // No name is so long, but it would be no reason to be silent.
            let long = git(&why, GitState::Pending { commit: commit() });
            let message = Report::Git(long.clone()).to_message();
            let Report::Git(read) = Report::parse(&message) else { panic!("{message}") };
            assert_eq!(read.state, long.state);
        }
    }
}
