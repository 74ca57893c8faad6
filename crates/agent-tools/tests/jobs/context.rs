//! context-init: files and folders.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
    },
    process::{Command, Stdio},
};

use agent_jobs::{ContextJob, Item, RelativePath, Source, Target};

use super::{Ended, Pod, tree};

pub(crate) fn target(pod: &Pod, path: &str) -> Target {
    Target { root: pod.text("workspace"), path: Some(RelativePath::parse(path).unwrap()) }
}

pub(crate) fn file(pod: &Pod, path: &str) -> Item {
    Item {
        label: "spec.contexts[0] \"guide\"".into(),
        source: Source::File { path: pod.text("volume/guide.md"), optional: false },
        target: target(pod, path),
        mode: 0o644,
    }
}

fn folder(pod: &Pod, path: &str) -> Item {
    let source = Source::Directory { path: pod.text("volume"), optional: false };
    Item { source, ..file(pod, path) }
}

pub(crate) fn write(pod: &Pod, items: Vec<Item>) -> Ended {
    pod.run(&mut pod.command("context-init", &ContextJob { items, document: None }))
}

pub(crate) fn mode(pod: &Pod, relative: &str) -> u32 {
    fs::metadata(pod.path(relative)).unwrap().permissions().mode() & 0o7777
}

/// A mounted `ConfigMap` as kubelet lays it out: each key a link through `..data`.
pub(crate) fn mount(pod: &Pod, volume: &str, keys: &[(&str, &[u8])]) {
    for (key, value) in keys {
        pod.put(&format!("{volume}/..2026_11_27_02_00_00.123/{key}"), value);
        symlink(format!("..data/{key}"), pod.path(volume).join(key)).unwrap();
    }
    symlink("..2026_11_27_02_00_00.123", pod.path(volume).join("..data")).unwrap();
}

