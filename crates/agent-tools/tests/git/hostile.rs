//! Values and repositories that want to run a program or to write outside. A canary tells whether they could.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};

#[path = "../support/table.rs"]
mod table;
#[path = "../support/trap.rs"]
mod trap;

use table::{May, hostile};

use super::{clone::server, origin::git, pod::Pod, server::Server};

/// A pod, and a folder outside of its volume that nothing may change. Its programs find others that leave a trace.
pub(crate) struct Trap {
    pub(crate) pod: Pod,
    before: Vec<(String, Vec<u8>)>,
}

impl Trap {
    pub(crate) fn new(pod: Pod) -> Self {
        let folder = pod.folder.path();
        let outside = folder.join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "untouched").unwrap();
        let canary = format!("#!/bin/sh\n: >{}\n", folder.join("ran").display());
        fs::write(folder.join("canary.sh"), canary).unwrap();
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.join("canary.sh"), executable).unwrap();
        let programs = trap::set(folder);
        let pod = pod.variable("PATH", programs.to_str().unwrap());
        let before = around(&pod);
        Self { pod, before }
    }

    fn outside(&self) -> PathBuf {
        self.pod.folder.path().join("outside")
    }

    fn script(&self) -> String {
        self.pod.folder.path().join("canary.sh").display().to_string()
    }

    #[track_caller]
    pub(crate) fn is_quiet(&self) {
        assert_eq!(around(&self.pod), self.before, "something was run, or written outside");
    }
}

/// Everything but what the programs may write, and what the pod itself puts down for them.
fn around(pod: &Pod) -> Vec<(String, Vec<u8>)> {
    let is_around = |name: &str| {
        !["volume/", "state/"].iter().any(|folder| name.starts_with(folder))
            && !["job.json", "log"].contains(&name)
    };
    trap::tree(pod.folder.path()).into_iter().filter(|(name, _)| is_around(name)).collect()
}

pub(crate) fn pod(server: &Server) -> Pod {
    Pod::new(&server.url("open", "repo")).trusting(&server.ca())
}

/// Fields of a job with values that mean harm.
fn hostile_values(trap: &Trap) -> Vec<(&'static str, Value, May)> {
    let script = trap.script();
    let of = |field: &'static str, kind: &str| {
        let values = hostile(kind).into_iter();
        values.map(|(value, may)| (field, value.into(), may)).collect::<Vec<_>>()
    };
    let mut cases = [of("repository", "repository"), of("reference", "ref"), of("path", "path")];
    let target = |path: &str| json!({ "root": trap.pod.volume(), "path": path });
    let refused = [
        ("repository", json!(format!("ext::{script}"))),
        ("repository", json!(format!("ext::sh -c {script}"))),
        ("select", json!(["../outside"])),
        ("select", json!([""])),
        ("target", target("../outside/x")),
        ("target", target("a/../../outside")),
    ];
    cases[0].extend(refused.map(|(field, value)| (field, value, May::Never)));
    cases.concat()
}

#[test]
fn whatever_a_shell_would_run_of_a_value_is_seen() {
    let commands = ["$(touch", "`touch", ";touch", "; touch", "|touch", "&touch"];
    let values = ["repository", "ref", "path"].into_iter().flat_map(hostile);
    let values: Vec<_> = values
        .map(|(value, _)| value)
        .filter(|value| commands.iter().any(|command| value.contains(command)))
        .filter(|value| !value.contains("touch/"))
        .collect();
    assert!(values.len() >= 12, "{values:?}");
    for value in values {
        let trap = Trap::new(Pod::new("https://localhost/repo"));
        let folder = trap.pod.folder.path();
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().env("PATH", folder.join("bin")).current_dir(folder);
        drop(shell.arg("-c").arg(format!(": {value}")).output());
        assert_ne!(around(&trap.pod), trap.before, "{value}");
    }
}

#[test]
fn hostile_values_in_a_job_are_refused_before_anything_is_done() {
    let (server, _origin) = server();
    let mut trap = Trap::new(pod(&server));
    let harmless = trap.pod.job.clone();
    for (field, value, may) in hostile_values(&trap) {
        trap.pod.job = harmless.clone();
        trap.pod.job[field] = value.clone();
        let ended = trap.pod.init();
        // What is well-formed names nothing that exists.
        assert!(!ended.is_success, "{field} {value}");
        let is_malformed = ended.log.contains("job.json is malformed");
        assert_eq!(is_malformed, may == May::Never, "{field} {value}: {}", ended.log);
        trap.is_quiet();
    }
    let made = fs::read_dir(trap.pod.volume()).unwrap().map(|made| made.unwrap().file_name());
    let made: Vec<_> = made.filter(|name| !name.to_string_lossy().starts_with(".docs.")).collect();
    assert_eq!(made, [""; 0]);
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
            fs::rename(&at, trap.pod.volume().join("moved")).unwrap();
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
        ("core.hooksPath", trap.pod.docs(".git").to_str().unwrap()),
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
    let ran = trap.pod.folder.path().join("ran");
    assert!(ran.exists(), "the trap itself");
    fs::remove_file(ran).unwrap();

    let newest = origin.write("README.md", "3").commit("3");
    assert_eq!(trap.pod.init().synced(), newest);
    assert_eq!(trap.pod.text("README.md"), "3");
    trap.is_quiet();
}
