//! What the sidecar does while the agent runs.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use agent_jobs::GitState;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{clone::server, pod::Pod, server::Server};

fn pod(server: &Server, policy: &str) -> Pod {
    let pod = Pod::new(&server.url("open", "repo")).trusting(&server.ca());
    pod.with("sync", json!({ "intervalSeconds": 1, "policy": policy }))
}

fn start(pod: &Pod, tool: &str) -> Child {
    pod.command(tool).stderr(Stdio::piped()).spawn().unwrap()
}

/// Whether a program runs on once it has asked the server three times more.
fn runs_on(server: &Server, child: &mut Child) -> bool {
    server.wait_for(server.asked().len() + 7);
    child.try_wait().unwrap().is_none()
}

fn terminate(child: Child) -> Option<i32> {
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    child.wait_with_output().unwrap().status.code()
}

#[test]
fn nothing_new_is_nothing_to_report_and_a_new_commit_is_checked_out_and_reported() {
    let (server, origin) = server();
    let pod = pod(&server, "HotReload");
    pod.init().synced();
    let mut child = start(&pod, "git-sync");
    assert!(runs_on(&server, &mut child));
    let newest = origin.write("README.md", "3").commit("3");
    let ended = pod.ended(&child.wait_with_output().unwrap());
    assert_eq!(ended.synced(), newest);
    assert_eq!(pod.text("README.md"), "3");
    assert_eq!(pod.git(&["status", "--porcelain"]), "");

    let mut child = start(&pod, "git-sync");
    assert!(runs_on(&server, &mut child), "it was reported already");
    terminate(child);
}

#[test]
fn a_checkout_without_git_follows_too_whether_file_or_folder() {
    let (server, origin) = server();
    for (path, select) in [("sub", vec![]), ("sub", vec!["dir"]), ("sub/dir/file", vec![])] {
        let pod = pod(&server, "HotReload").with("path", path).with("select", select);
        pod.init().synced();
        let content = origin.head();
        let newest = origin.write("sub/dir/file", &content).write("sub/more", "x").commit("more");
        assert_eq!(pod.sync().synced(), newest);
        let file = if path == "sub" { "docs/dir/file" } else { "docs" };
        assert_eq!(fs::read_to_string(pod.volume().join(file)).unwrap(), content);
        fs::write(pod.volume().join(file), "mine").unwrap();
        origin.write("sub/dir/file", "newer").commit("newer");
        assert!(pod.sync().diverged().ends_with("file' was changed here") || path != "sub");
        assert_eq!(fs::read_to_string(pod.volume().join(file)).unwrap(), "mine");
    }
}