#[test]
fn a_file_is_written_with_its_mode_and_the_folders_above_it_whatever_the_umask() {
    let pod = Pod::new();
    pod.put("volume/guide.md", "be kind\n");
    let items = vec![Item { mode: 0o777, ..file(&pod, "docs/deep/guide.md") }];
    let command = pod.command("context-init", &ContextJob { items, document: None });
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().args(["-c", "umask 077; exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());

    pod.run(&mut shell).succeeded();

    assert_eq!(pod.read("workspace/docs/deep/guide.md"), "be kind\n");
    assert_eq!(mode(&pod, "workspace/docs/deep/guide.md"), 0o777);
    assert_eq!(mode(&pod, "workspace/docs"), 0o755);
    assert_eq!(mode(&pod, "workspace/docs/deep"), 0o755);
}

#[test]
fn of_a_mode_only_the_permission_bits_count() {
    let pod = Pod::new();
    pod.put("volume/guide.md", "");
    write(&pod, vec![Item { mode: 0o104_755, ..file(&pod, "a") }]).succeeded();
    assert_eq!(mode(&pod, "workspace/a"), 0o755);
}

#[test]
fn a_new_folder_inherits_the_group_of_a_shared_volume() {
    let pod = Pod::new();
    pod.put("volume/guide.md", "");
    fs::set_permissions(pod.path("workspace"), PermissionsExt::from_mode(0o2775)).unwrap();
    write(&pod, vec![file(&pod, "docs/guide.md")]).succeeded();
    assert_eq!(mode(&pod, "workspace/docs"), 0o2755);
}

#[test]
fn an_unchanged_file_is_not_written_again_and_a_changed_one_is_replaced_whole() {
    let pod = Pod::new();
    pod.put("volume/guide.md", "one");
    let item = || file(&pod, "guide.md");
    let inode = || fs::metadata(pod.path("workspace/guide.md")).unwrap().ino();
    write(&pod, vec![item()]).succeeded();
    let mut open = fs::File::open(pod.path("workspace/guide.md")).unwrap();

    let first = inode();
    write(&pod, vec![item()]).succeeded();
    assert_eq!(inode(), first);

    pod.put("volume/guide.md", "two");
    write(&pod, vec![item()]).succeeded();
    assert_ne!(inode(), first);
    assert_eq!(pod.read("workspace/guide.md"), "two");
    assert_eq!(std::io::read_to_string(&mut open).unwrap(), "one", "whoever has it open");

    let second = inode();
    write(&pod, vec![Item { mode: 0o600, ..item() }]).succeeded();
    assert_ne!(inode(), second);
    assert_eq!(mode(&pod, "workspace/guide.md"), 0o600);
    assert_eq!(fs::read_dir(pod.path("workspace")).unwrap().count(), 1);
}

#[test]
fn what_a_killed_run_left_is_replaced_and_the_users_files_stay() {
    let pod = Pod::new();
    pod.put("volume/guide.md", "new");
    pod.put("workspace/docs/.kubeopencode.partial", "half");
    pod.put("workspace/docs/own.md", "mine");
    pod.put("workspace/docs/guide.md", "old");

    write(&pod, vec![file(&pod, "docs/guide.md")]).succeeded();

    let expected = [("docs/", ""), ("docs/guide.md", "new"), ("docs/own.md", "mine")];
    let expected = expected.map(|(name, text)| (name.to_owned(), text.as_bytes().to_owned()));
    assert_eq!(tree(&pod.path("workspace")), expected);
}

#[test]
fn the_keys_of_a_mounted_config_map_are_files_and_kubelets_own_entries_are_not() {
    let pod = Pod::new();
    mount(&pod, "volume", &[("a.md", b"one"), (".b", b"two"), ("c", b"\xff\x00")]);
    pod.put("workspace/docs/own.md", "mine");

    write(&pod, vec![folder(&pod, "docs")]).succeeded();

    let expected: [(&str, &[u8]); 5] = [
        ("docs/", b""),
        ("docs/.b", b"two"),
        ("docs/a.md", b"one"),
        ("docs/c", b"\xff\x00"),
        ("docs/own.md", b"mine"),
    ];
    let expected = expected.map(|(name, bytes)| (name.to_owned(), bytes.to_owned()));
    assert_eq!(tree(&pod.path("workspace")), expected);
}

#[test]
fn what_is_optional_and_absent_is_left_out_and_else_named() {
    let pod = Pod::new();
    let of = |source| Item { source, ..file(&pod, "docs/x") };
    for optional in [true, false] {
        let sources = [
            Source::File { path: pod.text("none"), optional },
            Source::Directory { path: pod.text("none"), optional },
        ];
        for source in sources {
            let ended = write(&pod, vec![of(source)]);
            if optional {
                ended.succeeded();
                continue;
            }
            let none = pod.text("none");
            assert_eq!(
                ended.refused(),
                format!(
                    "spec.contexts[0] \"guide\": there is no {none}: create the ConfigMap or its key, or set \
                     optional to true"
                )
            );
        }
    }
    assert_eq!(tree(&pod.path("workspace")), []);
}

#[test]
fn an_empty_config_map_makes_an_empty_folder() {
    let pod = Pod::new();
    fs::create_dir(pod.path("volume")).unwrap();
    write(&pod, vec![folder(&pod, "docs")]).succeeded();
    assert_eq!(tree(&pod.path("workspace")), [("docs/".to_owned(), vec![])]);
}

#[test]
fn a_config_map_may_be_the_working_directory_and_a_file_may_not() {
    let pod = Pod::new();
    mount(&pod, "volume", &[("a.md", b"one")]);
    pod.put("volume/guide.md", "");
    let root = Target { root: pod.text("workspace"), path: None };
    write(&pod, vec![Item { target: root.clone(), ..folder(&pod, "x") }]).succeeded();
    assert_eq!(pod.read("workspace/a.md"), "one");

    let refused = write(&pod, vec![Item { target: root, ..file(&pod, "x") }]);
    let workspace = pod.text("workspace");
    let expected = format!("\"guide\": {workspace} is a folder where a file should be: ");
    assert!(refused.refused().contains(&expected), "{refused:?}");
}

#[test]
fn a_job_that_is_none_is_refused_and_a_root_that_is_not_there() {
    let pod = Pod::new();
    let refused = pod.run(&mut pod.command("context-init", &"nonsense"));
    assert!(refused.refused().contains("job.json is not one: invalid type"), "{refused:?}");

    let escaping = serde_json::json!({"items": [{
        "label": "x", "source": {"file": {"path": "/etc/passwd", "optional": false}},
        "target": {"root": pod.text("workspace"), "path": "../canary"}, "mode": 0o644,
    }]});
    let refused = pod.run(&mut pod.command("context-init", &escaping));
    assert!(refused.refused().contains("it must not contain '..'"), "{refused:?}");

    pod.put("volume/guide.md", "");
    let target = Target { root: pod.text("nowhere"), ..target(&pod, "a") };
    let refused = write(&pod, vec![Item { target, ..file(&pod, "a") }]);
    let nowhere = pod.text("nowhere");
    let expected =
        format!("\"guide\": cannot open the folder {nowhere}: No such file or directory");
    assert!(refused.refused().contains(&expected), "{refused:?}");
}

#[test]
fn a_signal_ends_it_while_it_waits_for_a_volume() {
    let pod = Pod::new();
    fs::create_dir(pod.path("volume")).unwrap();
    let pipe = pod.path("volume/guide.md");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let job = ContextJob { items: vec![file(&pod, "a")], document: None };
    let mut tool = pod.command("context-init", &job).stderr(Stdio::piped()).spawn().unwrap();

    // Opening the pipe returns when the program has opened it as well: now it waits for a writer's bytes.
    let _writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    let pid = rustix::process::Pid::from_child(&tool);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();

    assert_eq!(tool.wait().unwrap().code(), Some(1));
    assert_eq!(pod.read("termination-log"), "stopped by SIGTERM before the work was done");
}

#[test]
fn a_name_that_is_not_text_is_refused() {
    let pod = Pod::new();
    fs::create_dir(pod.path("volume")).unwrap();
    fs::write(pod.path("volume").join(OsStr::from_bytes(b"\xff")), "").unwrap();
    let refused = write(&pod, vec![folder(&pod, "docs")]);
    assert!(refused.refused().contains("the name \"\\xFF\" is not UTF-8"), "{refused:?}");
}
