//! What workflows run is what was looked at: a tag can be moved, a commit cannot.

use std::fs;

use crate::root;

#[test]
fn every_action_is_pinned_by_its_commit_and_says_its_version() {
    let mut pinned = 0;
    for entry in fs::read_dir(root().join(".github/workflows")).unwrap() {
        let path = entry.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            if action.starts_with("./") {
                continue;
            }
            let (reference, version) = action.split_once(" # v").unwrap_or((action, ""));
            let commit = reference.split_once('@').map_or("", |(_, commit)| commit);
            let hexadecimal =
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            let exact = version.split('.').filter(|part| part.parse::<u32>().is_ok()).count() == 3;
            assert!(hexadecimal && exact, "{}: {action}", path.display());
            pinned += 1;
        }
    }
    assert!(pinned > 5, "{pinned}");
}
