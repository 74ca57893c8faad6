//! What the agent does while the servers take their time, after its checkout was found to be clean.

use std::{fs, process::Stdio};

use super::{
    pod::Pod,
    submodules::{self, newer, point},
    update::snapshot,
};

/// Does `work` after the repository was judged, and before the server of its submodule answers. Returns why the
/// checkout is left as it is.
fn meanwhile(tool: &str, work: impl FnOnce(&Pod)) -> String {
    let (server, repo, lib) = submodules::server();
    let sync = serde_json::json!({ "intervalSeconds": 1, "policy": "HotReload" });
    let pod = submodules::pod(&server).with("persistent", true).with("sync", sync);
    let first = pod.init().synced();
    let newer = newer(&lib);
    repo.write("README.md", "newer\n").write("new", "new\n");
    repo.git(&["add", "README.md", "new"]);
    point(&repo, "vendor/lib", &newer);
    repo.git(&["commit", "--quiet", "--message", "newer"]);

    server.hold(Some("/open/lib/"));
    let before = server.asked().iter().filter(|asked| asked.path.starts_with("/open/lib/")).count();
    let child = pod.command(tool).stderr(Stdio::piped()).spawn().unwrap();
    let mut asked = server.asked();
    while asked.iter().filter(|asked| asked.path.starts_with("/open/lib/")).count() == before {
        server.wait_for(asked.len() + 1);
        asked = server.asked();
    }
    work(&pod);
    let mine = snapshot(&pod);
    server.hold(None);
    let why = pod.ended(&child.wait_with_output().unwrap()).diverged();
    assert_eq!(snapshot(&pod), mine, "{why}");
    assert_eq!(pod.git(&["rev-parse", "HEAD@{upstream}"]), repo.head());
    for lock in ["index", "HEAD", "refs/heads/main", "refs/kubeopencode/synced"] {
        let left = fs::read_to_string(pod.docs(&format!(".git/{lock}.lock"))).unwrap_or_default();
        assert_eq!(left, "", "{lock}.lock is ours");
    }
    let commits = pod.git(&["log", "--format=%H"]);
    assert!(commits.lines().any(|commit| commit == first), "{commits}");
    why
}

#[test]
fn an_edit_is_kept() {
    for tool in ["git-sync", "git-init"] {
        let why = meanwhile(tool, |pod| fs::write(pod.docs("README.md"), "mine").unwrap());
        assert_eq!(why, "'README.md' was changed here");
    }
    let why = meanwhile("git-sync", |pod| fs::write(pod.docs("new"), "mine").unwrap());
    assert_eq!(why, "'new' was changed here");
}

#[test]
fn what_is_staged_is_kept() {
    let why = meanwhile("git-sync", |pod| {
        fs::write(pod.docs("mine"), "mine").unwrap();
        pod.git(&["add", "mine"]);
    });
    assert_eq!(why, "'mine' is staged here");
}

#[test]
fn a_commit_is_kept() {
    let why = meanwhile("git-sync", |pod| {
        fs::write(pod.docs("mine"), "mine").unwrap();
        pod.git(&["add", "mine"]);
        pod.git(&["commit", "--quiet", "-m", "mine"]);
    });
    assert_eq!(why, "it has commits of its own");
    let why = meanwhile("git-sync", |pod| {
        pod.git(&["commit", "--quiet", "--allow-empty", "-m", "mine"]);
    });
    assert_eq!(why, "it has commits of its own");
}

#[test]
fn a_branch_and_a_git_that_is_at_work_are_not_disturbed() {
    let why = meanwhile("git-sync", |pod| {
        pod.git(&["branch", "--quiet", "mine"]);
        pod.git(&["symbolic-ref", "HEAD", "refs/heads/mine"]);
        pod.git(&["branch", "--quiet", "--set-upstream-to", "origin/main"]);
    });
    assert_eq!(why, "mine is checked out here, not main");
    for name in ["index", "HEAD", "refs/heads/main"] {
        let why = meanwhile("git-sync", |pod| {
            fs::write(pod.docs(&format!(".git/{name}.lock")), "").unwrap();
        });
        assert!(
            why.starts_with(&format!("git is at work in it, as its {name}.lock says")),
            "{why}"
        );
    }
}

#[test]
fn an_edit_in_a_submodule_is_kept_while_that_of_another_is_fetched() {
    let why = meanwhile("git-sync", |pod| {
        fs::write(pod.docs("vendor/lib/doc/lib.txt"), "mine").unwrap();
    });
    assert_eq!(why, "submodule 'vendor/lib': 'doc/lib.txt' was changed here");
}
