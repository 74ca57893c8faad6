//! Asking an agent's OpenCode itself, by the HTTP API of its server, from inside its pod.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{cluster::Space, pods};

/// What the agent's server answers at `path`.
pub async fn get(space: &Space, agent: &str, path: &str) -> Result<Value> {
    ask(space, agent, path, None).await
}

/// What the agent says to a prompt, in a session of its own.
pub async fn prompt(space: &Space, agent: &str, text: &str) -> Result<String> {
    let session = ask(space, agent, "/session", Some(json!({}))).await?;
    let id = session["id"].as_str().with_context(|| format!("no session: {session}"))?;
    let message = json!({ "parts": [{ "type": "text", "text": text }] });
    let answer = ask(space, agent, &format!("/session/{id}/message"), Some(message)).await?;
    let parts = answer["parts"].as_array().with_context(|| format!("no answer: {answer}"))?;
    Ok(parts.iter().filter_map(|part| part["text"].as_str()).collect())
}

async fn ask(space: &Space, agent: &str, path: &str, body: Option<Value>) -> Result<Value> {
    let pod = pods::of_agent(space, agent).await?;
    let script = r#"curl --silent --show-error --max-time 30 --user "opencode:$OPENCODE_SERVER_PASSWORD" \
        --header content-type:application/json ${2:+--data "$2"} "http://localhost:4096$1" 2>&1"#;
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let answer = pods::exec(space, &pod, &["/bin/bash", "-c", script, "bash", path, &body]).await?;
    serde_json::from_str(&answer).with_context(|| format!("{path}: {answer:?}"))
}
