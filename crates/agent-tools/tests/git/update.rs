//! Checkouts on a volume that outlives the pod: brought up to date, never reset.

use std::fs;

use agent_jobs::GitState;

use super::{clone::server, origin::Origin, pod::Pod, server::Server};

fn persistent(server: &Server) -> Pod {
    Pod::new(&server.url("open", "repo")).trusting(&server.ca()).with("persistent", true)
}

#[test]
fn a_clean_checkout_is_fast_forwarded() {
    let (server, origin) = server();
    for path in [None, Some("sub")] {
        let pod = persistent(&server);
        let pod = path.iter().fold(pod, |pod, path| pod.with("path", *path));
        pod.init().synced();
        let name = path.unwrap_or("whole");
        origin.write("sub/dir/file", name).write("sub/new/file", "new\n").commit("three");
        fs::remove_file(origin.path.join("sub/new/file")).unwrap();
        origin.write("sub/newer", "x").commit("four");
        assert_eq!(pod.init().synced(), origin.head());
        let prefix = if path.is_some() { "" } else { "sub/" };
        assert_eq!(pod.text(&format!("{prefix}dir/file")), name);
        assert!(!pod.docs(&format!("{prefix}new")).exists());
        if path.is_none() {
            assert_eq!(pod.git(&["status", "--porcelain"]), "");
            assert_eq!(pod.git(&["log", "--format=%s"]), "four\nthree\ntwo");
            pod.git(&["fsck", "--strict"]);
        }
    }
}

#[test]
fn every_kind_of_work_of_the_agent_is_left_alone_and_named() {
    type Work = fn(&Pod);
    let cases: [(&str, Work); 9] = [
        ("'README.md' was changed here", |pod| fs::write(pod.docs("README.md"), "mine").unwrap()),
        ("'README.md' was changed here", |pod| fs::remove_file(pod.docs("README.md")).unwrap()),
        ("'README.md' was changed here", |pod| {
            fs::remove_file(pod.docs("README.md")).unwrap();
            std::os::unix::fs::symlink("/etc/hostname", pod.docs("README.md")).unwrap();
        }),
        ("'new' was changed here", |pod| fs::write(pod.docs("new"), "mine").unwrap()),
        ("'folder/file' was changed here", |pod| fs::write(pod.docs("folder"), "mine").unwrap()),
        ("'mine' is staged here", |pod| {
            fs::write(pod.docs("mine"), "mine").unwrap();
            pod.git(&["add", "mine"]);
        }),
        ("it has commits of its own", |pod| {
            fs::write(pod.docs("mine"), "mine").unwrap();
            pod.git(&["add", "mine"]);
            pod.git(&["commit", "--quiet", "-m", "mine"]);
        }),
        ("mine is checked out here, not main", |pod| {
            pod.git(&["checkout", "--quiet", "-b", "mine"]);
        }),
        ("no branch is checked out here, not main", |pod| {
            pod.git(&["checkout", "--quiet", "--detach"]);
        }),
    ];
    for (expected, work) in cases {
        let (server, origin) = server();
        let pod = persistent(&server);
        pod.init().synced();
        work(&pod);
        let before = snapshot(&pod);
        let newest =
            origin.write("README.md", "3").write("new", "3").write("folder/file", "3").commit("3");
        let report = pod.init().git();
        let GitState::Diverged { commit, why } = report.state else { panic!("{report:?}") };
        assert_eq!((why.as_str(), commit), (expected, newest.clone()));
        assert_eq!(snapshot(&pod), before, "{expected}");
        assert_eq!(report.commit, pod.git(&["rev-parse", "HEAD"]));
        // The agent finds the news where git puts them.
        assert_eq!(pod.git(&["rev-parse", "origin/main"]), newest);
    }
}