#[test]
fn a_reader_sees_the_old_content_or_the_new_and_never_none() {
    let (server, origin) = server();
    let long = |digit: &str| digit.repeat(300_000);
    origin.write("big", &long("1")).commit("1");
    let pod = pod(&server, "HotReload");
    pod.init().synced();
    let is_over = Arc::new(AtomicBool::new(false));
    let (file, over) = (pod.docs("big"), Arc::clone(&is_over));
    let reader = thread::spawn(move || {
        let mut count = 0_usize;
        while !over.load(Ordering::Relaxed) {
            let content = fs::read_to_string(&file).expect("never missing");
            assert_eq!(content.len(), 300_000);
            assert!(content.bytes().all(|byte| byte == content.as_bytes()[0]));
            count += 1;
        }
        count
    });
    for digit in 2..6 {
        let newest = origin.write("big", &long(&digit.to_string())).commit("next");
        assert_eq!(pod.sync().synced(), newest);
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(reader.join().unwrap() > 4);
}

#[test]
fn work_of_the_agent_is_left_alone_and_reported_once() {
    let (server, origin) = server();
    let pod = pod(&server, "HotReload");
    pod.init().synced();
    fs::write(pod.docs("README.md"), "mine").unwrap();
    origin.write("README.md", "3").commit("3");
    assert_eq!(pod.sync().diverged(), "'README.md' was changed here");
    let mut child = start(&pod, "git-sync");
    assert!(runs_on(&server, &mut child));
    pod.git(&["checkout", "--quiet", "README.md"]);
    let ended = pod.ended(&child.wait_with_output().unwrap());
    assert_eq!(ended.synced(), origin.head());
    assert_eq!(pod.text("README.md"), "3");
}

#[test]
fn rollout_touches_nothing_and_reports_what_a_new_pod_would_get() {
    let (server, origin) = server();
    for path in [None, Some("sub")] {
        let pod = pod(&server, "Rollout");
        let pod = path.iter().fold(pod, |pod, path| pod.with("path", *path));
        let first = pod.init().synced();
        let before =
            fs::read_to_string(pod.docs(path.map_or("sub/dir/file", |_| "dir/file"))).unwrap();
        let newest = origin.write("sub/dir/file", &format!("new {path:?}")).commit("3");
        let report = pod.sync().git();
        assert_eq!(report.state, GitState::Pending { commit: newest });
        assert_eq!(report.commit, first);
        let after =
            fs::read_to_string(pod.docs(path.map_or("sub/dir/file", |_| "dir/file"))).unwrap();
        assert_eq!(before, after);
    }
}

#[test]
fn rollout_does_not_ask_for_a_new_pod_that_would_find_the_agents_work_again() {
    let (server, origin) = server();
    let pod = pod(&server, "Rollout").with("persistent", true).with("outlivesPod", true);
    pod.init().synced();
    fs::write(pod.docs("README.md"), "mine").unwrap();
    origin.write("README.md", "3").commit("3");
    assert_eq!(pod.sync().diverged(), "'README.md' was changed here");
    assert_eq!(pod.init().diverged(), "'README.md' was changed here");
    let mut child = start(&pod, "git-sync");
    assert!(runs_on(&server, &mut child));
    terminate(child);
}

#[test]
fn a_single_file_that_is_mounted_itself_is_left_to_a_new_pod() {
    let (server, origin) = server();
    let pod = |path| pod(&server, "HotReload").with("isMount", true).with("path", path);
    let file = pod("sub/dir/file");
    let first = file.init().synced();
    let before = fs::metadata(file.volume().join("docs")).unwrap();
    let newest = origin.write("sub/dir/file", "new").commit("new");
    let report = file.sync().git();
    assert_eq!(
        (report.commit, report.state),
        (first, GitState::Pending { commit: newest.clone() })
    );
    let place = file.volume().join("docs");
    assert_eq!(fs::read_to_string(&place).unwrap(), "text\n");
    assert_eq!(fs::metadata(&place).unwrap().ino(), before.ino());
    let mut child = start(&file, "git-sync");
    assert!(runs_on(&server, &mut child), "it was reported already");
    terminate(child);
    fs::write(&place, "mine").unwrap();
    assert!(file.sync().diverged().ends_with("was changed here"));

    // The mount of a folder shows what is put into it.
    let folder = pod("sub/dir");
    folder.init().synced();
    let newest = origin.write("sub/dir/file", "newer").commit("newer");
    assert_eq!(folder.sync().synced(), newest);
    assert_eq!(folder.text("file"), "newer");
}

#[test]
fn a_server_that_is_away_is_reported_once_and_so_is_its_return() {
    let (server, origin) = server();
    let pod = pod(&server, "HotReload");
    let first = pod.init().synced();
    let away = origin.path.with_extension("away");
    fs::rename(&origin.path, &away).unwrap();
    let report = pod.sync().git();
    assert!(matches!(report.state, GitState::Failed { .. }), "{report:?}");
    assert_eq!(report.commit, first);
    let mut child = start(&pod, "git-sync");
    assert!(runs_on(&server, &mut child));
    fs::rename(&away, &origin.path).unwrap();
    assert_eq!(pod.ended(&child.wait_with_output().unwrap()).synced(), first);
}

#[test]
fn sigterm_ends_both_at_once_and_leaves_no_half_target() {
    let (server, _origin) = server();
    let following = pod(&server, "HotReload");
    following.init().synced();
    let mut child = start(&following, "git-sync");
    assert!(runs_on(&server, &mut child));
    assert_eq!(terminate(child), Some(143));

    let mut hanging = Pod::new(&server.url("hang", "repo")).trusting(&server.ca());
    let before = server.asked().len();
    let child = start(&hanging, "git-init");
    server.wait_for(before + 3);
    assert_eq!(terminate(child), Some(143));
    assert!(!hanging.docs("").exists());
    // The next try is not bothered.
    hanging.job["repository"] = server.url("open", "repo").into();
    hanging.init().synced();
    assert_eq!(fs::read_dir(hanging.volume()).unwrap().count(), 1);
}

#[test]
fn a_job_that_cannot_be_followed_is_refused() {
    let (server, _origin) = server();
    let mut pod = pod(&server, "HotReload");
    pod.job["state"] = json!(null);
    assert_eq!(pod.sync().refused(), "docs: the job names no folder for its state");
    pod.job["sync"] = json!(null);
    assert_eq!(pod.sync().refused(), "docs: the job asks for no synchronization");
}
