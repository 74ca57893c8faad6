//! CNCF's registry on the loopback, with one user, and xtask as that user or as nobody.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use chart::{Outcome, program, run};
use tempfile::TempDir;

/// `user:secret`, as a password file has it (bcrypt) and as a configuration of Docker has it (base64).
const PASSWORD_FILE: &str = "user:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";
const CREDENTIALS: &str = "dXNlcjpzZWNyZXQ=";

/// One that is up; dropped, it is gone.
pub(crate) struct Registry {
    /// Such as `127.0.0.1:41234`.
    pub(crate) address: String,
    process: Child,
    folder: TempDir,
}

impl Registry {
    pub(crate) fn up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("users"), PASSWORD_FILE).unwrap();
        let configuration = serde_json::json!({
            "version": 0.1,
            "log": { "level": "info", "formatter": "json" },
            "storage": { "filesystem": { "rootdirectory": path("data") } },
            "auth": { "htpasswd": { "realm": "test", "path": path("users") } },
            "http": { "addr": "127.0.0.1:0", "secret": "of this test" },
        });
        fs::write(path("registry.yaml"), configuration.to_string()).unwrap();
        let mut process = Command::new(program("REGISTRY").unwrap())
            .arg("serve")
            .arg(path("registry.yaml"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| address(&line.unwrap())).unwrap();
        // It writes a line for each request.
        std::thread::spawn(move || lines.for_each(drop));
        let credentials = serde_json::json!({ "auths": { &address: { "auth": CREDENTIALS } } });
        for (name, content) in [("user", credentials), ("nobody", serde_json::json!({}))] {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("config.json"), content.to_string()).unwrap();
        }
        Self { address, process, folder }
    }

    /// xtask with one of two configurations of Docker: that of `user`, or that of `nobody`.
    pub(crate) fn xtask(&self, who: &str, arguments: &[&str]) -> Outcome {
        let mut xtask = Command::new(program("XTASK").unwrap());
        xtask.args(arguments).env("DOCKER_CONFIG", self.folder.path().join(who));
        run(xtask, "").unwrap()
    }
}

/// Copies an image with all its platforms from the registry into a layout.
pub(crate) fn pull(reference: &str, layout: &Path) -> Outcome {
    let mut skopeo = Command::new("skopeo");
    skopeo
        .args([
            "--insecure-policy",
            "copy",
            "--all",
            "--preserve-digests",
            "--src-tls-verify=false",
        ])
        .args(["--src-creds", "user:secret"])
        .arg(format!("docker://{reference}"))
        .arg(format!("oci:{}", layout.display()));
    run(skopeo, "").unwrap()
}

impl Drop for Registry {
    fn drop(&mut self) {
        // One that has ended by itself needs neither.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the registry says of where it listens.
fn address(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(line["msg"].as_str()?.strip_prefix("listening on ")?.to_owned())
}
