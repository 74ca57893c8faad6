//! What the Prometheus beside the tests knows, by its HTTP API.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use form_urlencoded::Serializer;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{http, settings};

/// The alerts, as Prometheus and promtool read them.
pub const RULES: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../helm/kubeopencode/rules/kubeopencode.yaml"
));

/// Of a series, an alert or a replica.
pub type Labels = BTreeMap<String, String>;

/// A rule as Prometheus has it.
#[derive(Debug, Deserialize)]
pub struct Rule {
    pub name: String,
    /// `ok`, or that it cannot be judged.
    pub health: String,
}

/// An alert whose condition holds.
#[derive(Debug, Deserialize)]
pub struct Alert {
    pub labels: Labels,
    /// What it tells people, its template filled.
    pub annotations: BTreeMap<String, String>,
    /// `pending` until it has held for long enough, then `firing`.
    pub state: String,
}

/// A replica that is scraped.
#[derive(Debug, Deserialize)]
pub struct Target {
    pub labels: Labels,
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
struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Targets {
    active_targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Vector {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: Labels,
}

impl Alert {
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }
}

pub async fn rules() -> Result<Vec<Rule>> {
    let rules: Rules = ask("/api/v1/rules", &[("type", "alert")]).await?;
    Ok(rules.groups.into_iter().flat_map(|group| group.rules).collect())
}

/// Those that fire now and have this label.
pub async fn firing(label: &str, value: &str) -> Result<Vec<Alert>> {
    let mut alerts = ask::<Alerts>("/api/v1/alerts", &[]).await?.alerts;
    alerts.retain(|alert| {
        alert.state == "firing" && alert.labels.get(label).is_some_and(|is| is == value)
    });
    Ok(alerts)
}

/// The names of the alerts that have fired at any time and had this label.
pub async fn ever_fired(label: &str, value: &str) -> Result<BTreeSet<String>> {
    let alerts = format!("ALERTS{{alertstate=\"firing\",{label}=\"{value}\"}}");
    let fired = query(&format!("max_over_time({alerts}[1h])")).await?;
    Ok(fired.into_iter().filter_map(|mut labels| labels.remove("alertname")).collect())
}

pub async fn targets() -> Result<Vec<Target>> {
    Ok(ask::<Targets>("/api/v1/targets", &[("state", "active")]).await?.active_targets)
}

/// The series that a query has at this moment.
pub async fn query(query: &str) -> Result<Vec<Labels>> {
    let vector: Vector = ask("/api/v1/query", &[("query", query)]).await?;
    Ok(vector.result.into_iter().map(|series| series.metric).collect())
}

/// Lets it read its rules anew.
pub async fn reload() -> Result<()> {
    let answer = http::post_at(&settings::prometheus()?, "/-/reload").await?;
    ensure!(answer.status.is_success(), "Prometheus refuses the rules: {}", answer.body);
    Ok(())
}

async fn ask<T: DeserializeOwned>(path: &str, parameters: &[(&str, &str)]) -> Result<T> {
    let parameters = Serializer::new(String::new()).extend_pairs(parameters).finish();
    let path = format!("{path}?{parameters}");
    let answer = http::get_at(&settings::prometheus()?, &path, &[]).await?;
    ensure!(answer.status.is_success(), "{path}: {}: {}", answer.status, answer.body);
    Ok(serde_json::from_str::<Answer<T>>(&answer.body).context(path)?.data)
}
