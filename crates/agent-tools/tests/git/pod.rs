//! A pod's volumes, and the programs that run with them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use agent_jobs::{GitReport, GitState, Report};
use serde_json::{Value, json};

pub(crate) struct Pod {
    pub(crate) folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    pub(crate) job: Value,
    pub(crate) retry_seconds: u64,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) report: Report,
    pub(crate) is_success: bool,
    pub(crate) log: String,
}

impl Pod {
    /// With a job that clones `url` to `docs` on the volume.
    pub(crate) fn new(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["volume", "secret", "state"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let job = json!({
            "name": "docs",
            "repository": url,
            "reference": "HEAD",
            "depth": 1,
            "target": { "root": path("volume"), "path": "docs" },
            "state": path("state"),
        });
        Self { folder, environment: vec![], job, retry_seconds: 0 }
    }

    /// With one more field of the job.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.job[field] = value.into();
        self
    }

    pub(crate) fn trusting(self, ca: &Path) -> Self {
        self.variable("CUSTOM_CA_CERT_PATH", ca.to_str().unwrap())
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a Secret's keys.
    pub(crate) fn secret(self, keys: &[(&str, &str)]) -> Self {
        let folder = self.folder.path().join("secret");
        for (name, value) in keys {
            fs::write(folder.join(name), value).unwrap();
        }
        let folder = folder.to_str().unwrap().to_owned();
        self.with("credentials", folder)
    }

    pub(crate) fn volume(&self) -> PathBuf {
        self.folder.path().join("volume")
    }

    /// A path in the checkout.
    pub(crate) fn docs(&self, path: &str) -> PathBuf {
        self.volume().join("docs").join(path)
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.docs(path)).unwrap()
    }

    pub(crate) fn command(&self, tool: &str) -> Command {
        let path = |name: &str| self.folder.path().join(name);
        fs::write(path("job.json"), serde_json::to_vec(&self.job).unwrap()).unwrap();
        fs::write(path("log"), "").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent-tools"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .arg(tool)
            .arg("--job")
            .arg(path("job.json"))
            .arg("--termination-log")
            .arg(path("log"))
            .args(["--retry-seconds", &self.retry_seconds.to_string()])
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn ended(&self, output: &Output) -> Ended {
        Ended {
            report: Report::parse(&fs::read_to_string(self.folder.path().join("log")).unwrap()),
            is_success: output.status.success(),
            log: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    pub(crate) fn init(&self) -> Ended {
        let output = self.command("git-init").output().unwrap();
        self.ended(&output)
    }

    /// Runs until there is news.
    pub(crate) fn sync(&self) -> Ended {
        let output = self.command("git-sync").output().unwrap();
        self.ended(&output)
    }

    /// What git says of the checkout, as the agent sees it.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        super::origin::read(&self.docs(""), arguments)
    }
}

impl Ended {
    /// The report of a program that did its work.
    #[track_caller]
    pub(crate) fn git(self) -> GitReport {
        assert!(self.is_success, "{self:?}");
        match self.report {
            Report::Git(report) => report,
            Report::Failed(sentence) => panic!("{sentence}"),
        }
    }

    #[track_caller]
    pub(crate) fn synced(self) -> String {
        let report = self.git();
        assert_eq!(report.state, GitState::Synced);
        report.commit
    }

    /// Why the agent's work was left alone.
    #[track_caller]
    pub(crate) fn diverged(self) -> String {
        match self.git().state {
            GitState::Diverged { why, .. } => why,
            state => panic!("{state:?}"),
        }
    }

    /// The sentence of a program that failed.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert!(!self.is_success, "{self:?}");
        match self.report {
            Report::Failed(sentence) => {
                assert!(self.log.contains(&sentence), "{sentence} is not in {}", self.log);
                sentence
            }
            Report::Git(report) => panic!("{report:?}"),
        }
    }
}
