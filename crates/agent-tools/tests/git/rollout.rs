//! A new pod is asked for only where it loses nothing of the agent's, and does not find it in the way once more.

use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
};

use agent_jobs::GitState;
use serde_json::json;

use super::{
    clone::server,
    origin::{self, Origin},
    pod::Pod,
    server::Server,
    submodules::{self, newer, point},
};

type Work = fn(&Pod);

/// Of a checkout that ends with its pod.
fn pod(server: &Server) -> Pod {
    follows(Pod::new(&server.url("open", "repo")).trusting(&server.ca()))
}

fn follows(pod: Pod) -> Pod {
    let pod = pod.with("sync", json!({ "intervalSeconds": 1, "policy": "Rollout" }));
    pod.with("persistent", true)
}

fn news(origin: &Origin) -> String {
    origin.write("README.md", "3").write("new", "3").commit("3")
}

fn pending(commit: &str) -> GitState {
    GitState::Pending { commit: commit.to_owned() }
}

fn commit(folder: &Path, name: &str) {
    fs::write(folder.join(name), "mine").unwrap();
    origin::read(folder, &["add", name]);
    origin::read(folder, &["commit", "--quiet", "-m", "mine"]);
}

/// Whether a program runs on once it has asked the server three times more.
fn runs_on(server: &Server, child: &mut Child) -> bool {
    server.wait_for(server.asked().len() + 7);
    child.try_wait().unwrap().is_none()
}

#[test]
fn every_kind_of_work_that_a_new_pod_would_lose_holds_it_up_and_is_named() {
    const WHAT_TO_DO: &str = "commit and push it, remove it, or have git ignore it";
    let untracked = |path: &str| format!("'{path}' is in no commit: {WHAT_TO_DO}");
    let cases: [(String, Work); 11] = [
        ("'README.md' was changed here".into(), |pod| {
            fs::write(pod.docs("README.md"), "mine").unwrap();
        }),
        ("'sub/dir/file' was changed here".into(), |pod| {
            fs::remove_file(pod.docs("sub/dir/file")).unwrap();
        }),
        ("'mine' is staged here".into(), |pod| {
            fs::write(pod.docs("mine"), "mine").unwrap();
            pod.git(&["add", "mine"]);
        }),
        ("it has commits of its own".into(), |pod| commit(&pod.docs(""), "mine")),
        ("mine is checked out here, not main".into(), |pod| {
            pod.git(&["checkout", "--quiet", "-b", "mine"]);
        }),
        (
            "git is at work in it, as its index.lock says; it will be looked at again".into(),
            |pod| {
                fs::write(pod.docs(".git/index.lock"), "").unwrap();
            },
        ),
        (
            "its branch mine has commits that the server lacks: push it, or delete it".into(),
            |pod| {
                pod.git(&["checkout", "--quiet", "-b", "mine"]);
                commit(&pod.docs(""), "mine");
                pod.git(&["checkout", "--quiet", "main"]);
                pod.git(&["pack-refs", "--all"]);
            },
        ),
        ("it has a stash: commit and push it, or drop it".into(), |pod| {
            fs::write(pod.docs("README.md"), "mine").unwrap();
            pod.git(&["stash"]);
        }),
        (untracked("notes"), |pod| fs::write(pod.docs("notes"), "mine").unwrap()),
        (untracked("sub/dir/link"), |pod| {
            std::os::unix::fs::symlink("/nowhere", pod.docs("sub/dir/link")).unwrap();
        }),
        (untracked("own"), |pod| {
            fs::create_dir(pod.docs("own")).unwrap();
            origin::read(&pod.docs("own"), &["init", "--quiet"]);
        }),
    ];
    for (expected, work) in cases {
        let (server, origin) = server();
        let pod = pod(&server);
        let first = pod.init().synced();
        work(&pod);
        let before = super::update::snapshot(&pod);
        let newest = news(&origin);
        let report = pod.sync().git();
        let GitState::Diverged { commit, why } = report.state else { panic!("{report:?}") };
        assert_eq!((why.as_str(), commit), (expected.as_str(), newest));
        assert_eq!(super::update::snapshot(&pod), before, "{expected}");
        assert!(report.commit == first || expected.contains("commits of its own"));
    }
}

