//! What the pages tell people to type and to write exists: programs, their verbs, files of this repository, names of
//! what is installed, and values of the chart. `kubeoc` has a test of its own.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod values;

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

use fixtures::docs::{Command, blocks, commands};

/// Programs whose arguments nobody here can judge.
const ORDINARY: [&str; 8] = ["base64", "cargo", "curl", "grep", "jq", "ln", "openssl", "tail"];
/// Those whose arguments are judged.
const JUDGED: [&str; 3] = ["helm", "kubectl", "kubeoc"];

const KUBECTL: [&str; 17] = [
    "apply",
    "auth",
    "create",
    "delete",
    "describe",
    "edit",
    "get",
    "koc",
    "label",
    "logs",
    "patch",
    "port-forward",
    "rollout",
    "scale",
    "set",
    "top",
    "version",
];
const HELM: [&str; 7] = ["get", "history", "install", "list", "rollback", "uninstall", "upgrade"];

/// Folders whose files a command may name.
const FOLDERS: [&str; 5] = ["docs/", "e2e/", "examples/", "helm/", "manifests/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_owned()
}

/// The commands of one program, and there are some.
fn commands_of(program: &str) -> Vec<Command> {
    let found: Vec<_> =
        commands().into_iter().filter(|command| command.words[0] == program).collect();
    assert!(found.len() > 5, "{program}: only {} commands are found", found.len());
    found
}

/// The text of all files beneath a folder.
fn texts(folder: &Path) -> String {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let text = |path: PathBuf| {
        if path.is_dir() { texts(&path) } else { fs::read_to_string(path).expect("a text") }
    };
    entries.map(text).collect()
}

#[test]
fn every_program_is_judged_or_an_ordinary_one() {
    for Command { place, words } in commands() {
        let known = ORDINARY.iter().chain(&JUDGED).any(|program| *program == words[0]);
        assert!(known, "{place}: {}: mark the block by `<!-- not run: why -->`", words[0]);
    }
}

#[test]
fn what_is_not_run_says_why_and_tells_of_commands() {
    for block in blocks() {
        if let Some(reason) = &block.not_run {
            assert!(reason.len() > 10, "{}: why not?", block.place);
            assert!(["sh", "console"].contains(&block.language.as_str()), "{}", block.place);
        }
    }
}

#[test]
fn every_task_is_one_of_xtask() {
    for Command { place, words } in commands_of("cargo") {
        if words[1] != "xtask" {
            continue;
        }
        // Help is printed only if everything before it is understood.
        let mut xtask = process::Command::new(env!("CARGO_BIN_EXE_xtask"));
        let output = xtask.args(&words[2..]).arg("--help").output().expect("xtask runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{place}: {}\n{error}", words.join(" "));
    }
}

#[test]
fn verbs_of_kubectl_and_helm_exist() {
    for (program, verbs) in [("kubectl", &KUBECTL[..]), ("helm", &HELM[..])] {
        for Command { place, words } in commands_of(program) {
            assert!(verbs.contains(&words[1].as_str()), "{place}: {program} {}", words[1]);
        }
    }
}

#[test]
fn files_that_commands_name_exist() {
    let mut seen = 0;
    for Command { place, words } in commands() {
        for word in
            words.iter().filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        {
            assert!(root().join(word).exists(), "{place}: there is no {word}");
            seen += 1;
        }
    }
    assert!(seen > 5, "only {seen} files are found");
}

/// By what they are called in manifests and chart: a Secret, a Deployment, the value of a label.
#[test]
fn names_of_what_is_installed_exist() {
    let installed = texts(&root().join("manifests")) + &texts(&root().join("helm/kubeopencode"));
    let installed: Vec<&str> =
        installed.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    let mut seen = 0;
    for Command { place, words } in commands() {
        let parts = words.iter().flat_map(|word| word.split(['/', '=', ':', ',']));
        for name in parts.filter(|part| part.starts_with("kubeopencode-")) {
            assert!(installed.contains(&name), "{place}: nothing is called {name}");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} names are found");
}
