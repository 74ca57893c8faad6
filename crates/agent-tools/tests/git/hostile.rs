//! Values and repositories that want to run a program or to write outside. A canary tells whether they could.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use super::{
    clone::server,
    origin::{Origin, git},
    pod::Pod,
    server::Server,
};

/// A pod, and a folder outside of its volume that nothing may change.
struct Trap {
    pod: Pod,
}

impl Trap {
    fn new(pod: Pod) -> Self {
        let outside = pod.folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "untouched").unwrap();
        fs::write(
            pod.folder.path().join("canary.sh"),
            format!("#!/bin/sh\ntouch {}/canary\n", pod.folder.path().display()),
        )
        .unwrap();
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(pod.folder.path().join("canary.sh"), executable).unwrap();
        Self { pod }
    }

    fn outside(&self) -> PathBuf {
        self.pod.folder.path().join("outside")
    }

    fn script(&self) -> String {
        self.pod.folder.path().join("canary.sh").display().to_string()
    }

    #[track_caller]
    fn is_quiet(&self) {
        assert!(!self.pod.folder.path().join("canary").exists(), "something was run");
        let entries: Vec<_> =
            fs::read_dir(self.outside()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(entries, ["file"], "something was written outside");
        assert_eq!(fs::read_to_string(self.outside().join("file")).unwrap(), "untouched");
    }
}

fn pod(server: &Server) -> Pod {
    Pod::new(&server.url("open", "repo")).trusting(&server.ca())
}

#[test]
fn hostile_values_in_a_job_are_refused_before_anything_is_done() {
    let (server, _origin) = server();
    let trap = Trap::new(pod(&server));
    let script = trap.script();
    let repositories = [
        "",
        "repo",
        "/repo",
        "./repo",
        "../repo",
        "file:///etc",
        "ext::sh",
        "git://localhost/repo",
        "-oProxyCommand=id",
        "--upload-pack=id",
        "ssh://-oProxyCommand=id/repo",
        "ssh://-a@host/repo",
        "-a@host:repo",
        "git@-host:repo",
        "git@host:-repo",
        "https://",
        "https://host",
        "https:///repo",
        "https://ho st/repo",
        "https://host\n/repo",
        "https://host:0/repo",
        "https://u:p@host/repo",
        "https://`id`/repo",
        "https://a$b/repo",
        "git@host::repo",
        "ftp://host/repo",
        "HTTPS://host/repo",
    ];
    let references = [
        "",
        "-b",
        "--upload-pack=id",
        "a b",
        "a..b",
        "a~1",
        "a^",
        "a:b",
        "a*",
        "a\\b",
        "a\n",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a.lock",
        "@",
        "a@{0}",
        "../../HEAD",
    ];
    let paths = ["", "..", "../outside", "a/../../outside", "a\n", "/", "."];
    let of = |field: &'static str, values: &[&str]| {
        values.iter().map(|value| (field, Value::from(*value))).collect::<Vec<_>>()
    };
    let mut cases =
        [of("repository", &repositories), of("reference", &references), of("path", &paths)]
            .concat();
    cases.push(("repository", json!(format!("ext::{script}"))));
    cases.push(("repository", json!(format!("ext::sh -c {script}"))));
    cases.push(("select", json!(["../outside"])));
    cases.push(("select", json!([""])));
    cases.push(("target", json!({ "root": trap.pod.volume(), "path": "../outside/x" })));
    cases.push(("target", json!({ "root": trap.pod.volume(), "path": "a/../../outside" })));
    assert!(cases.len() >= 40);
    for (field, value) in cases {
        let mut hostile = Command::new(env!("CARGO_BIN_EXE_agent-tools"));
        let mut job = trap.pod.job.clone();
        job[field] = value.clone();
        let file = trap.pod.folder.path().join("hostile.json");
        fs::write(&file, job.to_string()).unwrap();
        hostile.env_clear().args(["git-init", "--retry-seconds", "0", "--job"]).arg(file);
        let output = hostile.output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{field} {value}");
        assert!(log.contains("is malformed"), "{field} {value}: {log}");
        trap.is_quiet();
    }
    assert_eq!(fs::read_dir(trap.pod.volume()).unwrap().count(), 0);
}

#[test]
fn links_on_the_way_to_the_target_are_not_followed() {
    let (server, _origin) = server();
    for path in ["docs", "way/docs", "way/deep/docs"] {
        let mut trap = Trap::new(pod(&server));
        let link = path.split('/').next().unwrap();
        symlink(trap.outside(), trap.pod.volume().join(link)).unwrap();
        trap.pod.job["target"]["path"] = path.into();
        trap.pod.init().refused();
        trap.is_quiet();
    }
}

#[test]
fn links_where_our_own_folders_are_to_be_are_not_followed() {
    let (server, _origin) = server();
    let trap = Trap::new(pod(&server));
    symlink(trap.outside(), trap.pod.volume().join(".docs.kubeopencode")).unwrap();
    trap.pod.init().refused();
    trap.is_quiet();

    let trap = Trap::new(pod(&server));
    fs::create_dir(trap.pod.volume().join(".docs.kubeopencode")).unwrap();
    symlink(trap.outside(), trap.pod.volume().join(".docs.kubeopencode/staging")).unwrap();
    trap.pod.init().synced();
    trap.is_quiet();
}

