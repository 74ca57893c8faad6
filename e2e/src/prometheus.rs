//! What the Prometheus beside the tests knows, by its HTTP API.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use form_urlencoded::Serializer;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

use crate::{http, settings};

/// An alert as Prometheus has it.
#[derive(Debug, Deserialize)]
pub struct Rule {
    pub name: String,
    /// `ok`, or that it cannot be judged.
    pub health: String,
}

/// A replica that is scraped.
#[derive(Debug, Deserialize)]
pub struct Target {
    pub labels: BTreeMap<String, String>,
    /// `up`, `down` or `unknown`.
    pub health: String,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Targets {
    active_targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Vector {
    result: Vec<IgnoredAny>,
}

pub async fn rules() -> Result<Vec<Rule>> {
    let rules: Rules = ask("/api/v1/rules", &[("type", "alert")]).await?;
    Ok(rules.groups.into_iter().flat_map(|group| group.rules).collect())
}

pub async fn targets() -> Result<Vec<Target>> {
    Ok(ask::<Targets>("/api/v1/targets", &[("state", "active")]).await?.active_targets)
}

/// How many series a query has at this moment.
pub async fn series(query: &str) -> Result<usize> {
    Ok(ask::<Vector>("/api/v1/query", &[("query", query)]).await?.result.len())
}

async fn ask<T: DeserializeOwned>(path: &str, parameters: &[(&str, &str)]) -> Result<T> {
    let parameters = Serializer::new(String::new()).extend_pairs(parameters).finish();
    let path = format!("{path}?{parameters}");
    let answer = http::get_at(&settings::prometheus()?, &path, &[]).await?;
    ensure!(answer.status.is_success(), "{path}: {}: {}", answer.status, answer.body);
    Ok(serde_json::from_str::<Answer<T>>(&answer.body).context(path)?.data)
}
