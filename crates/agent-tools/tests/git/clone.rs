//! What a first clone leaves behind.

use super::{
    origin::Origin,
    pod::Pod,
    server::{Scheme, Server},
};

/// A server with the repository `repo`: two commits on `main`.
pub(crate) fn server() -> (Server, Origin) {
    let server = Server::start(Scheme::Https);
    let origin = Origin::new(server.srv(), "repo");
    origin.write("README.md", "one\n").commit("one");
    origin.write("README.md", "two\n").write("sub/dir/file", "text\n").commit("two");
    (server, origin)
}

#[test]
fn a_branch_is_cloned_over_https_with_a_private_authority() {
    let (server, origin) = server();
    let pod = Pod::new(&server.url("open", "repo")).trusting(&server.ca());

    assert_eq!(pod.init().synced(), origin.head());

    assert_eq!(pod.text("README.md"), "two\n");
    assert_eq!(pod.text("sub/dir/file"), "text\n");
    assert_eq!(
        pod.git(&["status", "--porcelain=v2", "--branch"]),
        format!(
            "# branch.oid {}\n# branch.head main\n# branch.upstream origin/main\n# branch.ab +0 -0",
            origin.head()
        )
    );
    assert_eq!(pod.git(&["log", "--format=%s"]), "two", "depth 1");
    pod.git(&["fsck", "--strict"]);
    let left: Vec<_> =
        std::fs::read_dir(pod.volume()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["docs"]);
}

/// Clones `repo` with these fields of the job.
fn cloned(server: &Server, how: &str, fields: &[(&str, serde_json::Value)]) -> Pod {
    let pod = Pod::new(&server.url(how, "repo")).trusting(&server.ca());
    fields.iter().fold(pod, |pod, (name, value)| pod.with(name, value.clone()))
}

#[test]
fn a_reference_of_every_kind_is_checked_out_with_both_versions_of_the_protocol() {
    let (server, origin) = server();
    let first = origin.git(&["rev-parse", "HEAD~1"]);
    let head = origin.head();
    origin.git(&["tag", "light", "HEAD~1"]);
    origin.git(&["tag", "-a", "v1.0", "-m", "annotated", "HEAD~1"]);
    origin.git(&["branch", "fix/it", "HEAD~1"]);
    origin.git(&["update-ref", "refs/pull/7/head", "HEAD~1"]);
    // Servers of the old version let nobody ask for any commit, unless they are told to.
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let cases = [
        ("HEAD", &head, "main"),
        ("main", &head, "main"),
        ("fix/it", &first, "fix/it"),
        ("refs/heads/fix/it", &first, "fix/it"),
        ("light", &first, "HEAD"),
        ("v1.0", &first, "HEAD"),
        ("refs/tags/v1.0", &first, "HEAD"),
        ("refs/pull/7/head", &first, "HEAD"),
        (first.as_str(), &first, "HEAD"),
    ];
    for how in ["open", "old"] {
        for (reference, commit, branch) in cases {
            let pod = cloned(&server, how, &[("reference", reference.into())]);
            assert_eq!(&pod.init().synced(), commit, "{how} {reference}");
            assert_eq!(&pod.git(&["rev-parse", "HEAD"]), commit);
            assert_eq!(pod.git(&["rev-parse", "--abbrev-ref", "HEAD"]), branch, "{reference}");
            assert_eq!(pod.git(&["status", "--porcelain"]), "", "{reference}");
        }
    }
}

#[test]
fn the_default_branch_need_not_be_called_main() {
    let (server, origin) = server();
    origin.git(&["checkout", "--quiet", "-b", "trunk"]);
    let commit = origin.commit("three");
    let pod = cloned(&server, "open", &[]);
    assert_eq!(pod.init().synced(), commit);
    assert_eq!(pod.git(&["rev-parse", "--abbrev-ref", "HEAD"]), "trunk");
}

#[test]
fn depth_0_brings_all_of_the_history_with_every_branch_and_tag() {
    let (server, origin) = server();
    origin.git(&["branch", "other", "HEAD~1"]);
    origin.git(&["tag", "-a", "v1", "-m", "x", "HEAD~1"]);
    let pod = cloned(&server, "open", &[("depth", 0.into())]);
    pod.init().synced();
    assert_eq!(pod.git(&["log", "--format=%s"]), "two\none");
    let references = pod.git(&["for-each-ref", "--format=%(refname)", "refs/remotes", "refs/tags"]);
    assert_eq!(references, "refs/remotes/origin/main\nrefs/remotes/origin/other\nrefs/tags/v1");
    pod.git(&["fsck", "--strict"]);
}

#[test]
fn depth_counts_commits_also_before_a_commit_that_is_named() {
    let (server, origin) = server();
    for number in 3..8 {
        origin.commit(&number.to_string());
    }
    let named = origin.git(&["rev-parse", "HEAD~2"]);
    let pod = cloned(&server, "open", &[("depth", 3.into()), ("reference", named.into())]);
    pod.init().synced();
    assert_eq!(pod.git(&["log", "--format=%s"]), "5\n4\n3");
}

