//! CNCF's registry on the loopback, with one user, and xtask as that user or as nobody.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::programs::{Outcome, program, run};

/// `user:secret`, as a password file has it (bcrypt) and as a configuration of Docker has it (base64).
const PASSWORD_FILE: &str = "user:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";
const CREDENTIALS: &str = "dXNlcjpzZWNyZXQ=";

/// One that is up; dropped, it is gone.
pub struct Registry {
    /// Such as `127.0.0.1:41234`.
    pub address: String,
    process: Child,
    folder: TempDir,
}

impl Registry {
    pub fn up() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        fs::write(path("users"), PASSWORD_FILE)?;
        let configuration = serde_json::json!({
            "version": 0.1,
            "log": { "level": "info", "formatter": "json" },
            "storage": { "filesystem": { "rootdirectory": path("data") } },
            "auth": { "htpasswd": { "realm": "test", "path": path("users") } },
            "http": { "addr": "127.0.0.1:0", "secret": "of this test" },
        });
        fs::write(path("registry.yaml"), configuration.to_string())?;
        let mut process = Command::new(program("REGISTRY")?)
            .arg("serve")
            .arg(path("registry.yaml"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(process.stderr.take().context("it is piped")?).lines();
        let said = lines.by_ref().map_while(io::Result::ok).find_map(|line| address(&line));
        let address = said.context("the registry ended before it listened")?;
        // It writes a line for each request.
        std::thread::spawn(move || lines.for_each(drop));
        let credentials = serde_json::json!({ "auths": { &address: { "auth": CREDENTIALS } } });
        for (name, content) in [("user", credentials), ("nobody", serde_json::json!({}))] {
            fs::create_dir(path(name))?;
            fs::write(path(name).join("config.json"), content.to_string())?;
        }
        Ok(Self { address, process, folder })
    }

    /// The file that `docker login` leaves for `user`: what a Secret with the credentials of a registry holds.
    pub fn credentials(&self) -> PathBuf {
        self.folder.path().join("user/config.json")
    }

    /// xtask with one of two configurations of Docker: that of `user`, or that of `nobody`.
    pub fn xtask(&self, who: &str, arguments: &[&str]) -> Result<Outcome> {
        let mut xtask = Command::new(program("XTASK")?);
        xtask.args(arguments).env("DOCKER_CONFIG", self.folder.path().join(who));
        run(xtask, "")
    }
}

/// Copies an image with all its platforms from the registry into a layout.
pub fn pull(reference: &str, layout: &Path) -> Result<Outcome> {
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
    run(skopeo, "")
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
