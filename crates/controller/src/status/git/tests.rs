#![allow(clippy::needless_pass_by_value, reason = "cases are written as literals")]

use api_types::Condition;
use serde_json::{Value, json};
use time::macros::datetime;

use super::*;

const COMMIT: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

fn message(state: GitState) -> String {
    let report = GitReport {
        name: "code".into(),
        commit: COMMIT.into(),
        last_synced: "2026-01-02T03:04:05Z".into(),
        state,
    };
    Report::Git(report).to_message()
}

fn ended(name: &str, message: &str) -> Value {
    json!({ "name": name, "state": { "terminated": { "exitCode": 0, "message": message } },
        "image": "", "imageID": "", "ready": true, "restartCount": 0 })
}

fn running(name: &str, last: &str) -> Value {
    json!({ "name": name, "state": { "running": {} }, "image": "", "imageID": "", "ready": true,
        "lastState": { "terminated": { "exitCode": 0, "message": last } }, "restartCount": 1 })
}

fn of(init: Value, main: Value) -> Option<(Vec<GitSyncStatus>, Condition)> {
    let status = json!({ "initContainerStatuses": [init], "containerStatuses": [main] });
    let pod: Pod = serde_json::from_value(json!({ "metadata": {}, "status": status })).unwrap();
    let found = Repositories::of(&[&pod])?;
    let mut conditions = Conditions::new(&[], None, datetime!(2026-01-01 0:00 UTC));
    found.set_condition(Rollout::None, &mut conditions);
    Some((found.statuses(), conditions.finish().remove(0)))
}

#[test]
fn what_was_cloned_is_in_the_status() {
    let server = running("opencode-server", "unrelated");
    let (statuses, condition) =
        of(ended("git-init-0", &message(GitState::Synced)), server).unwrap();
    let expected = GitSyncStatus {
        name: "code".into(),
        commit_hash: Some(COMMIT.into()),
        last_synced: Some(datetime!(2026-01-02 3:04:05 UTC)),
    };
    assert_eq!(statuses, [expected]);
    assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("False", "Synced"));
}

#[test]
fn the_sidecars_word_is_the_newer_one() {
    let init = || ended("git-init-0", &message(GitState::Synced));
    let states = [
        (GitState::Synced, "False", "Synced"),
        (GitState::Pending { commit: "0b".repeat(20) }, "True", "UpdateAvailable"),
        (
            GitState::Diverged { commit: "0b".repeat(20), why: "local edits".into() },
            "True",
            "Diverged",
        ),
        (GitState::Failed { why: "no such host".into() }, "True", "SyncFailed"),
    ];
    for (state, status, reason) in states {
        let (_, condition) = of(init(), running("git-sync-0", &message(state))).unwrap();
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), (status, reason));
    }
    let (statuses, condition) = of(init(), running("git-sync-0", "it broke\n")).unwrap();
    assert_eq!((statuses, condition.message.as_str()), (vec![], "it broke"));
}

#[test]
fn a_pod_that_reports_nothing_changes_nothing() {
    let quiet = json!({ "name": "git-init-0", "state": { "running": {} }, "image": "", "imageID": "",
        "ready": false, "restartCount": 0 });
    assert!(of(quiet, running("opencode-server", "x")).is_none());
    assert!(Repositories::of(&[]).is_none());
}
