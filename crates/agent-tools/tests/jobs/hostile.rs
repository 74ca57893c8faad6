//! Values that no user should write, given to the programs as they are: none runs a command, and none writes outside
//! of its root. A canary beside the root stays as it is, and whatever would be run leaves a file.

#[path = "../support/table.rs"]
mod table;

use std::fs;

use serde_json::{Value, json};

use super::{
    Ended, Pod,
    server::{Server, text},
    tree,
};

use May::{Never, Pass};
use table::{May, hostile};

/// Where every program that is looked for leaves a file when it is started.
fn trapped() -> Pod {
    let pod = Pod::new();
    pod.put("canary", "alive");
    pod.put("volume/guide.md", "written");
    super::trap::set(pod.folder.path());
    pod
}

/// Everything but the root and what the test itself puts down.
fn outside(pod: &Pod) -> Vec<(String, Vec<u8>)> {
    let own = ["job.json", "termination-log"];
    let is_outside = |name: &str| !name.starts_with("workspace/") && !own.contains(&name);
    tree(&pod.path(".")).into_iter().filter(|(name, _)| is_outside(name)).collect()
}

fn run(pod: &Pod, tool: &str, job: &Value) -> Ended {
    let before = outside(pod);
    let ended =
        pod.run(pod.command(tool, job).env("PATH", pod.path("bin")).current_dir(pod.path(".")));
    assert_eq!(outside(pod), before, "{tool} {job}");
    ended
}

fn check(ended: &Ended, may: May, value: &str) {
    match may {
        Pass if ended.output.status.success() => ended.succeeded(),
        Never | Pass => assert!(!ended.refused().is_empty(), "{value:?}"),
    }
}

#[test]
fn paths() {
    for (path, may) in hostile("mountPath") {
        let path = path.as_str();
        let pod = trapped();
        let volume = json!({"path": pod.text("volume/guide.md"), "optional": false});
        let folder = json!({"path": pod.text("volume"), "optional": false});
        let target = json!({"root": pod.text("workspace"), "path": path});
        for source in [json!({"file": volume}), json!({"directory": folder})] {
            let item = json!({"label": "x", "source": source, "target": target, "mode": 420});
            check(&run(&pod, "context-init", &json!({"items": [item]})), may, path);
            fs::remove_dir_all(pod.path("workspace")).unwrap();
            fs::create_dir(pod.path("workspace")).unwrap();
        }
        let blocks = json!([{"name": path, "kind": path, "source": {"file": volume}}]);
        let document = json!({"target": target, "blocks": blocks});
        check(&run(&pod, "context-init", &json!({"document": document})), may, path);
    }
}

#[test]
fn roots_and_modes() {
    for root in ["", "nowhere", "/no/such/folder", "canary", "/dev/null", "/proc/self/exe", "\0"] {
        let pod = trapped();
        let file = json!({"path": pod.text("volume/guide.md"), "optional": false});
        let target = json!({"root": root, "path": "a"});
        let item = json!({"label": "x", "source": {"file": file}, "target": target, "mode": 420});
        check(&run(&pod, "context-init", &json!({"items": [item]})), Never, root);
    }
    for mode in [json!(-1), json!(1.5), json!(4_294_967_296_u64), json!("0644"), json!(null)] {
        let pod = trapped();
        let file = json!({"path": pod.text("volume/guide.md"), "optional": false});
        let target = json!({"root": pod.text("workspace"), "path": "a"});
        let item = json!({"label": "x", "source": {"file": file}, "target": target, "mode": mode});
        check(&run(&pod, "context-init", &json!({"items": [item]})), Never, &mode.to_string());
    }
}

#[test]
fn plugin_names() {
    for (name, may) in hostile("plugin") {
        let name = name.as_str();
        let pod = trapped();
        let job = json!({"plugins": [name, "plain"], "directory": pod.text("workspace/plugins")});
        assert_eq!(may, Never, "{name:?}");
        check(&run(&pod, "plugin-init", &job), Never, name);
        assert_eq!(tree(&pod.path("workspace")), [], "{name:?}");
    }
    // The trap works: what npm is, it would have run.
    let pod = trapped();
    let job = json!({"plugins": ["plain"], "directory": pod.text("workspace/plugins")});
    pod.run(pod.command("plugin-init", &job).env("PATH", pod.path("bin"))).refused();
    assert!(pod.path("ran").exists());
}

fn url_job(pod: &Pod, source: &str, seconds: u32) -> Value {
    let target = json!({"root": pod.text("workspace"), "path": "a"});
    json!({"label": "x", "source": source, "timeoutSeconds": seconds, "target": target, "mode": 420})
}

#[test]
fn urls() {
    for (url, may) in hostile("url") {
        let pod = trapped();
        let ended = run(&pod, "url-fetch", &url_job(&pod, &url, 1));
        // What is a URL leads to a port at which nobody listens.
        ended.refused();
        let is_asked = !ended.message.contains("url.source ");
        assert_eq!(is_asked, may == Pass, "{url:?}: {}", ended.message);
        assert!(!format!("{ended:?}").contains("s3cret"), "{url:?}: {ended:?}");
        assert_eq!(tree(&pod.path("workspace")), [], "{url:?}");
    }
}

#[test]
fn headers() {
    let mut asked = 0;
    let server = Server::http(|_| text(200, "here"));
    let values = [
        ("", "x", Never),
        (" ", "x", Never),
        ("a b", "x", Never),
        ("a:b", "x", Never),
        ("a\nb", "x", Never),
        ("a\r\nInjected", "yes", Never),
        ("a\0", "x", Never),
        ("ä", "x", Never),
        ("(a)", "x", Never),
        ("Content-Length", "5", Never),
        ("transfer-encoding", "chunked", Never),
        ("CONNECTION", "close", Never),
        ("TE", "trailers", Never),
        ("Trailer", "x", Never),
        ("Upgrade", "websocket", Never),
        ("Expect", "100-continue", Never),
        ("Proxy-Authorization", "Basic x", Never),
        ("a", "s3cret\r\nInjected: yes", Never),
        ("a", "s3cret\nInjected: yes", Never),
        ("a", "s3cret\r", Never),
        ("a", "s3cret\0", Never),
        ("a", "s3cret\u{7f}", Never),
        ("a", "", Pass),
        ("a", "ü", Pass),
        ("Host", "elsewhere", Pass),
        ("Cookie", "a=$(touch ran); b", Pass),
    ];
    for (name, value, may) in values {
        let pod = trapped();
        let mut job = url_job(&pod, &server.url("/"), 30);
        job["headers"] = json!({name: value});
        let ended = run(&pod, "url-fetch", &job);
        check(&ended, may, name);
        assert!(!format!("{ended:?}").contains("s3cret"), "{name:?}: {ended:?}");
        if may == Pass {
            ended.succeeded();
            asked += 1;
        }
        assert_eq!(server.asked().len(), asked, "{name:?}: {value:?}");
    }
    assert!(server.asked().iter().all(|asked| asked.header("injected").is_none()));
}