#[test]
fn links_that_the_agent_puts_into_its_checkout_are_not_followed() {
    let places = [
        ".git",
        ".git/objects",
        ".git/objects/pack",
        ".git/refs",
        ".git/refs/heads",
        ".git/refs/remotes",
        ".git/refs/kubeopencode",
        ".git/index",
        ".git/HEAD",
        ".git/shallow",
        ".git/index.lock",
        ".git/refs/heads/main",
        ".git/.kubeopencode-partial",
        "sub",
        "sub/dir",
        "sub/dir/file",
        "new",
    ];
    for place in places {
        let (server, origin) = server();
        let trap = Trap::new(pod(&server).with("persistent", true));
        trap.pod.init().synced();
        origin.write("sub/dir/file", "3").write("new/file", "3").commit("3");
        let at = trap.pod.docs(place);
        let is_folder = at.is_dir();
        if at.exists() {
            fs::rename(&at, trap.pod.folder.path().join("moved")).unwrap();
        }
        let to = if is_folder { trap.outside() } else { trap.outside().join("file") };
        symlink(to, &at).unwrap();
        // Whether it succeeds depends on what the link stood for.
        trap.pod.init();
        trap.is_quiet();
    }
}

#[test]
fn a_checkouts_configuration_hooks_and_attributes_run_nothing() {
    let (server, origin) = server();
    let trap = Trap::new(pod(&server).with("persistent", true).with("recurseSubmodules", true));
    let script = trap.script();
    origin.write(".gitattributes", "* filter=evil diff=evil merge=evil\n").commit("attributes");
    trap.pod.init().synced();
    for (name, value) in [
        ("core.fsmonitor", script.as_str()),
        ("core.hooksPath", trap.pod.folder.path().to_str().unwrap()),
        ("core.sshCommand", &script),
        ("core.gitProxy", &script),
        ("core.askPass", &script),
        ("core.alternateRefsCommand", &script),
        ("credential.helper", &script),
        ("filter.evil.smudge", &script),
        ("filter.evil.clean", &script),
        ("filter.evil.process", &script),
        ("filter.evil.required", "true"),
        ("remote.origin.uploadpack", &script),
        ("remote.origin.proxy", "http://localhost:1"),
        ("http.proxy", "http://localhost:1"),
        ("http.sslVerify", "false"),
        ("uploadpack.packObjectsHook", &script),
        ("url.ext::sh.insteadOf", "https://"),
        ("include.path", trap.outside().join("file").to_str().unwrap()),
        ("core.worktree", trap.outside().to_str().unwrap()),
    ] {
        let set = git(&trap.pod.docs("")).args(["config", name, value]).status().unwrap();
        assert!(set.success());
    }
    for hook in
        ["post-checkout", "post-merge", "reference-transaction", "post-index-change", "pre-auto-gc"]
    {
        fs::copy(&script, trap.pod.docs(".git/").join(hook)).unwrap();
        fs::create_dir_all(trap.pod.docs(".git/hooks")).unwrap();
        fs::copy(&script, trap.pod.docs(".git/hooks").join(hook)).unwrap();
    }
    // What git itself would do with it, so that the trap is known to work.
    drop(git(&trap.pod.docs("")).args(["status"]).output());
    assert!(trap.pod.folder.path().join("canary").exists(), "the trap itself");
    fs::remove_file(trap.pod.folder.path().join("canary")).unwrap();

    let newest = origin.write("README.md", "3").commit("3");
    assert_eq!(trap.pod.init().synced(), newest);
    assert_eq!(trap.pod.text("README.md"), "3");
    trap.is_quiet();
}

/// Stores a tree that git would not make, and a commit of it on `main`.
fn commit_tree(origin: &Origin, entries: &[(&str, &[u8], String)]) {
    let mut tree = Vec::new();
    for (mode, name, id) in entries {
        tree.extend_from_slice(mode.as_bytes());
        tree.push(b' ');
        tree.extend_from_slice(name);
        tree.push(0);
        tree.extend(
            (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()),
        );
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
            inner.extend(
                (0..40).step_by(2).map(|at| u8::from_str_radix(&blob[at..at + 2], 16).unwrap()),
            );
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
        folder.extend(
            (0..40).step_by(2).map(|at| u8::from_str_radix(&blob[at..at + 2], 16).unwrap()),
        );
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
            folder.extend(
                (0..40).step_by(2).map(|at| u8::from_str_radix(&below[at..at + 2], 16).unwrap()),
            );
        }
        below = store(&origin, "tree", &folder);
        mode = "40000";
    }
    let commit = origin.git(&["commit-tree", "-m", "bomb", &below]);
    origin.git(&["update-ref", "refs/heads/main", &commit]);
    let refused = trap.pod.init().refused();
    assert!(refused.contains("it unfolds to too many files or folders"), "{refused}");
    assert!(!Path::new(&trap.pod.docs("")).exists());
}
