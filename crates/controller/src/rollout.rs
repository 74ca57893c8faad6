//! Which commits an agent's pod was started for: an annotation of its template, so that a
//! repository that follows its origin by `sync.policy: Rollout` restarts the pod once for each
//! commit. Pure.

use std::collections::BTreeMap;

/// What the annotation holds: the commit of each repository for which the pod was restarted.
type Revisions = BTreeMap<String, String>;

/// The longest name of a commit, in hexadecimal digits.
const COMMIT_DIGITS_MAX: usize = 64;

/// The annotation of a pod that is started for the commits in `moved`, or `None` where it was started for all of
/// them already: what it has then is what its clone got, and another restart would get no more.
/// `moved` is what the pod's programs report: the repository's name and the commit at its origin.
pub fn revision(current: Option<&str>, moved: &[(&str, &str)]) -> Option<String> {
    let held: Revisions =
        current.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut new = held.clone();
    let is_commit = |text: &str| {
        (1..=COMMIT_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
    };
    for (name, commit) in moved.iter().filter(|(_, commit)| is_commit(commit)) {
        new.insert((*name).to_owned(), (*commit).to_owned());
    }
    if new == held {
        return None;
    }
    serde_json::to_string(&new).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_commit_restarts_the_pod_once() {
        let first = revision(None, &[("code", "0a")]).unwrap();
        assert_eq!(first, r#"{"code":"0a"}"#);
        assert_eq!(revision(Some(&first), &[]), None, "the clone got it");
        assert_eq!(revision(Some(&first), &[("code", "0a")]), None, "it got an older one");
        let second = revision(Some(&first), &[("code", "0b")]).unwrap();
        assert_eq!(second, r#"{"code":"0b"}"#);
        // One that stays behind does not restart the pod when another one moves on.
        let both = revision(Some(&second), &[("code", "0b"), ("docs", "0c")]).unwrap();
        assert_eq!(both, r#"{"code":"0b","docs":"0c"}"#);
        assert_eq!(revision(Some(&both), &[("code", "0b")]), None);
    }

    #[test]
    fn an_annotation_that_is_not_ours_is_written_anew_only_for_a_commit() {
        for text in ["", "[]", "{", r#"{"code":1}"#] {
            assert_eq!(revision(Some(text), &[]), None, "{text}");
            let new = revision(Some(text), &[("code", "0a")]);
            assert_eq!(new.as_deref(), Some(r#"{"code":"0a"}"#), "{text}");
        }
    }

    #[test]
    fn what_is_no_commit_restarts_nothing() {
        for text in ["", "main", "0a\n", &"0".repeat(65)] {
            assert_eq!(revision(None, &[("code", text)]), None, "{text:?}");
        }
    }
}
