//! A target that is a whole volume, in which other things lie as well.

use std::fs;

use agent_jobs::GitState;
use serde_json::{Value, json};

use super::{clone::server, origin::read, pod::Pod, server::Server};

/// With `docs` itself as the volume, which holds a folder of another context.
fn pod(server: &Server) -> Pod {
    let mut pod = Pod::new(&server.url("open", "repo")).trusting(&server.ca());
    fs::create_dir_all(pod.docs("other")).unwrap();
    fs::write(pod.docs("other/file"), "kept").unwrap();
    pod.job["target"] = json!({ "root": pod.docs("").to_str().unwrap() });
    pod.with("persistent", true)
}

fn names(pod: &Pod) -> Vec<String> {
    let entries = fs::read_dir(pod.docs("")).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_repository_is_cloned_among_what_is_there_and_follows() {
    let (server, origin) = server();
    let pod = pod(&server);
    assert_eq!(pod.init().synced(), origin.head());
    assert_eq!(names(&pod), [".git", "README.md", "other", "sub"]);
    assert_eq!(pod.git(&["status", "--porcelain"]), "?? other/");
    let newest = origin.write("README.md", "3").commit("3");
    assert_eq!(pod.init().synced(), newest);
    assert_eq!(pod.text("README.md"), "3");
    assert_eq!(pod.text("other/file"), "kept");
}

#[test]
fn a_folder_of_a_repository_is_put_among_what_is_there_and_follows() {
    let (server, origin) = server();
    let pod = pod(&server).with("path", "sub");
    assert_eq!(pod.init().synced(), origin.head());
    assert_eq!(pod.text("dir/file"), "text\n");
    let newest = origin.write("sub/dir/file", "3").commit("3");
    assert_eq!(pod.init().synced(), newest);
    assert_eq!(pod.text("dir/file"), "3");
    assert_eq!(pod.text("other/file"), "kept");
}

#[test]
fn what_is_in_the_way_is_left_alone_and_named() {
    let (server, _origin) = server();
    let pod = pod(&server);
    fs::write(pod.docs("README.md"), "mine").unwrap();
    let report = pod.init().git();
    assert!(
        matches!(&report.state, GitState::Diverged { why, .. } if why == "'README.md' was changed here"),
        "{report:?}"
    );
    assert_eq!((report.commit.as_str(), pod.text("README.md").as_str()), ("", "mine"));
    assert_eq!(names(&pod), ["README.md", "other"]);

    // Out of the way, it is no longer.
    fs::remove_file(pod.docs("README.md")).unwrap();
    pod.init().synced();
}

#[test]
fn a_clone_that_was_cut_short_is_finished() {
    let (server, origin) = server();
    let pod = pod(&server);
    fs::write(pod.docs("README.md"), "two\n").unwrap();
    fs::create_dir_all(pod.docs(".git.kubeopencode/staging/.git/objects")).unwrap();
    assert_eq!(pod.init().synced(), origin.head());
    assert_eq!(names(&pod), [".git", "README.md", "other", "sub"]);
    assert_eq!(read(&pod.docs(""), &["rev-parse", "HEAD"]), origin.head());
}

#[test]
fn a_file_has_no_name_there() {
    let (server, _origin) = server();
    let refused = pod(&server).with("path", "README.md").init().refused();
    let sentence = "docs: 'README.md' is a file, and the target is a folder: give mountPath the name of a file";
    assert_eq!(refused, sentence);
    let mut elsewhere = pod(&server);
    elsewhere.job["target"]["path"] = Value::from("new");
    elsewhere.init().synced();
    assert_eq!(names(&elsewhere), ["new", "other"]);
}
