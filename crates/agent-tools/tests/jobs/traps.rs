//! What an agent may have left on a volume that outlives its pod: none of it leads out of the root, and nothing of
//! the user's is lost.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use super::{
    Pod,
    context::{file, write},
    tree,
};

/// A link in the workspace that leads to a folder outside.
fn trapped(link: &str, to: impl AsRef<Path>) -> Pod {
    let pod = Pod::new();
    pod.put("volume/guide.md", "written");
    pod.put("outside/canary", "alive");
    let at = pod.path("workspace").join(link);
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    symlink(to, at).unwrap();
    pod
}

/// Nothing was written anywhere: neither through the link nor beside it.
fn refuses(pod: &Pod, path: &str, reason: &str) {
    let before = tree(&pod.path("."));
    let refused = write(pod, vec![file(pod, path)]);
    let sentence = refused.refused();
    assert!(sentence.starts_with("spec.contexts[0] \"guide\": "), "{path}: {sentence}");
    assert!(sentence.contains(reason), "{path}: {sentence}");
    let is_own = |name: &str| ["job.json", "termination-log"].contains(&name);
    let rest = |tree: Vec<(String, Vec<u8>)>| {
        tree.into_iter().filter(|(name, _)| !is_own(name)).collect::<Vec<_>>()
    };
    assert_eq!(rest(tree(&pod.path("."))), rest(before), "{path}");
}

const LINK: &str = "is a symbolic link, which is not followed: remove it, or choose another";

#[test]
fn a_link_on_the_way_is_refused_wherever_it_leads() {
    for (link, to) in [
        (".kubeopencode", "../outside"),
        (".kubeopencode", "/etc"),
        (".kubeopencode", "/tools"),
        (".kubeopencode", "/proc/self/cwd"),
        (".kubeopencode", "/proc/self/root"),
        (".kubeopencode", "/dev/fd"),
        (".kubeopencode", "."),
        (".kubeopencode", ".."),
        (".kubeopencode", "nowhere"),
        (".kubeopencode", "/nowhere"),
        (".kubeopencode", ".kubeopencode"),
        ("a", "../outside"),
        ("a/b", "../../outside"),
        ("a/b/c", "../../../outside"),
        ("a/b/c", "inside"),
    ] {
        let pod = trapped(link, to);
        refuses(&pod, &format!("{link}/file"), LINK);
        refuses(&pod, &format!("{link}/deep/er/file"), LINK);
    }
}

#[test]
fn a_link_in_the_files_place_is_refused_wherever_it_leads() {
    for to in ["../outside/canary", "../outside/new", "/etc/passwd", "nowhere", "AGENTS.md", "."] {
        refuses(&trapped("AGENTS.md", to), "AGENTS.md", LINK);
    }
}

#[test]
fn what_is_of_another_kind_is_refused_and_stays() {
    let pod = Pod::new();
    pod.put("volume/guide.md", "written");
    pod.put("workspace/folder/own.md", "mine");
    pod.put("workspace/file", "mine");
    let pipe = pod.path("workspace/pipe");
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    fs::create_dir_all(pod.path("workspace/blocked/.kubeopencode.partial")).unwrap();

    refuses(&pod, "folder", "is a folder where a file should be");
    refuses(&pod, "file/below", "is not a folder");
    refuses(&pod, "pipe/below", "is not a folder");
    refuses(&pod, "pipe", "is neither file nor folder");
    refuses(&pod, "blocked/file", "cannot write");
}

#[test]
fn a_partial_file_that_is_a_link_is_not_followed() {
    let pod = trapped("docs/.kubeopencode.partial", "../../outside/canary");
    write(&pod, vec![file(&pod, "docs/guide.md")]).succeeded();
    assert_eq!(pod.read("outside/canary"), "alive");
    assert_eq!(pod.read("workspace/docs/guide.md"), "written");
}

#[test]
fn a_hard_link_to_another_file_is_replaced_and_that_file_stays() {
    let pod = trapped("unused", "nowhere");
    fs::hard_link(pod.path("outside/canary"), pod.path("workspace/guide.md")).unwrap();
    write(&pod, vec![file(&pod, "guide.md")]).succeeded();
    assert_eq!(pod.read("outside/canary"), "alive");
    assert_eq!(pod.read("workspace/guide.md"), "written");
}
