//! The API server's own account of the requests that it took, read from its audit log as it grows.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

/// How often the log is read where something is awaited.
const PACE: Duration = Duration::from_millis(100);

/// A request of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub verb: String,
    /// Such as `deployments`, or `agents/status`.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    /// Whose token it came with; empty where the token was not of a pod.
    pub pod: String,
    pub code: u16,
    pub received: OffsetDateTime,
    pub ended: OffsetDateTime,
}

/// What a request is for, as the figures tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The controller's lease: one controller renews it, however many Agents there are.
    Lease,
    /// A list or a watch of a whole kind.
    Watch,
    /// A single object is read.
    Read,
    Write,
}

impl Request {
    pub fn purpose(&self) -> Purpose {
        match (self.resource.as_str(), self.verb.as_str()) {
            ("leases", _) => Purpose::Lease,
            (_, "watch" | "list") => Purpose::Watch,
            (_, "get") => Purpose::Read,
            _ => Purpose::Write,
        }
    }

    /// Whether it is about one object and costs something for each Agent.
    pub fn is_work(&self) -> bool {
        matches!(self.purpose(), Purpose::Read | Purpose::Write)
    }
}

/// A line of the log: <https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/>.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    verb: String,
    user: User,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: Status,
    #[serde(with = "time::serde::rfc3339")]
    request_received_timestamp: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    stage_timestamp: OffsetDateTime,
    stage: String,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
    #[serde(default)]
    extra: Extra,
}

/// What a token says beside its user.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Extra {
    #[serde(rename = "authentication.kubernetes.io/pod-name")]
    pods: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
}

/// The log, from where it was read last.
pub struct Audit {
    log: BufReader<File>,
    /// Of a line that is not whole yet.
    begun: String,
    user: String,
}

impl Audit {
    /// Of one user's requests.
    pub fn of(user: impl Into<String>, log: &Path) -> Result<Self> {
        let file = File::open(log).with_context(|| log.display().to_string())?;
        Ok(Self { log: BufReader::new(file), begun: String::new(), user: user.into() })
    }

    /// The requests that were logged since the last call.
    pub fn new_requests(&mut self) -> Result<Vec<Request>> {
        let mut requests = vec![];
        while self.log.read_line(&mut self.begun)? > 0 {
            if self.begun.ends_with('\n') {
                requests.extend(parse(&self.begun, &self.user)?);
                self.begun.clear();
            }
        }
        Ok(requests)
    }

    /// The requests from now on for as long.
    pub async fn during(&mut self, window: Duration) -> Result<Vec<Request>> {
        self.new_requests()?;
        sleep(window).await;
        self.new_requests()
    }

    /// The requests up to a time without any that is work for an object, of the length `quiet`.
    pub async fn until_quiet(&mut self, quiet: Duration, bound: Duration) -> Result<Vec<Request>> {
        let (started, mut last, mut all) = (Instant::now(), Instant::now(), vec![]);
        while last.elapsed() < quiet {
            if started.elapsed() > bound {
                bail!("requests went on for {bound:?}; the last: {:?}", all.last());
            }
            let new = self.new_requests()?;
            if new.iter().any(Request::is_work) {
                last = Instant::now();
            }
            all.extend(new);
            sleep(PACE).await;
        }
        Ok(all)
    }
}

fn parse(line: &str, user: &str) -> Result<Option<Request>> {
    // Most lines are of others.
    if !line.contains(user) {
        return Ok(None);
    }
    let line: Line = serde_json::from_str(line).context("a line of the audit log")?;
    // A watch is logged when it begins, and once more when it ends.
    if line.user.username != user || line.verb == "watch" && line.stage != "ResponseStarted" {
        return Ok(None);
    }
    let pod = line.user.extra.pods.into_iter().next().unwrap_or_default();
    let ObjectRef { resource, subresource, namespace, name } = line.object_ref;
    let resource =
        if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") };
    Ok(Some(Request {
        verb: line.verb,
        resource,
        namespace,
        name,
        pod,
        code: line.response_status.code,
        received: line.request_received_timestamp,
        ended: line.stage_timestamp,
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn line(user: &str, verb: &str, stage: &str, resource: &str) -> String {
        format!(
            r#"{{"kind":"Event","stage":"{stage}","verb":"{verb}","user":{{"username":"{user}"}},"objectRef":{{"resource":"{resource}","namespace":"a","name":"x","subresource":"status"}},"responseStatus":{{"code":200}},"requestReceivedTimestamp":"2026-11-27T06:00:00.000001Z","stageTimestamp":"2026-11-27T06:00:00.5Z"}}"#
        )
    }

    #[test]
    fn each_request_of_the_user_is_read_once_and_only_when_its_line_is_whole() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut audit = Audit::of("me", file.path()).unwrap();
        let mut read = |text: &str| {
            file.write_all(text.as_bytes()).unwrap();
            let requests = audit.new_requests().unwrap();
            requests.into_iter().map(|r| format!("{} {}", r.verb, r.resource)).collect::<Vec<_>>()
        };
        let patch = line("me", "patch", "ResponseComplete", "agents");
        assert_eq!(read(&patch[..50]), [""; 0]);
        let rest = format!("{}\n{}\n", &patch[50..], line("you", "get", "ResponseComplete", "x"));
        assert_eq!(read(&rest), ["patch agents/status"]);
        let watch = [line("me", "watch", "ResponseStarted", "p"), line("me", "watch", "x", "p")];
        assert_eq!(read(&format!("{}\n{}\n", watch[0], watch[1])), ["watch p/status"]);
    }
}