#[test]
fn a_new_pod_is_asked_for_once_the_agents_work_is_out_of_the_way() {
    let (server, origin) = server();
    for outlives_pod in [false, true] {
        let pod = pod(&server).with("outlivesPod", outlives_pod);
        let first = pod.init().synced();
        fs::write(pod.docs("README.md"), "mine").unwrap();
        let newest = origin.write("new", &outlives_pod.to_string()).commit("next");
        assert_eq!(pod.sync().diverged(), "'README.md' was changed here");
        let mut child = pod.command("git-sync").stderr(Stdio::piped()).spawn().unwrap();
        assert!(runs_on(&server, &mut child), "it was reported already");
        pod.git(&["checkout", "--quiet", "README.md"]);
        let report = pod.ended(&child.wait_with_output().unwrap()).git();
        assert_eq!((report.commit, report.state), (first, pending(&newest)));
        assert!(!pod.docs("new").exists() || outlives_pod);

        // And not any more once there is work again.
        fs::write(pod.docs("README.md"), "mine").unwrap();
        assert_eq!(pod.sync().diverged(), "'README.md' was changed here");
    }
}

#[test]
fn that_nothing_would_be_lost_is_said_again_after_each_interval_where_it_may_change() {
    let (server, origin) = server();
    for outlives_pod in [false, true] {
        let pod = pod(&server).with("outlivesPod", outlives_pod);
        pod.init().synced();
        let newest = origin.write("new", &outlives_pod.to_string()).commit("next");
        assert_eq!(pod.sync().git().state, pending(&newest));
        let mut child = pod.command("git-sync").stderr(Stdio::piped()).spawn().unwrap();
        if outlives_pod {
            assert!(runs_on(&server, &mut child), "it was reported already");
            child.kill().unwrap();
            child.wait().unwrap();
        } else {
            let report = pod.ended(&child.wait_with_output().unwrap()).git();
            assert_eq!(report.state, pending(&newest));
        }
    }
}

#[test]
fn what_a_new_pod_would_have_as_well_holds_nothing_up() {
    let cases: [Work; 6] = [
        |_| {},
        |pod| fs::write(pod.docs("README.md"), pod.text("README.md")).unwrap(),
        |pod| {
            fs::create_dir_all(pod.docs("build/deep")).unwrap();
            fs::write(pod.docs("build/deep/output"), "made").unwrap();
            fs::write(pod.docs("x.log"), "made").unwrap();
            fs::write(pod.docs("sub/cache"), "made").unwrap();
            fs::create_dir(pod.docs("empty")).unwrap();
        },
        // Of another context, and another repository.
        |pod| {
            fs::write(pod.docs("sub/AGENTS.md"), "theirs").unwrap();
            fs::create_dir_all(pod.docs("other/.git")).unwrap();
            fs::create_dir_all(pod.docs(".other.kubeopencode")).unwrap();
            fs::write(pod.docs(".other.kubeopencode/x"), "ours").unwrap();
        },
        |pod| {
            pod.git(&["checkout", "--quiet", "-b", "mine"]);
            commit(&pod.docs(""), "mine");
            // As a push to the origin leaves it.
            pod.git(&["update-ref", "refs/remotes/origin/mine", "mine"]);
            pod.git(&["checkout", "--quiet", "main"]);
        },
        |pod| fs::write(pod.docs(".git/index.lock"), "kubeopencode\n").unwrap(),
    ];
    for (number, work) in cases.into_iter().enumerate() {
        let (server, origin) = server();
        origin.write(".gitignore", "/build/\n*.log\n").write("sub/.gitignore", "cache\n");
        origin.commit("ignored");
        let pod = pod(&server).with("others", json!(["sub/AGENTS.md", "other"]));
        pod.init().synced();
        work(&pod);
        let newest = news(&origin);
        assert_eq!(pod.sync().git().state, pending(&newest), "{number}");
    }
}

#[test]
fn files_in_nobodys_way_hold_nothing_up_where_they_outlive_the_pod() {
    let (server, origin) = server();
    let pod = pod(&server).with("outlivesPod", true);
    pod.init().synced();
    fs::write(pod.docs("notes"), "mine").unwrap();
    let newest = news(&origin);
    assert_eq!(pod.sync().git().state, pending(&newest));
    assert_eq!(pod.init().synced(), newest);
}

