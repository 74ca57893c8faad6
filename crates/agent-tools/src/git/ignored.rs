//! Which files git is told to leave alone, by the `.gitignore` of each folder and by `info/exclude`. Pure.

use gix_glob::{Pattern, pattern::Case, wildmatch::Mode};
use gix_object::bstr::ByteSlice;

use super::snapshot::Path;

/// The lists that count in a folder: each wins over those before it.
#[derive(Default)]
pub(super) struct Ignored(Vec<List>);

struct List {
    /// Where it lies; its patterns start there.
    folder: Path,
    patterns: Vec<Pattern>,
}

impl Ignored {
    pub(super) fn push(&mut self, folder: &[u8], text: &[u8]) {
        let patterns = text.lines().filter(|line| !line.starts_with(b"#"));
        let patterns = patterns.filter_map(|line| gix_glob::parse(without_spaces(line))).collect();
        self.0.push(List { folder: folder.to_vec(), patterns });
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// Of an entry in a folder that is not ignored itself.
    pub(super) fn has(&self, path: &[u8], is_folder: bool) -> bool {
        let deciding = self.0.iter().rev().find_map(|list| list.deciding(path, is_folder));
        deciding.is_some_and(|pattern| !pattern.is_negative())
    }
}

impl List {
    /// The last one that matches.
    fn deciding(&self, path: &[u8], is_folder: bool) -> Option<&Pattern> {
        let path = path.strip_prefix(self.folder.as_slice())?;
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let name_at = path.rfind_byte(b'/').map(|at| at + 1);
        self.patterns.iter().rev().find(|pattern| {
            pattern.matches_repo_relative_path(
                path.as_bstr(),
                name_at,
                Some(is_folder),
                Case::Sensitive,
                Mode::NO_MATCH_SLASH_LITERAL,
            )
        })
    }
}

/// Without the spaces at its end, unless a backslash keeps the first of them.
fn without_spaces(line: &[u8]) -> &[u8] {
    let kept = line.trim_end_with(|letter| letter == ' ');
    if kept.ends_with(b"\\") && kept.len() < line.len() { &line[..=kept.len()] } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_ignored_as_git_does_it() {
        let mut ignored = Ignored::default();
        ignored.push(
            b"",
            b"# notes\n*.log\n/build/\r\nout/  \n\\!odd\na/*.tmp\n**/cache\n!kept.log\n",
        );
        ignored.push(b"sub", b"!again.log\n/only-here\n");
        for (path, is_folder, expected) in [
            ("x.log", false, true),
            ("a/b/x.log", false, true),
            ("kept.log", false, false),
            ("sub/again.log", false, false),
            ("again.log", false, true),
            ("build", true, true),
            ("build", false, false),
            ("a/build", true, false),
            ("a/out", true, true),
            ("!odd", false, true),
            ("a/x.tmp", false, true),
            ("a/b/x.tmp", false, false),
            ("a/b/cache", true, true),
            ("sub/only-here", false, true),
            ("sub/a/only-here", false, false),
            ("only-here", false, false),
            ("# notes", false, false),
        ] {
            assert_eq!(ignored.has(path.as_bytes(), is_folder), expected, "{path}");
        }
        ignored.pop();
        assert!(ignored.has(b"sub/again.log", false));
    }
}