/// Branch, commits, staged and other changes, and the content of all files.
pub(crate) fn snapshot(pod: &Pod) -> String {
    let mut grep = std::process::Command::new("grep");
    grep.args(["-r", "", "--exclude-dir=.git", "."]).current_dir(pod.docs(""));
    let files = grep.output().unwrap();
    let status = pod.git(&["status", "--porcelain=v2", "--untracked-files=all"]);
    let head = pod.git(&["rev-parse", "HEAD", "--abbrev-ref", "HEAD"]);
    let mut lines: Vec<_> =
        String::from_utf8(files.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    format!("{head}\n{status}\n{}", lines.join("\n"))
}

#[test]
fn files_that_are_in_nobodys_way_hold_nothing_up() {
    let (server, origin) = server();
    let pod = persistent(&server);
    pod.init().synced();
    fs::write(pod.docs("notes"), "mine").unwrap();
    fs::create_dir(pod.docs("build")).unwrap();
    fs::write(pod.docs("sub/build"), "mine").unwrap();
    let newest = origin.write("README.md", "3").commit("3");
    assert_eq!(pod.init().synced(), newest);
    assert_eq!(pod.text("notes"), "mine");
    assert_eq!(pod.text("sub/build"), "mine");
}

#[test]
fn a_file_that_was_only_touched_is_not_changed() {
    let (server, origin) = server();
    let pod = persistent(&server);
    pod.init().synced();
    fs::write(pod.docs("README.md"), pod.text("README.md")).unwrap();
    let newest = origin.write("README.md", "3").commit("3");
    assert_eq!(pod.init().synced(), newest);
}

#[test]
fn a_folder_that_becomes_a_file_and_a_file_that_becomes_a_folder_are_replaced() {
    let (server, origin) = server();
    let pod = persistent(&server);
    pod.init().synced();
    fs::remove_dir_all(origin.path.join("sub")).unwrap();
    fs::remove_file(origin.path.join("README.md")).unwrap();
    let newest = origin.write("sub", "a file").write("README.md/x", "a folder").commit("3");
    assert_eq!(pod.init().synced(), newest);
    assert_eq!(pod.text("sub"), "a file");
    assert_eq!(pod.text("README.md/x"), "a folder");
    assert_eq!(pod.git(&["status", "--porcelain"]), "");
}

#[test]
fn an_update_that_was_cut_short_is_finished() {
    let (server, origin) = server();
    let pod = persistent(&server);
    pod.init().synced();
    fs::remove_file(origin.path.join("sub/dir/file")).unwrap();
    let newest = origin.write("README.md", "3").write("new", "3").commit("3");
    // As a process leaves it that is killed before it writes the index.
    fs::write(pod.docs("README.md"), "3").unwrap();
    fs::write(pod.docs("new"), "3").unwrap();
    fs::remove_file(pod.docs("sub/dir/file")).unwrap();
    fs::write(pod.docs(".git/index.lock"), "kubeopencode\n").unwrap();
    fs::write(pod.docs(".git/.kubeopencode-partial"), "half").unwrap();
    assert_eq!(pod.init().synced(), newest);
    assert_eq!(pod.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_git_that_is_at_work_is_not_disturbed() {
    let (server, origin) = server();
    let pod = persistent(&server);
    pod.init().synced();
    origin.write("README.md", "3").commit("3");
    fs::write(pod.docs(".git/index.lock"), "").unwrap();
    assert!(pod.init().diverged().starts_with("git is at work in it"));
    assert_eq!(pod.text("README.md"), "two\n");
    fs::remove_file(pod.docs(".git/index.lock")).unwrap();
    pod.init().synced();
}

#[test]
fn commits_that_the_agent_pushed_are_no_commits_of_its_own() {
    let (server, origin) = server();
    let pod = persistent(&server);
    pod.init().synced();
    fs::write(pod.docs("mine"), "mine").unwrap();
    pod.git(&["add", "mine"]);
    pod.git(&["commit", "--quiet", "-m", "mine"]);
    pod.git(&["push", "--quiet", origin.path.to_str().unwrap(), "HEAD:main"]);
    assert_eq!(pod.init().synced(), origin.head());
    origin.git(&["reset", "--quiet", "--hard"]);
    let newest = origin.write("README.md", "3").commit("3");
    assert_eq!(pod.init().synced(), newest);
    assert_eq!(pod.git(&["log", "--format=%s"]), "3\nmine\ntwo");
}

#[test]
fn a_rewritten_history_is_followed_only_where_nothing_outlives_the_pod() {
    let (server, origin) = server();
    let kept = persistent(&server);
    let followed = Pod::new(&server.url("open", "repo")).trusting(&server.ca());
    kept.init().synced();
    followed.init().synced();
    origin.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let newest = origin.write("README.md", "other\n").commit("other");
    assert_eq!(kept.init().diverged(), "its history was rewritten at the server");
    assert_eq!(kept.text("README.md"), "two\n");
    assert_eq!(followed.init().synced(), newest);
    assert_eq!(followed.text("README.md"), "other\n");
}

#[test]
fn a_tag_that_moves_is_followed_and_a_commit_stays() {
    let (server, origin) = server();
    origin.git(&["tag", "-a", "latest", "-m", "x"]);
    let tagged = persistent(&server).with("reference", "latest");
    let pinned = persistent(&server).with("reference", origin.head());
    let first = tagged.init().synced();
    pinned.init().synced();
    let newest = origin.write("README.md", "3").commit("3");
    origin.git(&["tag", "-f", "-a", "latest", "-m", "y"]);
    assert_eq!(tagged.init().synced(), newest);
    assert_eq!(tagged.text("README.md"), "3");
    assert_eq!(tagged.git(&["rev-parse", "latest^{commit}"]), newest);
    assert_eq!(pinned.init().synced(), first);
}

#[test]
fn a_tag_of_the_agents_is_not_moved_to_where_the_server_has_it() {
    let (server, origin) = server();
    let pod = persistent(&server).with("depth", 0);
    let first = pod.init().synced();
    pod.git(&["tag", "v2"]);
    for is_diverged in [false, true] {
        let newest = origin.write("README.md", &is_diverged.to_string()).commit("next");
        origin.git(&["tag", "--force", "v2"]);
        origin.git(&["tag", "--force", &format!("new-{is_diverged}")]);
        if is_diverged {
            fs::write(pod.docs("README.md"), "mine").unwrap();
            pod.init().diverged();
        } else {
            pod.init().synced();
        }
        assert_eq!(pod.git(&["rev-parse", "v2"]), first);
        assert_eq!(pod.git(&["rev-parse", &format!("new-{is_diverged}")]), newest);
    }
}

#[test]
fn a_checkout_that_git_made_is_taken_over() {
    let (server, origin) = server();
    let pod = persistent(&server);
    let path = pod.docs("").to_str().unwrap().to_owned();
    origin.git(&["clone", "--quiet", ".", &path]);
    pod.git(&["remote", "set-url", "origin", &server.url("open", "repo")]);
    pod.git(&["pack-refs", "--all"]);
    let newest = origin.write("README.md", "3").commit("3");
    assert_eq!(pod.init().synced(), newest);
    assert_eq!(pod.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_checkout_of_another_repository_and_other_paths_are_left_alone() {
    let (server, origin) = server();
    let other = Origin::new(server.srv(), "other");
    other.write("a", "a").commit("a");
    let mut pod = persistent(&server);
    pod.init().synced();
    pod.job["repository"] = server.url("open", "other").into();
    let why = pod.init().diverged();
    assert!(why.contains("holds a checkout of https://localhost:"), "{why}");
    assert_eq!(pod.text("README.md"), "two\n");

    let mut pod = persistent(&server).with("path", "sub");
    pod.init().synced();
    pod.job["path"] = "sub/dir".into();
    let why = pod.init().diverged();
    assert!(why.contains("what another path, ref or list of names selected"), "{why}");
    assert_eq!(pod.text("dir/file"), "text\n");
    drop(origin);
}

#[test]
fn a_server_that_is_away_keeps_no_agent_from_its_work() {
    let (server, origin) = server();
    let pod = persistent(&server);
    pod.init().synced();
    let head = origin.head();
    fs::remove_dir_all(&origin.path).unwrap();
    let report = pod.init().git();
    let GitState::Failed { why } = report.state else { panic!("{report:?}") };
    assert!(why.contains("does not exist, or is hidden"), "{why}");
    assert_eq!(report.commit, head);
}
