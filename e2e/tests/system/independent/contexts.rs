//! An agent arrives with what its spec says: texts, maps, URLs, repositories and skills.

use anyhow::{Context, Result, ensure};
use api_types::{Agent, condition};
use e2e::{
    agents, cluster::Space, git_server::GitServer, guest, kubeoc, opencode, pods,
    raw_guest::RawGuest,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use serde_json::{Value, json};

async fn read(space: &Space, agent: &str, path: &str) -> Result<String> {
    let pod = pods::of_agent(space, agent).await?;
    pods::exec(space, &pod, &["cat", path]).await
}

async fn prints(space: &Space, agent: &str, script: &str) -> Result<String> {
    let pod = pods::of_agent(space, agent).await?;
    Ok(pods::exec(space, &pod, &["/bin/bash", "-c", script]).await?.trim().to_owned())
}

#[tokio::test]
async fn texts_config_maps_and_urls_are_there_before_the_agent_starts() -> Result<()> {
    let space = Space::new("contexts").await?;
    let server = GitServer::start(&space).await?;
    server.publish("page.txt", "from the web").await?;
    let notes: ConfigMap = serde_json::from_value(json!({
        "metadata": { "name": "notes" }, "data": { "a.md": "note a", "b.md": "note b" },
    }))?;
    space.api().create(&PostParams::default(), &notes).await?;
    let url = format!("{}/page.txt", server.url());
    let contexts = json!([
        { "name": "rules", "type": "Text", "text": "Be kind." },
        { "type": "Text", "text": "#!/bin/sh\necho run\n", "mountPath": "bin/run.sh", "fileMode": 493 },
        { "type": "Text", "text": "outside", "mountPath": "/opt/motd/today" },
        { "type": "ConfigMap", "configMap": { "name": "notes" }, "mountPath": "docs" },
        { "name": "a", "type": "ConfigMap", "configMap": { "name": "notes", "key": "a.md" } },
        { "type": "ConfigMap", "configMap": { "name": "none", "optional": true }, "mountPath": "none" },
        { "type": "Runtime" },
        { "name": "page", "type": "URL", "url": { "source": url } },
        { "type": "URL", "url": { "source": url }, "mountPath": "page.txt" },
    ]);
    agents::ready(&space, "reader", json!({ "contexts": contexts })).await?;

    let document = read(&space, "reader", "/workspace/.kubeopencode/context.md").await?;
    for part in [
        "Be kind.",
        "note a",
        "from the web",
        "\"reader\"",
        "<context name=\"rules\" type=\"Text\">",
    ] {
        ensure!(document.contains(part), "{part:?} is not in {document}");
    }
    ensure!(read(&space, "reader", "/opt/motd/today").await? == "outside");
    ensure!(read(&space, "reader", "/workspace/docs/b.md").await? == "note b");
    ensure!(read(&space, "reader", "/workspace/page.txt").await? == "from the web");
    ensure!(prints(&space, "reader", "/workspace/bin/run.sh").await? == "run");
    ensure!(prints(&space, "reader", "ls /workspace/none 2>/dev/null | wc -l").await? == "0");
    let config = opencode::get(&space, "reader", "/config").await?;
    ensure!(config["instructions"] == json!([".kubeopencode/context.md"]), "{config}");
    space.delete().await
}

#[tokio::test]
async fn repositories_and_skills_are_cloned_and_the_agents_work_outlives_its_pod() -> Result<()> {
    let space = Space::new("git").await?;
    let server = GitServer::start(&space).await?;
    let skill = "---\nname: greet\ndescription: Greets people\n---\nSay hello.\n";
    let files = [
        ("README.md", "hello"),
        ("docs/guide.md", "guide"),
        ("skills/greet/SKILL.md", skill),
        ("skills/hidden/SKILL.md", skill),
    ];
    let commit = server.commit(&files, "one").await?;
    let git = |more: Value| {
        let mut git = json!({ "repository": server.repository() });
        git.as_object_mut()
            .into_iter()
            .for_each(|git| git.extend(more.as_object().cloned().unwrap_or_default()));
        git
    };
    let spec = json!({
        "contexts": [
            { "name": "code", "type": "Git", "mountPath": "code", "git": git(json!({ "ref": "main", "depth": 0 })) },
            { "name": "guide", "type": "Git", "mountPath": "/opt/guide.md", "git": git(json!({ "path": "docs/guide.md", "ref": commit })) },
        ],
        "skills": [{ "name": "team", "git": git(json!({ "path": "skills", "names": ["greet"] })) }],
        "persistence": { "workspace": { "size": "100Mi" }, "sessions": {} },
    });
    let agent = agents::ready(&space, "coder", spec).await?;

    let status = agent.status.context("no status")?;
    let synced = status.git_sync_statuses.iter().find(|one| one.name == "code");
    ensure!(synced.and_then(|one| one.commit_hash.clone()) == Some(commit.clone()), "{status:?}");
    ensure!(read(&space, "coder", "/opt/guide.md").await? == "guide");
    ensure!(prints(&space, "coder", "git -C /workspace/code rev-parse HEAD").await? == commit);
    ensure!(prints(&space, "coder", "ls /skills/team").await? == "greet");
    let config = opencode::get(&space, "coder", "/config").await?;
    ensure!(config["skills"]["paths"] == json!(["/skills/team"]), "{config}");
    ensure!(
        prints(&space, "coder", "test -f /data/sessions/opencode.db && echo there").await?
            == "there"
    );

    prints(&space, "coder", "echo mine > /workspace/code/README.md; echo new > /workspace/new.txt")
        .await?;
    server.commit(&[("README.md", "theirs")], "two").await?;
    let first = pods::of_agent(&space, "coder").await?;
    agents::patch(&space, "coder", json!({ "spec": { "suspend": true } })).await?;
    let suspended = |agent: &Agent| agent.status.as_ref().is_some_and(|status| status.suspended);
    Box::pin(agents::wait(&space, "coder", "suspended", suspended)).await?;
    agents::patch(&space, "coder", json!({ "spec": { "suspend": false } })).await?;
    let diverged = |agent: &Agent| {
        let pending = agents::condition_of(agent, condition::GIT_SYNC_PENDING);
        agents::is_ready(agent) && pending == Some(("True".into(), "Diverged".into()))
    };
    Box::pin(agents::wait(&space, "coder", "ready and diverged", diverged)).await?;
    ensure!(pods::of_agent(&space, "coder").await? != first, "the pod is the same");
    ensure!(read(&space, "coder", "/workspace/code/README.md").await?.trim() == "mine");
    ensure!(read(&space, "coder", "/workspace/new.txt").await?.trim() == "new");
    space.delete().await
}

#[tokio::test]
async fn a_clean_checkout_follows_its_repository_while_the_agent_runs() -> Result<()> {
    let space = Space::new("sync").await?;
    let server = GitServer::start(&space).await?;
    server.commit(&[("README.md", "one")], "one").await?;
    let sync = json!({ "enabled": true, "interval": "1s" });
    let spec = json!({ "contexts": [{
        "name": "code", "type": "Git", "mountPath": "code",
        "git": { "repository": server.repository(), "ref": "main", "sync": sync },
    }] });
    agents::ready(&space, "follower", spec).await?;
    ensure!(read(&space, "follower", "/workspace/code/README.md").await? == "one");
    let second = server.commit(&[("README.md", "two")], "two").await?;
    let follows = |agent: &Agent| {
        let statuses = agent.status.iter().flat_map(|status| &status.git_sync_statuses);
        statuses.map(|one| one.commit_hash.as_deref()).any(|commit| commit == Some(&second))
    };
    Box::pin(agents::wait(&space, "follower", "at the second commit", follows)).await?;
    ensure!(read(&space, "follower", "/workspace/code/README.md").await? == "two");
    let ready = || async {
        let agent = space.api::<Agent>().get("follower").await?;
        let conditions = agent.status.context("no status")?.conditions;
        let ready = conditions.into_iter().find(|one| one.type_ == condition::READY);
        // Not the generation, which sharing the agent moves.
        ready.map(|one| (one.status, one.last_transition_time)).context("no Ready")
    };
    let before = ready().await?;

    // The sidecar ends at each commit, and the kubelet starts it again later and later: the pod is not ready meanwhile,
    // and the agent is.
    server.commit(&[("README.md", "three")], "three").await?;
    let pod = pods::of_agent(&space, "follower").await?;
    pods::wait(&space, &pod, "unready", |pod| !pods::is_ready(pod)).await?;
    let token = kubeoc::share(&space, "follower", &[]).await?;
    let mut guest = RawGuest::arrives(&token).await?;
    guest.shows(guest::PROMPT, guest::PATIENCE).await?;
    let after = ready().await?;
    ensure!(after == before, "it has not always been ready: {before:?}, {after:?}");
    space.delete().await
}

#[tokio::test]
async fn what_an_init_container_fails_at_is_a_sentence_in_the_status() -> Result<()> {
    let space = Space::new("initfailed").await?;
    let server = GitServer::start(&space).await?;
    server.commit(&[("README.md", "one")], "one").await?;
    let url = format!("{}/none.txt", server.url());
    let cases = [
        (
            "branch",
            json!({ "contexts": [{ "type": "Git", "mountPath": "code", "git": { "repository": server.repository(), "ref": "none" } }] }),
            "git-init-0",
        ),
        (
            "page",
            json!({ "contexts": [{ "type": "URL", "url": { "source": url }, "mountPath": "a" }] }),
            "url-fetch-0",
        ),
        ("npm", json!({ "plugins": [{ "name": "some-plugin@1.0.0" }] }), "plugin-init"),
    ];
    for (name, spec, container) in &cases {
        agents::create(&space, name, spec.clone()).await?;
        let failed = |agent: &Agent| {
            agents::condition_of(agent, condition::READY)
                .is_some_and(|(_, reason)| reason == "InitFailed")
        };
        let agent = Box::pin(agents::wait(&space, name, "InitFailed", failed)).await?;
        let conditions = agent.status.unwrap_or_default().conditions;
        let ready = conditions.into_iter().find(|one| one.type_ == condition::READY);
        let message = ready.context("no condition Ready")?.message;
        ensure!(message.contains(container), "{name}: {message}");
        println!("{name}: {message}");
    }
    space.delete().await
}