#[test]
fn a_rewritten_history_is_asked_for_only_where_the_new_pod_clones_it() {
    let (server, origin) = server();
    let kept = pod(&server).with("outlivesPod", true);
    let cloned = pod(&server);
    kept.init().synced();
    cloned.init().synced();
    origin.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let newest = news(&origin);
    assert_eq!(kept.sync().diverged(), "its history was rewritten at the server");
    assert_eq!(cloned.sync().git().state, pending(&newest));
}

#[test]
fn a_commit_that_the_agent_pulled_or_pushed_itself_is_there() {
    let (server, origin) = server();
    let pod = pod(&server);
    let first = pod.init().synced();
    commit(&pod.docs(""), "mine");
    pod.git(&["push", "--quiet", origin.path.to_str().unwrap(), "HEAD:main"]);
    let report = pod.sync().git();
    assert_eq!((report.commit, report.state), (origin.head(), GitState::Synced));
    assert_ne!(first, origin.head());
}

#[test]
fn a_checkout_without_git_is_judged_too_whether_file_or_folder() {
    let (server, origin) = server();
    for (path, file) in [("sub", "docs/dir/file"), ("sub/dir/file", "docs")] {
        let pod = pod(&server).with("path", path);
        pod.init().synced();
        let file = pod.volume().join(file);
        let before = fs::read_to_string(&file).unwrap();
        let newest = origin.write("sub/dir/file", path).commit("next");
        assert_eq!(pod.sync().git().state, pending(&newest));
        fs::write(&file, "mine").unwrap();
        assert!(pod.sync().diverged().ends_with("was changed here"));
        fs::write(&file, &before).unwrap();
        assert_eq!(pod.sync().git().state, pending(&newest));
        if path == "sub" {
            fs::write(pod.docs("notes"), "mine").unwrap();
            assert!(pod.sync().diverged().starts_with("'notes' is in no commit"));
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
    }
}

#[test]
fn work_in_a_submodule_holds_a_new_pod_up_though_the_submodule_stays() {
    let cases: [(&str, Work); 4] = [
        ("submodule 'vendor/lib': 'doc/lib.txt' was changed here", |pod| {
            fs::write(pod.docs("vendor/lib/doc/lib.txt"), "mine").unwrap();
        }),
        ("submodule 'vendor/lib': submodule 'deep': 'notes' is in no commit", |pod| {
            fs::write(pod.docs("vendor/lib/deep/notes"), "mine").unwrap();
        }),
        ("submodule 'vendor/lib': it has commits of its own", |pod| {
            commit(&pod.docs("vendor/lib"), "mine");
            let other = ["checkout", "--quiet", "-B", "mine"];
            origin::read(&pod.docs("vendor/lib"), &other);
            origin::read(&pod.docs("vendor/lib"), &["checkout", "--quiet", "--detach"]);
            origin::read(&pod.docs("vendor/lib"), &["branch", "--quiet", "-D", "mine"]);
        }),
        ("'vendor/mine' is in no commit", |pod| {
            fs::write(pod.docs("vendor/mine"), "mine").unwrap();
        }),
    ];
    let (server, repo, lib) = submodules::server();
    for (expected, work) in cases {
        let pod = follows(submodules::pod(&server));
        pod.init().synced();
        repo.write("README.md", expected).git(&["add", "README.md"]);
        repo.git(&["commit", "--quiet", "--message", "next"]);
        assert_eq!(pod.sync().git().state, pending(&repo.head()), "clean");
        work(&pod);
        let why = pod.sync().diverged();
        assert!(why.starts_with(expected), "{why}");
    }
    let pod = follows(submodules::pod(&server));
    pod.init().synced();
    point(&repo, "vendor/lib", &newer(&lib));
    repo.git(&["commit", "--quiet", "--message", "newer"]);
    assert_eq!(pod.sync().git().state, pending(&repo.head()));
    assert_eq!(pod.text("vendor/lib/doc/lib.txt"), "lib\n");
}
