//! What kubectl asks a plugin's completion program: the words after the plugin's name as arguments, the
//! last of them half-written, answered in the form of cobra (<https://github.com/spf13/cobra>,
//! `ShellCompDirective`).

use std::{ffi::OsString, fmt::Write as _, path::Path};

use clap_complete::{CompletionCandidate, engine};

/// The file by which kubectl finds this program as the completion of its plugin.
const PROGRAM: &str = "kubectl_complete-koc";

/// The shell offers no files beside what it is told.
const NO_FILES: u8 = 4;
/// It adds no space: more of the word follows.
const NO_SPACE: u8 = 2;

/// What is written after `kubectl`, where it is kubectl that asks.
pub(super) fn words(line: &[OsString]) -> Option<Vec<OsString>> {
    let (called, rest) = line.split_first()?;
    let is_asked = Path::new(called).file_stem().is_some_and(|name| name == PROGRAM);
    is_asked.then(|| [OsString::from("koc")].into_iter().chain(rest.iter().cloned()).collect())
}

pub(super) fn answer(words: &[OsString]) {
    let Some(last) = words.len().checked_sub(1).filter(|last| *last > 0) else { return };
    let folder = std::env::current_dir().ok();
    let mut command = super::command(words);
    let found = engine::complete(&mut command, words.to_vec(), last, folder.as_deref());
    let _ = crate::print(&text(&found.unwrap_or_default()));
}

/// A line for each, and the directive.
fn text(candidates: &[CompletionCandidate]) -> String {
    let mut text = String::new();
    let mut directive = NO_FILES;
    for candidate in candidates {
        let value = candidate.get_value().to_string_lossy();
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        let tab = if help.is_empty() { "" } else { "\t" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{value}{tab}{help}");
        if value.ends_with(['/', '=']) {
            directive |= NO_SPACE;
        }
    }
    let _ = writeln!(text, ":{directive}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_asks_by_the_programs_name_alone() {
        let line = |program: &str| [program, "agent", ""].map(OsString::from);
        let asked = words(&line("/usr/local/bin/kubectl_complete-koc")).unwrap();
        assert_eq!(asked, ["koc", "agent", ""]);
        assert_eq!(words(&line("kubectl-koc")), None);
        assert_eq!(words(&line("kubeoc")), None);
        assert_eq!(words(&[]), None);
    }

    #[test]
    fn the_answer_is_cobras() {
        let plain = || CompletionCandidate::new("demo");
        let helped = CompletionCandidate::new("share").help(Some("Enable a link\nand more".into()));
        assert_eq!(text(&[plain(), helped]), "demo\nshare\tEnable a link\n:4\n");
        assert_eq!(text(&[plain(), CompletionCandidate::new("src/")]), "demo\nsrc/\n:6\n");
        assert_eq!(text(&[]), ":4\n");
    }
}
