//! Submodules that an update did not get to, or that were not wanted at first.

use std::fs;

use agent_jobs::GitState;

use super::{
    origin::{Origin, read},
    pod::Pod,
    server::Server,
    submodules::{self, newer, point},
};

fn persistent(server: &Server) -> Pod {
    submodules::pod(server).with("persistent", true)
}

/// Moves the submodule and the repository on; returns the submodule's commit.
fn advance(repo: &Origin, lib: &Origin) -> String {
    let newer = newer(lib);
    point(repo, "vendor/lib", &newer);
    repo.write("README.md", "newer\n").git(&["add", "README.md"]);
    repo.git(&["commit", "--quiet", "--message", "newer"]);
    newer
}

#[test]
fn submodules_that_are_wanted_later_are_checked_out_though_the_repository_has_nothing_new() {
    let (server, repo, lib) = submodules::server();
    for path in [None, Some("vendor")] {
        let mut pod = persistent(&server).with("recurseSubmodules", false);
        if let Some(path) = path {
            pod = pod.with("path", path);
        }
        let folder = if path.is_some() { "lib" } else { "vendor/lib" };
        pod.init().synced();
        pod.job["recurseSubmodules"] = true.into();
        assert_eq!(pod.init().synced(), repo.head());
        assert_eq!(pod.text(&format!("{folder}/doc/lib.txt")), "lib\n");
        assert_eq!(pod.text(&format!("{folder}/deep/inner.txt")), "inner\n");
        if path.is_none() {
            assert_eq!(pod.git(&["status", "--porcelain"]), "");
            assert_eq!(read(&pod.docs(folder), &["rev-parse", "HEAD"]), lib.head());
        }
    }
}

#[test]
fn a_submodule_that_an_update_left_behind_is_brought_up() {
    let (server, repo, lib) = submodules::server();
    let mut pod = persistent(&server);
    pod.init().synced();
    let newer = advance(&repo, &lib);
    pod.job["recurseSubmodules"] = false.into();
    pod.init().synced();
    assert_eq!(pod.text("vendor/lib/doc/lib.txt"), "lib\n");

    pod.job["recurseSubmodules"] = true.into();
    // Not over the agent's work, however.
    fs::write(pod.docs("vendor/lib/doc/lib.txt"), "mine").unwrap();
    assert_eq!(pod.init().diverged(), "submodule 'vendor/lib': 'doc/lib.txt' was changed here");
    assert_eq!(pod.text("vendor/lib/doc/lib.txt"), "mine");
    fs::write(pod.docs("vendor/lib/doc/lib.txt"), "lib\n").unwrap();
    assert_eq!(pod.init().synced(), repo.head());
    assert_eq!(pod.text("vendor/lib/doc/lib.txt"), "newer\n");
    assert_eq!(read(&pod.docs("vendor/lib"), &["rev-parse", "HEAD"]), newer);
    assert_eq!(pod.git(&["status", "--porcelain"]), "");
}

#[test]
fn an_update_that_fails_in_a_submodule_is_not_finished_and_goes_on() {
    let (server, repo, lib) = submodules::server();
    let pod = persistent(&server);
    let first = pod.init().synced();
    advance(&repo, &lib);
    // As a full volume: what is written there cannot be.
    let obstacle = pod.docs(".git/modules/vendor/lib/.kubeopencode-partial");
    fs::create_dir(&obstacle).unwrap();
    let report = pod.init().git();
    assert!(matches!(report.state, GitState::Failed { .. }), "{report:?}");
    assert_eq!(report.commit, first);
    assert_eq!(pod.git(&["rev-parse", "HEAD"]), first);

    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(pod.init().synced(), repo.head());
    assert_eq!(pod.text("vendor/lib/doc/lib.txt"), "newer\n");
    assert_eq!(pod.text("README.md"), "newer\n");
    assert_eq!(pod.git(&["status", "--porcelain"]), "");
}

#[test]
fn submodules_that_are_there_cost_no_request_and_the_agents_choice_stays() {
    let (server, repo, lib) = submodules::server();
    let pod = persistent(&server);
    advance(&repo, &lib);
    pod.init().synced();
    let before = server.asked().len();
    assert_eq!(pod.init().synced(), repo.head());
    let asked = &server.asked()[before..];
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked.path.starts_with("/open/repo/")));

    let folder = pod.docs("vendor/lib");
    fs::write(pod.docs("vendor/lib/mine"), "mine").unwrap();
    read(&folder, &["add", "mine"]);
    read(&folder, &["commit", "--quiet", "--message", "mine"]);
    let mine = read(&folder, &["rev-parse", "HEAD"]);
    assert_eq!(pod.init().synced(), repo.head());
    assert_eq!(read(&folder, &["rev-parse", "HEAD"]), mine);

    // One that was removed is not put back.
    let pod = persistent(&server);
    pod.init().synced();
    fs::remove_dir_all(pod.docs("vendor")).unwrap();
    assert_eq!(pod.init().synced(), repo.head());
    assert!(!pod.docs("vendor").exists());
}

#[test]
fn a_folder_that_becomes_a_submodule_is_replaced() {
    let (server, repo, lib) = submodules::server();
    let origin = Origin::new(server.srv(), "vendored");
    origin.write("vendor/lib/doc/lib.txt", "lib\n").write("vendor/lib/old", "old\n").commit("old");
    let pod = Pod::new(&server.url("open", "vendored")).trusting(&server.ca());
    let pod = pod.with("persistent", true).with("recurseSubmodules", true);
    pod.init().synced();
    origin.git(&["rm", "--quiet", "-r", "vendor"]);
    submodules::add(&origin, "vendor/lib", "../../lib/.git", &lib);
    assert_eq!(pod.init().synced(), origin.head());
    assert_eq!(pod.text("vendor/lib/doc/lib.txt"), "lib\n");
    assert!(!pod.docs("vendor/lib/old").exists());
    assert_eq!(pod.git(&["status", "--porcelain"]), "");
    drop(repo);
}

#[test]
fn a_repository_that_the_agent_has_where_a_submodule_is_to_be_is_left_alone() {
    let (server, _repo, lib) = submodules::server();
    let mut pod = persistent(&server).with("recurseSubmodules", false);
    pod.init().synced();
    fs::create_dir_all(pod.docs("vendor")).unwrap();
    let path = pod.docs("vendor/lib").to_str().unwrap().to_owned();
    lib.git(&["clone", "--quiet", ".", &path]);
    pod.job["recurseSubmodules"] = true.into();
    assert_eq!(pod.init().diverged(), "submodule 'vendor/lib': '.git' was changed here");
    assert_eq!(read(&pod.docs("vendor/lib"), &["rev-parse", "HEAD"]), lib.head());
}