#[test]
fn links_and_executables_are_checked_out_as_git_does() {
    let (server, origin) = server();
    std::os::unix::fs::symlink("sub/dir", origin.path.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", origin.path.join("outside")).unwrap();
    origin.write("run.sh", "#!/bin/sh\n");
    origin.git(&["add", "--all"]);
    origin.git(&["update-index", "--chmod=+x", "run.sh"]);
    origin.git(&["commit", "--quiet", "-m", "links"]);
    let pod = cloned(&server, "open", &[]);
    pod.init().synced();
    assert_eq!(std::fs::read_link(pod.docs("link")).unwrap().to_str(), Some("sub/dir"));
    assert_eq!(std::fs::read_link(pod.docs("outside")).unwrap().to_str(), Some("/etc/hostname"));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &pod.docs("run.sh").metadata().unwrap().permissions(),
    );
    assert_eq!(mode & 0o111, 0o111);
    assert_eq!(pod.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_folder_of_the_repository_has_no_git() {
    let (server, origin) = server();
    let pod = cloned(&server, "open", &[("path", "sub".into())]);
    assert_eq!(pod.init().synced(), origin.head());
    assert_eq!(pod.text("dir/file"), "text\n");
    assert!(!pod.docs(".git").exists() && !pod.docs("README.md").exists());
    assert_eq!(std::fs::read_dir(pod.volume()).unwrap().count(), 1);
}

#[test]
fn a_pod_whose_sandbox_is_made_anew_clones_again_over_what_is_there() {
    let (server, origin) = server();
    for (field, value) in [("path", "sub"), ("reference", "main")] {
        for state in [true, false] {
            let mut pod = cloned(&server, "open", &[(field, value.into())]);
            if !state {
                pod.job["state"] = serde_json::Value::Null;
            }
            assert_eq!(pod.init().synced(), origin.head());
            assert_eq!(pod.init().synced(), origin.head(), "{field}");
        }
    }
}

#[test]
fn a_file_of_the_repository_is_the_target_itself() {
    let (server, _origin) = server();
    let pod = cloned(&server, "open", &[("path", "sub/dir/file".into())]);
    pod.init().synced();
    assert_eq!(std::fs::read_to_string(pod.volume().join("docs")).unwrap(), "text\n");
    assert_eq!(std::fs::read_dir(pod.volume()).unwrap().count(), 1);
}

#[test]
fn only_the_selected_entries_are_visible() {
    let (server, origin) = server();
    origin
        .write("skills/a/SKILL.md", "a")
        .write("skills/ab/SKILL.md", "ab")
        .write("skills/c/x/y", "y");
    origin.commit("skills");
    let select = serde_json::json!(["a", "c/x"]);
    let pod = cloned(&server, "open", &[("path", "skills".into()), ("select", select)]);
    pod.init().synced();
    let names = pod.volume();
    let found = std::process::Command::new("find")
        .arg("docs")
        .current_dir(names)
        .args(["-type", "f"])
        .output();
    let mut found: Vec<_> =
        String::from_utf8(found.unwrap().stdout).unwrap().lines().map(str::to_owned).collect();
    found.sort();
    assert_eq!(found, ["docs/a/SKILL.md", "docs/c/x/y"]);

    let select = serde_json::json!(["a", "b"]);
    let refused =
        cloned(&server, "open", &[("path", "skills".into()), ("select", select)]).init().refused();
    assert_eq!(
        refused,
        "docs: 'skills/b' does not exist in the repository at ref 'HEAD': check path and names"
    );
}

#[test]
fn pointers_of_git_lfs_are_left_and_the_log_says_so() {
    let (server, origin) = server();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    origin.write("big.bin", pointer).write(".gitattributes", "*.bin filter=lfs\n").commit("lfs");
    let pod = cloned(&server, "open", &[]);
    let ended = pod.init();
    assert!(ended.log.contains("uses Git LFS; 1 pointers are left"), "{}", ended.log);
    ended.synced();
    assert_eq!(pod.text("big.bin"), pointer);
}

#[test]
fn a_target_in_a_folder_that_does_not_exist_yet_is_made() {
    let (server, _origin) = server();
    let mut pod = cloned(&server, "open", &[]);
    pod.job["target"]["path"] = "a/b/docs".into();
    pod.init().synced();
    assert!(pod.volume().join("a/b/docs/README.md").exists());
}

#[test]
fn an_empty_folder_is_a_free_target_and_what_an_earlier_try_left_is_removed() {
    let (server, _origin) = server();
    let pod = cloned(&server, "open", &[]);
    std::fs::create_dir_all(pod.docs("")).unwrap();
    std::fs::create_dir_all(pod.volume().join(".docs.kubeopencode/staging/docs/.git/objects"))
        .unwrap();
    std::fs::write(pod.volume().join(".docs.kubeopencode/staging/docs/half"), "half").unwrap();
    pod.init().synced();
    assert!(!pod.docs("half").exists());
    assert_eq!(std::fs::read_dir(pod.volume()).unwrap().count(), 1);
}

#[test]
fn a_target_that_holds_something_else_is_left_alone() {
    let (server, _origin) = server();
    let pod = cloned(&server, "open", &[]);
    std::fs::create_dir_all(pod.docs("")).unwrap();
    std::fs::write(pod.docs("work"), "mine").unwrap();
    let sentence = pod.init().refused();
    assert!(sentence.contains("docs is not empty, and not a checkout of"), "{sentence}");
    assert_eq!(pod.text("work"), "mine");

    // On a volume that outlives the pod nobody could look into it if the pod did not start.
    let why = pod.with("persistent", true).init().diverged();
    assert!(why.ends_with("holds something else, which is left alone"), "{why}");
}
