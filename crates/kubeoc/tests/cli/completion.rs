//! The program as a shell and kubectl ask it for words.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::api_server::{ApiServer, Request, failure, kubeconfig, listen, ok, stdout};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kubeoc");

/// A cluster with two agents in each of two namespaces, and a template.
fn cluster() -> ApiServer {
    ApiServer::start(|request| {
        let names: &[&str] = match request.line.split('?').next().unwrap() {
            path if path.ends_with("/namespaces/team-a/agents/demo") => {
                return ok(&serde_json::to_value(fixtures::linked(2, |_| ())).unwrap());
            }
            path if path.ends_with("/namespaces/team-a/agents") => &["demo", "reviewer"],
            path if path.ends_with("/namespaces/team-b/agents") => &["demo-b", "other"],
            path if path.ends_with("/namespaces/team-a/agenttemplates") => &["base"],
            path if path.ends_with("/api/v1/namespaces") => &["team-a", "team-b"],
            _ => return failure(404, None),
        };
        let items = names.iter().map(|name| {
            json!({
                "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
                "metadata": { "name": name },
            })
        });
        ok(&json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList",
            "metadata": { "resourceVersion": "1" }, "items": items.collect::<Vec<_>>(),
        }))
    })
}

fn asked(shell: &str, address: &str, words: &[&str]) -> Output {
    let index = words.len().to_string();
    Command::new(PROGRAM)
        .env("KUBECONFIG", kubeconfig(address))
        .env("KUBEOC_COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", index)
        .args(["--", "kubeoc"])
        .args(words)
        .output()
        .unwrap()
}

/// The words that bash is offered, without flags.
fn offered(address: &str, words: &[&str]) -> Vec<String> {
    let offered = stdout(&asked("bash", address, words));
    let words = offered.lines().filter(|word| !word.starts_with('-'));
    words.map(str::to_owned).collect()
}

#[test]
fn names_are_those_of_the_cluster_and_namespace_that_the_line_names() {
    let cluster = cluster();
    let cases: [(&[&str], &[&str]); 15] = [
        (&["agent", "status", ""], &["demo", "reviewer"]),
        (&["agent", "share", "d"], &["demo"]),
        (&["agent", "unshare", "--timeout", "5s", "r"], &["reviewer"]),
        (&["agent", "logs", "-n", "team-b", ""], &["demo-b", "other"]),
        (&["agent", "resume", "--namespace=team-b", "o"], &["other"]),
        (&["get", "agents", "demo", ""], &["demo", "reviewer"]),
        (&["get", "ag", "re"], &["reviewer"]),
        (&["get", "templates", ""], &["base"]),
        (&["agent", "status", "demo", "-n", ""], &["team-a", "team-b"]),
        (&["get", "agents", "--namespace", "team-b"], &["team-b"]),
        (&["agent", "status", "--context", ""], &["test"]),
        (&["agent", "s"], &["share", "status", "suspend"]),
        (&["agent", "share", "demo", "--link", ""], &["qa"]),
        (&["agent", "unshare", "demo", "--link", "q"], &["qa"]),
        (&["agent", "share", "--link", ""], &[]),
    ];
    for (words, expected) in cases {
        let mut found = offered(&cluster.address, words);
        found.sort();
        assert_eq!(found, expected, "{words:?}");
    }
    let lists = cluster.lines();
    let is_list = |line: &String| line.contains("limit=") || line.contains("/agents/demo");
    assert!(lists.iter().all(|line| line.starts_with("GET ") && is_list(line)));
}

#[test]
fn every_shell_is_answered_in_its_own_form() {
    let cluster = cluster();
    for (shell, expected) in [("bash", "demo"), ("zsh", "demo"), ("fish", "demo\n")] {
        let answer = stdout(&asked(shell, &cluster.address, &["agent", "status", "d"]));
        assert_eq!(answer, expected, "{shell}");
    }
}

/// Whoever presses Tab sees no error, and never waits for long.
#[test]
fn a_failure_is_silent_and_fast() {
    let forbidden = ApiServer::start(|_: &Request| failure(403, Some("x")));
    // It takes each connection, and says nothing.
    let silent = listen(std::mem::forget);
    for address in [&*forbidden.address, &*silent, "http://127.0.0.1:1", "no address"] {
        let started = Instant::now();
        let output = asked("bash", address, &["agent", "status", "de"]);
        assert!(started.elapsed() < Duration::from_secs(5), "{address}: {:?}", started.elapsed());
        assert_eq!(output.status.code(), Some(0), "{address}");
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{address}: {output:?}");
    }
    let output = asked("tcsh", &silent, &["agent", ""]);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
}

/// A variable of that name may be anybody's.
#[test]
fn a_variable_that_is_not_ours_changes_nothing() {
    let output = Command::new(PROGRAM)
        .env("COMPLETE", "bash")
        .args(["version", "--client"])
        .output()
        .unwrap();
    assert!(stdout(&output).starts_with("Client:"), "{output:?}");
}

#[test]
fn bash_itself_completes_by_the_script() {
    let cluster = cluster();
    let lines = format!(
        "source <({PROGRAM} completion bash)\n\
         COMP_WORDS=(kubeoc agent status d -n team-b); COMP_CWORD=3; COMP_TYPE=9\n\
         _clap_complete_kubeoc kubeoc d status\n\
         echo \"${{COMPREPLY[*]}}\"\n\
         complete -p kubeoc\n"
    );
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", &lines])
        .env("KUBECONFIG", kubeconfig(&cluster.address))
        .output()
        .unwrap();
    let printed = stdout(&output);
    let (words, registered) = printed.split_once('\n').unwrap();
    assert_eq!(words, "demo-b", "{output:?}");
    assert!(registered.contains("_clap_complete_kubeoc kubeoc"), "{registered}");
}

#[test]
fn every_shell_has_a_script_that_calls_this_program() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = Command::new(PROGRAM).args(["completion", shell]).output().unwrap();
        let script = stdout(&output);
        assert!(script.contains(PROGRAM) && script.contains("KUBEOC_COMPLETE"), "{script}");
    }
}

/// A folder with the program under a name that kubectl looks for.
fn linked(name: &str) -> (PathBuf, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("completion-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let link = folder.join(name);
    symlink(PROGRAM, &link).unwrap();
    (folder, link)
}

#[test]
fn kubectl_is_answered_with_a_line_for_each_word_and_a_directive() {
    let cluster = cluster();
    let (folder, program) = linked("kubectl_complete-koc");
    let asked = |address: &str, words: &[&str]| {
        let kubeconfig = kubeconfig(address);
        let output = Command::new(&program).env("KUBECONFIG", kubeconfig).args(words).output();
        stdout(&output.unwrap())
    };
    let status = ["agent", "status", "-n", "team-b", "o"];
    assert_eq!(asked(&cluster.address, &status), "other\n:4\n");
    let commands = asked(&cluster.address, &["agent", "sh"]);
    assert!(commands.starts_with("share\tEnable an agent's share link"), "{commands}");
    assert_eq!(asked("http://127.0.0.1:1", &status), ":4\n");
    fs::remove_dir_all(&folder).unwrap();
}
