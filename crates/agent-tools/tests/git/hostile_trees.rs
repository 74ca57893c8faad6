//! Trees that git would not make, served by a server that does not care.

use std::fs;

use super::{
    clone::server,
    hostile::{Trap, pod},
    origin::Origin,
};

/// The bytes of an object's name.
fn raw(id: &str) -> impl Iterator<Item = u8> + '_ {
    (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap())
}

/// Stores a tree that git would not make, and a commit of it on `main`.
fn commit_tree(origin: &Origin, entries: &[(&str, &[u8], String)]) {
    let mut tree = Vec::new();
    for (mode, name, id) in entries {
        tree.extend_from_slice(mode.as_bytes());
        tree.push(b' ');
        tree.extend_from_slice(name);
        tree.push(0);
        tree.extend(raw(id));
    }
    let tree = store(origin, "tree", &tree);
    let commit = origin.git(&["commit-tree", "-m", "hostile", &tree]);
    origin.git(&["update-ref", "refs/heads/main", &commit]);
}

fn store(origin: &Origin, kind: &str, content: &[u8]) -> String {
    let file = origin.path.join(".git/hostile");
    fs::write(&file, content).unwrap();
    origin.git(&["hash-object", "--literally", "-t", kind, "-w", file.to_str().unwrap()])
}

#[test]
fn trees_with_hostile_names_are_refused() {
    let names: [&[u8]; 11] = [
        b".git",
        b".GIT",
        b".Git",
        b"git~1",
        b".git ",
        b".git.",
        b"..",
        b".",
        b"a/b",
        b"../outside/x",
        ".g\u{200c}it".as_bytes(),
    ];
    for name in names {
        for mode in ["100755", "40000"] {
            let (server, origin) = server();
            let trap = Trap::new(pod(&server));
            let blob = store(&origin, "blob", b"#!/bin/sh\n");
            let mut inner = b"100755 x\0".to_vec();
            inner.extend(raw(&blob));
            let id = if mode == "40000" { store(&origin, "tree", &inner) } else { blob };
            commit_tree(&origin, &[(mode, name, id)]);
            let refused = trap.pod.init().refused();
            assert!(
                refused.contains("damaged or hostile") || refused.contains("git's protocol"),
                "{refused}"
            );
            assert!(!trap.pod.docs("").exists());
            trap.is_quiet();
        }
    }
}

#[test]
fn a_file_that_would_be_written_through_a_link_of_the_same_tree_is_refused() {
    for (to, inner) in [("../../outside", "file"), (".git/hooks", "post-checkout"), ("/tmp", "x")] {
        let (server, origin) = server();
        let trap = Trap::new(pod(&server));
        let link = store(&origin, "blob", to.as_bytes());
        let blob = store(&origin, "blob", b"#!/bin/sh\n");
        let mut folder = format!("100755 {inner}\0").into_bytes();
        folder.extend(raw(&blob));
        let folder = store(&origin, "tree", &folder);
        commit_tree(&origin, &[("120000", b"a", link), ("40000", b"a", folder)]);
        trap.pod.init();
        assert!(!trap.pod.docs(".git/hooks/post-checkout").exists());
        trap.is_quiet();
    }
}

#[test]
fn folders_that_unfold_without_end_are_refused() {
    let (server, origin) = server();
    let trap = Trap::new(pod(&server));
    let mut below = store(&origin, "blob", b"x");
    let mut mode = "100644";
    for _ in 0..7 {
        let mut folder = Vec::new();
        for name in b'a'..=b'j' {
            folder.extend_from_slice(format!("{mode} {}\0", char::from(name)).as_bytes());
            folder.extend(raw(&below));
        }
        below = store(&origin, "tree", &folder);
        mode = "40000";
    }
    let commit = origin.git(&["commit-tree", "-m", "bomb", &below]);
    origin.git(&["update-ref", "refs/heads/main", &commit]);
    let refused = trap.pod.init().refused();
    assert!(refused.contains("it unfolds to too many files or folders"), "{refused}");
    assert!(!trap.pod.docs("").exists());
}
