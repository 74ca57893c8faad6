//! What an agent is given is what OpenCode has: asked over its own HTTP API, and told to its model.

use anyhow::{Context, Result, ensure};
use e2e::{agents, cluster::Space, git_server::GitServer, opencode, settings};
use serde_json::{Value, json};

/// The names in a list of OpenCode's, such as that of its skills.
fn names(list: &Value) -> Vec<&str> {
    let entries = list.as_array().into_iter().flatten();
    entries.filter_map(|entry| entry["name"].as_str()).collect()
}

#[tokio::test]
async fn opencode_has_the_skills_instructions_and_configuration_of_its_agent() -> Result<()> {
    let space = Space::new("knowledge").await?;
    let server = GitServer::start(&space).await?;
    let skill = |name: &str| format!("---\nname: {name}\ndescription: Knows {name}\n---\nDo it.\n");
    let (release, hidden) = (skill("release"), skill("hidden"));
    let files = [
        ("AGENTS.md", "The canary of the repository is a blue heron.\n"),
        ("skills/release/SKILL.md", &*release),
        ("skills/hidden/SKILL.md", &*hidden),
    ];
    server.commit(&files, "one").await?;
    let repository = server.repository();
    let mut config = settings::opencode()?;
    config["agent"] = json!({ "reviewer": { "description": "Reviews", "prompt": "Review." } });
    config["command"] = json!({ "ship": { "description": "Ships", "template": "Ship it." } });
    let spec = json!({
        "config": config,
        "contexts": [
            { "name": "code", "type": "Git", "mountPath": "/workspace", "git": { "repository": repository } },
            { "name": "rules", "type": "Text", "text": "The canary of the context is a red kite." },
        ],
        "skills": [{ "name": "team", "git": { "repository": repository, "path": "skills", "names": ["release"] } }],
    });
    agents::ready(&space, "learned", spec).await?;
    let get = async |path| opencode::get(&space, "learned", path).await;

    let skills = get("/skill").await?;
    ensure!(names(&skills).contains(&"release") && !names(&skills).contains(&"hidden"), "{skills}");
    let skill = skills.as_array().into_iter().flatten().find(|skill| skill["name"] == "release");
    let location = &skill.context("no skill")?["location"];
    ensure!(location == "/skills/team/release/SKILL.md", "{location}");
    ensure!(names(&get("/agent").await?).contains(&"reviewer"));
    ensure!(names(&get("/command").await?).contains(&"ship"));
    let known = get("/config").await?;
    ensure!(known["model"] == config["model"], "{known}");
    ensure!(known["skills"]["paths"] == json!(["/skills/team"]), "{known}");
    ensure!(known["instructions"] == json!([".kubeopencode/context.md"]), "{known}");

    // The model sees both canaries; what nobody wrote it does not see.
    for (part, expected) in [
        ("blue heron", "The canary of the repository is a blue heron."),
        ("red kite", "The canary of the context is a red kite."),
        ("grey owl", "nothing with \"grey owl\" in it."),
    ] {
        let prompt = format!("quote the line with {part}");
        let answer = opencode::prompt(&space, "learned", &prompt).await?;
        ensure!(answer.contains(expected), "{part}: {answer}");
    }
    space.delete().await
}
